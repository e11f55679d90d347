package draw

import (
	"strings"
	"unicode/utf8"
)

// Sizes in pixels.
const (
	letterWidth = 7.3 // of a label
	smallWidth  = 6.5 // of the line under it
	nodePad     = 14
	cornerWidth = 8 // what a corner turned down, or the sign of a state, takes
	nodeHeight  = 34
	tallHeight  = 50 // with a line under the label
	rowGap      = 16
	pointHeight = 2
	layerGap    = 72
	margin      = 28
	longest     = 46 // letters of a label; the middle is left out of longer ones
)

// box is where a node, or a point of an edge, is drawn: x and y are its left upper corner.
type box struct{ x, y, w, h float64 }

func (b box) middle() float64 { return b.y + b.h/2 }

// placed is a sheet with boxes.
type placed struct {
	*sheet
	boxes         []box
	width, height float64
}

// place gives everything its box.
func place(p *Picture) *placed {
	d := &placed{sheet: arrange(p)}
	d.boxes = make([]box, len(d.layer))
	for i := range d.boxes {
		d.boxes[i].h = pointHeight
		if i < len(p.Nodes) {
			d.boxes[i].w, d.boxes[i].h = size(p.Nodes[i])
		}
	}
	d.columns()
	d.rows()
	return d
}

func size(n Node) (w, h float64) {
	w = letterWidth * float64(utf8.RuneCountInString(clip(n.Label)))
	h = nodeHeight
	if n.Under != "" {
		w = max(w, labelWidth(n.Under))
		h = tallHeight
	}
	if n.State != "" || n.Kind == File || n.Kind == Source {
		w += cornerWidth
	}
	return max(w, 60) + 2*nodePad, h
}

// clip leaves out the middle of a long text: what tells two paths apart is often the end.
func clip(text string) string {
	r := []rune(text)
	if len(r) <= longest {
		return text
	}
	return string(r[:longest/2-1]) + "…" + string(r[len(r)-longest/2:])
}

// columns sets the layers beside each other.
func (d *placed) columns() {
	x, gap := float64(margin), d.gap()
	for _, layer := range d.layers {
		wide := 0.0
		for _, n := range layer {
			wide = max(wide, d.boxes[n].w)
		}
		for _, n := range layer {
			b := &d.boxes[n]
			if n >= len(d.p.Nodes) {
				b.w = wide // an edge goes straight through
			}
			b.x = x + (wide-b.w)/2
		}
		x += wide + gap
	}
	d.width = max(x-gap, margin) + margin
}

// gap is how far apart layers are: labels of edges stand there.
func (d *placed) gap() float64 {
	gap := float64(layerGap)
	for _, e := range d.p.Edges {
		gap = max(gap, labelWidth(e.Label)+20)
	}
	return gap
}

func labelWidth(text string) float64 { return smallWidth * float64(utf8.RuneCountInString(clip(text))) }

// rows sets places under each other, and then draws each towards those that it is joined to.
func (d *placed) rows() {
	for _, layer := range d.layers {
		y := 0.0
		for _, n := range layer {
			d.boxes[n].y = y
			y += d.boxes[n].h + rowGap
		}
	}
	for k := range sweeps {
		near := d.left
		if k%2 == 1 {
			near = d.right
		}
		for _, layer := range d.layers {
			d.settle(layer, near)
		}
	}
	top, bottom := 0.0, 0.0
	for i, b := range d.boxes {
		if i == 0 || b.y < top {
			top = b.y
		}
		bottom = max(bottom, b.y+b.h)
	}
	for i := range d.boxes {
		d.boxes[i].y += margin - top
	}
	d.height = bottom - top + 2*margin
}

// settle moves the places of a layer to the mean of those they are joined to, as far as their order
// lets them: those that want the same place share it around its middle.
func (d *placed) settle(layer []int, near [][]int) {
	type group struct {
		first, last int     // in the layer
		sum, size   float64 // of the tops that are wanted, less what stands before in the group
		height      float64
	}
	var groups []group
	for i, n := range layer {
		b := d.boxes[n]
		want := b.y
		if len(near[n]) > 0 {
			mean := 0.0
			for _, m := range near[n] {
				mean += d.boxes[m].middle() / float64(len(near[n]))
			}
			want = mean - b.h/2
		}
		g := group{i, i, want, 1, b.h + rowGap}
		for len(groups) > 0 {
			above := groups[len(groups)-1]
			if above.sum/above.size+above.height <= g.sum/g.size {
				break
			}
			g = group{above.first, g.last, above.sum + g.sum - g.size*above.height, above.size + g.size, above.height + g.height}
			groups = groups[:len(groups)-1]
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		y := g.sum / g.size
		for _, n := range layer[g.first : g.last+1] {
			d.boxes[n].y = y
			y += d.boxes[n].h + rowGap
		}
	}
}

// used are the kinds in the picture, in the order of a legend.
func used(p *Picture) (names []string, of []Kind) {
	for _, k := range kinds {
		for _, n := range p.Nodes {
			if n.Kind == k.kind {
				names, of = append(names, k.name), append(of, k.kind)
				break
			}
		}
	}
	return names, of
}

// tip is all there is to say of a node, a line each.
func tip(n Node) string {
	lines := []string{n.Label}
	if n.Under != "" {
		lines = append(lines, n.Under)
	}
	for _, f := range n.Facts {
		lines = append(lines, f.Name+": "+f.Text)
	}
	return strings.Join(lines, "\n")
}
