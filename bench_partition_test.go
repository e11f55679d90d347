package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// tiny is a pipeline over small files, a partition a file, with a row rule, a rule about
// metrics and an output.
func tiny(tb testing.TB, dir string, n int) (*pipeline.Pipeline, []pipeline.Partition) {
	tb.Helper()
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("k%06d", i))
	}
	text := "name: tiny\npartitions: {by: key, keys: [" + strings.Join(keys, ", ") + "]}\n" + `sources:
  raw: {jsonl: 'raw/{partition}.jsonl', schema: {id: int64, v: int64}}
stages:
  clean:
    from: raw
    operators: [{filter: 'v >= 0'}]
    gates:
      - {name: small, rows: 'v < 1000'}
      - {name: enough, expect: 'rows() >= 1'}
    output: {jsonl: out/clean}
`
	pl, err := config.Parse("tiny.yaml", []byte(text), config.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "raw"), 0o755); err != nil {
		tb.Fatal(err)
	}
	for i, key := range keys {
		text := fmt.Sprintf("{\"id\":1,\"v\":%d}\n{\"id\":2,\"v\":7}\n", i%1000)
		if err := os.WriteFile(filepath.Join(dir, "raw", key+".jsonl"), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		tb.Fatal(err)
	}
	return pl, parts
}

// BenchmarkPartition is all that a small partition costs: bind, run, judge, publish, record.
func BenchmarkPartition(b *testing.B) {
	dir := b.TempDir()
	pl, parts := tiny(b, dir, b.N)
	p, err := penstock.Open(b.Context(), dir, penstock.Options{Actor: "bench", Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ResetTimer()
	for _, part := range parts {
		if rec, err := p.Run(b.Context(), pl, part.String()); err != nil || rec.Status != pipeline.Published {
			b.Fatal(rec.Status, err)
		}
	}
}

// BenchmarkBackfill is the same of many partitions, eight at once: ns/op is for one partition.
func BenchmarkBackfill(b *testing.B) {
	dir := b.TempDir()
	pl, parts := tiny(b, dir, b.N)
	p, err := penstock.Open(b.Context(), dir, penstock.Options{Actor: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ResetTimer()
	rec, err := p.Backfill(b.Context(), pl, parts, penstock.BackfillOptions{Parallel: 8})
	if err != nil || rec.Counts.Published != b.N {
		b.Fatalf("%+v, %v", rec, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "partitions/s")
}

// BenchmarkPlan plans partitions that are all up to date: ns/op is for one partition.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	pl, parts := tiny(b, dir, b.N)
	p, err := penstock.Open(b.Context(), dir, penstock.Options{Actor: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Backfill(b.Context(), pl, parts, penstock.BackfillOptions{Parallel: 8}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	plan, err := p.Plan(b.Context(), pl, parts, penstock.PlanOptions{})
	if err != nil || plan.Count(penstock.StateCurrent) != b.N {
		b.Fatal(plan.Count(penstock.StateCurrent), err)
	}
}
