// Package sqltree says of a query which columns of its tables each column of its result comes
// from, from the parse that DuckDB gives of it.
//
// It binds names as DuckDB does: columns before aliases in most places, tables before structs,
// the nearest query first. What it knows is a list, of kinds of table, of expressions, and of
// the fields that each may have: whatever is not on it makes the columns that depend on it
// unknown, with the reason. In the end the result must have the columns that DuckDB says it
// has; else all are unknown.
package sqltree

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Table is a table that a query may read.
type Table struct {
	Name   string
	Schema *arrow.Schema
}

// Kind is what a function does with rows.
type Kind int

// The kinds of function.
const (
	Scalar    Kind = iota + 1 // it is called with the values of a row
	Aggregate                 // it makes one value of many rows
)

// Functions are those that may be called, by their names in lower case.
type Functions map[string]Kind

// Query is a parsed query.
type Query struct{ tree node }

// TextOfItem is a field that an item of a select list may be given before it is parsed: how it
// is written, for people.
const TextOfItem = "text of item"

// Parse reads the statement of json_serialize_sql.
func Parse(statement []byte) (Query, error) {
	var q Query
	err := json.Unmarshal(statement, &q.tree)
	return q, err
}

// Origins says where the columns of the result come from, which are called so.
func (q Query) Origins(in []Table, functions Functions, result []string) *pipeline.Origins {
	r := &resolver{functions: functions, tables: map[string]*relation{}}
	for i, t := range in {
		r.tables[strings.ToLower(t.Name)] = base(i, t)
	}
	rel := r.query(&scope{}, q.tree.child("node"))
	o := &pipeline.Origins{Columns: make([]pipeline.Origin, len(result)), Rows: rel.rows.origin()}
	reason := rel.disagrees(result)
	if r.steps > maxSteps {
		reason = "the query is too large to be followed"
		o.Rows.Unknown = reason
	}
	for i := range o.Columns {
		if reason != "" {
			o.Columns[i].Unknown = reason
			continue
		}
		o.Columns[i] = rel.columns[i].value.origin()
		if text := rel.columns[i].text; text != "" {
			o.Columns[i].Text = result[i] + " = " + text
		}
	}
	return o
}

// disagrees says why the columns are not those of the result; empty if they are.
func (rel *relation) disagrees(result []string) string {
	switch {
	case rel.uncertain > 1 || rel.uncertain == 1 && len(rel.columns) != len(result):
		return rel.reason
	case len(rel.columns) != len(result):
		return fmt.Sprintf("the query was understood to have %d columns, and has %d", len(rel.columns), len(result))
	}
	for i, c := range rel.columns {
		if c.name != "" && !strings.EqualFold(c.name, result[i]) {
			return fmt.Sprintf("column %d was understood to be %q, and is %q", i+1, c.name, result[i])
		}
	}
	return ""
}

// maxSteps bounds how many parts of a query are looked at.
const maxSteps = 200_000

// resolver is at work on one query.
type resolver struct {
	functions Functions
	tables    map[string]*relation
	steps     int
}

// base is a table whose columns come from themselves.
func base(input int, t Table) *relation {
	rel := &relation{base: true}
	for i, f := range t.Schema.Fields() {
		use := pipeline.Use{Column: pipeline.Column{Input: input, Index: i}, How: pipeline.Copied}
		rel.columns = append(rel.columns, column{name: f.Name, value: value{uses: map[pipeline.Use]bool{use: true}}, typ: pipeline.ValueType(f.Type)})
	}
	return rel
}

// value is where a value comes from. It is not changed once made.
type value struct {
	uses    map[pipeline.Use]bool
	unknown string
}

func unknown(format string, args ...any) value { return value{unknown: fmt.Sprintf(format, args...)} }

// and is made of both.
func (v value) and(others ...value) value {
	sum := value{uses: map[pipeline.Use]bool{}}
	for _, o := range append([]value{v}, others...) {
		for u := range o.uses {
			sum.uses[u] = true
		}
		sum.unknown = cmp.Or(sum.unknown, o.unknown)
	}
	return sum
}

// as is a value that is used so.
func (v value) as(how pipeline.Way) value {
	made := value{uses: map[pipeline.Use]bool{}, unknown: v.unknown}
	for u := range v.uses {
		u.How = pipeline.Through(u.How, how)
		made.uses[u] = true
	}
	return made
}

// origin writes the value down.
func (v value) origin() pipeline.Origin {
	o := pipeline.Origin{Unknown: v.unknown}
	for u := range v.uses {
		o.From = append(o.From, u)
	}
	slices.SortFunc(o.From, func(a, b pipeline.Use) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Index, b.Index), cmp.Compare(a.How, b.How))
	})
	return o
}
