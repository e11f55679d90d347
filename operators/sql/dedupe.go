package sql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// DedupeOptions say which rows are duplicates, and which of them stays.
type DedupeOptions struct {
	// Keys are the columns in which duplicates are equal, null to null too; empty: all.
	Keys []string
	// Keep is first (the default) or last.
	Keep string
	// OrderBy says what first and last mean; empty: the order of the rows.
	OrderBy []SortKey
}

// Dedupe keeps one row of those that are equal in the keys. The rows that stay keep
// their order.
//
// Where the first row is kept, rows pass as they come, and keys are compared by a
// 128-bit hash: that two different ones of a billion keys meet has a chance of one in
// 10^20. When the keys outgrow a quarter of the memory budget, DuckDB goes on with the
// rest of the rows, and may spill.
//
//	Dedupe(t, options) → t without duplicates
func Dedupe(o DedupeOptions) pipeline.Operator { return dedupe(o) }

type dedupe DedupeOptions

func (o dedupe) String() string {
	keys, keep := strings.Join(o.Keys, ", "), o.Keep
	if keys == "" {
		keys = "all columns"
	}
	if keep == "" {
		keep = "first"
	}
	text := fmt.Sprintf("dedupe %s keep %s", keys, keep)
	if len(o.OrderBy) > 0 {
		text += " by " + sorted(o.OrderBy).sql()
	}
	return text
}

func (o dedupe) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := single("dedupe", in)
	if err != nil {
		return nil, err
	}
	if o.Keep != "" && o.Keep != "first" && o.Keep != "last" {
		return nil, pipeline.Errorf(pipeline.Invalid, "dedupe: %s", pipeline.Unknown("choice", o.Keep, []string{"first", "last"}))
	}
	keys, order := o.Keys, []pipeline.Column{}
	var by []pipeline.Use
	if len(keys) == 0 {
		keys = pipeline.ColumnNames(schema)
	}
	for _, name := range keys {
		i, err := find("dedupe", schema, name)
		if err != nil {
			return nil, err
		}
		order = append(order, pipeline.Column{Index: i})
	}
	by = uses(order, pipeline.GroupedBy)
	for _, k := range o.OrderBy {
		i, err := find("dedupe", schema, k.Column)
		if err != nil {
			return nil, err
		}
		order = append(order, pipeline.Column{Index: i})
		by = append(by, uses(order[len(order)-1:], pipeline.SortedBy)...)
	}
	if o.Keep != "last" && len(o.OrderBy) == 0 {
		b := firstSeen(schema, order)
		b.Origins = copied(schema, by)
		b.Carry = func(in ...*arrow.Schema) (*pipeline.Bound, error) { return firstSeen(in[0], order), nil }
		return b, nil
	}
	st := &statement{query: o.query(keys, schema), inputs: []string{"t"}, schema: in, ordered: true, numbered: true}
	b, err := st.bind(nil)
	if err != nil {
		return nil, err
	}
	b.Rows = pipeline.RowsFewer
	b.Origins = copied(schema, by)
	b = sameColumns(b, schema, order)
	b.Carry = st.carries(b)
	return b, nil
}

func (o dedupe) query(keys []string, schema *arrow.Schema) string {
	row := rowID(schema)
	by := row
	if len(o.OrderBy) > 0 {
		by = sorted(o.OrderBy).sql() + ", " + row
	}
	pick := fmt.Sprintf("first(%s ORDER BY %s)", row, by)
	switch {
	case o.Keep == "last" && len(o.OrderBy) > 0:
		pick = fmt.Sprintf("last(%s ORDER BY %s)", row, by)
	case o.Keep == "last":
		pick = "max(" + row + ")"
	case len(o.OrderBy) == 0:
		pick = "min(" + row + ")"
	}
	return fmt.Sprintf("SELECT %s FROM t WHERE %[2]s IN (SELECT %s FROM t GROUP BY %s) ORDER BY %[2]s", everything(schema), row, pick, quoteAll(keys))
}
