package draw

import (
	"fmt"
	"io"
	"strings"
)

// dotLooks are the attributes of nodes by kind.
var dotLooks = map[Kind]string{
	Version: `shape=box, style="rounded,filled", fillcolor="#e7f0fa"`,
	File:    `shape=note, style=filled, fillcolor="#f1f3f5"`,
	Dataset: `shape=cylinder, style=filled, fillcolor="#e7f0fa"`,
	Stage:   `shape=box, style="rounded,filled", fillcolor="#f4e9f7"`,
	Source:  `shape=folder, style=filled, fillcolor="#f1f3f5"`,
	Column:  `shape=box, style=filled, fillcolor="#ffffff"`,
	Many:    `shape=box3d, style=filled, fillcolor="#e7f0fa"`,
}

// DOT writes the picture for Graphviz.
func DOT(w io.Writer, p *Picture) error {
	var b strings.Builder
	b.WriteString("digraph lineage {\n  rankdir=LR;\n  node [fontname=\"Helvetica\", fontsize=11];\n  edge [color=\"#626b76\", arrowsize=0.7];\n")
	fmt.Fprintf(&b, "  label=%s;\n", dotQuote(strings.Join(append([]string{p.Title}, p.Notes...), "\n")))
	for i, n := range p.Nodes {
		label := n.Label
		if n.Under != "" {
			label += "\n" + n.Under
		}
		look := dotLooks[n.Kind]
		if n.State == Replaced || n.State == Unknown {
			look += `, color="#9a6500", fontcolor="#626b76"`
		}
		if n.Root {
			look += ", penwidth=2.5"
		}
		fmt.Fprintf(&b, "  n%d [label=%s, %s];\n", i, dotQuote(label), look)
	}
	for _, e := range p.Edges {
		var more []string
		if e.Label != "" {
			more = append(more, "label="+dotQuote(e.Label))
		}
		if e.Faint {
			more = append(more, "style=dashed")
		}
		fmt.Fprintf(&b, "  n%d -> n%d", e.From, e.To)
		if len(more) > 0 {
			fmt.Fprintf(&b, " [%s]", strings.Join(more, ", "))
		}
		b.WriteString(";\n")
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotQuote writes a text in quotes. A backslash in a label begins an escape, of which \n alone is
// wanted.
func dotQuote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ", "\x00", " ").Replace(text) + `"`
}
