package gates

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// Outcome is what a Go function says of a row. The zero value fails it.
type Outcome uint8

// The outcomes.
const (
	Fails Outcome = iota
	Holds
	// NotTested is what null is in an expression: a rule tests it only with nulls: fail.
	NotTested
)

// RowFunc judges the rows of a batch: it gives an outcome for each. The batch has the columns
// that the check names, in that order, and at least one row; it is only lent. A RowFunc is
// called from several goroutines at once, is to say the same of the same row whatever stands
// beside it, and reads nothing else.
type RowFunc func(ctx context.Context, batch arrow.RecordBatch) ([]Outcome, error)

// RowsFunc holds of rows of which a Go function says so. An error, a panic, and a number of
// outcomes other than that of the rows, are errors of every row of the batch, and never a pass.
// What the function found is stored by its name and version: with the same of both it is
// believed of rows that were judged before, so a function that changed needs another version.
func RowsFunc(name, version string, columns []string, f RowFunc) Check {
	return Check{
		kind: rowCheck, label: name, columns: columns, function: f,
		show: fmt.Sprintf("function %s %s of %s", name, version, strings.Join(columns, ", ")),
	}
}

func (b *bound) addFunction(br *boundRule) (err error) {
	if br.Check.label == "" || len(br.Check.columns) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "a function needs a name, and the columns it looks at")
	}
	if br.columns, err = b.columnsOf(br.Check.columns); err != nil {
		return err
	}
	b.read(br.columns...)
	b.hand(br.columns...)
	b.read(b.key...)
	return nil
}

// outcomes are those of a row rule on a batch, and what gives them back if the view does not.
func (r *boundRule) outcomes(ctx context.Context, v *view) (res *expr.Result, release func(), err error) {
	if r.Check.function == nil {
		res, err = v.eval(ctx, r.program)
		return res, func() {}, err
	}
	said, err := r.call(ctx, v.batch)
	if err != nil && ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	b := array.NewBooleanBuilder(v.w.unit.Env.Alloc)
	defer b.Release()
	b.Reserve(int(v.batch.NumRows()) + 1) // of no rows there are buffers, too
	res = &expr.Result{}
	for row := range int(v.batch.NumRows()) {
		switch {
		case err != nil:
			res.Errs = append(res.Errs, expr.RowError{Row: row, Err: err})
			b.AppendNull()
		case said[row] == Fails || said[row] == Holds:
			b.Append(said[row] == Holds)
		default:
			b.AppendNull()
		}
	}
	res.Values = b.NewArray()
	return res, res.Release, nil
}

// call calls the function with the columns it names.
func (r *boundRule) call(ctx context.Context, batch arrow.RecordBatch) (said []Outcome, err error) {
	if batch.NumRows() == 0 {
		return nil, nil
	}
	defer func() {
		if e := recover(); e != nil {
			said, err = nil, errText(fmt.Sprintf("it panicked: %v", e))
		}
	}()
	fields, columns := make([]arrow.Field, len(r.columns)), make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		fields[i], columns[i] = batch.Schema().Field(c), batch.Column(c)
	}
	part := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, batch.NumRows())
	defer part.Release()
	said, err = r.Check.function(ctx, part)
	if err == nil && int64(len(said)) != batch.NumRows() {
		err = errText(fmt.Sprintf("it gave %d outcomes for %d rows", len(said), batch.NumRows()))
	}
	return said, err
}

// source is what a row rule evaluates, for messages.
func (r *boundRule) source() string {
	if r.Check.function != nil {
		return r.Check.show
	}
	return r.program.Source()
}
