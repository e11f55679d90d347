package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/lineage/draw"
)

// columnView is a graph of columns, and those to begin with.
type columnView struct {
	*lineageFlags
	graph *lineage.ColumnGraph
	roots []lineage.Column
}

// lineageOfColumns shows columns: of the versions that a view reaches, or, of datasets, of what was
// published last.
func (a *app) lineageOfColumns(cmd *cobra.Command, project *penstock.Project, v *view) error {
	up, down := v.directions()
	nodes := v.graph.Part(v.roots, up, down, v.depth).Nodes
	if v.graph.Flow(v.roots[0]) != nil {
		var err error
		if nodes, err = project.LastOf(cmd.Context(), v.graph, nodes, v.at); err != nil {
			return err
		}
	}
	g, err := project.ColumnsOf(cmd.Context(), nodes)
	if err != nil {
		return err
	}
	c := &columnView{v.lineageFlags, g, nil}
	for _, n := range v.roots {
		name := n.Dataset
		if n.Kind() == lineage.FileKind {
			name = n.File
		}
		for _, col := range append(g.Of(name), lineage.Column{Dataset: n.Dataset}) {
			if (len(c.roots) == 0 || c.roots[len(c.roots)-1] != col) && col != (lineage.Column{}) {
				c.roots = append(c.roots, col)
			}
		}
		if n.Kind() != lineage.FileKind {
			break // the roots are partitions of one dataset
		}
	}
	if write := drawings[a.output]; write != nil {
		p, err := c.picture(cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		return write(a.stdout, p)
	}
	for _, root := range c.roots {
		if err := a.showColumn(c, root); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) showColumn(c *columnView, root lineage.Column) error {
	up, down := c.directions()
	for _, way := range []struct {
		title string
		dir   lineage.Direction
		asked bool
	}{{"made of", lineage.Up, up}, {"made from it", lineage.Down, down}} {
		if !way.asked {
			continue
		}
		t := c.graph.Walk(root, way.dir, c.depth)
		if a.output == "json" {
			if err := a.printJSON(map[string]any{"direction": way.title, "columns": t}); err != nil {
				return err
			}
			continue
		}
		a.print("%s (%s)%s\n", columnName(root), way.title, columnNotes(t))
		if len(t.Next) == 0 && t.Unknown == "" {
			a.print("  nothing\n")
		}
		a.printColumns(t, "  ")
	}
	return nil
}

func (a *app) printColumns(t *lineage.ColumnTree, indent string) {
	for i, next := range t.Next {
		branch, below := "├─ ", "│  "
		if i == len(t.Next)-1 {
			branch, below = "└─ ", "   "
		}
		how := ""
		if next.How != "" {
			how = " (" + string(next.How) + ")"
		}
		a.print("%s%s%s%s%s\n", indent, branch, columnName(next.Column), how, columnNotes(next))
		a.printColumns(next, indent+below)
	}
}

// columnName is how people write a column. One without a name stands for rows.
func columnName(c lineage.Column) string {
	of, between := c.Dataset, "."
	if of == "" {
		of, between = lineage.Node{Source: c.Source}.String(), ": "
	}
	if c.Name == "" {
		return "the rows of " + of
	}
	return of + between + c.Name
}

func columnNotes(t *lineage.ColumnTree) string {
	var all []string
	if t.Seen {
		all = append(all, "see above")
	}
	if len(t.Tags) > 0 {
		all = append(all, "tags: "+strings.Join(t.Tags, ", "))
	}
	if t.Unknown != "" {
		all = append(all, "unknown: "+t.Unknown)
	}
	if len(all) == 0 {
		return ""
	}
	return "  " + strings.Join(all, "; ")
}

// picture draws the columns that are reached.
func (c *columnView) picture(title string) (*draw.Picture, error) {
	up, down := c.directions()
	p := &draw.Picture{Title: title, Notes: []string{"columns: " + (&view{lineageFlags: c.lineageFlags}).says(up, down)}}
	places := map[lineage.Column]int{}
	place := func(col lineage.Column) int {
		i, ok := places[col]
		if !ok {
			i = len(p.Nodes)
			places[col] = i
			p.Nodes = append(p.Nodes, c.box(col))
		}
		return i
	}
	drawn := map[[2]int]int{}
	edge := func(from, to lineage.Column, e lineage.ColumnEdge) {
		ends := [2]int{place(from), place(to)}
		i, ok := drawn[ends]
		if !ok {
			i = len(p.Edges)
			drawn[ends] = i
			p.Edges = append(p.Edges, draw.Edge{From: ends[0], To: ends[1], Faint: true})
		}
		d := &p.Edges[i]
		d.Faint = d.Faint && !e.How.Direct()
		if how := string(e.How); !strings.Contains(", "+d.Label+",", ", "+how+",") {
			d.Label = strings.TrimPrefix(d.Label+", "+how, ", ")
		}
	}
	for _, root := range c.roots {
		p.Nodes[place(root)].Root = true
	}
	if up {
		c.follow(lineage.Up, func(at lineage.Column, e lineage.ColumnEdge) { edge(e.Column, at, e) })
	}
	if down {
		c.follow(lineage.Down, func(at lineage.Column, e lineage.ColumnEdge) { edge(at, e.Column, e) })
	}
	if len(p.Nodes) > mostBoxes {
		return nil, usage("%s would have to be drawn", plural(int64(len(p.Nodes)), "column", "columns")).
			With("say less with --depth, --up or --down; -o json has it all")
	}
	return p, nil
}

// follow visits the edges in a direction, each once.
func (c *columnView) follow(dir lineage.Direction, each func(lineage.Column, lineage.ColumnEdge)) {
	seen := map[lineage.Column]bool{}
	now := c.roots
	for depth := c.depth; depth != 0 && len(now) > 0; depth-- {
		var next []lineage.Column
		for _, at := range now {
			if seen[at] {
				continue
			}
			seen[at] = true
			for _, e := range c.graph.Edges(at, dir) {
				each(at, e)
				next = append(next, e.Column)
			}
		}
		now = next
	}
}

// box is how a column is drawn.
func (c *columnView) box(col lineage.Column) draw.Node {
	n := draw.Node{Kind: draw.Column, Label: col.Name, Under: col.Dataset}
	if col.Dataset == "" {
		n.Under = lineage.Node{Source: col.Source}.String()
		fact(&n, "source", col.Source)
	}
	if col.Name == "" {
		n.Kind, n.Label = draw.Dataset, "which rows there are"
	}
	fact(&n, "tags", strings.Join(c.graph.Tags(col), ", "))
	if why := c.graph.Unknown(col); why != "" {
		n.State = draw.Unknown
		fact(&n, "unknown", why)
	}
	return n
}
