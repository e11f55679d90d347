package reconcile

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

// result gives the outcomes, one after the other, and checks when all have left that they add up
// to what was read.
type result struct {
	m     *matcher
	step  int
	rows  pipeline.Reader
	read  [2]tally
	given [2]tally
	// apart are the deltas of the amounts; within, how far amounts are apart that are near enough.
	apart, within sketch.IntSum
	closed        bool
}

// Next implements pipeline.Reader.
func (r *result) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.closed {
		return nil, io.EOF
	}
	for {
		if r.rows == nil {
			more, err := r.open(ctx)
			if err != nil {
				return nil, err
			}
			if !more {
				return nil, r.balanced()
			}
		}
		b, err := r.rows.Next(ctx)
		if err == io.EOF { //nolint:errorlint // a Reader gives io.EOF itself
			if err := r.rows.Close(); err != nil {
				return nil, err
			}
			r.rows = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		defer b.Release()
		return r.leaves(b), nil
	}
}

// open begins with the next outcome.
func (r *result) open(ctx context.Context) (more bool, err error) {
	r.step++
	var query string
	switch r.step {
	case 1:
		if query = r.m.different(); query == "" {
			r.rows = pipeline.Batches()
			return true, nil
		}
	case 2:
		if !r.m.o.Rows {
			r.rows, err = r.m.counts(ctx)
			return true, err
		}
		query = r.m.matchedRows()
	case 3:
		query = r.m.alone()
	default:
		return false, nil
	}
	r.rows, _, err = r.m.db.Query(ctx, query)
	return true, err
}

// leaves gives a batch of a query as the schema has it, counted.
func (r *result) leaves(b arrow.RecordBatch) arrow.RecordBatch {
	n := r.m.schema.NumFields()
	cols := make([]arrow.Array, n)
	for i, f := range r.m.schema.Fields() {
		cols[i] = b.Column(i)
		cols[i].Retain()
		if !arrow.TypeEqual(f.Type, cols[i].DataType()) {
			was := cols[i]
			cols[i] = retyped(was, f.Type)
			was.Release()
		}
	}
	out := array.NewRecordBatch(r.m.schema, cols, b.NumRows())
	for _, c := range cols {
		c.Release()
	}
	r.count(out, b.Column(n).(*array.Decimal128))
	return out
}

func (r *result) count(b arrow.RecordBatch, rest *array.Decimal128) {
	at := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
	r.given[0].leave(at(ColLeftRows).(*array.Int64), at(ColLeftTotal))
	r.given[1].leave(at(ColRightRows).(*array.Int64), at(ColRightTotal))
	if r.m.amount < 0 {
		return
	}
	column, delta := at(ColColumn).(*array.String), at(ColDelta).(*array.Decimal128)
	for i := range delta.Len() {
		if delta.IsValid(i) && (column.IsNull(i) || column.Value(i) == r.m.cols[r.m.amount].name) {
			r.apart.Add128(delta.Value(i).HighBits(), delta.Value(i).LowBits())
		}
		if rest.IsValid(i) {
			r.within.Add128(rest.Value(i).HighBits(), rest.Value(i).LowBits())
		}
	}
}

// balanced is io.EOF, if what was given adds up to what was read.
func (r *result) balanced() error {
	var amount *columnPair
	if r.m.amount >= 0 {
		amount = r.m.cols[r.m.amount]
	}
	var wrong []string
	for side := range r.read {
		if !r.given[side].agrees(&r.read[side], amount) {
			wrong = append(wrong, fmt.Sprintf("%s: %s read, %s accounted for", r.m.o.side(side), r.read[side].text(amount), r.given[side].text(amount)))
		}
	}
	if wrong != nil {
		return pipeline.Errorf(pipeline.Internal, "reconcile: the result does not add up to what was read").With(wrong...).
			With("this is a bug in penstock; keep the input, and report it")
	}
	return io.EOF
}

// text is the tally for people.
func (t *tally) text(amount *columnPair) string {
	if amount == nil {
		return fmt.Sprintf("%d rows", t.rows)
	}
	return fmt.Sprintf("%d rows, %s %s", t.rows, amount.name, t.total(amount))
}

// Close implements pipeline.Reader.
func (r *result) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	if r.rows != nil {
		err = r.rows.Close()
	}
	return firstOf(err, r.m.db.Close())
}
