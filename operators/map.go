package operators

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Map applies a function of yours to every batch. schema gives the schema of what f
// returns from that of what it is given; nil means the same. f borrows its argument
// and returns a batch that the engine releases; it is called by several goroutines at
// once and must keep nothing between calls. The name stands for what f does in
// fingerprints: change it when you change f. A panic in f fails the partition, not the
// program. It gives as many rows as it is given, or its stage is blocked; see MapRows.
//
//	Map(t, schema, f) → f(t)
func Map(name string, schema func(*arrow.Schema) (*arrow.Schema, error),
	f func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error),
) pipeline.Operator {
	return mapped{name: name, rows: pipeline.RowsSame, schema: schema, f: f}
}

// MapEach is Map for a function that gives each row that comes in, in its place: rows can be
// followed through it, where a stage asks for lineage of rows.
//
//	MapEach(t, schema, f) → f(t), row by row
func MapEach(name string, schema func(*arrow.Schema) (*arrow.Schema, error),
	f func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error),
) pipeline.Operator {
	return mapped{name: name, rows: pipeline.RowsSame, each: true, schema: schema, f: f}
}

// MapRows is Map for a function that may leave rows out (pipeline.RowsFewer: they are
// counted as filtered), or gives another number of them (pipeline.RowsOther).
//
//	MapRows(t, rows, schema, f) → f(t)
func MapRows(name string, rows pipeline.RowsRule, schema func(*arrow.Schema) (*arrow.Schema, error),
	f func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error),
) pipeline.Operator {
	return mapped{name: name, rows: rows, schema: schema, f: f}
}

type mapped struct {
	name   string
	rows   pipeline.RowsRule
	each   bool // each row leaves in its place
	schema func(*arrow.Schema) (*arrow.Schema, error)
	f      func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error)
}

func (o mapped) String() string { return "map " + o.name }

// Unsure implements pipeline.Unsure.
func (o mapped) Unsure() string {
	return "map " + o.name + " is a function of a user's, of which nothing is known but its name"
}

func (o mapped) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("map", in)
	if err != nil {
		return nil, err
	}
	out := schema
	if o.schema != nil {
		if out, err = o.schema(schema); err != nil {
			return nil, err
		}
	}
	b := &pipeline.Bound{Schema: out, Rows: o.rows, Each: same(func(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
		got, err := o.f(ctx, b)
		if err != nil {
			return nil, err
		}
		if !got.Schema().Equal(out) {
			defer got.Release()
			return nil, pipeline.Errorf(pipeline.Invalid, "map %s gave %v, and said it would give %v", o.name, got.Schema(), out)
		}
		return got, nil
	})}
	if o.each {
		b.Same = slices.Repeat([]int{-1}, out.NumFields())
	} else {
		b.Opaque = "it is a function of which it is not known whether it gives each row in its place; where it does, use MapEach"
	}
	return b, nil
}
