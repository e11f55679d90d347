package draw

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"unicode"
)

//go:embed picture.css
var pictureStyle string

// SVG writes the picture, laid out in layers from left to right. It follows the colours of who
// looks at it, light or dark.
func SVG(w io.Writer, p *Picture) error {
	d := place(p)
	head := captionHeight(p)
	width, height := max(d.width, captionWidth(p)), d.height+head
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" class="lineage">`+"\n",
		num(width), num(height), num(width), num(height))
	fmt.Fprintf(&b, "<title>%s</title>\n<style>\n%s</style>\n", xmlText(p.Title), pictureStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%s" height="%s"/>`+"\n", num(width), num(height))
	fmt.Fprintf(&b, `<text class="title" x="%d" y="34">%s</text>`+"\n", margin, xmlText(p.Title))
	for i, note := range p.Notes {
		fmt.Fprintf(&b, `<text class="note" x="%d" y="%d">%s</text>`+"\n", margin, 54+18*i, xmlText(note))
	}
	fmt.Fprintf(&b, `<g transform="translate(0 %s)">`+"\n", num(head))
	d.draw(&b)
	b.WriteString("</g>\n</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func captionHeight(p *Picture) float64 { return float64(34 + 18*len(p.Notes)) }

func captionWidth(p *Picture) float64 {
	wide := 10 * len([]rune(p.Title))
	for _, n := range p.Notes {
		wide = max(wide, 7*len([]rune(n)))
	}
	return float64(wide + 2*margin)
}

// draw writes edges, and nodes over them.
func (d *placed) draw(b *strings.Builder) {
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0.6 L7.4 4 L0 7.4 z"/></marker></defs>` + "\n")
	for i, e := range d.p.Edges {
		d.edge(b, i, e)
	}
	for i, n := range d.p.Nodes {
		d.node(b, i, n)
	}
}

func (d *placed) edge(b *strings.Builder, i int, e Edge) {
	class := "edge"
	if e.Faint {
		class += " faint"
	}
	marker := "marker-end"
	if d.turned[i] && e.From != e.To {
		marker = "marker-start"
	}
	fmt.Fprintf(b, `<g class="%s" data-from="%d" data-to="%d"><path d="%s" %s="url(#tip)"/>`, class, e.From, e.To, d.path(d.chains[i]), marker)
	if e.Label != "" {
		x, y := d.halfway(d.chains[i])
		fmt.Fprintf(b, `<text x="%s" y="%s">%s</text>`, num(x), num(y+4), xmlText(clip(e.Label)))
	}
	b.WriteString("</g>\n")
}

// path is a curve through boxes: straight through points, bent between layers.
func (d *placed) path(way []int) string {
	var b strings.Builder
	first := d.boxes[way[0]]
	fmt.Fprintf(&b, "M%s %s", num(first.x+first.w), num(first.middle()))
	if len(way) == 2 && way[0] == way[1] { // to itself, over its top
		right := first.x + first.w
		fmt.Fprintf(&b, " C%s %s %s %s %s %s", num(right+30), num(first.middle()), num(right), num(first.y-30), num(first.x+first.w/2), num(first.y-1))
		return b.String()
	}
	x, y := first.x+first.w, first.middle()
	for k, n := range way[1:] {
		to := d.boxes[n]
		end := to.x
		if k == len(way)-2 {
			end -= 1 // the tip of the arrow
		}
		bend := (end - x) / 2
		fmt.Fprintf(&b, " C%s %s %s %s %s %s", num(x+bend), num(y), num(end-bend), num(to.middle()), num(end), num(to.middle()))
		if n >= len(d.p.Nodes) {
			fmt.Fprintf(&b, " H%s", num(to.x+to.w))
			end = to.x + to.w
		}
		x, y = end, to.middle()
	}
	return b.String()
}

// halfway is where the label of an edge stands.
func (d *placed) halfway(way []int) (x, y float64) {
	k := (len(way) - 1) / 2
	a, b := d.boxes[way[k]], d.boxes[way[k+1]]
	return (a.x + a.w + b.x) / 2, (a.middle() + b.middle()) / 2
}

func (d *placed) node(b *strings.Builder, i int, n Node) {
	at := d.boxes[i]
	class := "node k-" + string(n.Kind)
	if n.State != "" {
		class += " s-" + string(n.State)
	}
	if n.Root {
		class += " root"
	}
	fmt.Fprintf(b, `<g class="%s" data-node="%d" transform="translate(%s %s)"><title>%s</title>`, class, i, num(at.x), num(at.y), xmlText(tip(n)))
	d.shape(b, n, at)
	y := at.h/2 + 4.5
	if n.Under != "" {
		y = 21
		fmt.Fprintf(b, `<text class="under" x="%d" y="38">%s</text>`, nodePad, xmlText(clip(n.Under)))
	}
	fmt.Fprintf(b, `<text class="label" x="%d" y="%s">%s</text>`, nodePad, num(y), xmlText(clip(n.Label)))
	if n.State != "" {
		fmt.Fprintf(b, `<circle class="dot" cx="%s" cy="12" r="4"/>`, num(at.w-12))
	}
	b.WriteString("</g>\n")
}

// shape draws what is around a node: a stage is round, a file has a corner turned down, several
// are a pile.
func (*placed) shape(b *strings.Builder, n Node, at box) {
	w, h := num(at.w), num(at.h)
	switch n.Kind {
	case Stage:
		fmt.Fprintf(b, `<rect class="box" width="%s" height="%s" rx="%s"/>`, w, h, num(at.h/2))
	case File, Source:
		const fold = 10
		fmt.Fprintf(b, `<path class="box" d="M0 5 q0 -5 5 -5 H%s l%d %d V%s q0 5 -5 5 H5 q-5 0 -5 -5 z"/>`, num(at.w-fold), fold, fold, num(at.h-5))
		fmt.Fprintf(b, `<path class="fold" d="M%s 0 v%d h%d"/>`, num(at.w-fold), fold, fold)
	case Many:
		fmt.Fprintf(b, `<rect class="box" x="6" y="6" width="%s" height="%s" rx="7"/><rect class="box" x="3" y="3" width="%s" height="%s" rx="7"/>`, w, h, w, h)
		fmt.Fprintf(b, `<rect class="box" width="%s" height="%s" rx="7"/>`, w, h)
	default:
		fmt.Fprintf(b, `<rect class="box" width="%s" height="%s" rx="7"/><path class="bar" d="M3.5 7 V%s"/>`, w, h, num(at.h-7))
	}
}

// num writes a number as short as it is exact to a tenth.
func num(f float64) string {
	text := fmt.Sprintf("%.1f", f)
	return strings.TrimSuffix(text, ".0")
}

// xmlText escapes a text for XML and HTML, in elements and in attributes. What neither may hold is
// shown as a sign of its own.
func xmlText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&#34;")
		case r == '\'':
			b.WriteString("&#39;")
		case r == '\n':
			b.WriteByte('\n')
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0xFFFE, r == 0xFFFF:
			b.WriteRune('�')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
