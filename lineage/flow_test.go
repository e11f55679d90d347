package lineage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

// randomFlows are stages of two pipelines: some publish, some feed others, some read what the other
// pipeline publishes.
func randomFlows(r *rand.Rand) (all []*Flow) {
	for i := range 2 + r.IntN(12) {
		f := &Flow{Pipeline: fmt.Sprint("p", i%2), Stage: fmt.Sprint("s", i)}
		if r.IntN(3) > 0 {
			f.Dataset = fmt.Sprint("d", i)
			f.Held = Held{Partitions: 1, Rows: int64(i)}
		}
		f.Inputs = append(f.Inputs, Node{Source: fmt.Sprint("csv f", r.IntN(3))})
		for range r.IntN(3) {
			if len(all) == 0 {
				break
			}
			up := all[r.IntN(len(all))]
			if up.Dataset != "" {
				f.Inputs = append(f.Inputs, Node{Dataset: up.Dataset})
			} else {
				f.Inputs = append(f.Inputs, up.Node())
			}
		}
		all = append(all, f)
	}
	return all
}

// Without stages there is an edge where, with them, there is a way through stages alone; and what is
// known of a dataset stays.
func TestDatasetsWithoutStages(t *testing.T) {
	for seed := range uint64(200) {
		flows := randomFlows(rand.New(rand.NewPCG(seed, 9)))
		with, without := Datasets(flows, true), Datasets(flows, false)
		for _, n := range with.nodes {
			if n.Kind() == StageKind {
				continue
			}
			var want []Node
			for _, m := range with.nodes {
				if m.Kind() != StageKind && through(with, n, m) {
					want = append(want, m)
				}
			}
			var got []Node
			for _, m := range without.Reach([]Node{n}, Down, 1) {
				if m != n {
					got = append(got, m)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d: beyond %v: %s", seed, n, diff)
			}
			if diff := cmp.Diff(with.Flow(n), without.Flow(n)); diff != "" {
				t.Fatalf("seed %d: of %v: %s", seed, n, diff)
			}
		}
	}
}

// through reports whether a way leads from a node to another on which there are stages only.
func through(g *Graph, from, to Node) bool {
	for _, next := range g.Reach([]Node{from}, Down, 1) {
		if next == from {
			continue
		}
		if next == to || next.Kind() == StageKind && through(g, next, to) {
			return true
		}
	}
	return false
}

// Two flows of one dataset hold together what each holds.
func TestDatasetOfTwoFlows(t *testing.T) {
	g := Datasets([]*Flow{
		{Pipeline: "old", Stage: "a", Dataset: "d", Held: Held{Partitions: 2, First: "2001-01", Last: "2001-02", Rows: 5}},
		{Pipeline: "new", Stage: "a", Dataset: "d", Held: Held{Partitions: 1, First: "2001-03", Last: "2001-03", Rows: 7}},
	}, true)
	want := Held{Partitions: 3, First: "2001-01", Last: "2001-03", Rows: 12}
	if got := g.Flow(Node{Dataset: "d"}); got == nil || got.Held != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if up := g.Reach([]Node{{Dataset: "d"}}, Up, -1); len(up) != 3 {
		t.Errorf("it is made by %v", up)
	}
}

// The flow of a version has each input once, by what it is, and a release has none of its own.
func TestFlowOf(t *testing.T) {
	m := made("d", "2001-01", 1, of("up", "2001-01", 1), of("up", "2000-12", 4), pipeline.InputRecord{Name: "raw", Source: "csv raw.csv"})
	m.Pipeline, m.Stage, m.Stages = "p", "s", []pipeline.StageRecord{{Name: "before"}, {Name: "s"}}
	want := &Flow{Pipeline: "p", Stage: "s", Dataset: "d", Stages: []string{"before", "s"}, Inputs: []Node{{Source: "csv raw.csv"}, {Dataset: "up"}}}
	if diff := cmp.Diff(want, FlowOf(m)); diff != "" {
		t.Error(diff)
	}
	m.Release = &pipeline.Release{Version: 1}
	if f := FlowOf(m); f != nil {
		t.Errorf("%+v", f)
	}
}
