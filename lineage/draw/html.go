package draw

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// pageNode is what the page's script is told of a node.
type pageNode struct {
	Kind  string  `json:"kind"`
	Label string  `json:"label"`
	Under string  `json:"under,omitempty"`
	Facts []Fact  `json:"facts,omitempty"`
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	W     float64 `json:"w"`
	H     float64 `json:"h"`
}

// HTML writes the picture as one page that needs nothing else and asks nothing of the network: it
// can be moved, zoomed and searched, and tells more of a node that is clicked. Its policy lets a
// browser run the page's own script and nothing that somebody may have brought into a name.
func HTML(w io.Writer, p *Picture) error {
	d := place(p)
	data, err := d.data()
	if err != nil {
		return err
	}
	var picture strings.Builder
	d.draw(&picture)
	style := pictureStyle + pageStyle
	_, err = strings.NewReplacer(
		"{{policy}}", policy(style, pageScript), "{{title}}", xmlText(p.Title), "{{notes}}", xmlText(strings.Join(p.Notes, " · ")),
		"{{style}}", style, "{{width}}", num(d.width), "{{height}}", num(d.height), "{{picture}}", picture.String(),
		"{{legend}}", legend(p), "{{data}}", data, "{{script}}", pageScript,
	).WriteString(w, pageText)
	return err
}

// policy allows just this style and this script, by their digests.
func policy(style, script string) string {
	digest := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src " + digest(style) + "; script-src " + digest(script)
}

// data is JSON in which no letter ends the element that it stands in: json.Marshal writes <, > and &
// by their numbers.
func (d *placed) data() (string, error) {
	nodes := make([]pageNode, len(d.p.Nodes))
	for i, n := range d.p.Nodes {
		b := d.boxes[i]
		nodes[i] = pageNode{string(n.Kind), n.Label, n.Under, n.Facts, b.x, b.y, b.w, b.h}
	}
	edges := make([][2]int, len(d.p.Edges))
	for i, e := range d.p.Edges {
		edges[i] = [2]int{e.From, e.To}
	}
	text, err := json.Marshal(map[string]any{"nodes": nodes, "edges": edges})
	return string(text), err
}

// legend says what shapes and colours mean.
func legend(p *Picture) string {
	var b strings.Builder
	entry := func(class, name string, n Node) {
		fmt.Fprintf(&b, `<span><svg class="lineage" width="34" height="20" viewBox="-1 -1 36 22" aria-hidden="true"><g class="node %s">`, class)
		(&placed{}).shape(&b, n, box{w: 30, h: 18})
		if n.State != "" {
			b.WriteString(`<circle class="dot" cx="22" cy="9" r="4"/>`)
		}
		fmt.Fprintf(&b, `</g></svg>%s</span>`, name)
	}
	names, of := used(p)
	for i, k := range of {
		entry("k-"+string(k), names[i], Node{Kind: k})
	}
	for _, s := range []State{Current, Replaced, Unknown} {
		for _, n := range p.Nodes {
			if n.State == s {
				entry("k-version s-"+string(s), stateNames[s], Node{Kind: Version, State: s})
				break
			}
		}
	}
	return b.String()
}

var stateNames = map[State]string{Current: "current", Replaced: "replaced since", Unknown: "not on record"}
