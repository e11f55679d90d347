package operators

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// compile types an expression; its errors become those of a description.
func compile(src string, schema *arrow.Schema) (*expr.Program, error) {
	p, err := expr.Compile(src, schema)
	var e *expr.Error
	if errors.As(err, &e) {
		return nil, (&pipeline.Error{Kind: pipeline.Invalid, Msg: e.Msg}).With(e.Snippet...)
	}
	return p, err
}

// evaluate gives the values of an expression on a batch. An error on any row ends
// the run: rows would be lost, or wrong, without a word. done counts the rows of the
// unit before the batch.
func evaluate(ctx context.Context, p *expr.Program, u pipeline.Unit, b arrow.RecordBatch, done int64) (arrow.Array, error) {
	res, err := p.Eval(ctx, b, u.Env.Alloc)
	if err != nil {
		return nil, err
	}
	if len(res.Errs) > 0 {
		defer res.Release()
		first := res.Errs[0]
		return nil, rowError(u, done+int64(first.Row), "%s: %v", p.Source(), first.Err).
			With("make the expression safe for such rows, or filter or quarantine them before")
	}
	return res.Values, nil
}
