package lineage

import (
	"fmt"
	"testing"
	"time"
)

// million is a graph of a million edges: 500 datasets of 200 partitions, each made of ten: nine
// partitions of the datasets before, and a file of its own.
func million() []*Made {
	const datasets, partitions, window = 500, 200, 9
	published := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var all []*Made
	for d := range datasets {
		for p := range partitions {
			m := &Made{Dataset: name(d), Partition: fmt.Sprintf("2026-%03d", p), Version: 1, Pipeline: "p", Stage: "s", Published: published.Add(time.Duration(d*partitions+p) * time.Second)}
			m.Inputs = append(m.Inputs, Node{File: fmt.Sprintf("data/%d/%d.parquet", d, p), SHA256: fmt.Sprintf("%064x", d*partitions+p)})
			for k := range window {
				if d == 0 {
					m.Inputs = append(m.Inputs, Node{File: fmt.Sprintf("data/shared-%d.csv", k), SHA256: fmt.Sprintf("%064x", k)})
				} else {
					m.Inputs = append(m.Inputs, Node{Dataset: name(d - 1), Partition: fmt.Sprintf("2026-%03d", (p+partitions-k)%partitions), Version: 1})
				}
			}
			all = append(all, m)
		}
	}
	return all
}

func name(d int) string { return fmt.Sprintf("warehouse/d%03d", d) }

// BenchmarkMillion asks a graph of a million edges. All is what a file that everything is made of
// led to: 100,000 versions.
func BenchmarkMillion(b *testing.B) {
	g := Build(million())
	nodes, edges := g.Len()
	b.Logf("%d nodes, %d edges", nodes, edges)
	shared, last := g.Find("data/shared-0.csv", "", 0), g.Find(name(499), "2026-199", 0)
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			if len(g.Find(name(250), "", 0)) != 200 {
				b.Fatal("lost")
			}
		}
	})
	b.Run("all down", func(b *testing.B) {
		for b.Loop() {
			if n := len(g.Reach(shared, Down, -1)); n != 100_001 {
				b.Fatal(n)
			}
		}
	})
	b.Run("all down as of", func(b *testing.B) {
		then := g.AsOf(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
		for b.Loop() {
			if n := len(then.Reach(shared, Down, -1)); n != 43_202 {
				b.Fatal(n)
			}
		}
	})
	b.Run("all up", func(b *testing.B) {
		for b.Loop() {
			if n := len(g.Reach(last, Up, -1)); n < 100_000 {
				b.Fatal(n)
			}
		}
	})
	b.Run("tree down", func(b *testing.B) {
		for b.Loop() {
			g.Walk(shared[0], Down, -1)
		}
	})
	b.Run("tree up, 3 steps", func(b *testing.B) {
		for b.Loop() {
			g.Walk(last[0], Up, 3)
		}
	})
	b.Run("state of all", func(b *testing.B) {
		for b.Loop() {
			for _, n := range g.Reach(shared, Down, -1) {
				g.State(n)
			}
		}
	})
}

// BenchmarkBuild makes a graph of a million edges.
func BenchmarkBuild(b *testing.B) {
	all := million()
	for b.Loop() {
		Build(all)
	}
}
