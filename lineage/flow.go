package lineage

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// Flow is a stage, what it reads and what it publishes, whatever the partition.
type Flow struct {
	Pipeline string `json:"pipeline"`
	Stage    string `json:"stage"`
	// Dataset is what it publishes; empty if it only judges, or feeds other stages.
	Dataset string `json:"dataset,omitempty"`
	// Stages are those it consists of: itself, and those without output before it, as far as they
	// are not flows of their own.
	Stages []string `json:"stages,omitempty"`
	// Inputs are datasets, sources and stages.
	Inputs []Node `json:"inputs,omitempty"`
	Held
}

// Held is how much is published by a flow, or of a dataset.
type Held struct {
	// Partitions is how many partitions are current, First and Last are the first and the last of
	// them by name.
	Partitions  int64  `json:"partitions"`
	First, Last string `json:"-"`
	Rows        int64  `json:"rows"`
	Bytes       int64  `json:"bytes"`
	// Seconds is how long it took to make them.
	Seconds float64 `json:"seconds"`
}

// Add adds what else is held.
func (h *Held) Add(other Held) {
	if h.Partitions == 0 || other.Partitions > 0 && other.First < h.First {
		h.First = other.First
	}
	h.Last = max(h.Last, other.Last)
	h.Partitions += other.Partitions
	h.Rows += other.Rows
	h.Bytes += other.Bytes
	h.Seconds += other.Seconds
}

// FlowOf is the flow that a version was made by; nil where nothing was computed, so that the
// version is as those before it.
func FlowOf(m *pipeline.Manifest) *Flow {
	if m.Release != nil {
		return nil
	}
	f := &Flow{Pipeline: m.Pipeline, Stage: m.Stage, Dataset: m.Dataset}
	for _, s := range m.Stages {
		f.Stages = append(f.Stages, s.Name)
	}
	for _, in := range m.Inputs {
		if in.Dataset != "" {
			f.Inputs = append(f.Inputs, Node{Dataset: in.Dataset})
		} else if in.Source != "" {
			f.Inputs = append(f.Inputs, Node{Source: in.Source})
		}
	}
	slices.SortFunc(f.Inputs, compare)
	f.Inputs = slices.Compact(f.Inputs)
	return f
}

// Node is the node of the flow's stage.
func (f *Flow) Node() Node { return Node{Pipeline: f.Pipeline, Stage: f.Stage} }

// Datasets makes the graph of datasets and stages. Without stages, each dataset comes from those
// that it is made of.
func Datasets(flows []*Flow, stages bool) *Graph {
	var b builder
	for _, f := range flows {
		stage := b.place(f.Node())
		b.hold(stage, f)
		for _, in := range f.Inputs {
			b.edge(b.place(in), stage)
		}
		if f.Dataset != "" {
			dataset := b.place(Node{Dataset: f.Dataset})
			b.hold(dataset, &Flow{Pipeline: f.Pipeline, Stage: f.Stage, Dataset: f.Dataset, Held: f.Held})
			b.edge(stage, dataset)
		}
	}
	g := b.graph()
	if stages {
		return g
	}
	return g.withoutStages()
}

// hold notes what is known of a stage or dataset, which may be of several flows.
func (b *builder) hold(i uint32, f *Flow) {
	was := b.flows[i]
	if was == nil {
		b.flows[i] = f
		return
	}
	both := *was
	both.Add(f.Held)
	b.flows[i] = &both
}

// withoutStages is the graph in which a way through stages is an edge.
func (g *Graph) withoutStages() *Graph {
	var b builder
	for i, n := range g.nodes {
		if n.Kind() == StageKind {
			continue
		}
		from := b.place(n)
		b.flows[from] = g.flows[i]
		for _, j := range g.beyondStages(uint32(i)) {
			b.edge(from, b.place(g.nodes[j]))
		}
	}
	return b.graph()
}

// beyondStages are the places of the datasets that can be reached through stages alone.
func (g *Graph) beyondStages(i uint32) (found []uint32) {
	seen := map[uint32]bool{}
	var follow func(uint32)
	follow = func(i uint32) {
		for _, j := range g.down.of(i) {
			switch {
			case seen[j]:
			case g.nodes[j].Kind() == StageKind:
				seen[j] = true
				follow(j)
			default:
				seen[j] = true
				found = append(found, j)
			}
		}
	}
	follow(i)
	return found
}

// Flow is what is known of a dataset or a stage; nil of all else.
func (g *Graph) Flow(n Node) *Flow {
	if i, ok := g.place(n); ok {
		return g.flows[i]
	}
	return nil
}
