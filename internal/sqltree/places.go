package sqltree

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Placed is a query that gives, behind the columns of the one it was made of, for each table that
// is read the row that a row of the result comes from; or a list of the rows, where it gathers.
type Placed struct {
	// Statement is as json_serialize_sql gives it.
	Statement []byte
	// Inputs are the numbers of the tables that the columns are of.
	Inputs []int
	// Gathers says that a row of the result is made of many.
	Gathers bool
}

// Place adds to a statement the rows of the tables. What it knows is a list: whatever is not on
// it is a reason why it can't be said which rows a row of the result comes from.
func Place(statement []byte, tables []Table, functions Functions) (p Placed, reason string) {
	d := json.NewDecoder(bytes.NewReader(statement))
	d.UseNumber() // some places are too large for a float
	var tree node
	if err := d.Decode(&tree); err != nil {
		return p, err.Error()
	}
	w := &placer{tables: tables, functions: functions}
	places, many := w.query(tree.child("node"), nil)
	if len(places) == 0 {
		w.refuse("it reads no input")
	}
	if w.reason != "" {
		return p, w.reason
	}
	for _, c := range places {
		p.Inputs = append(p.Inputs, c.input)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return p, err.Error()
	}
	p.Statement, p.Gathers = text, many
	return p, ""
}

// placed is a column that gives the row of an input, by its name in a query.
type placed struct {
	input int
	name  []string
}

// column is the expression for the row, or for the list of the rows; of none it is null.
func (c placed) column(alias string, list bool) node {
	row := node{"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": alias, "query_location": 0, "column_names": c.name}
	if c.name == nil {
		null := node{"type": node{"id": "BIGINT", "type_info": nil}, "is_null": true}
		row = node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": alias, "query_location": 0, "value": null}
	}
	if !list {
		return row
	}
	return node{
		"class": "FUNCTION", "type": "FUNCTION", "alias": alias, "query_location": 0, "function_name": "list", "schema": "", "catalog": "",
		"children": []node{row}, "filter": nil, "order_bys": node{"type": "ORDER_MODIFIER", "orders": []any{}},
		"distinct": false, "is_operator": false, "export_state": false,
	}
}

// placer is at work on one query.
type placer struct {
	tables    []Table
	functions Functions
	columns   int    // that were added so far
	reason    string // the first
	*level
}

// level is one SELECT of the query.
type level struct {
	ctes    *placedTable
	places  []placed
	derived []placedTable // what is read of queries that have places
	gathers bool
}

// placedTable is a query that has places, by the name it goes by, and the names of their columns.
type placedTable struct {
	name   string
	places []placed
	outer  *placedTable
}

func (w *placer) refuse(format string, args ...any) {
	if w.reason == "" {
		w.reason = fmt.Sprintf(format, args...)
	}
}

// only refuses fields that are not known.
func (w *placer) only(n node, known ...string) {
	if odd := n.odd(known...); odd != "" {
		w.refuse("%s", odd)
	}
}

// selects adds to one SELECT the places of what it reads, and gives the columns that have them.
func (w *placer) selects(n node) (added []placed, many bool) {
	switch {
	case !empty(n["qualify"]):
		w.refuse("it has a QUALIFY, which a window function decides")
	case !empty(n["sample"]):
		w.refuse("it takes a sample")
	}
	w.only(n, selectFields...)
	if odd := n.misshapen("from_table", "where_clause", "having"); odd != "" {
		w.refuse("%s", odd)
	}
	w.from(n.child("from_table"))
	for _, item := range n.children("select_list") {
		w.expr(item, "the select list")
	}
	w.maybe(n.child("where_clause"), "WHERE")
	w.groups(n)
	w.orders(n)
	for _, c := range w.places {
		added = append(added, w.add(n, c))
	}
	return added, w.gathers
}

func (w *placer) groups(n node) {
	switch handling := n.text("aggregate_handling"); handling {
	case "", "STANDARD_HANDLING":
	case "FORCE_AGGREGATES": // GROUP BY ALL
		w.gathers = true
	default:
		w.refuse("%s is not known here", handling)
	}
	if sets, _ := n["group_sets"].([]any); len(sets) > 1 {
		w.refuse("it groups by several sets of columns")
	}
	for _, g := range n.children("group_expressions") {
		w.gathers = true
		w.expr(g, "GROUP BY")
	}
	if having := n.child("having"); having != nil {
		w.gathers = true
		w.expr(having, "HAVING")
	}
}

func (w *placer) orders(n node) {
	for _, m := range n.children("modifiers") {
		switch kind := m.text("type"); kind {
		case "ORDER_MODIFIER":
			w.order(m, "ORDER BY")
		case "DISTINCT_MODIFIER":
			w.refuse("it has a DISTINCT")
		case "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER":
			w.refuse("it has a LIMIT")
		default:
			w.refuse("%s is not known here", m.kind())
		}
	}
}

func (w *placer) order(m node, where string) {
	w.only(m, "orders")
	for _, o := range m.children("orders") {
		w.only(o, "expression", "null_order")
		if o.child("expression").text("class") == "STAR" {
			w.refuse("it has an ORDER BY ALL")
		}
		w.expr(o.child("expression"), where)
	}
}

func (w *placer) maybe(n node, where string) {
	if n != nil {
		w.expr(n, where)
	}
}
