package penstock

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"

	"github.com/penstock-data/penstock/pipeline"
)

// someRows reads some rows of a split in a schema of their own.
type someRows struct {
	pipeline.Reader
	env    *pipeline.Env
	name   string
	keep   []bool // nil: all
	schema *arrow.Schema
	seen   int64
	places []int32
}

// openSome opens a split of which rows are kept where keep says so; nil keeps all. Columns
// that the split does not have are null.
func openSome(ctx context.Context, env *pipeline.Env, s pipeline.Split, keep []bool, schema *arrow.Schema) (pipeline.Reader, error) {
	r, err := s.Open(ctx, env, nil)
	if err != nil {
		return nil, err
	}
	return &someRows{Reader: r, env: env, name: s.Name, keep: keep, schema: schema}, nil
}

// Next implements pipeline.Reader.
func (r *someRows) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	first := r.seen
	r.seen += b.NumRows()
	if r.keep != nil && r.seen > int64(len(r.keep)) {
		return nil, pipeline.Errorf(pipeline.BadInput, "%s has more rows than when it was looked at", r.name)
	}
	mask := make([]bool, b.NumRows())
	r.places = make([]int32, 0, len(mask))
	for i := range mask {
		if mask[i] = r.keep == nil || r.keep[first+int64(i)]; mask[i] {
			r.places = append(r.places, int32(first)+int32(i))
		}
	}
	kept, err := pipeline.Filter(ctx, b, mask, r.env.Alloc)
	if err != nil {
		return nil, err
	}
	defer kept.Release()
	return r.conform(ctx, kept)
}

// Places implements pipeline.Placer.
func (r *someRows) Places() []int32 { return r.places }

// conform gives a batch in the reader's schema.
func (r *someRows) conform(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, r.schema.NumFields())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, f := range r.schema.Fields() {
		col, err := r.column(ctx, b, f)
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
		for j := range col.Len() {
			if !f.Nullable && col.NullN() > 0 && col.IsNull(j) {
				return nil, refuseNull(r.name, f, int64(r.places[j]))
			}
		}
	}
	return array.NewRecordBatch(r.schema, cols, b.NumRows()), nil
}

// column gives a column as a field of the schema has it. The caller releases it.
func (r *someRows) column(ctx context.Context, b arrow.RecordBatch, f arrow.Field) (arrow.Array, error) {
	found := b.Schema().FieldIndices(f.Name)
	if len(found) == 0 {
		return array.MakeArrayOfNull(r.env.Alloc, f.Type, int(b.NumRows())), nil
	}
	col := b.Column(found[0])
	if arrow.TypeEqual(col.DataType(), f.Type) {
		col.Retain()
		return col, nil
	}
	plain, err := compute.CastArray(compute.WithAllocator(ctx, r.env.Alloc), col, compute.SafeCastOptions(pipeline.ValueType(f.Type)))
	if err != nil {
		return nil, &pipeline.Error{
			Kind: pipeline.BadInput, Where: r.name, Err: err,
			Msg: "column \"" + f.Name + "\" has a value that is no " + pipeline.TypeName(f.Type),
		}
	}
	coded, ok := f.Type.(*arrow.DictionaryType)
	if !ok {
		return plain, nil
	}
	defer plain.Release()
	builder := array.NewDictionaryBuilder(r.env.Alloc, coded)
	defer builder.Release()
	if err := builder.AppendArray(plain); err != nil {
		return nil, err
	}
	return builder.NewArray(), nil
}
