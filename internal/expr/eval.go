package expr

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Result is the outcome of an expression on each row of a batch.
type Result struct {
	// Values are null where the outcome is null or an error. What lies under a null bool
	// is false, so that true bits can be counted.
	Values arrow.Array
	// Errs are the rows whose outcome is an error, ascending; nil if there are none.
	Errs []RowError
}

// Release gives the values back.
func (r *Result) Release() { r.Values.Release() }

// RowError is the error of one row, counted from 0 in its batch.
type RowError struct {
	Row int
	Err error
}

// Eval evaluates the expression on every row of a batch of the schema it was compiled
// against. The caller releases the result. It is Group.Eval of one program.
func (p *Program) Eval(ctx context.Context, batch arrow.RecordBatch, alloc memory.Allocator) (*Result, error) {
	results, err := p.alone.Eval(ctx, batch, alloc)
	if err != nil {
		return nil, err
	}
	return results[0], nil
}
