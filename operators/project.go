package operators

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// Select gives the named columns, in the order of the names.
//
//	Select(t, names) → t of these columns
func Select(names ...string) pipeline.Operator { return selected(names) }

type selected []string

func (o selected) String() string { return "select " + strings.Join(o, ", ") }

// Narrow implements pipeline.Narrower.
func (o selected) Narrow(in *arrow.Schema) pipeline.Operator { return selected(known(o, in)) }

func (o selected) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("select", in)
	if err != nil {
		return nil, err
	}
	var places []int
	for _, name := range o {
		i, err := find(schema, name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(places, i) {
			return nil, pipeline.Errorf(pipeline.Invalid, "column %q is selected twice", name)
		}
		places = append(places, i)
	}
	return pick(schema, places, nil), nil
}

// Drop leaves the named columns out.
//
//	Drop(t, names) → t without these columns
func Drop(names ...string) pipeline.Operator { return dropped(names) }

type dropped []string

func (o dropped) String() string { return "drop " + strings.Join(o, ", ") }

// Narrow implements pipeline.Narrower.
func (o dropped) Narrow(in *arrow.Schema) pipeline.Operator { return dropped(known(o, in)) }

func (o dropped) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("drop", in)
	if err != nil {
		return nil, err
	}
	for _, name := range o {
		if _, err := find(schema, name); err != nil {
			return nil, err
		}
	}
	var places []int
	for i, f := range schema.Fields() {
		if !slices.Contains(o, f.Name) {
			places = append(places, i)
		}
	}
	return pick(schema, places, nil), nil
}

// Rename gives columns other names. The order stays.
//
//	Rename(t, old → new) → t
func Rename(names map[string]string) pipeline.Operator { return renamed(names) }

type renamed map[string]string

func (o renamed) String() string {
	var parts []string
	for _, old := range slices.Sorted(maps.Keys(o)) {
		parts = append(parts, old+" to "+o[old])
	}
	return "rename " + strings.Join(parts, ", ")
}

// Narrow implements pipeline.Narrower.
func (o renamed) Narrow(in *arrow.Schema) pipeline.Operator {
	kept := renamed{}
	for old, name := range o {
		if in.HasField(old) {
			kept[old] = name
		}
	}
	return kept
}

func (o renamed) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("rename", in)
	if err != nil {
		return nil, err
	}
	for _, old := range slices.Sorted(maps.Keys(o)) {
		if _, err := find(schema, old); err != nil {
			return nil, err
		}
	}
	places := make([]int, schema.NumFields())
	names := make([]string, schema.NumFields())
	seen := map[string]bool{}
	for i, f := range schema.Fields() {
		places[i], names[i] = i, f.Name
		if name, ok := o[f.Name]; ok {
			names[i] = name
		}
		if names[i] == "" || seen[names[i]] {
			return nil, pipeline.Errorf(pipeline.Invalid, "rename would give two columns the name %q", names[i])
		}
		seen[names[i]] = true
	}
	return pick(schema, places, names), nil
}

// pick gives columns by their places, under other names if names is set.
func pick(schema *arrow.Schema, places []int, names []string) *pipeline.Bound {
	b := &pipeline.Bound{Same: append([]int{}, places...), Origins: &pipeline.Origins{}}
	var fields []arrow.Field
	for i, place := range places {
		f := schema.Field(place)
		if names != nil {
			f.Name = names[i]
		}
		fields = append(fields, f)
		b.From = append(b.From, []pipeline.Column{{Index: place}})
		b.Origins.Columns = append(b.Origins.Columns, pipeline.Origin{From: uses([]int{place}, pipeline.Copied)})
	}
	if b.From == nil {
		b.From = [][]pipeline.Column{}
	}
	b.Schema = arrow.NewSchema(fields, nil)
	b.Each = same(func(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
		cols := make([]arrow.Array, len(places))
		for i, place := range places {
			cols[i] = in.Column(place)
		}
		return array.NewRecordBatch(b.Schema, cols, in.NumRows()), nil
	})
	return b
}
