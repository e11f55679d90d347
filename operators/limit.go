package operators

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Limit gives the first n rows and stops reading then.
//
//	Limit(t, n) → t of at most n rows
func Limit(n int64) pipeline.Operator { return limit(n) }

type limit int64

func (o limit) String() string { return fmt.Sprintf("limit %d", int64(o)) }

func (o limit) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("limit", in)
	if err != nil {
		return nil, err
	}
	if o < 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "limit %d: at least 0 is needed", int64(o))
	}
	b := &pipeline.Bound{
		Schema: schema, From: identity(schema), Origins: copies(schema, nil), Rows: pipeline.RowsFewer,
		Stream: func(_ context.Context, _ *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
			return &limited{in[0], int64(o)}, nil
		},
	}
	b.Carry = func(in ...*arrow.Schema) (*pipeline.Bound, error) {
		return &pipeline.Bound{Schema: in[0], Stream: b.Stream}, nil
	}
	return b, nil
}

type limited struct {
	pipeline.Reader
	left int64
}

func (r *limited) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if b.NumRows() > r.left {
		defer b.Release()
		b = b.NewSlice(0, r.left)
	}
	r.left -= b.NumRows()
	return b, nil
}
