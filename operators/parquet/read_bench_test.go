//go:build unix

package parquet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// benchFile is the file that PENSTOCK_BENCH_FILE names or, without, one of 200,000 rows of
// the kind that orders are.
func benchFile(b *testing.B) (dir, name string) {
	b.Helper()
	if path := os.Getenv("PENSTOCK_BENCH_FILE"); path != "" {
		return filepath.Dir(path), filepath.Base(path)
	}
	const seed, n, groups = 1, 50_000, 4
	b.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "key", Type: arrow.PrimitiveTypes.Int64},
		{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "mode", Type: arrow.BinaryTypes.String},
		{Name: "comment", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	var chunks [][]arrow.RecordBatch
	for range groups {
		rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range n {
			rb.Field(0).(*array.Int64Builder).Append(int64(i / 4))
			rb.Field(1).(*array.Float64Builder).Append(float64(r.IntN(1_000_000)) / 100)
			rb.Field(2).(*array.Date32Builder).Append(arrow.Date32(r.IntN(2500)))
			rb.Field(3).(*array.StringBuilder).Append([]string{"AIR", "RAIL", "SHIP", "TRUCK"}[r.IntN(4)])
			if r.IntN(10) == 0 {
				rb.Field(4).AppendNull()
			} else {
				rb.Field(4).(*array.StringBuilder).Append(fmt.Sprintf("comment %d about order %d", r.IntN(1000), i))
			}
		}
		chunks = append(chunks, []arrow.RecordBatch{rb.NewRecordBatch()})
	}
	dir = b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bench.parquet"), write(b, Format{}, schema, chunks...), 0o644); err != nil {
		b.Fatal(err)
	}
	return dir, "bench.parquet"
}

// BenchmarkRead reads all of a file with two workers.
func BenchmarkRead(b *testing.B) {
	dir, name := benchFile(b)
	e := &pipeline.Env{Dir: dir, Alloc: memory.DefaultAllocator, Workers: 2}
	defer cpu(b)()
	for b.Loop() {
		in, err := Files(name).Resolve(b.Context(), e)
		if err != nil {
			b.Fatal(err)
		}
		var next atomic.Int64
		var wg sync.WaitGroup
		for range e.Workers {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(in.Splits); i = int(next.Add(1)) - 1 {
					if _, err := readAllOf(b, e, in.Splits[i].Open); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// cpu reports the CPU time of an iteration, which says more than the clock on a machine
// that others work on.
func cpu(b *testing.B) (done func()) {
	used := func() float64 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
	}
	from := used()
	return func() { b.ReportMetric((used()-from)/float64(b.N), "cpu-ms/op") }
}

func readAllOf(b *testing.B, e *pipeline.Env, open opener) (n int64, err error) {
	r, err := open(b.Context(), e, nil)
	if err != nil {
		return 0, err
	}
	err = pipeline.Each(b.Context(), r, func(batch arrow.RecordBatch) error {
		n += batch.NumRows()
		return nil
	})
	return n, err
}

// BenchmarkSome reads some rows of the first splits by OpenSome, and by Open and a filter
// after it.
func BenchmarkSome(b *testing.B) {
	dir, name := benchFile(b)
	e := &pipeline.Env{Dir: dir, Alloc: memory.DefaultAllocator, Workers: 1}
	in, err := Files(name).Resolve(b.Context(), e)
	if err != nil {
		b.Fatal(err)
	}
	splits := in.Splits[:min(4, len(in.Splits))]
	for _, share := range []float64{0.001, 0.1, 0.5, 0.9} {
		r := rand.New(rand.NewPCG(7, 7))
		keeps := make([][]bool, len(splits))
		for i, s := range splits {
			keeps[i] = make([]bool, s.Rows)
			for j := range keeps[i] {
				keeps[i][j] = r.Float64() < share
			}
		}
		b.Run(fmt.Sprintf("some/%g", share), func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				for i, s := range splits {
					if _, err := readAllOf(b, e, func(ctx context.Context, e *pipeline.Env, columns []string) (pipeline.Reader, error) {
						return s.OpenSome(ctx, e, columns, keeps[i])
					}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("filter/%g", share), func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				for i, s := range splits {
					r, err := s.Open(b.Context(), e, nil)
					if err != nil {
						b.Fatal(err)
					}
					at := int64(0)
					if err := pipeline.Each(b.Context(), r, func(batch arrow.RecordBatch) error {
						kept, err := rows.Filter(b.Context(), batch, keeps[i][at:at+batch.NumRows()], e.Alloc)
						if err == nil {
							kept.Release()
						}
						at += batch.NumRows()
						return err
					}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

type opener func(ctx context.Context, e *pipeline.Env, columns []string) (pipeline.Reader, error)
