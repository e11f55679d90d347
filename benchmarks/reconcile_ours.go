package main

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

// reconciledSides is the operator, from the files to its last row: all that differs, with causes,
// balanced.
func reconciledSides(j job) (outcome, error) {
	ctx := context.Background()
	left, right := sidePaths(j)
	limit := j.Memory
	if limit == 0 {
		limit = defaultMemory
	}
	o := reconcile.Options{Keys: []reconcile.Key{{Left: "id"}}, Amount: "amount"}
	for _, c := range sideColumns {
		o.Columns = append(o.Columns, reconcile.Column{Left: c})
	}
	m := begin()
	env := &pipeline.Env{Dir: j.Dir, Temp: j.Dir, Workers: j.workers(), Memory: pipeline.NewBudget(limit), Now: time.Now, Alloc: memory.DefaultAllocator}
	var in [2]*pipeline.Input
	for side, path := range []string{left, right} {
		var err error
		if in[side], err = parquet.Files(path).Resolve(ctx, env); err != nil {
			return outcome{}, err
		}
	}
	bound, err := reconcile.Sides(o).Bind(in[0].Schema, in[1].Schema)
	if err != nil {
		return outcome{}, err
	}
	r, err := bound.Scan(ctx, env, in[0], in[1])
	if err != nil {
		return outcome{}, err
	}
	failed := make([]int64, 4+len(sideColumns))
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		col := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
		outcomes, columns := col(words.ColOutcome).(*array.String), col(words.ColColumn).(*array.String)
		rows := col(words.ColLeftRows).(*array.Int64)
		for i := range outcomes.Len() {
			switch outcomes.Value(i) {
			case words.Matched:
				failed[0] += rows.Value(i)
			case words.OnlyLeft:
				failed[1]++
			case words.OnlyRight:
				failed[2]++
			default:
				failed[3] += rows.Value(i)
				failed[4+slices.Index(sideColumns, columns.Value(i))]++
			}
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{Work: m.end(), Failed: failed}, nil
}
