package sql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// SortKey is a column to sort by.
type SortKey struct {
	Column     string
	Desc       bool
	NullsFirst bool
}

func (k SortKey) sql() string {
	text := quote(k.Column)
	if k.Desc {
		text += " DESC"
	} else {
		text += " ASC"
	}
	if k.NullsFirst {
		return text + " NULLS FIRST"
	}
	return text + " NULLS LAST"
}

// Sort orders the rows. Rows that are equal in all keys keep their order; nulls come
// last if a key does not say otherwise; NaN is greater than all numbers.
//
//	Sort(t, keys) → t in order
func Sort(keys ...SortKey) pipeline.Operator { return sorted(keys) }

type sorted []SortKey

func (o sorted) String() string { return "sort " + o.sql() }

func (o sorted) sql() string {
	var parts []string
	for _, k := range o {
		parts = append(parts, k.sql())
	}
	return strings.Join(parts, ", ")
}

func (o sorted) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := single("sort", in)
	if err != nil {
		return nil, err
	}
	if len(o) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "sort: by which columns?")
	}
	var keys []pipeline.Column
	for _, k := range o {
		i, err := find("sort", schema, k.Column)
		if err != nil {
			return nil, err
		}
		keys = append(keys, pipeline.Column{Index: i})
	}
	st := &statement{
		query:  fmt.Sprintf("SELECT %s FROM t ORDER BY %s, %s", everything(schema), o.sql(), rowID(schema)),
		inputs: []string{"t"}, schema: in, ordered: true, numbered: true,
	}
	b, err := st.bind(nil)
	if err != nil {
		return nil, err
	}
	b.Rows = pipeline.RowsSame
	b.Origins = copied(schema, uses(keys, pipeline.SortedBy))
	b = sameColumns(b, schema, keys)
	b.Carry = st.carries(b)
	return b, nil
}

func single(name string, in []*arrow.Schema) (*arrow.Schema, error) {
	if len(in) != 1 {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s takes one input, found %d; begin with join, union or sql", name, len(in))
	}
	return in[0], nil
}

func find(what string, schema *arrow.Schema, name string) (int, error) {
	i := schema.FieldIndices(name)
	if len(i) == 0 {
		return 0, pipeline.Errorf(pipeline.Invalid, "%s: %s", what, pipeline.Unknown("column", name, pipeline.ColumnNames(schema)))
	}
	return i[0], nil
}

// sameColumns says that the columns come through as they are, chosen or ordered by
// the keys.
func sameColumns(b *pipeline.Bound, schema *arrow.Schema, keys []pipeline.Column) *pipeline.Bound {
	fields := append([]arrow.Field{}, b.Schema.Fields()...)
	b.From = make([][]pipeline.Column, len(fields))
	for i := range fields {
		b.From[i] = []pipeline.Column{{Index: i}}
		fields[i].Nullable = schema.Field(i).Nullable
	}
	b.Schema = arrow.NewSchema(fields, nil)
	b.Reads = keys
	stream := b.Stream
	b.Stream = withSchema(stream, b.Schema)
	return b
}
