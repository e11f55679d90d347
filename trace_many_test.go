package penstock_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/trace"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// Of row groups and units of many rows, where it is packed by whoever has them, every row is
// told from where it came: its date says it.
func TestTraceOfManyRows(t *testing.T) {
	const rows = 300_000
	dir := t.TempDir()
	writeFlights(t, filepath.Join(dir, "flights.parquet"), rows)
	for name, ops := range map[string][]pipeline.Operator{
		"all rows":        {operators.Filter("distance > 0")},
		"a few left out":  {operators.Filter("distance > 100")},
		"every other":     {operators.Filter("delay % 2 == 0"), operators.Derive(operators.Column{Name: "late", Expr: "delay > 15"})},
		"almost all":      {operators.Filter("delay > 60")},
		"sorted":          {operators.Filter("delay % 3 == 0"), sql.Sort(sql.SortKey{Column: "delay"})},
		"sorted and less": {sql.Sort(sql.SortKey{Column: "delay"}), operators.Filter("distance % 2 == 0")},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			pl := &pipeline.Pipeline{
				Name: "p", Sources: []pipeline.NamedSource{{Name: "flights", Source: parquet.Files("flights.parquet")}},
				Stages: []pipeline.Stage{{
					Name: "clean", From: []string{"flights"}, Operators: ops, Lineage: pipeline.RowDepth,
					Output: &pipeline.Output{Path: "out", Format: parquet.Format{}},
				}},
			}
			env := &pipeline.Env{
				Dir: dir, Temp: out, Workers: 2, Memory: pipeline.NewBudget(1 << 30),
				Now: func() time.Time { return time.Time{} }, Alloc: memory.DefaultAllocator,
			}
			plan, err := pipeline.Bind(t.Context(), pl, env)
			if err != nil {
				t.Fatal(err)
			}
			got, err := plan.Run(t.Context(), staged{out}, nil)
			if err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(got.Stages[0].Lineage[0].Path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			info, err := file.Stat()
			if err != nil {
				t.Fatal(err)
			}
			r, err := trace.Open(file, info.Size())
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range readRows(t, env, got.Stages[0].Files[0].Path) {
				date, err := time.Parse(time.RFC3339, row["date"]+"Z")
				if err != nil {
					t.Fatal(err)
				}
				want := strconv.FormatInt(date.Unix()-978_307_200, 10)
				n := 0
				err = r.Each(int64(i), func(o trace.Origin) error {
					n++
					if have := strconv.FormatInt(o.Row, 10); have != want {
						t.Fatalf("row %d came from row %s, recorded is %s", i, want, have)
					}
					return nil
				})
				if err != nil || n != 1 {
					t.Fatalf("row %d came from %d rows: %v", i, n, err)
				}
			}
		})
	}
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
