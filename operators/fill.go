package operators

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// FillNull puts a value in the place of null. The value is written as the column's
// type is: a number, a bool, a string, a date as "2001-07-31".
//
//	FillNull(t, column → value) → t without nulls in these columns
func FillNull(values map[string]any) pipeline.Operator { return fill(values) }

type fill map[string]any

func (o fill) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		parts = append(parts, fmt.Sprintf("%s with %#v", name, o[name]))
	}
	return "fill_null " + strings.Join(parts, ", ")
}

// Narrow implements pipeline.Narrower.
func (o fill) Narrow(in *arrow.Schema) pipeline.Operator {
	kept := fill{}
	for name, v := range o {
		if in.HasField(name) {
			kept[name] = v
		}
	}
	return kept
}

func (o fill) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("fill_null", in)
	if err != nil {
		return nil, err
	}
	fields := append([]arrow.Field{}, schema.Fields()...)
	texts := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		i, err := find(schema, name)
		if err != nil {
			return nil, err
		}
		fields[i].Type = pipeline.ValueType(fields[i].Type)
		fields[i].Nullable = false
		texts[i] = fmt.Sprint(o[name])
		if err := tryAppend(fields[i].Type, texts[i]); err != nil {
			return nil, pipeline.Errorf(pipeline.Invalid, "column %s: %q is no %s", name, texts[i], pipeline.TypeName(fields[i].Type))
		}
	}
	out := arrow.NewSchema(fields, nil)
	same := inPlace(schema)
	for i := range texts {
		same[i] = -1
	}
	return &pipeline.Bound{Schema: out, From: identity(schema), Same: same, Origins: filledOrigins(schema, texts), Each: func(u pipeline.Unit) (pipeline.BatchFunc, error) {
		return func(ctx context.Context, b arrow.RecordBatch) (_ arrow.RecordBatch, err error) {
			cols := append([]arrow.Array{}, b.Columns()...)
			for i, text := range texts {
				if cols[i], err = filled(ctx, b.Column(i), fields[i].Type, text, u.Env.Alloc); err != nil {
					return nil, err
				}
				defer cols[i].Release()
			}
			return array.NewRecordBatch(out, cols, b.NumRows()), nil
		}, nil
	}}, nil
}

func filledOrigins(schema *arrow.Schema, texts map[int]string) *pipeline.Origins {
	all := copies(schema, func(i int) bool { _, fills := texts[i]; return fills })
	for i, text := range texts {
		all.Columns[i].Text = "fill_null " + schema.Field(i).Name + " with " + text
	}
	return all
}

// tryAppend finds out whether a text is a value of the type.
func tryAppend(t arrow.DataType, text string) error {
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	return b.AppendValueFromString(text)
}

// filled copies runs of values, and the text where there is none.
func filled(ctx context.Context, a arrow.Array, t arrow.DataType, text string, alloc memory.Allocator) (arrow.Array, error) {
	if !arrow.TypeEqual(a.DataType(), t) {
		plain, err := compute.CastArray(compute.WithAllocator(ctx, alloc), a, compute.SafeCastOptions(t))
		if err != nil {
			return nil, err
		}
		defer plain.Release()
		a = plain
	}
	if a.NullN() == 0 {
		a.Retain()
		return a, nil
	}
	one := array.NewBuilder(alloc, t)
	defer one.Release()
	for range a.Len() {
		if err := one.AppendValueFromString(text); err != nil {
			return nil, err
		}
	}
	with := one.NewArray()
	defer with.Release()
	pieces := runs(a, with)
	defer func() {
		for _, p := range pieces {
			p.Release()
		}
	}()
	return array.Concatenate(pieces, alloc)
}

// runs cuts a into runs of values and, where it is null, pieces of with.
func runs(a, with arrow.Array) (pieces []arrow.Array) {
	for from := 0; from < a.Len(); {
		to := from
		for to < a.Len() && a.IsNull(to) == a.IsNull(from) {
			to++
		}
		source := a
		if a.IsNull(from) {
			source = with
		}
		pieces = append(pieces, array.NewSlice(source, int64(from), int64(to)))
		from = to
	}
	return pieces
}
