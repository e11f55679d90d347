package main

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

const distinctRows = 10_000_000

// BenchmarkDistinct10M counts the distinct values of ten million 64-bit integers that are
// in memory, beside DuckDB. What is compared is CPU time.
func BenchmarkDistinct10M(b *testing.B) {
	for _, different := range []int64{distinctRows, 100_000} {
		for _, way := range []struct {
			name   string
			memory int64
		}{{"ample", 4 << 30}, {"spilled", 128 << 20}} {
			b.Run(fmt.Sprintf("distinct=%d/keys, %s", different, way.name), func(b *testing.B) { distinctKeys(b, different, way.memory) })
		}
		b.Run(fmt.Sprintf("distinct=%d/DuckDB", different), func(b *testing.B) { distinctDuckDB(b, different) })
	}
}

// mixed is the value of a row: all values below different are, in no simple order, as
// 7919 has no factor in common with it.
func mixed(i, different int64) int64 { return i * 7919 % different }

func distinctKeys(b *testing.B, different, limit int64) {
	var batches []arrow.RecordBatch
	schema := arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.PrimitiveTypes.Int64}}, nil)
	const size = 8192
	for from := int64(0); from < distinctRows; from += size {
		c := array.NewInt64Builder(memory.DefaultAllocator)
		for i := from; i < min(from+size, distinctRows); i++ {
			c.Append(mixed(i, different))
		}
		col := c.NewArray()
		batches = append(batches, array.NewRecordBatch(schema, []arrow.Array{col}, int64(col.Len())))
	}
	start := cpuSeconds()
	for b.Loop() {
		s := keys.NewStore(pipeline.NewBudget(limit), 0, faults.OS(), b.TempDir())
		total := s.Log()
		unit := s.Log()
		for i, batch := range batches {
			if err := unit.Add(rows.Keys(nil, batch, []int{0})); err != nil {
				b.Fatal(err)
			}
			if i%15 == 14 || i == len(batches)-1 {
				if err := total.Merge(unit); err != nil {
					b.Fatal(err)
				}
			}
		}
		got, err := total.Count(b.Context(), 3)
		if err != nil || got.Distinct != different {
			b.Fatal(got, err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpuSeconds()-start)/float64(b.N), "cpu-s/op")
}

func distinctDuckDB(b *testing.B, different int64) {
	db, err := connect(job{Dir: b.TempDir(), Workers: 2, Memory: 4 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(fmt.Sprintf("CREATE TABLE t AS SELECT (i * 7919 %% %d)::BIGINT AS k FROM range(%d) r(i)", different, distinctRows)); err != nil {
		b.Fatal(err)
	}
	start := cpuSeconds()
	for b.Loop() {
		var n int64
		if err := db.QueryRow("SELECT count(DISTINCT k) FROM t").Scan(&n); err != nil || n != different {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric((cpuSeconds()-start)/float64(b.N), "cpu-s/op")
}
