package files

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"

	"github.com/penstock-data/penstock/pipeline"
)

// Combine makes one input of several, one after the other, with their columns as Drift has it.
// names are what messages call them.
func (s Set) Combine(names []string, inputs []*pipeline.Input) (*pipeline.Input, error) {
	all := make([]*Inspected, len(inputs))
	for i, in := range inputs {
		all[i] = &Inspected{Input: *in, Facts: func(split int, column string) pipeline.Facts {
			if in.Splits[split].Facts == nil {
				return pipeline.Facts{}
			}
			return in.Splits[split].Facts(column)
		}}
	}
	out, err := s.combine(names, all)
	if err != nil {
		return nil, err
	}
	return &out.Input, nil
}

// combine makes one input of the files, of one schema.
func (s Set) combine(names []string, all []*Inspected) (*Inspected, error) {
	schema := all[0].Schema
	for i, in := range all[1:] {
		var err error
		if schema, err = s.unify(schema, in.Schema, names[0], names[i+1]); err != nil {
			return nil, err
		}
	}
	out := &Inspected{Input: pipeline.Input{Schema: schema, Whole: true}}
	type place struct{ file, split int }
	var places []place
	for i, in := range all {
		before := len(out.Files)
		out.Files = append(out.Files, in.Files...)
		out.Whole = out.Whole && in.Whole && in.Schema.Equal(schema)
		for j, split := range in.Splits {
			split = adapt(split, in.Schema, schema)
			split.File += before
			out.Splits = append(out.Splits, split)
			places = append(places, place{i, j})
		}
	}
	out.Facts = func(split int, column string) pipeline.Facts {
		p := places[split]
		if all[p.file].Facts == nil || !all[p.file].Schema.HasField(column) {
			return pipeline.Facts{}
		}
		return all[p.file].Facts(p.split, column)
	}
	for i := range out.Splits {
		if out.Splits[i].Rows >= 0 {
			out.Splits[i].Facts = func(column string) pipeline.Facts { return out.Facts(i, column) }
		}
	}
	return out, nil
}

// unify gives the schema of two files, by the policy.
func (s Set) unify(a, b *arrow.Schema, nameA, nameB string) (*arrow.Schema, error) {
	differ := func(format string, args ...any) error {
		return pipeline.Errorf(pipeline.BadInput, "%s and %s have different schemas: %s", nameA, nameB, fmt.Sprintf(format, args...)).
			With("set `drift: evolve` to take the columns of both, or read them as two sources")
	}
	if s.Drift != Evolve {
		for i := range max(a.NumFields(), b.NumFields()) {
			switch {
			case i >= b.NumFields():
				return nil, differ("%s is only in the first", a.Field(i).Name)
			case i >= a.NumFields():
				return nil, differ("%s is only in the second", b.Field(i).Name)
			case a.Field(i).Name != b.Field(i).Name:
				return nil, differ("column %d is %s in the first, %s in the second", i+1, a.Field(i).Name, b.Field(i).Name)
			}
		}
	}
	var fields []arrow.Field
	for _, f := range a.Fields() {
		g, ok := b.FieldsByName(f.Name)
		if !ok {
			f.Nullable = true
			fields = append(fields, f)
			continue
		}
		t := common(f.Type, g[0].Type, s.Drift == Evolve)
		if t == nil {
			return nil, differ("%s is %s in the first, %s in the second", f.Name, pipeline.TypeName(f.Type), pipeline.TypeName(g[0].Type))
		}
		fields = append(fields, arrow.Field{Name: f.Name, Type: t, Nullable: f.Nullable || g[0].Nullable})
	}
	for _, g := range b.Fields() {
		if !a.HasField(g.Name) {
			g.Nullable = true
			fields = append(fields, g)
		}
	}
	return arrow.NewSchema(fields, nil), nil
}

// common is the type that both fit in without loss, or nil.
func common(a, b arrow.DataType, widen bool) arrow.DataType {
	if arrow.TypeEqual(a, b) {
		return a
	}
	a, b = pipeline.ValueType(a), pipeline.ValueType(b)
	switch {
	case arrow.TypeEqual(a, b):
		return a
	case !widen:
		return nil
	case arrow.IsSignedInteger(a.ID()) && arrow.IsSignedInteger(b.ID()):
		return arrow.PrimitiveTypes.Int64
	case arrow.IsFloating(a.ID()) && arrow.IsFloating(b.ID()):
		return arrow.PrimitiveTypes.Float64
	}
	return nil
}

// adapt gives the split in the common schema. What the split knows of a column stays true
// where only its dictionary goes; where its values are converted, or it is not in the
// file, only its size is told.
func adapt(split pipeline.Split, from, to *arrow.Schema) pipeline.Split {
	if from.Equal(to) {
		return split
	}
	same := func(column string) bool {
		i, j := from.FieldIndices(column), to.FieldIndices(column)
		return len(i) == 1 && len(j) == 1 && arrow.TypeEqual(pipeline.ValueType(from.Field(i[0]).Type), pipeline.ValueType(to.Field(j[0]).Type))
	}
	whole := split
	split.OpenCoded = nil // it gives what the file has
	opened := func(ctx context.Context, env *pipeline.Env, columns []string, open func([]string) (pipeline.Reader, error)) (pipeline.Reader, error) {
		want := pick(to, columns)
		r, err := open(shared(want, from))
		if err != nil {
			return nil, err
		}
		return &mapped{Reader: r, f: func(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
			return convert(ctx, env, b, want)
		}}, nil
	}
	split.Open = func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
		return opened(ctx, env, columns, func(have []string) (pipeline.Reader, error) { return whole.Open(ctx, env, have) })
	}
	if whole.OpenSome != nil {
		split.OpenSome = func(ctx context.Context, env *pipeline.Env, columns []string, keep []bool) (pipeline.Reader, error) {
			return opened(ctx, env, columns, func(have []string) (pipeline.Reader, error) { return whole.OpenSome(ctx, env, have, keep) })
		}
	}
	adaptFacts(&split, same, func(column string) bool {
		i, j := from.FieldIndices(column), to.FieldIndices(column)
		return from.Field(i[0]).Nullable == to.Field(j[0]).Nullable
	})
	return split
}

// shared names the columns of want that a file has; none is an empty list, as nil is all.
func shared(want, file *arrow.Schema) []string {
	have := []string{}
	for _, f := range want.Fields() {
		if file.HasField(f.Name) {
			have = append(have, f.Name)
		}
	}
	return have
}

// adaptFacts leaves what a split knows of the columns that keep their values; one that may
// now be null is not stored as it would be.
func adaptFacts(split *pipeline.Split, same, sameNulls func(column string) bool) {
	if pages := split.Pages; pages != nil {
		split.Pages = func(columns []string) ([]pipeline.Part, int64, error) {
			var known []string
			for _, c := range columns {
				if same(c) {
					known = append(known, c)
				}
			}
			if known == nil {
				return nil, 0, nil
			}
			parts, read, err := pages(known)
			for i := range parts {
				of := parts[i].Facts
				parts[i].Facts = func(column string) pipeline.Facts {
					if !same(column) {
						return pipeline.Facts{}
					}
					return of(column)
				}
			}
			return parts, read, err
		}
	}
	if dictionary := split.Dictionary; dictionary != nil {
		split.Dictionary = func(ctx context.Context, env *pipeline.Env, column string) (pipeline.Facts, int64, error) {
			if !same(column) {
				return pipeline.Facts{}, 0, nil
			}
			return dictionary(ctx, env, column)
		}
	}
	if stored := split.Stored; stored != nil {
		split.Stored = func(column string) pipeline.Stored {
			if !same(column) || !sameNulls(column) {
				return nil
			}
			return stored(column)
		}
	}
}

// pick is the schema of the named columns in the schema's order; nil names all.
func pick(schema *arrow.Schema, columns []string) *arrow.Schema {
	if columns == nil {
		return schema
	}
	want := map[string]bool{}
	for _, c := range columns {
		want[c] = true
	}
	var fields []arrow.Field
	for _, f := range schema.Fields() {
		if want[f.Name] {
			fields = append(fields, f)
		}
	}
	return arrow.NewSchema(fields, nil)
}

// convert gives the batch with the columns and types of the schema.
func convert(ctx context.Context, env *pipeline.Env, b arrow.RecordBatch, want *arrow.Schema) (arrow.RecordBatch, error) {
	ctx = compute.WithAllocator(ctx, env.Alloc)
	cols := make([]arrow.Array, 0, want.NumFields())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, f := range want.Fields() {
		i := b.Schema().FieldIndices(f.Name)
		switch {
		case len(i) == 0:
			cols = append(cols, array.MakeArrayOfNull(env.Alloc, f.Type, int(b.NumRows())))
		case arrow.TypeEqual(b.Column(i[0]).DataType(), f.Type):
			b.Column(i[0]).Retain()
			cols = append(cols, b.Column(i[0]))
		default:
			col, err := compute.CastArray(ctx, b.Column(i[0]), compute.SafeCastOptions(f.Type))
			if err != nil {
				return nil, err
			}
			cols = append(cols, col)
		}
	}
	return array.NewRecordBatch(want, cols, b.NumRows()), nil
}

// mapped is a reader whose batches go through a function, which borrows them.
type mapped struct {
	pipeline.Reader
	f func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error)
}

func (r *mapped) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return r.f(ctx, b)
}
