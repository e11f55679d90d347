// Package lineage answers what a published partition was made of, and what was made
// from it, from manifests alone.
//
// A graph is of one of two depths. Of partitions and files, its nodes are the versions of
// partitions that were published, and the files that came from outside; versions are exact: a
// partition that was published again is another node. Of datasets and stages ([Datasets]), they are
// what pipelines are described by. An edge goes from what was read to what was made of it.
package lineage

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Direction is the way along the edges.
type Direction int

// The directions.
const (
	Up   Direction = iota // to what it was made of
	Down                  // to what was made from it
)

// Graph holds what versions say of each other. It is not changed once made, and so safe for
// concurrent use. Nodes are places in a sorted slice, and edges are packed, so that a million of
// them take megabytes and are walked in milliseconds.
type Graph struct {
	nodes    []Node
	made     []*Made // by place; nil of what is no version, or none on record
	flows    []*Flow // by place, of datasets and stages
	up, down edges
	at       time.Time // zero: now
	lives    *lives
}

// New makes the graph of the manifests. Inputs whose own manifest is not among them are nodes all
// the same.
func New(manifests []*pipeline.Manifest) *Graph {
	all := make([]*Made, len(manifests))
	for i, m := range manifests {
		all[i] = Of(m)
	}
	return Build(all)
}

// Build makes the graph of versions.
func Build(all []*Made) *Graph {
	var b builder
	for _, m := range all {
		to := b.place(m.Node())
		b.made[to] = m
		for _, all := range [][]Node{m.Inputs, m.Same} {
			for _, in := range all {
				b.edge(b.place(in), to)
			}
		}
	}
	return b.graph()
}

// builder collects nodes and edges in the order in which they come.
type builder struct {
	places   map[Node]uint32
	nodes    []Node
	made     []*Made
	flows    []*Flow
	from, to []uint32
}

func (b *builder) place(n Node) uint32 {
	if b.places == nil {
		b.places = map[Node]uint32{}
	}
	i, ok := b.places[n]
	if !ok {
		i = uint32(len(b.nodes))
		b.places[n] = i
		b.nodes, b.made, b.flows = append(b.nodes, n), append(b.made, nil), append(b.flows, nil)
	}
	return i
}

func (b *builder) edge(from, to uint32) { b.from, b.to = append(b.from, from), append(b.to, to) }

// graph sorts the nodes, and packs the edges both ways.
func (b *builder) graph() *Graph {
	n := len(b.nodes)
	sorted := make([]uint32, n)
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortFunc(sorted, func(i, j uint32) int { return order(&b.nodes[i], &b.nodes[j]) })
	g := &Graph{nodes: make([]Node, n), made: make([]*Made, n), flows: make([]*Flow, n), lives: &lives{}}
	now := make([]uint32, n)
	for i, was := range sorted {
		g.nodes[i], g.made[i], g.flows[i] = b.nodes[was], b.made[was], b.flows[was]
		now[was] = uint32(i)
	}
	for k := range b.from {
		b.from[k], b.to[k] = now[b.from[k]], now[b.to[k]]
	}
	g.down, g.up = pack(n, b.from, b.to), pack(n, b.to, b.from)
	return g
}

// Len is how many nodes and edges there are.
func (g *Graph) Len() (nodes, edges int) { return len(g.nodes), len(g.up.to) }

func (g *Graph) edges(dir Direction) *edges {
	if dir == Up {
		return &g.up
	}
	return &g.down
}

// place is where a node stands.
func (g *Graph) place(n Node) (uint32, bool) {
	i := g.first(n)
	return uint32(i), i < len(g.nodes) && g.nodes[i] == n
}

// Made is what is on record of a version; nil of what is none.
func (g *Graph) Made(n Node) *Made {
	if i, ok := g.place(n); ok {
		return g.made[i]
	}
	return nil
}

// Find gives the nodes of a dataset or of a file path, as far as they were there at the time of the
// graph. An empty partition and a version of 0 stand for any. A path may end in # and the beginning
// of a digest. The result is sorted.
func (g *Graph) Find(name, partition string, version int64) []Node {
	var found []Node
	for i := g.first(Node{Dataset: name}); i < len(g.nodes) && g.nodes[i].Dataset == name && name != ""; i++ {
		n := g.nodes[i]
		if (partition == "" || n.Partition == partition) && (version == 0 || n.Version == version) && g.there(uint32(i)) {
			found = append(found, n)
		}
	}
	if partition == "" {
		found = append(found, g.files(name)...)
	}
	return found
}

func (g *Graph) files(name string) (found []Node) {
	path, digest := SplitFile(name)
	for i := g.first(Node{File: path}); i < len(g.nodes) && g.nodes[i].File == path && g.nodes[i].Dataset == ""; i++ {
		if strings.HasPrefix(g.nodes[i].SHA256, digest) && g.there(uint32(i)) {
			found = append(found, g.nodes[i])
		}
	}
	return found
}

// first is the first place that does not come before a node.
func (g *Graph) first(n Node) int {
	return sort.Search(len(g.nodes), func(i int) bool { return order(&g.nodes[i], &n) >= 0 })
}

// SplitFile takes the beginning of a digest from a file's name: data/airports.csv#903c71.
func SplitFile(name string) (path, digest string) {
	i := strings.LastIndexByte(name, '#')
	if i < 0 || strings.Trim(name[i+1:], "0123456789abcdef") != "" || len(name)-i-1 < 4 {
		return name, ""
	}
	return name[:i], name[i+1:]
}
