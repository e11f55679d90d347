package pipeline

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/rows"
)

// sparse is a batch of which some columns were not read. Whoever asks for one of these
// gets a panic, and the unit an error: nothing is ever taken for null that was not read.
type sparse struct {
	arrow.RecordBatch // what was read
	schema            *arrow.Schema
	at                []int // where in the batch each column is, or -1
}

// widen gives a batch as somebody was bound to it. It owns nothing of its own.
func widen(schema *arrow.Schema, b arrow.RecordBatch) arrow.RecordBatch {
	if b.Schema().NumFields() == schema.NumFields() {
		return b
	}
	w := &sparse{RecordBatch: b, schema: schema, at: make([]int, schema.NumFields())}
	for i, f := range schema.Fields() {
		w.at[i] = -1
		if found := b.Schema().FieldIndices(f.Name); len(found) > 0 {
			w.at[i] = found[0]
		}
	}
	return w
}

// widened widens what it reads.
type widened struct {
	Reader
	schema *arrow.Schema
}

// Next implements Reader.
func (w widened) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := w.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	return widen(w.schema, b), nil
}

// Schema implements arrow.RecordBatch.
func (s *sparse) Schema() *arrow.Schema { return s.schema }

// NumCols implements arrow.RecordBatch.
func (s *sparse) NumCols() int64 { return int64(len(s.at)) }

// ColumnName implements arrow.RecordBatch.
func (s *sparse) ColumnName(i int) string { return s.schema.Field(i).Name }

// Columns implements arrow.RecordBatch; what was not read is nil.
func (s *sparse) Columns() []arrow.Array {
	all := make([]arrow.Array, len(s.at))
	for i, j := range s.at {
		if j >= 0 {
			all[i] = s.RecordBatch.Column(j)
		}
	}
	return all
}

// Column implements arrow.RecordBatch.
func (s *sparse) Column(i int) arrow.Array {
	if s.at[i] < 0 {
		panic(fmt.Sprintf("column %q is looked at, and was not read", s.schema.Field(i).Name))
	}
	return s.RecordBatch.Column(s.at[i])
}

// NewSlice implements arrow.RecordBatch.
func (s *sparse) NewSlice(from, to int64) arrow.RecordBatch {
	return &sparse{RecordBatch: s.RecordBatch.NewSlice(from, to), schema: s.schema, at: s.at}
}

// Filter gives the rows of batch whose entry in keep is set, also of a batch of which some
// columns were not read. The caller releases it.
func Filter(ctx context.Context, batch arrow.RecordBatch, keep []bool, alloc memory.Allocator) (arrow.RecordBatch, error) {
	s, ok := batch.(*sparse)
	if !ok {
		return rows.Filter(ctx, batch, keep, alloc)
	}
	some, err := rows.Filter(ctx, s.RecordBatch, keep, alloc)
	if err != nil {
		return nil, err
	}
	return &sparse{RecordBatch: some, schema: s.schema, at: s.at}, nil
}
