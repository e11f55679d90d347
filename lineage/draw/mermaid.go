package draw

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// mermaidShapes are what stands around the labels of nodes, by kind.
var mermaidShapes = map[Kind][2]string{
	Version: {"(", ")"},
	File:    {"[", "]"},
	Dataset: {"[(", ")]"},
	Stage:   {"([", "])"},
	Source:  {"[/", "/]"},
	Column:  {"[", "]"},
	Many:    {"[[", "]]"},
}

// Mermaid writes the picture as a flowchart of Mermaid, as Markdown of GitHub and GitLab shows it
// between fences.
func Mermaid(w io.Writer, p *Picture) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, line := range append([]string{p.Title}, p.Notes...) {
		fmt.Fprintf(&b, "  %%%% %s\n", mermaidComment(line))
	}
	for i, n := range p.Nodes {
		label := mermaidText(n.Label)
		if n.Under != "" {
			label += "<br/>" + mermaidText(n.Under)
		}
		shape := mermaidShapes[n.Kind]
		fmt.Fprintf(&b, "  n%d%s\"%s\"%s\n", i, shape[0], label, shape[1])
	}
	for _, e := range p.Edges {
		arrow := "-->"
		if e.Faint {
			arrow = "-.->"
		}
		if e.Label != "" {
			arrow += `|"` + mermaidText(e.Label) + `"|`
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", e.From, arrow, e.To)
	}
	mermaidClass(&b, p, "root", "stroke-width:3px", func(n Node) bool { return n.Root })
	mermaidClass(&b, p, "past", "stroke-dasharray:4 3,opacity:0.7", func(n Node) bool { return n.State == Replaced || n.State == Unknown })
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidClass gives a style to some nodes.
func mermaidClass(b *strings.Builder, p *Picture, name, style string, is func(Node) bool) {
	var of []string
	for i, n := range p.Nodes {
		if is(n) {
			of = append(of, fmt.Sprintf("n%d", i))
		}
	}
	if len(of) > 0 {
		fmt.Fprintf(b, "  classDef %s %s\n  class %s %s\n", name, style, strings.Join(of, ","), name)
	}
}

// mermaidText writes a text for between quotes: what could mean something to Mermaid, Markdown or
// HTML is written by its number.
func mermaidText(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" ./_@=,:", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}

// mermaidComment keeps a comment on its line, and free of what begins a directive.
func mermaidComment(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune("{}%", r) {
			return ' '
		}
		return r
	}, text)
}
