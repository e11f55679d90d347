// Package operators has the operators that work row by row, on record batches in Go.
//
// All of them but Limit and Union are stateless: workers carry batches through whole
// chains of them. Joins, sorts, aggregates, removal of duplicates and SQL are in the
// subpackage sql; sources and formats in parquet, csv, jsonl and ipc.
package operators

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// one gives the only schema of an operator that has one input.
func one(name string, in []*arrow.Schema) (*arrow.Schema, error) {
	if len(in) != 1 {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s takes one input, found %d; begin with join, union or sql", name, len(in))
	}
	return in[0], nil
}

// find gives the index of a column.
func find(schema *arrow.Schema, name string) (int, error) {
	i := schema.FieldIndices(name)
	if len(i) == 0 {
		return 0, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("column", name, pipeline.ColumnNames(schema)))
	}
	return i[0], nil
}

// identity says that each column comes from the one in its place.
func identity(schema *arrow.Schema) [][]pipeline.Column {
	from := make([][]pipeline.Column, schema.NumFields())
	for i := range from {
		from[i] = []pipeline.Column{{Index: i}}
	}
	return from
}

// inPlace is Same of an operator that hands every column on.
func inPlace(schema *arrow.Schema) []int {
	same := make([]int, schema.NumFields())
	for i := range same {
		same[i] = i
	}
	return same
}

// copies says of columns that each is the one in its place, and of others that they are made of
// it.
func copies(schema *arrow.Schema, made func(i int) bool) *pipeline.Origins {
	o := &pipeline.Origins{Columns: make([]pipeline.Origin, schema.NumFields())}
	for i := range o.Columns {
		how := pipeline.Copied
		if made != nil && made(i) {
			how = pipeline.Computed
		}
		o.Columns[i].From = []pipeline.Use{{Column: pipeline.Column{Index: i}, How: how}}
	}
	return o
}

// uses are columns that are all used in one way.
func uses(indexes []int, how pipeline.Way) (all []pipeline.Use) {
	for _, i := range indexes {
		all = append(all, pipeline.Use{Column: pipeline.Column{Index: i}, How: how})
	}
	return all
}

func columns(indexes []int) []pipeline.Column {
	var all []pipeline.Column
	for _, i := range indexes {
		all = append(all, pipeline.Column{Index: i})
	}
	return all
}

// same opens one function for all units: for operators that keep nothing.
func same(f pipeline.BatchFunc) func(pipeline.Unit) (pipeline.BatchFunc, error) {
	return func(pipeline.Unit) (pipeline.BatchFunc, error) { return f, nil }
}

// known leaves out the names that a schema lacks.
func known(names []string, schema *arrow.Schema) []string {
	var kept []string
	for _, n := range names {
		if schema.HasField(n) {
			kept = append(kept, n)
		}
	}
	return kept
}

// rowError is the error of an expression or a cast on one row of a unit.
func rowError(u pipeline.Unit, row int64, format string, args ...any) *pipeline.Error {
	return &pipeline.Error{
		Kind: pipeline.BadInput, Where: fmt.Sprintf("%s: row %d", u.Name, row), Msg: fmt.Sprintf(format, args...),
	}
}
