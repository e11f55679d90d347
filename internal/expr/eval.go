package expr

import (
	"context"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Result is the outcome of an expression on each row of a batch.
type Result struct {
	// Values are null where the outcome is null or an error.
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

// checkEvery is how many rows are evaluated between two looks at the context.
const checkEvery = 1024

// Eval evaluates the expression on every row of a batch of the schema it was
// compiled against. The caller releases the result.
func (p *Program) Eval(ctx context.Context, batch arrow.RecordBatch, alloc memory.Allocator) (*Result, error) {
	if alloc == nil {
		alloc = memory.DefaultAllocator
	}
	cols := make([]arrow.Array, len(p.columns))
	for i, c := range p.columns {
		cols[i] = batch.Column(c)
	}
	switch {
	case p.notNull:
		return evalNotNull(cols, int(batch.NumRows()), alloc), nil
	case p.kernel != nil && !anyNulls(cols):
		return p.kernel.eval(cols, int(batch.NumRows()), alloc), nil
	}
	if d, ok := oneDictionary(cols); ok && d.Dictionary().Len() <= d.Len() {
		return p.evalDictionary(ctx, d, alloc)
	}
	return p.evalRows(ctx, cols, int(batch.NumRows()), alloc)
}

// evalRows evaluates row by row. Rows whose columns hold the values of an earlier
// row take its outcome: an expression is a function of the values it reads.
func (p *Program) evalRows(ctx context.Context, cols []arrow.Array, rows int, alloc memory.Allocator) (*Result, error) {
	act := p.rows.Get().(*rowActivation)
	defer p.rows.Put(act)
	act.set(cols)
	defer act.set(nil)
	memo := newMemo(cols)

	b := array.NewBuilder(alloc, p.typ)
	defer b.Release()
	b.Reserve(rows)
	add := appender(b)
	res := &Result{}
	for row := range rows {
		if row%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var v ref.Val
		slot := memo.find(row)
		if slot != nil && slot.val != nil {
			v = slot.val
		} else {
			act.row = row
			v = p.evalRow(act)
			if slot != nil {
				slot.val = v
			}
		}
		switch {
		case types.IsUnknown(v):
			b.AppendNull()
		case types.IsError(v):
			b.AppendNull()
			res.Errs = append(res.Errs, RowError{row, v.(*types.Err)})
		default:
			if err := add(v); err != nil {
				return nil, err
			}
		}
	}
	res.Values = b.NewArray()
	return res, nil
}

// evalRow gives the outcome of one row: a value of the program's type, null, or an
// error as a value.
func (p *Program) evalRow(act *rowActivation) (v ref.Val) {
	defer func() {
		if r := recover(); r != nil {
			v = types.NewErr("%v", r)
		}
	}()
	v, _, err := p.program.Eval(act)
	if err != nil {
		return types.WrapErr(err)
	}
	return v
}

// evalDictionary evaluates each value of the dictionary once, and null if there is
// one, and looks the outcomes up by index.
func (p *Program) evalDictionary(ctx context.Context, d *array.Dictionary, alloc memory.Allocator) (*Result, error) {
	byValue, err := p.evalRows(ctx, []arrow.Array{d.Dictionary()}, d.Dictionary().Len(), alloc)
	if err != nil {
		return nil, err
	}
	defer byValue.Release()
	ofNull, err := p.evalNull(ctx, d, alloc)
	if err != nil {
		return nil, err
	}
	defer ofNull.Release()
	failed := map[int]error{}
	for _, e := range byValue.Errs {
		failed[e.Row] = e.Err
	}

	b := array.NewBuilder(alloc, p.typ)
	defer b.Release()
	b.Reserve(d.Len())
	copyTo := copier(b)
	res := &Result{}
	for row := range d.Len() {
		if d.IsNull(row) {
			copyTo(ofNull.Values, 0)
			if ofNull.Errs != nil {
				res.Errs = append(res.Errs, RowError{row, ofNull.Errs[0].Err})
			}
			continue
		}
		i := d.GetValueIndex(row)
		copyTo(byValue.Values, i)
		if len(failed) > 0 && failed[i] != nil {
			res.Errs = append(res.Errs, RowError{row, failed[i]})
		}
	}
	res.Values = b.NewArray()
	return res, nil
}

func (p *Program) evalNull(ctx context.Context, d *array.Dictionary, alloc memory.Allocator) (*Result, error) {
	one := array.MakeArrayOfNull(alloc, d.Dictionary().DataType(), 1)
	defer one.Release()
	return p.evalRows(ctx, []arrow.Array{one}, 1, alloc)
}

func oneDictionary(cols []arrow.Array) (*array.Dictionary, bool) {
	if len(cols) != 1 {
		return nil, false
	}
	d, ok := cols[0].(*array.Dictionary)
	return d, ok
}

// copier gives the function that appends one value of an array of the builder's type.
func copier(b array.Builder) func(arrow.Array, int) {
	if b, ok := b.(*array.BooleanBuilder); ok {
		return func(a arrow.Array, i int) {
			if a.IsNull(i) {
				b.AppendNull()
			} else {
				b.Append(a.(*array.Boolean).Value(i))
			}
		}
	}
	add := appender(b)
	return func(a arrow.Array, i int) {
		if a.IsNull(i) {
			b.AppendNull()
			return
		}
		_ = add(values(a)(i)) // the value came out of an appender
	}
}

// rowActivation gives an expression the values of one row.
type rowActivation struct {
	names   []string
	getters []getter
	row     int
}

func newRowActivation(names []string) *rowActivation { return &rowActivation{names: names} }

func (a *rowActivation) set(cols []arrow.Array) {
	a.getters = a.getters[:0]
	for _, col := range cols {
		a.getters = append(a.getters, values(col))
	}
}

// ResolveName implements cel.Activation.
func (a *rowActivation) ResolveName(name string) (any, bool) {
	for i, n := range a.names {
		if n == name {
			return a.getters[i](a.row), true
		}
	}
	return nil, false
}

// Parent implements cel.Activation.
func (a *rowActivation) Parent() cel.Activation { return nil }

// String shows no row values.
func (a *rowActivation) String() string { return fmt.Sprintf("row of %v", a.names) }
