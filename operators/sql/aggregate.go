package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Agg is an aggregate column.
type Agg struct {
	// Name of the result's column.
	Name string
	// Func is count, count_distinct, sum, min, max, mean, median, stddev, first, last.
	Func string
	// Column it is computed of; empty only for count, which then counts rows.
	Column string
}

// aggregates are the SQL of the functions, of a column and, if they go by order, the number of the row.
var aggregates = map[string]string{
	"count": "count(%s)", "count_distinct": "count(DISTINCT %s)", "sum": "sum(%s)", "min": "min(%s)", "max": "max(%s)",
	"mean": "avg(%s)", "median": "median(%s)", "stddev": "stddev_samp(%s)",
	"first": "first(%s ORDER BY %s)", "last": "last(%s ORDER BY %s)",
}

// AggregateFuncs are the names of the functions that Agg knows.
func AggregateFuncs() []string {
	return []string{"count", "count_distinct", "sum", "min", "max", "mean", "median", "stddev", "first", "last"}
}

// Aggregate groups the rows by columns, in which null equals null, and gives the
// groups in their order. Without columns to group by it gives one row. Nulls are left
// out of every function but first and last. The sum of integers is an int64, and an
// error if it does not fit.
//
//	Aggregate(t, by, columns) → by + columns, a row a group
func Aggregate(by []string, aggs ...Agg) pipeline.Operator { return aggregate{by, aggs} }

type aggregate struct {
	by   []string
	aggs []Agg
}

func (o aggregate) String() string {
	var parts []string
	for _, a := range o.aggs {
		parts = append(parts, fmt.Sprintf("%s = %s(%s)", a.Name, a.Func, a.Column))
	}
	return fmt.Sprintf("aggregate %s by %s", strings.Join(parts, ", "), strings.Join(o.by, ", "))
}

func (o aggregate) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := single("aggregate", in)
	if err != nil {
		return nil, err
	}
	var cols []string
	reads := []pipeline.Column{}
	origins := &pipeline.Origins{}
	for _, name := range o.by {
		i, err := find("aggregate", schema, name)
		if err != nil {
			return nil, err
		}
		reads = append(reads, pipeline.Column{Index: i})
		cols = append(cols, quote(name))
		origins.Columns = append(origins.Columns, pipeline.Origin{From: uses(reads[len(reads)-1:], pipeline.Copied)})
	}
	origins.Rows.From = uses(reads, pipeline.GroupedBy)
	for _, a := range o.aggs {
		text, i, err := a.sql(schema)
		if err != nil {
			return nil, err
		}
		o := pipeline.Origin{Text: fmt.Sprintf("%s = %s(%s)", a.Name, a.Func, a.Column)}
		if i >= 0 {
			reads = append(reads, pipeline.Column{Index: i})
			o.From = uses(reads[len(reads)-1:], pipeline.Aggregated)
		}
		origins.Columns = append(origins.Columns, o)
		cols = append(cols, text+" AS "+quote(a.Name))
	}
	if len(cols) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "aggregate: no columns are asked for")
	}
	query := "SELECT " + strings.Join(cols, ", ") + " FROM t"
	if len(o.by) > 0 {
		var places []string // a name might be taken for that of an aggregate
		for i := range o.by {
			places = append(places, fmt.Sprint(i+1))
		}
		query += " GROUP BY " + quoteAll(o.by) + " ORDER BY " + strings.Join(places, ", ")
	}
	exact := !slices.ContainsFunc(o.aggs, func(a Agg) bool { return a.Func == "stddev" }) // it adds up doubles, of integers too
	st := &statement{query: query, inputs: []string{"t"}, schema: in, ordered: exact, numbered: true}
	b, err := st.bind(reads)
	if err != nil {
		return nil, err
	}
	b.Origins, b.Gather = origins, st.gathers(o.by)
	return b, nil
}

// sql gives the aggregate in SQL, and the column it reads, or -1.
func (a Agg) sql(schema *arrow.Schema) (string, int, error) {
	form, ok := aggregates[a.Func]
	if !ok {
		return "", 0, pipeline.Errorf(pipeline.Invalid, "aggregate %s: %s", a.Name, pipeline.Unknown("function", a.Func, AggregateFuncs()))
	}
	if a.Column == "" {
		if a.Func != "count" {
			return "", 0, pipeline.Errorf(pipeline.Invalid, "aggregate %s: %s of which column?", a.Name, a.Func)
		}
		return "count(*)", -1, nil
	}
	i, err := find("aggregate "+a.Name, schema, a.Column)
	if err != nil {
		return "", 0, err
	}
	args := []any{quote(a.Column), rowID(schema)}
	text := fmt.Sprintf(form, args[:strings.Count(form, "%s")]...)
	if a.Func == "sum" && arrow.IsInteger(schema.Field(i).Type.ID()) {
		text += "::BIGINT"
	}
	return text, i, nil
}
