package penstock_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// BenchmarkTrace filters and derives ten million rows of flights, with and without a record of
// where each row came from. bytes/row is what is written for a row that leaves, and trace% how
// much of that says where it came from.
func BenchmarkTrace(b *testing.B) {
	const rows = 10_000_000
	source := filepath.Join(b.TempDir(), "flights.parquet")
	writeFlights(b, source, rows)
	for _, filter := range []string{"distance > 100", "delay < 15", "delay % 2 == 0"} {
		for _, depth := range []pipeline.Depth{pipeline.UsualDepth, pipeline.RowDepth} {
			b.Run(fmt.Sprintf("%s/lineage=%s", filter, depth), func(b *testing.B) {
				var data, trace, left int64
				for b.Loop() {
					data, trace, left = runTraced(b, source, filter, depth)
				}
				b.ReportMetric(float64(data+trace)/float64(left), "bytes/row")
				b.ReportMetric(100*float64(trace)/float64(data), "trace%")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			})
		}
	}
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

// writeFlights writes rows like those of the demo: in the order of their time.
func writeFlights(tb testing.TB, path string, rows int) {
	tb.Helper()
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "date", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "delay", Type: arrow.PrimitiveTypes.Int32},
		{Name: "distance", Type: arrow.PrimitiveTypes.Int32},
		{Name: "origin", Type: arrow.BinaryTypes.String},
		{Name: "destination", Type: arrow.BinaryTypes.String},
	}, nil)
	enc, err := parquet.Format{}.Create(file, schema)
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	airport := func() string { return fmt.Sprintf("A%02d", min(r.IntN(200), r.IntN(200))) }
	const group = 122_880
	for at := 0; at < rows; at += group {
		rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := at; i < min(at+group, rows); i++ {
			rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(978_307_200_000_000 + int64(i)*60_000_000/60))
			rb.Field(1).(*array.Int32Builder).Append(int32(r.NormFloat64()*20 + 5))
			rb.Field(2).(*array.Int32Builder).Append(50 + r.Int32N(2500))
			rb.Field(3).(*array.StringBuilder).Append(airport())
			rb.Field(4).(*array.StringBuilder).Append(airport())
		}
		batch := rb.NewRecordBatch()
		chunk, err := enc.Encode(tb.Context(), []arrow.RecordBatch{batch})
		if err == nil {
			err = enc.Append(chunk)
		}
		batch.Release()
		rb.Release()
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		tb.Fatal(err)
	}
}
