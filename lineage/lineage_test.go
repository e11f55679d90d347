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
// does what was made of that; as of a time before it does.
func TestHolding(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
	clean, sums := Of(made("clean", "p", 1, file("rates.csv", "aaaa"), file("raw.csv", "cc"))), Of(made("sums", "p", 1, of("clean", "p", 1)))
	clean.Published, sums.Published = at(0), at(1)
	rates := Node{File: "rates.csv", SHA256: "aaaa"}
	holding := func(at time.Time) string {
		return fmt.Sprint(Build([]*Made{clean, sums}).AsOf(at).Holding([]Node{rates}, -1))
	}
	const all, none = "[rates.csv clean@p v1 sums@p v1]", "[rates.csv]"
	clean.CameAgain(inputs(file("raw.csv", "cc"), file("rates.csv", "aaaa")), at(2))
	if got := holding(time.Time{}); got != all || clean.Same != nil {
		t.Errorf("from the same inputs: %s", got)
	}
	clean.CameAgain(inputs(file("raw.csv", "cc"), file("rates.csv", "bbbb")), at(3))
	if got := holding(time.Time{}); got != none {
		t.Errorf("now: %s", got)
	}
	if got := holding(at(2)); got != all {
		t.Errorf("before: %s", got)
	}
	want := "current; computed again since without rates.csv, and came out the same"
	if got := Build([]*Made{clean, sums}).State(clean.Node()).String(); got != want {
		t.Errorf("%q", got)
	}
	released := Of(made("clean", "p", 2, of("clean", "p", 1)))
	released.Released = 1
	if released.CameAgain(inputs(file("raw.csv", "cc")), at(4)); released.Same != nil {
		t.Error("a release was computed from nothing else")
	}
}

func inputs(in ...pipeline.InputRecord) []pipeline.InputRecord { return in }
