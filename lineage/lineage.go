// Package lineage answers what a published partition was made of, and what was made
// from it, from manifests alone.
//
// The graph has two kinds of nodes: versions of partitions that were published, and
// files that came from outside. An edge goes from what was read to what was made of
// it. Versions are exact: a partition that was published again is another node.
package lineage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// Node is a version of a partition, or, where Dataset is empty, a file.
type Node struct {
	Dataset   string `json:"dataset,omitempty"`
	Partition string `json:"partition,omitempty"`
	Version   int64  `json:"version,omitempty"`

	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// String is how people write the node: "warehouse/clean@2001-01 v2", or the path of
// the file.
func (n Node) String() string {
	if n.Dataset == "" {
		return n.File
	}
	return fmt.Sprintf("%s@%s v%d", n.Dataset, n.Partition, n.Version)
}

// Direction is the way along the edges.
type Direction int

// The directions.
const (
	Up   Direction = iota // to what it was made of
	Down                  // to what was made from it
)

// Graph holds what manifests say of each other. It is not changed once made, and so
// safe for concurrent use.
type Graph struct {
	made map[Node]*pipeline.Manifest
	up   map[Node][]Node
	down map[Node][]Node
}

// New makes the graph of the manifests. Inputs whose own manifest is not among them
// are nodes all the same.
func New(manifests []*pipeline.Manifest) *Graph {
	g := &Graph{made: map[Node]*pipeline.Manifest{}, up: map[Node][]Node{}, down: map[Node][]Node{}}
	for _, m := range manifests {
		n := Node{Dataset: m.Dataset, Partition: m.Partition, Version: m.Version}
		g.made[n] = m
		for _, in := range m.Inputs {
			for _, from := range inputNodes(in) {
				g.up[n] = append(g.up[n], from)
				g.down[from] = append(g.down[from], n)
			}
		}
	}
	for _, edges := range []map[Node][]Node{g.up, g.down} {
		for n := range edges {
			slices.SortFunc(edges[n], compare)
			edges[n] = slices.Compact(edges[n])
		}
	}
	return g
}

func inputNodes(in pipeline.InputRecord) []Node {
	if in.Missing {
		return nil
	}
	if in.Dataset != "" {
		return []Node{{Dataset: in.Dataset, Partition: in.Partition, Version: in.Version}}
	}
	var nodes []Node
	for _, f := range in.Files {
		nodes = append(nodes, Node{File: f.Path, SHA256: f.SHA256})
	}
	return nodes
}

func compare(a, b Node) int {
	return cmp.Or(
		cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.File, b.File), cmp.Compare(a.SHA256, b.SHA256),
	)
}

// Manifest gives the manifest of a node, or nil for a file or an unknown version.
func (g *Graph) Manifest(n Node) *pipeline.Manifest { return g.made[n] }

// Find gives the nodes of a dataset or of a file path. An empty partition and a
// version of 0 stand for any. The result is sorted.
func (g *Graph) Find(name, partition string, version int64) []Node {
	found := map[Node]bool{}
	match := func(n Node) {
		switch {
		case n.Dataset == "" && n.File == name && partition == "":
		case n.Dataset != "" && n.Dataset == name && (partition == "" || n.Partition == partition) && (version == 0 || n.Version == version):
		default:
			return
		}
		found[n] = true
	}
	for n := range g.made {
		match(n)
	}
	for n := range g.down {
		match(n)
	}
	nodes := make([]Node, 0, len(found))
	for n := range found {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, compare)
	return nodes
}

// Tree is a node with what lies beyond it in one direction.
type Tree struct {
	Node
	Next []*Tree `json:"next,omitempty"`
	// Seen says that the node stands in the tree before, and Next is left out here.
	Seen bool `json:"seen,omitempty"`
	// Approved names the gates that the version, or what it was made of, did not pass, and
	// somebody approved of.
	Approved []string `json:"approved,omitempty"`
}

// Walk gives the tree of a node, at most depth edges deep; a negative depth has no
// end. Each node is expanded once.
func (g *Graph) Walk(n Node, dir Direction, depth int) *Tree {
	edges := g.up
	if dir == Down {
		edges = g.down
	}
	return g.walk(edges, n, depth, map[Node]bool{})
}

func (g *Graph) walk(edges map[Node][]Node, n Node, depth int, seen map[Node]bool) *Tree {
	t := &Tree{Node: n}
	if m := g.made[n]; m != nil {
		t.Approved = m.ApprovedGates()
	}
	if depth == 0 || len(edges[n]) == 0 {
		return t
	}
	if seen[n] {
		t.Seen = true
		return t
	}
	seen[n] = true
	for _, next := range edges[n] {
		t.Next = append(t.Next, g.walk(edges, next, depth-1, seen))
	}
	return t
}

// Latest leaves out of sorted nodes those of which a later version is among them.
func Latest(nodes []Node) []Node {
	var latest []Node
	for i, n := range nodes {
		if n.Dataset != "" && i+1 < len(nodes) && nodes[i+1].Dataset == n.Dataset && nodes[i+1].Partition == n.Partition {
			continue
		}
		latest = append(latest, n)
	}
	return latest
}
