package reconcile_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

// A ledger of three invoices and a bank that knows one of them by another amount.
func ExampleSides() {
	ctx := context.Background()
	schema := arrow.NewSchema([]arrow.Field{{Name: "invoice", Type: arrow.BinaryTypes.String}, {Name: "amount", Type: arrow.PrimitiveTypes.Int64}}, nil)
	side := func(invoices []string, amounts []int64) *pipeline.Input {
		return &pipeline.Input{Schema: schema, Splits: []pipeline.Split{{Rows: -1, Open: func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			defer b.Release()
			b.Field(0).(*array.StringBuilder).AppendValues(invoices, nil)
			b.Field(1).(*array.Int64Builder).AppendValues(amounts, nil)
			return pipeline.Batches(b.NewRecordBatch()), nil
		}}}}
	}
	op := reconcile.Sides(reconcile.Options{
		Keys:    []reconcile.Key{{Left: "invoice", Normal: reconcile.Normal{Trim: true, Case: "upper"}}},
		Columns: []reconcile.Column{{Left: "amount"}},
	})
	bound, err := op.Bind(schema, schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	env := &pipeline.Env{Alloc: memory.DefaultAllocator, Memory: pipeline.NewBudget(1 << 30), Workers: 1}
	r, err := bound.Scan(ctx, env, side([]string{"A1", "A2", "A3"}, []int64{10, 20, 30}), side([]string{"a1 ", "a2 "}, []int64{10, 200}))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			var cells []string
			for _, name := range []string{words.ColOutcome, words.ColKey, words.ColCause, words.ColDelta, words.ColLeftRows, words.ColRightRows} {
				cells = append(cells, b.Column(b.Schema().FieldIndices(name)[0]).ValueStr(i))
			}
			fmt.Println(strings.Join(cells, " "))
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// different A2 unit -180 1 1
	// matched (null) (null) 0 1 1
	// only_left A3 missing 30 1 0
}
