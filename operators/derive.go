package operators

import (
	"context"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// Column is a derived column.
type Column struct {
	Name string
	// Expr is a CEL expression over the columns before it.
	Expr string
	// Type is what the result is cast to, as pipeline.ParseType reads it; empty: the
	// type of the expression.
	Type string
}

// Derive adds columns, or replaces those that are there under the name, in their
// place. Later ones see earlier ones. An error on a row ends the run.
//
//	Derive(t, columns) → t + columns
func Derive(cols ...Column) pipeline.Operator { return derive(cols) }

type derive []Column

func (o derive) String() string {
	var parts []string
	for _, c := range o {
		parts = append(parts, c.text())
	}
	return "derive " + strings.Join(parts, ", ")
}

func (c Column) text() string {
	if c.Type != "" {
		return c.Name + " = " + c.Expr + " as " + c.Type
	}
	return c.Name + " = " + c.Expr
}

// Narrow implements pipeline.Narrower: columns that can't be derived from what is
// left are those that nobody needs.
func (o derive) Narrow(in *arrow.Schema) pipeline.Operator {
	var kept derive
	schema := in
	for _, c := range o {
		d, err := newDerived(c, schema)
		if err != nil {
			continue
		}
		kept = append(kept, c)
		schema = d.out
	}
	return kept
}

func (o derive) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("derive", in)
	if err != nil {
		return nil, err
	}
	from, same, origins := identity(schema), inPlace(schema), copies(schema, nil)
	var steps []*derived
	var notes []string
	for _, c := range o {
		d, err := newDerived(c, schema)
		if err != nil {
			return nil, err
		}
		var sources []pipeline.Column
		for _, i := range d.program.Columns() {
			sources = append(sources, from[i]...)
		}
		if d.place == len(from) {
			from, same = append(from, nil), append(same, -1)
		}
		same[d.place] = -1
		if sources == nil {
			sources = []pipeline.Column{}
		}
		origins.Columns = d.originate(c, origins.Columns)
		from[d.place] = sources
		steps = append(steps, d)
		notes = append(notes, d.program.Fallbacks()...)
		schema = d.out
	}
	return &pipeline.Bound{Schema: schema, From: from, Same: same, Origins: origins, Notes: notes, Each: func(u pipeline.Unit) (pipeline.BatchFunc, error) {
		var done int64
		return func(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
			b.Retain()
			for _, d := range steps {
				next, err := d.apply(ctx, u, b, done)
				b.Release()
				if err != nil {
					return nil, err
				}
				b = next
			}
			done += b.NumRows()
			return b, nil
		}, nil
	}}, nil
}

// derived is one column bound to the schema it is computed from.
type derived struct {
	program *expr.Program
	cast    arrow.DataType // nil: as it is
	place   int
	out     *arrow.Schema
	name    string
}

func newDerived(c Column, schema *arrow.Schema) (*derived, error) {
	if c.Name == "" {
		return nil, pipeline.Errorf(pipeline.Invalid, "a derived column needs a name")
	}
	p, err := compile(c.Expr, schema)
	if err != nil {
		return nil, err
	}
	d := &derived{program: p, place: schema.NumFields(), name: c.Name}
	t := p.Type()
	if c.Type != "" {
		if t, err = pipeline.ParseType(c.Type); err != nil {
			return nil, err
		}
		if !canCast(p.Type(), t) {
			return nil, pipeline.Errorf(pipeline.Invalid, "column %s: a %s can't be cast to %s", c.Name, pipeline.TypeName(p.Type()), c.Type)
		}
		d.cast = t
	}
	if i := schema.FieldIndices(c.Name); len(i) > 0 {
		d.place = i[0]
	}
	fields := append([]arrow.Field{}, schema.Fields()...)
	field := arrow.Field{Name: c.Name, Type: t, Nullable: p.Nullable() || strings.Contains(c.Expr, "null")}
	if d.place == len(fields) {
		fields = append(fields, field)
	} else {
		fields[d.place] = field
	}
	d.out = arrow.NewSchema(fields, nil)
	return d, nil
}

func (d *derived) apply(ctx context.Context, u pipeline.Unit, b arrow.RecordBatch, done int64) (arrow.RecordBatch, error) {
	vals, err := evaluate(ctx, d.program, u, b, done)
	if err != nil {
		return nil, err
	}
	defer func() { vals.Release() }()
	if d.cast != nil {
		cast, err := castArray(ctx, u, vals, d.cast, d.name, done)
		if err != nil {
			return nil, err
		}
		vals.Release()
		vals = cast
	}
	cols := append([]arrow.Array{}, b.Columns()...)
	if d.place == len(cols) {
		cols = append(cols, vals)
	} else {
		cols[d.place] = vals
	}
	return array.NewRecordBatch(d.out, cols, b.NumRows()), nil
}
