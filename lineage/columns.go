package lineage

import (
	"cmp"
	"maps"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// Column is a column of a dataset or, where Dataset is empty, of what a source reads from
// outside. Without a name it stands for the rows: which there are, and in which order.
type Column struct {
	Dataset string `json:"dataset,omitempty"`
	// Source is the text of a source, as manifests have it.
	Source string `json:"source,omitempty"`
	Name   string `json:"column,omitempty"`
}

// ColumnEdge leads to another column.
type ColumnEdge struct {
	Column
	// How is what the column further up does to the one further down. It is empty between
	// rows: they are there because those are.
	How pipeline.Way `json:"how,omitempty"`
	// Said are the versions whose manifests say so, sorted.
	Said []Node `json:"said,omitempty"`
}

// ColumnGraph holds what manifests say of columns. It is not changed once made.
type ColumnGraph struct {
	up, down map[Column]map[edgeKey]map[Node]bool
	known    map[Column]*columnFacts
	files    map[string]map[string]bool // by source
}

type edgeKey struct {
	Column
	how pipeline.Way
}

type columnFacts struct {
	unknown string
	tags    []string
	seen    int64 // when the version that says so was published
}

// NotRecorded is why the columns of some manifests are unknown.
const NotRecorded = "its manifest is of a penstock that did not record columns"

// Columns makes the graph of the columns of the manifests: of all that are current, or of one
// partition and those it was made of (Graph.Walk), for exactly that partition. What later
// manifests say of tags, and of what is unknown, goes before what earlier ones do.
func Columns(manifests []*pipeline.Manifest) *ColumnGraph {
	g := &ColumnGraph{
		up: map[Column]map[edgeKey]map[Node]bool{}, down: map[Column]map[edgeKey]map[Node]bool{},
		known: map[Column]*columnFacts{}, files: map[string]map[string]bool{},
	}
	for _, m := range manifests {
		g.add(m)
	}
	return g
}

func (g *ColumnGraph) add(m *pipeline.Manifest) {
	by := Node{Dataset: m.Dataset, Partition: m.Partition, Version: m.Version}
	inputs := map[string]Column{}
	rows := Column{Dataset: m.Dataset}
	g.know(rows, m, pipeline.ColumnLineage{Unknown: m.RowsUnknown})
	for _, in := range m.Inputs {
		inputs[in.Name] = Column{Dataset: in.Dataset, Source: in.Source}
		if in.Dataset != "" {
			inputs[in.Name] = Column{Dataset: in.Dataset}
		}
		g.link(inputs[in.Name], rows, "", by)
		for _, f := range in.Files {
			if g.files[in.Source] == nil {
				g.files[in.Source] = map[string]bool{}
			}
			g.files[in.Source][f.Path] = true
		}
	}
	links := func(to Column, from []pipeline.ColumnOrigin) {
		for _, o := range from {
			c, ok := inputs[o.Input]
			if !ok {
				continue
			}
			c.Name = o.Column
			g.link(c, to, o.How, by)
		}
	}
	links(rows, m.RowsBy)
	for _, c := range m.Columns {
		to := Column{Dataset: m.Dataset, Name: c.Column}
		g.know(to, m, c)
		links(to, c.From)
	}
	if m.Columns == nil {
		g.know(rows, m, pipeline.ColumnLineage{Unknown: NotRecorded})
		for _, f := range m.Schema {
			g.know(Column{Dataset: m.Dataset, Name: f.Name}, m, pipeline.ColumnLineage{Unknown: NotRecorded})
		}
	}
}

func (g *ColumnGraph) know(c Column, m *pipeline.Manifest, l pipeline.ColumnLineage) {
	at := m.Published.UnixNano()
	if was := g.known[c]; was == nil || was.seen <= at {
		g.known[c] = &columnFacts{unknown: l.Unknown, tags: l.Tags, seen: at}
	}
}

func (g *ColumnGraph) link(from, to Column, how pipeline.Way, by Node) {
	add := func(edges map[Column]map[edgeKey]map[Node]bool, at, other Column) {
		if edges[at] == nil {
			edges[at] = map[edgeKey]map[Node]bool{}
		}
		k := edgeKey{other, how}
		if edges[at][k] == nil {
			edges[at][k] = map[Node]bool{}
		}
		edges[at][k][by] = true
	}
	add(g.up, to, from)
	add(g.down, from, to)
	if g.known[from] == nil {
		g.known[from] = &columnFacts{seen: -1}
	}
}

// Edges are those of a column in one direction, sorted.
func (g *ColumnGraph) Edges(c Column, dir Direction) []ColumnEdge {
	edges := g.up
	if dir == Down {
		edges = g.down
	}
	var all []ColumnEdge
	for k, said := range edges[c] {
		all = append(all, ColumnEdge{Column: k.Column, How: k.how, Said: slices.SortedFunc(maps.Keys(said), compare)})
	}
	slices.SortFunc(all, func(a, b ColumnEdge) int {
		return cmp.Or(compareColumns(a.Column, b.Column), cmp.Compare(a.How, b.How))
	})
	return all
}

func compareColumns(a, b Column) int {
	return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name))
}

// Of gives the columns that are known of a dataset, of a source by its text, or of the
// sources that read a file, sorted; without what stands for their rows.
func (g *ColumnGraph) Of(name string) []Column {
	var all []Column
	for c := range g.known {
		if c.Name != "" && (c.Dataset == name || c.Dataset == "" && (c.Source == name || g.files[c.Source][name])) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, compareColumns)
	return all
}

// Files are those that a source read, sorted.
func (g *ColumnGraph) Files(source string) []string { return slices.Sorted(maps.Keys(g.files[source])) }

// Tags are those of a column, and Unknown why it can't be told where it comes from.
func (g *ColumnGraph) Tags(c Column) []string {
	if k := g.known[c]; k != nil {
		return k.tags
	}
	return nil
}

// Unknown says why it can't be told where a column comes from; empty where it can.
func (g *ColumnGraph) Unknown(c Column) string {
	if k := g.known[c]; k != nil {
		return k.unknown
	}
	return ""
}

// ColumnTree is a column with what lies beyond it in one direction.
type ColumnTree struct {
	ColumnEdge
	Tags    []string      `json:"tags,omitempty"`
	Unknown string        `json:"unknown,omitempty"`
	Next    []*ColumnTree `json:"next,omitempty"`
	// Seen says that the column stands in the tree before, and Next is left out here.
	Seen bool `json:"seen,omitempty"`
}

// Walk gives the tree of a column, at most depth edges deep; a negative depth has no end.
// Each column is expanded once.
func (g *ColumnGraph) Walk(c Column, dir Direction, depth int) *ColumnTree {
	return g.walk(ColumnEdge{Column: c}, dir, depth, map[Column]bool{})
}

func (g *ColumnGraph) walk(e ColumnEdge, dir Direction, depth int, seen map[Column]bool) *ColumnTree {
	t := &ColumnTree{ColumnEdge: e, Tags: g.Tags(e.Column), Unknown: g.Unknown(e.Column)}
	edges := g.Edges(e.Column, dir)
	if depth == 0 || len(edges) == 0 {
		return t
	}
	if seen[e.Column] {
		t.Seen = true
		return t
	}
	seen[e.Column] = true
	for _, next := range edges {
		t.Next = append(t.Next, g.walk(next, dir, depth-1, seen))
	}
	return t
}
