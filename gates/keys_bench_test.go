package gates

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// BenchmarkKeys judges two million rows by rules about keys.
func BenchmarkKeys(b *testing.B) {
	const n, batch = 2_000_000, 8192
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	var batches []arrow.RecordBatch
	for from := 0; from < n; from += batch {
		c := array.NewInt64Builder(memory.DefaultAllocator)
		for i := from; i < min(from+batch, n); i++ {
			c.Append(int64(i))
		}
		col := c.NewArray()
		batches = append(batches, array.NewRecordBatch(schema, []arrow.Array{col}, int64(col.Len())))
	}
	for name, rule := range map[string]Rule{
		"unique": {Name: "u", Check: Unique("id")}, "distinct": {Name: "d", Check: Expect("distinct(id) > 0")},
		"few": {Name: "f", Check: Expect("distinct(id % 10) > 0")}, "references": {Name: "r", Check: References("id", "ids", "id")},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				env := &pipeline.Env{Alloc: memory.DefaultAllocator, Memory: pipeline.NewBudget(1 << 30), Workers: 1, Temp: b.TempDir()}
				bound, err := Of(rule).Bind(schema, pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return schema }})
				if err != nil {
					b.Fatal(err)
				}
				h := pipeline.Hearing{Env: env}
				for range bound.Inputs {
					for _, x := range batches {
						x.Retain()
					}
					h.Lookups = append(h.Lookups, pipeline.Lookup{Reader: pipeline.Batches(batches...)})
				}
				court, err := bound.Open(b.Context(), h)
				if err != nil {
					b.Fatal(err)
				}
				for i := 0; i < len(batches); i += 15 {
					w := court.Unit(pipeline.Unit{Seq: i, Name: "x", Env: env})
					for _, x := range batches[i:min(i+15, len(batches))] {
						if _, err := w.Observe(b.Context(), x, nil); err != nil {
							b.Fatal(err)
						}
					}
					if err := court.Merge(w); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := court.Judge(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
