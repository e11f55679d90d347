package penstock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// columnGraph is what the latest partition of each dataset says of columns.
func (x *impact) columnGraph(ctx context.Context, reached []lineage.Node) (*lineage.ColumnGraph, error) {
	last, err := x.p.LastOf(ctx, x.graph, reached, time.Time{})
	if err != nil {
		return nil, err
	}
	return x.p.ColumnsOf(ctx, last)
}

// starts are the datasets, or the source, whose columns are those of a node.
func (x *impact) starts(root lineage.Node) []lineage.Column {
	if root.Kind() != lineage.StageKind {
		return []lineage.Column{{Dataset: root.Dataset, Source: root.Source}}
	}
	var all []lineage.Column
	for _, n := range x.graph.Reach([]lineage.Node{root}, lineage.Down, 1) {
		if n.Kind() == lineage.DatasetKind {
			all = append(all, lineage.Column{Dataset: n.Dataset})
		}
	}
	return all
}

// columnsOf finds the columns that come from any of a node's.
func (x *impact) columnsOf(ctx context.Context, root lineage.Node, reached []lineage.Node) error {
	g, err := x.columnGraph(ctx, reached)
	if err != nil {
		return err
	}
	found := map[lineage.Column]pipeline.Way{}
	for _, start := range x.starts(root) {
		for _, c := range append(g.Of(cmp.Or(start.Dataset, start.Source)), start) {
			if root.Kind() == lineage.StageKind {
				found[c] = ""
			}
			follow(g, c, found)
		}
	}
	x.take(g, found, reached)
	return nil
}

// byColumn finds the columns that come from one, and leaves of the nodes those that have one of
// them, or whose rows depend on it.
func (x *impact) byColumn(ctx context.Context, root lineage.Node, reached []lineage.Node) ([]lineage.Node, error) {
	g, err := x.columnGraph(ctx, reached)
	if err != nil {
		return nil, err
	}
	x.all = columnsIn(g, reached)
	starts := x.starts(root)
	if len(starts) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "stage %q publishes nothing: its columns are not on record", root.Stage).
			With("name a stage with an output, or leave --column away")
	}
	found := map[lineage.Column]pipeline.Way{}
	var names []string
	for _, start := range starts {
		for _, c := range g.Of(cmp.Or(start.Dataset, start.Source)) {
			names = append(names, c.Name)
			if c.Name == x.Column {
				if root.Kind() == lineage.StageKind {
					found[c] = ""
				}
				follow(g, c, found)
				if rows := (lineage.Column{Dataset: start.Dataset}); x.decides(g, c, rows) {
					found[rows] = ""
					follow(g, rows, found)
				}
			}
		}
	}
	if !slices.Contains(names, x.Column) {
		if len(names) == 0 {
			return nil, pipeline.Errorf(pipeline.Invalid, "nothing is on record of the columns of %q", x.Change).
				With("run the pipeline once, or leave --column away")
		}
		return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("column", x.Column, names))
	}
	touched := x.spread(g, found, reached)
	x.take(g, found, reached)
	return slices.DeleteFunc(reached, func(n lineage.Node) bool { return !x.touches(n, touched) }), nil
}

// columnsIn are the columns that are known of the datasets among some nodes.
func columnsIn(g *lineage.ColumnGraph, nodes []lineage.Node) map[string][]string {
	all := map[string][]string{}
	for _, n := range nodes {
		if n.Kind() != lineage.DatasetKind {
			continue
		}
		for _, c := range g.Of(n.Dataset) {
			all[n.Dataset] = append(all[n.Dataset], c.Name)
		}
	}
	return all
}

// decides reports whether the stage that is to be changed itself chooses rows by a column that it
// publishes: by a gate that reads it, or by something that the column is made of as well.
func (x *impact) decides(g *lineage.ColumnGraph, c, rows lineage.Column) bool {
	s := stageOf(x.pl, x.Change)
	if s == nil {
		return false
	}
	aside := func(string) bool { return false }
	if gates, ok := s.Gates.(gated); ok {
		aside = gates.AsideBy
	}
	if aside(c.Name) || g.Unknown(rows) != "" {
		return true
	}
	by := g.Edges(rows, lineage.Up)
	return (len(s.Operators) > 0 || slices.ContainsFunc(x.all[c.Dataset], aside)) && slices.ContainsFunc(g.Edges(c, lineage.Up), func(e lineage.ColumnEdge) bool {
		return e.Name != "" && slices.ContainsFunc(by, func(o lineage.ColumnEdge) bool { return o.Column == e.Column })
	})
}

// gatesOf names the gates of a stage that a change concerns. Of a column that is those that read one
// that comes from it. Where that decides which rows there are, it is also those that read no column,
// and further down all: what is computed over other rows is other.
func (x *impact) gatesOf(n lineage.Node, s *pipeline.Stage, g gated) []string {
	if x.Column == "" || s.Output == nil || x.all[datasetOf(s)] == nil {
		return g.Names()
	}
	rows := slices.Contains(x.RowsOf, datasetOf(s))
	if changed := n.Pipeline == x.pl.Name && n.Stage == x.Change; rows && !changed {
		return g.Names()
	}
	reached, reads := map[string]bool{}, map[string]bool{}
	for _, column := range x.all[datasetOf(s)] {
		found := slices.ContainsFunc(x.Columns, func(c ImpactColumn) bool { return c.Dataset == datasetOf(s) && c.Column == column })
		for _, name := range g.Reading(column) {
			reads[name] = true
			reached[name] = reached[name] || found
		}
	}
	return slices.DeleteFunc(g.Names(), func(name string) bool { return !reached[name] && (reads[name] || !rows) })
}

// spread gives the datasets that columns were found of. What may come from one of them, for all
// that is known, does, with all of its columns.
func (x *impact) spread(g *lineage.ColumnGraph, found map[lineage.Column]pipeline.Way, reached []lineage.Node) map[string]bool {
	touched := map[string]bool{}
	for again := true; again; {
		again = false
		for c := range found {
			touched[c.Dataset] = true
		}
		for _, n := range reached {
			if n.Kind() != lineage.DatasetKind || touched[n.Dataset] || !unknown(g, n.Dataset) {
				continue
			}
			for _, up := range x.graph.Reach([]lineage.Node{n}, lineage.Up, 2) {
				if up != n && up.Kind() == lineage.DatasetKind && touched[up.Dataset] {
					touched[n.Dataset], again = true, true
				}
			}
			if touched[n.Dataset] {
				for _, c := range append(g.Of(n.Dataset), lineage.Column{Dataset: n.Dataset}) {
					found[c] = ""
					follow(g, c, found)
				}
			}
		}
	}
	return touched
}

// unknown reports whether it can't be told of some column where it comes from.
func unknown(g *lineage.ColumnGraph, dataset string) bool {
	for _, c := range append(g.Of(dataset), lineage.Column{Dataset: dataset}) {
		if g.Unknown(c) != "" {
			return true
		}
	}
	return false
}

// touches reports whether a node publishes, or is, a dataset that is touched; of what publishes
// nothing that is not known.
func (x *impact) touches(n lineage.Node, touched map[string]bool) bool {
	switch n.Kind() {
	case lineage.DatasetKind:
		if f := x.graph.Flow(n); f == nil || f.Partitions == 0 {
			return true // it was never published
		}
		return touched[n.Dataset]
	case lineage.StageKind:
		for _, out := range x.graph.Reach([]lineage.Node{n}, lineage.Down, 1) {
			if out.Kind() == lineage.DatasetKind {
				return x.touches(out, touched)
			}
		}
	}
	return true
}

// follow finds the columns that come from one at any distance, and how from the one before. A
// column without a name stands for the rows, which all columns of its dataset share.
func follow(g *lineage.ColumnGraph, from lineage.Column, found map[lineage.Column]pipeline.Way) {
	for _, e := range g.Edges(from, lineage.Down) {
		if _, ok := found[e.Column]; !ok {
			found[e.Column] = e.How
			follow(g, e.Column, found)
		}
	}
}

// take keeps columns that were found, and says of what none is known.
func (x *impact) take(g *lineage.ColumnGraph, found map[lineage.Column]pipeline.Way, reached []lineage.Node) {
	for c, how := range found {
		switch {
		case c.Dataset == "":
		case c.Name == "":
			x.RowsOf = append(x.RowsOf, c.Dataset)
		default:
			x.Columns = append(x.Columns, ImpactColumn{Dataset: c.Dataset, Column: c.Name, How: how, Tags: g.Tags(c)})
		}
	}
	slices.Sort(x.RowsOf)
	slices.SortFunc(x.Columns, func(a, b ImpactColumn) int {
		return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Column, b.Column))
	})
	for _, n := range reached {
		if n.Kind() != lineage.DatasetKind {
			continue
		}
		whys := map[string][]string{}
		for _, c := range g.Of(n.Dataset) {
			if why := g.Unknown(c); why != "" {
				whys[why] = append(whys[why], c.Name)
			}
		}
		for why, names := range whys {
			x.Unsure = append(x.Unsure, fmt.Sprintf("%s: %s: %s", n.Dataset, strings.Join(names, ", "), why))
		}
	}
}
