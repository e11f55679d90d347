package operators

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"

	"github.com/penstock-data/penstock/pipeline"
)

// Union gives the rows of its inputs one after the other. All must have the columns of
// the first, by name and type; the order of the first holds. An input without columns is
// that of a dataset of which nothing is published yet: it has no rows, and is left out.
//
//	Union(t, t, …) → t
func Union() pipeline.Operator { return union{} }

type union struct{}

func (union) String() string { return "union" }

func (union) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	if len(in) < 2 {
		return nil, pipeline.Errorf(pipeline.Invalid, "union takes two inputs or more, found %d", len(in))
	}
	var fields []arrow.Field
	var from [][]pipeline.Column
	origins := &pipeline.Origins{}
	for n, schema := range in {
		if fields == nil {
			fields = append(fields, schema.Fields()...)
			from = make([][]pipeline.Column, len(fields))
			origins.Columns = make([]pipeline.Origin, len(fields))
		}
		if schema.NumFields() == 0 {
			continue
		}
		if schema.NumFields() != len(fields) {
			return nil, pipeline.Errorf(pipeline.Invalid, "union: the first input has %d columns, input %d has %d", len(fields), n+1, schema.NumFields())
		}
		for i := range fields {
			f := &fields[i]
			j, err := find(schema, f.Name)
			if err != nil {
				return nil, err
			}
			other := schema.Field(j)
			if !arrow.TypeEqual(f.Type, other.Type) {
				if !arrow.TypeEqual(pipeline.ValueType(f.Type), pipeline.ValueType(other.Type)) {
					return nil, pipeline.Errorf(pipeline.Invalid, "union: column %s is %s in the first input, %s in input %d",
						f.Name, pipeline.TypeName(f.Type), pipeline.TypeName(other.Type), n+1)
				}
				f.Type = pipeline.ValueType(f.Type)
			}
			f.Nullable = f.Nullable || other.Nullable
			from[i] = append(from[i], pipeline.Column{Input: n, Index: j})
			origins.Columns[i].From = append(origins.Columns[i].From, pipeline.Use{Column: pipeline.Column{Input: n, Index: j}, How: pipeline.Copied})
		}
	}
	b := &pipeline.Bound{Schema: arrow.NewSchema(fields, nil), From: from, Origins: origins, Rows: pipeline.RowsSame}
	b.Stream = chain(b.Schema)
	b.Carry = func(in ...*arrow.Schema) (*pipeline.Bound, error) {
		most := 0
		for _, schema := range in {
			most = max(most, pipeline.Places(schema))
		}
		wide := pipeline.WithPlaces(b.Schema, most)
		return &pipeline.Bound{Schema: wide, Stream: chain(wide)}, nil
	}
	return b, nil
}

func chain(out *arrow.Schema) func(context.Context, *pipeline.Env, ...pipeline.Reader) (pipeline.Reader, error) {
	return func(_ context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
		return &chained{rest: in, env: env, schema: out}, nil
	}
}

// chained reads its inputs one after the other.
type chained struct {
	rest   []pipeline.Reader
	env    *pipeline.Env
	schema *arrow.Schema
}

func (c *chained) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for len(c.rest) > 0 {
		b, err := c.rest[0].Next(ctx)
		if err == nil {
			defer b.Release()
			return c.align(ctx, b)
		}
		if err != io.EOF { //nolint:errorlint // identity is the contract of Reader
			return nil, err
		}
		if err := c.rest[0].Close(); err != nil {
			return nil, err
		}
		c.rest = c.rest[1:]
	}
	return nil, io.EOF
}

// align gives the batch with the columns and types of the first input.
func (c *chained) align(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, c.schema.NumFields())
	for i, f := range c.schema.Fields() {
		found := b.Schema().FieldIndices(f.Name)
		if len(found) == 0 { // a place column: rows of other inputs come from more rows than these
			none := array.MakeArrayOfNull(c.env.Alloc, f.Type, int(b.NumRows()))
			defer none.Release()
			cols[i] = none
			continue
		}
		col := b.Column(found[0])
		if arrow.TypeEqual(col.DataType(), f.Type) {
			cols[i] = col
			continue
		}
		plain, err := compute.CastArray(compute.WithAllocator(ctx, c.env.Alloc), col, compute.SafeCastOptions(f.Type))
		if err != nil {
			return nil, err
		}
		defer plain.Release()
		cols[i] = plain
	}
	return array.NewRecordBatch(c.schema, cols, b.NumRows()), nil
}

func (c *chained) Close() (err error) {
	for _, r := range c.rest {
		err = errors.Join(err, r.Close())
	}
	c.rest = nil
	return err
}
