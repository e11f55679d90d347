package operators

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"

	"github.com/penstock-data/penstock/pipeline"
)

// Cast changes the types of columns. A value that does not fit its new type without
// loss ends the run; to let it become null, say so in SQL with TRY_CAST.
//
//	Cast(t, column → type) → t
func Cast(types map[string]string) pipeline.Operator { return cast(types) }

type cast map[string]string

func (o cast) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		parts = append(parts, name+" to "+o[name])
	}
	return "cast " + strings.Join(parts, ", ")
}

// Narrow implements pipeline.Narrower.
func (o cast) Narrow(in *arrow.Schema) pipeline.Operator {
	kept := cast{}
	for name, t := range o {
		if in.HasField(name) {
			kept[name] = t
		}
	}
	return kept
}

func (o cast) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("cast", in)
	if err != nil {
		return nil, err
	}
	fields := append([]arrow.Field{}, schema.Fields()...)
	types := map[int]arrow.DataType{}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		i, err := find(schema, name)
		if err != nil {
			return nil, err
		}
		t, err := pipeline.ParseType(o[name])
		if err != nil {
			return nil, err
		}
		if !canCast(fields[i].Type, t) {
			return nil, pipeline.Errorf(pipeline.Invalid, "column %s: a %s can't be cast to %s", name, pipeline.TypeName(fields[i].Type), o[name])
		}
		fields[i].Type, types[i] = t, t
	}
	out := arrow.NewSchema(fields, nil)
	same := inPlace(schema)
	for i := range types {
		same[i] = -1
	}
	return &pipeline.Bound{Schema: out, From: identity(schema), Same: same, Origins: o.origins(schema, types), Each: func(u pipeline.Unit) (pipeline.BatchFunc, error) {
		var done int64
		return func(ctx context.Context, b arrow.RecordBatch) (_ arrow.RecordBatch, err error) {
			cols := append([]arrow.Array{}, b.Columns()...)
			for i, t := range types {
				if cols[i], err = castArray(ctx, u, b.Column(i), t, out.Field(i).Name, done); err != nil {
					return nil, err
				}
				defer cols[i].Release()
			}
			done += b.NumRows()
			return array.NewRecordBatch(out, cols, b.NumRows()), nil
		}, nil
	}}, nil
}

// origins says of a column that it is made of itself, if its type changes.
func (o cast) origins(schema *arrow.Schema, types map[int]arrow.DataType) *pipeline.Origins {
	all := copies(schema, func(i int) bool { return types[i] != nil })
	for i := range types {
		all.Columns[i].Text = "cast " + schema.Field(i).Name + " to " + o[schema.Field(i).Name]
	}
	return all
}

func canCast(from, to arrow.DataType) bool {
	return compute.CanCast(from, to) || compute.CanCast(pipeline.ValueType(from), to)
}

// castArray casts without loss. Where that is not possible it looks for the row.
func castArray(ctx context.Context, u pipeline.Unit, a arrow.Array, t arrow.DataType, name string, done int64) (arrow.Array, error) {
	ctx = compute.WithAllocator(ctx, u.Env.Alloc)
	out, err := compute.CastArray(ctx, a, compute.SafeCastOptions(t))
	if err == nil || ctx.Err() != nil {
		return out, err
	}
	for i := range a.Len() {
		one := array.NewSlice(a, int64(i), int64(i+1))
		cast, oneErr := compute.CastArray(ctx, one, compute.SafeCastOptions(t))
		one.Release()
		if oneErr != nil {
			return nil, rowError(u, done+int64(i), "column %q: the value is no %s", name, pipeline.TypeName(t)).
				With("a " + pipeline.TypeName(a.DataType()) + " is cast only without loss; filter or quarantine such rows before")
		}
		cast.Release()
	}
	return nil, err
}
