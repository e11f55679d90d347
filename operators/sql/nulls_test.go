package sql

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// What stands under a null is zero, whatever was computed there: buffers are written as they are.
func TestNullsHaveNoValue(t *testing.T) {
	env := testEnv(t, 1)
	in := table(t, env.Alloc, parseSchema("a:int64; b:double"), "1|1.5", "2|2.5", "3|3.5", "4|4.5")
	b, err := Query("SELECT nullif(a, 2) AS a, CASE WHEN b > 2 THEN b END AS b, try_cast(a * 1000 AS TINYINT) AS c FROM t", "t").Bind(in.Schema())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r, err := b.Stream(ctx, env, pipeline.Batches(in))
	if err != nil {
		t.Fatal(err)
	}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			for c, col := range b.Columns() {
				if col.IsValid(i) {
					continue
				}
				zero := true
				switch col := col.(type) {
				case *array.Int64:
					zero = col.Value(i) == 0
				case *array.Float64:
					zero = col.Value(i) == 0
				case *array.Int8:
					zero = col.Value(i) == 0
				}
				if !zero {
					t.Errorf("row %d of column %d is null, and has a value", i, c)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
