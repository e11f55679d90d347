package operators

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// Filter keeps the rows for which a CEL predicate is true. Rows for which it is false
// or null go; one on which it is an error ends the run.
//
//	Filter(t, predicate) → t
func Filter(predicate string) pipeline.Operator { return filter(predicate) }

type filter string

func (o filter) String() string { return fmt.Sprintf("filter %s", string(o)) }

func (o filter) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("filter", in)
	if err != nil {
		return nil, err
	}
	p, err := compile(string(o), schema)
	if err != nil {
		return nil, err
	}
	if p.Type().ID() != arrow.BOOL {
		return nil, pipeline.Errorf(pipeline.Invalid, "filter wants a condition, %s gives %s", string(o), pipeline.ATypeName(p.Type()))
	}
	return &pipeline.Bound{
		Schema: schema, From: identity(schema), Reads: columns(p.Columns()), Coded: true, Notes: p.Fallbacks(),
		Origins: filterOrigins(schema, p),
		Proves: func(rows int64, facts func(int) pipeline.Facts) (none, all, safe bool) {
			known := map[int]pipeline.Facts{}
			for _, c := range p.Columns() {
				known[c] = facts(c)
			}
			proof := p.Prove(rows, known)
			safe = !proof.MayFail
			return safe && !proof.MayTrue, safe && !proof.MayFalse && !proof.MayNull, safe
		},
		Keep: func(u pipeline.Unit) (pipeline.KeepFunc, error) {
			var done int64
			return func(ctx context.Context, b arrow.RecordBatch) ([]bool, error) {
				keep, err := keeps(ctx, p, u, b, done)
				done += b.NumRows()
				return keep, err
			}, nil
		},
	}, nil
}

func filterOrigins(schema *arrow.Schema, p *expr.Program) *pipeline.Origins {
	all := copies(schema, nil)
	values, conditions := p.Origins()
	all.Rows.From = append(uses(values, pipeline.Filtered), uses(conditions, pipeline.Filtered)...)
	return all
}

// keeps says for which rows the predicate is true.
func keeps(ctx context.Context, p *expr.Program, u pipeline.Unit, b arrow.RecordBatch, done int64) ([]bool, error) {
	vals, err := evaluate(ctx, p, u, b, done)
	if err != nil {
		return nil, err
	}
	defer vals.Release()
	truth := vals.(*array.Boolean)
	keep := make([]bool, truth.Len())
	for i := range keep {
		keep[i] = truth.IsValid(i) && truth.Value(i)
	}
	return keep, nil
}
