package lineage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

func file(path, sum string) pipeline.InputRecord {
	return pipeline.InputRecord{Name: path, Files: []pipeline.File{{Path: path, SHA256: sum}}}
}

func made(dataset, partition string, version int64, from ...pipeline.InputRecord) *pipeline.Manifest {
	return &pipeline.Manifest{Dataset: dataset, Partition: partition, Version: version, Inputs: from}
}

func of(dataset, partition string, version int64) pipeline.InputRecord {
	return pipeline.InputRecord{Name: dataset, Dataset: dataset, Partition: partition, Version: version}
}

var manifests = []*pipeline.Manifest{
	made("clean", "2001-01", 1, file("jan.parquet", "aa")),
	made("clean", "2001-01", 2, file("jan.parquet", "bb")),
	made("clean", "2001-02", 1, file("feb.parquet", "cc")),
	made("airports", "2001-01", 1, of("clean", "2001-01", 1), file("airports.csv", "dd")),
	made("airports", "2001-01", 2, of("clean", "2001-01", 2), file("airports.csv", "dd")),
	made("airports", "2001-02", 1, of("clean", "2001-02", 1), file("airports.csv", "dd")),
}

func names(t *Tree) (all []string) {
	all = append(all, t.String())
	for _, next := range t.Next {
		all = append(all, names(&next)...)
	}
	return all
}

func TestWalk(t *testing.T) {
	g := New(manifests)
	for _, test := range []struct {
		from  Node
		dir   Direction
		depth int
		want  []string
	}{
		{Node{Dataset: "airports", Partition: "2001-01", Version: 2}, Up, -1, []string{"airports@2001-01 v2", "airports.csv", "clean@2001-01 v2", "jan.parquet"}},
		{Node{Dataset: "airports", Partition: "2001-01", Version: 2}, Up, 1, []string{"airports@2001-01 v2", "airports.csv", "clean@2001-01 v2"}},
		{Node{Dataset: "clean", Partition: "2001-01", Version: 1}, Down, -1, []string{"clean@2001-01 v1", "airports@2001-01 v1"}},
		{Node{File: "airports.csv", SHA256: "dd"}, Down, -1, []string{"airports.csv", "airports@2001-01 v1", "airports@2001-01 v2", "airports@2001-02 v1"}},
		{Node{Dataset: "none"}, Up, -1, []string{"none"}},
	} {
		if diff := cmp.Diff(test.want, names(g.Walk(test.from, test.dir, test.depth))); diff != "" {
			t.Errorf("%v: %s", test.from, diff)
		}
	}
}

func TestFind(t *testing.T) {
	g := New(manifests)
	for _, test := range []struct {
		name, partition string
		version         int64
		want            int
	}{
		{"clean", "", 0, 3},
		{"clean", "2001-01", 0, 2},
		{"clean", "2001-01", 2, 1},
		{"airports.csv", "", 0, 1},
		{"jan.parquet", "", 0, 2},
		{"nothing", "", 0, 0},
	} {
		if got := g.Find(test.name, test.partition, test.version); len(got) != test.want {
			t.Errorf("%s@%s v%d: got %v", test.name, test.partition, test.version, got)
		}
	}
}

// What is upstream of one is downstream of the other, in a graph of any shape.
func TestUpAndDownAgree(t *testing.T) {
	var all []*pipeline.Manifest
	for layer := 1; layer < 5; layer++ {
		for i := range 4 {
			m := made(fmt.Sprint("d", layer), fmt.Sprint(i), 1)
			for j := range 4 {
				if (i*7+j*3+layer)%3 == 0 {
					m.Inputs = append(m.Inputs, of(fmt.Sprint("d", layer-1), fmt.Sprint(j), 1))
				}
			}
			all = append(all, m)
		}
	}
	g := New(all)
	for _, a := range g.nodes {
		up := names(g.Walk(a, Up, -1))
		for _, b := range g.nodes {
			down := names(g.Walk(b, Down, -1))
			if slices.Contains(up, b.String()) != slices.Contains(down, a.String()) {
				t.Errorf("%v and %v disagree", a, b)
			}
		}
	}
}

// What was computed again without a file, and came out the same, holds nothing of it any more, nor
// does what was made of that; as of a time before it does. What it was computed from then it holds.
func TestHolding(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
	was := inputs(file("rates.csv", "aaaa"), file("raw.csv", "cc"))
	clean, sums := Of(made("clean", "p", 1, was...)), Of(made("sums", "p", 1, of("clean", "p", 1)))
	clean.Published, sums.Published = at(0), at(1)
	graph := func(at time.Time) *Graph { return Build([]*Made{clean, sums}).AsOf(at) }
	holding := func(at time.Time, digest string) string {
		return fmt.Sprint(graph(at).Holding([]Node{{File: "rates.csv", SHA256: digest}}, -1))
	}
	const all, none = "[rates.csv clean@p v1 sums@p v1]", "[rates.csv]"
	clean.CameAgain(was, inputs(file("raw.csv", "cc"), file("rates.csv", "aaaa")), at(2))
	if got := holding(time.Time{}, "aaaa"); got != all || !clean.SameAt.IsZero() {
		t.Errorf("from the same inputs: %s", got)
	}
	clean.CameAgain(was, inputs(file("raw.csv", "cc"), file("rates.csv", "bbbb")), at(3))
	if got := holding(time.Time{}, "aaaa"); got != none {
		t.Errorf("now: %s", got)
	}
	if got := holding(time.Time{}, "bbbb"); got != all {
		t.Errorf("now, of what it was computed from again: %s", got)
	}
	if got := holding(at(2), "aaaa"); got != all {
		t.Errorf("before: %s", got)
	}
	if got := holding(at(2), "bbbb"); got != "[]" {
		t.Errorf("before, of what it was computed from again: %s", got)
	}
	want := "current; computed again since with rates.csv and without rates.csv, and came out the same"
	if got := graph(time.Time{}).State(clean.Node()).String(); got != want {
		t.Errorf("%q", got)
	}
	up := graph(time.Time{}).Walk(clean.Node(), Up, -1)
	for _, next := range up.Next {
		if next.Lapsed != (next.SHA256 == "aaaa") || next.Again != (next.SHA256 == "bbbb") {
			t.Errorf("%+v", next)
		}
	}
	if len(up.Next) != 3 {
		t.Errorf("%+v", up)
	}
	released := Of(made("clean", "p", 2, of("clean", "p", 1)))
	released.Released = 1
	if released.CameAgain(nil, inputs(file("raw.csv", "cc")), at(4)); !released.SameAt.IsZero() {
		t.Error("a release was computed from nothing else")
	}
}

// What was computed again from another version with the same data does not hold less of the first.
func TestHoldingOfTheSameData(t *testing.T) {
	was, now := of("clean", "p", 1), of("clean", "p", 2)
	was.Data, now.Data = "dd", "dd"
	sums := Of(made("sums", "p", 1, was))
	sums.CameAgain(inputs(was), inputs(now), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	g := Build([]*Made{Of(made("clean", "p", 1)), Of(made("clean", "p", 2)), sums})
	for version := range int64(2) {
		if got := g.Holding([]Node{{Dataset: "clean", Partition: "p", Version: version + 1}}, -1); len(got) != 2 {
			t.Errorf("v%d: %v", version+1, got)
		}
	}
	if got := g.State(sums.Node()).String(); got != "current; computed again since with clean@p v2, and came out the same" {
		t.Error(got)
	}
}

// The tree of a chain in which each reads the seven before it grows with its edges, not with its ways.
func TestTreeOfChain(t *testing.T) {
	var all []*Made
	for i := range 800 {
		m := &Made{Dataset: "d", Partition: fmt.Sprintf("%04d", i), Version: 1}
		for k := max(0, i-7); k < i; k++ {
			m.Inputs = append(m.Inputs, Node{Dataset: "d", Partition: fmt.Sprintf("%04d", k), Version: 1})
		}
		all = append(all, m)
	}
	g := Build(all)
	_, edges := g.Len()
	count := func(depth int) int {
		n := 0
		var over func(*Tree)
		over = func(t *Tree) {
			n++
			for i := range t.Next {
				over(&t.Next[i])
			}
		}
		over(g.Walk(all[799].Node(), Up, depth))
		return n
	}
	for _, depth := range []int{-1, 0, 1, 5, 200, 10000} {
		if n := count(depth); n > edges+1 || depth == -1 && n != edges+1 {
			t.Errorf("depth %d: %d entries of %d edges", depth, n, edges)
		}
	}
}

func inputs(in ...pipeline.InputRecord) []pipeline.InputRecord { return in }
