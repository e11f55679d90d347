package cli

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/lineage/draw"
)

// drawings are the outputs that are pictures.
var drawings = map[string]func(io.Writer, *draw.Picture) error{
	"dot": draw.DOT, "mermaid": draw.Mermaid, "svg": draw.SVG, "html": draw.HTML,
}

// Beyond maxBoxes the partitions of a dataset, and the files of a directory, are drawn as one; more
// than mostBoxes nobody could read.
const (
	maxBoxes  = 500
	mostBoxes = 2000
)

// picture draws what lies around the roots of a view.
func picture(v *view, title string) (*draw.Picture, error) {
	up, down := v.directions()
	part := v.graph.Part(v.roots, up, down, v.depth)
	p := &draw.Picture{Title: title, Notes: []string{v.says(up, down)}}
	if len(part.Nodes) <= maxBoxes {
		for _, n := range part.Nodes {
			p.Nodes = append(p.Nodes, v.box(n))
		}
		for _, e := range part.Edges {
			p.Edges = append(p.Edges, draw.Edge{From: e[0], To: e[1], Faint: v.without(part.Nodes[e[0]], part.Nodes[e[1]])})
		}
		return p, nil
	}
	v.gather(p, part)
	p.Notes = append(p.Notes, fmt.Sprintf("%s and %s: too many to draw one by one, so partitions of a dataset and files of a directory are drawn together",
		plural(int64(len(part.Nodes)), "thing", "things"), plural(int64(len(part.Edges)), "edge", "edges")))
	if len(p.Nodes) > mostBoxes {
		return nil, usage("%s would have to be drawn, even together", plural(int64(len(p.Nodes)), "thing", "things")).
			With("say less with --depth, --up or --down; -o json has it all")
	}
	return p, nil
}

// without reports whether a version was computed again since without one of its inputs, and came out
// the same.
func (v *view) without(in, made lineage.Node) bool {
	s := v.graph.State(made)
	return s != nil && slices.Contains(s.Without, in)
}

// says is what a picture shows.
func (v *view) says(up, down bool) string {
	text := "made of and made from it"
	switch {
	case !down:
		text = "what it was made of"
	case !up:
		text = "what was made from it"
	}
	if v.depth >= 0 {
		text += ", " + plural(int64(v.depth), "step", "steps") + " away"
	}
	if !v.at.IsZero() {
		text += ", as of " + v.at.Local().Format(time.DateTime)
	}
	return text
}

// box is how a node is drawn.
func (v *view) box(n lineage.Node) draw.Node {
	b := draw.Node{Kind: draw.Kind(n.Kind()), Label: n.String(), Root: isRoot(v.roots, n)}
	switch n.Kind() {
	case lineage.VersionKind:
		v.versionBox(&b, n)
	case lineage.FileKind:
		if len(n.SHA256) > 12 {
			b.Under = "sha256 " + n.SHA256[:12]
		}
		fact(&b, "sha256", n.SHA256)
	case lineage.StageKind:
		b.Label, b.Under = n.Stage, "stage of "+n.Pipeline
		if f := v.graph.Flow(n); f != nil && len(f.Stages) > 1 {
			fact(&b, "consists of", strings.Join(f.Stages, ", "))
		}
	case lineage.SourceKind:
		fact(&b, "source", n.Source)
	case lineage.DatasetKind:
		if f := v.graph.Flow(n); f != nil {
			heldBox(&b, f)
		}
	}
	return b
}

func fact(b *draw.Node, name, text string) {
	if text != "" {
		b.Facts = append(b.Facts, draw.Fact{Name: name, Text: text})
	}
}

func heldBox(b *draw.Node, f *lineage.Flow) {
	fact(b, "by stage", f.Stage+" of "+f.Pipeline)
	if f.Partitions == 0 {
		return
	}
	b.Under = holdText(f.Held)
	fact(b, "bytes", count(f.Bytes))
	fact(b, "took", seconds(f.Seconds))
}

// maxFacts bounds the files of a version that a picture names.
const maxFacts = 20

func (v *view) versionBox(b *draw.Node, n lineage.Node) {
	m, s := v.graph.Made(n), v.graph.State(n)
	if m == nil || s == nil {
		b.State, b.Under = draw.Unknown, "not on record"
		return
	}
	b.State, b.Under = draw.Current, "current"
	if !s.Current {
		b.State, b.Under = draw.Replaced, fmt.Sprintf("replaced by v%d", s.ReplacedBy)
	}
	if v.stages {
		b.Under = "by " + m.Stage + " of " + m.Pipeline + ", " + b.Under
	}
	fact(b, "state", s.String())
	fact(b, "published", m.Published.Local().Format(time.DateTime)+" by "+m.Actor)
	fact(b, "run", m.Run)
	fact(b, "stage", strings.Join(m.Stages, ", ")+" of "+m.Pipeline)
	fact(b, "fingerprint", m.Code)
	fact(b, "size", plural(m.Rows, "row", "rows")+", "+count(m.Bytes)+" bytes")
	fact(b, "took", seconds(m.Seconds))
	fact(b, "approved", strings.Join(m.Approved, ", "))
	for i, f := range m.Files {
		if i == maxFacts {
			fact(b, "files", "and "+count(int64(len(m.Files)-i))+" more")
			break
		}
		fact(b, "file "+f.Path, "sha256 "+f.SHA256)
	}
}

// gather draws the partitions of a dataset as one, and the files of a directory.
func (v *view) gather(p *draw.Picture, part *lineage.Part) {
	type pile struct{ at, of, current int }
	piles, place := map[string]*pile{}, make([]int, len(part.Nodes))
	for i, n := range part.Nodes {
		key := string(n.Kind()) + " " + gathered(n)
		if isRoot(v.roots, n) && len(v.roots) < maxBoxes/2 || gathered(n) == "" {
			key = fmt.Sprint(i)
		}
		if piles[key] == nil {
			piles[key] = &pile{at: len(p.Nodes)}
			p.Nodes = append(p.Nodes, v.box(n))
		}
		of := piles[key]
		place[i] = of.at
		of.of++
		if s := v.graph.State(n); s != nil && s.Current {
			of.current++
		}
		if of.of > 1 {
			b := &p.Nodes[of.at]
			*b = draw.Node{Kind: draw.Many, Label: gathered(n), Under: count(int64(of.of)) + " files", Root: b.Root || isRoot(v.roots, n)}
			if n.Kind() == lineage.VersionKind {
				b.Under = fmt.Sprintf("%s versions, %s current", count(int64(of.of)), count(int64(of.current)))
			}
		}
	}
	seen := map[[2]int]bool{}
	for _, e := range part.Edges {
		ends := [2]int{place[e[0]], place[e[1]]}
		if !seen[ends] {
			seen[ends] = true
			p.Edges = append(p.Edges, draw.Edge{From: ends[0], To: ends[1]})
		}
	}
}

// gathered is what a node is drawn together under; empty: it stays alone.
func gathered(n lineage.Node) string {
	switch n.Kind() {
	case lineage.VersionKind:
		return n.Dataset
	case lineage.FileKind:
		return path.Join(path.Dir(n.File), "*"+path.Ext(n.File))
	}
	return ""
}
