package sql

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

type stream = func(ctx context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error)

// withSchema gives the batches of a stream under a schema that differs from theirs
// only in what may be null: DuckDB does not say.
func withSchema(s stream, schema *arrow.Schema) stream {
	return func(ctx context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
		r, err := s(ctx, env, in...)
		if err != nil {
			return nil, err
		}
		return &relabelled{r, schema}, nil
	}
}

type relabelled struct {
	pipeline.Reader
	schema *arrow.Schema
}

func (r *relabelled) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return array.NewRecordBatch(r.schema, b.Columns(), b.NumRows()), nil
}

// plainSchema is a schema without dictionaries: what DuckDB gives of its columns.
func plainSchema(s *arrow.Schema) *arrow.Schema {
	fields := append([]arrow.Field{}, s.Fields()...)
	for i := range fields {
		fields[i].Type = pipeline.ValueType(fields[i].Type)
	}
	return arrow.NewSchema(fields, nil)
}

// conformed gives batches of plain columns in the schema, with its dictionaries.
type conformed struct {
	pipeline.Reader
	schema *arrow.Schema
	env    *pipeline.Env
}

func (r *conformed) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	cols := append([]arrow.Array{}, b.Columns()...)
	for i, f := range r.schema.Fields() {
		if f.Type.ID() != arrow.DICTIONARY {
			continue
		}
		dict := array.NewDictionaryBuilder(r.env.Alloc, f.Type.(*arrow.DictionaryType)).(*array.BinaryDictionaryBuilder)
		err := appendStrings(dict, cols[i].(*array.String))
		cols[i] = dict.NewArray()
		dict.Release()
		defer cols[i].Release()
		if err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(r.schema, cols, b.NumRows()), nil
}

func appendStrings(to *array.BinaryDictionaryBuilder, a *array.String) error {
	for i := range a.Len() {
		if a.IsNull(i) {
			to.AppendNull()
		} else if err := to.AppendString(a.Value(i)); err != nil {
			return err
		}
	}
	return nil
}
