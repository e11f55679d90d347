//go:build unix

package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// BenchmarkTrace filters and derives ten million rows of flights, with and without a record of
// where each row came from. bytes/row is what is written for a row that leaves, trace% how much of
// that says where it came from, and cpu-ns/row what a row that comes in takes of all processors,
// which does not depend on what else the machine does.
func BenchmarkTrace(b *testing.B) {
	const rows = 10_000_000
	source := filepath.Join(b.TempDir(), "flights.parquet")
	writeFlights(b, source, rows)
	for _, filter := range []string{"distance > 100", "delay < 15", "delay % 2 == 0"} {
		for _, depth := range []pipeline.Depth{pipeline.UsualDepth, pipeline.RowDepth} {
			b.Run(fmt.Sprintf("%s/lineage=%s", filter, depth), func(b *testing.B) {
				var data, trace, left int64
				before := cpu(b)
				for b.Loop() {
					data, trace, left = runTraced(b, source, filter, depth)
				}
				b.ReportMetric(float64(data+trace)/float64(left), "bytes/row")
				b.ReportMetric(100*float64(trace)/float64(data), "trace%")
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/rows, "cpu-ns/row")
			})
		}
	}
}

// cpu is the time that the process has taken of all processors, in nanoseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func runTraced(b *testing.B, source, filter string, depth pipeline.Depth) (data, trace, rows int64) {
	b.Helper()
	out := b.TempDir()
	pl := &pipeline.Pipeline{
		Name: "p", Sources: []pipeline.NamedSource{{Name: "flights", Source: parquet.Files(source)}},
		Stages: []pipeline.Stage{{
			Name: "clean", From: []string{"flights"}, Lineage: depth,
			Operators: []pipeline.Operator{operators.Filter(filter), operators.Derive(operators.Column{Name: "late", Expr: "delay > 15"}, operators.Column{Name: "miles", Expr: "distance * 2"})},
			Output:    &pipeline.Output{Path: "out", Format: parquet.Format{}},
		}},
	}
	env := &pipeline.Env{Dir: out, Temp: out, Workers: runtime.GOMAXPROCS(0), Memory: pipeline.NewBudget(1 << 30), Now: faults.SystemClock().Now, Alloc: memory.DefaultAllocator}
	plan, err := pipeline.Bind(b.Context(), pl, env)
	if err != nil {
		b.Fatal(err)
	}
	got, err := plan.Run(b.Context(), staged{out}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range got.Stages[0].Files {
		data += size(b, f.Path)
		rows += f.Rows
	}
	for _, f := range got.Stages[0].Lineage {
		trace += size(b, f.Path)
	}
	return data, trace, rows
}

func size(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}
