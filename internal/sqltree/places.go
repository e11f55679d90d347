package sqltree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	w.selects(tree.child("node"))
	if w.reason == "" && len(w.places) == 0 {
		w.refuse("it reads no input")
	}
	if w.reason != "" {
		return p, w.reason
	}
	n := tree.child("node")
	items, _ := n["select_list"].([]any)
	for _, c := range w.places {
		items = append(items, c.column(w.gathers))
		p.Inputs = append(p.Inputs, c.input)
	}
	n["select_list"], p.Gathers = items, w.gathers
	text, err := json.Marshal(tree)
	if err != nil {
		return p, err.Error()
	}
	p.Statement = text
	return p, ""
}

// placed is a table as it is called in a query.
type placed struct {
	input int
	name  string
}

// column is the expression for its row, or for the list of its rows.
func (c placed) column(list bool) node {
	row := node{"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "query_location": 0, "column_names": []string{c.name, "rowid"}}
	if !list {
		return row
	}
	return node{
		"class": "FUNCTION", "type": "FUNCTION", "alias": "", "query_location": 0, "function_name": "list", "schema": "", "catalog": "",
		"children": []node{row}, "filter": nil, "order_bys": node{"type": "ORDER_MODIFIER", "orders": []any{}},
		"distinct": false, "is_operator": false, "export_state": false,
	}
}

// placer is at work on one query.
type placer struct {
	tables    []Table
	functions Functions
	places    []placed
	gathers   bool
	reason    string // the first
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

func (w *placer) selects(n node) {
	for _, c := range n.child("cte_map").children("map") {
		if c.child("value").child("query").child("node").text("type") == "RECURSIVE_CTE_NODE" {
			w.refuse("it has a recursive WITH")
		}
		w.refuse("it has a WITH")
	}
	switch kind := n.text("type"); {
	case kind == "SET_OPERATION_NODE":
		w.refuse("it is made of others by %s", strings.ReplaceAll(n.text("setop_type"), "_", " "))
	case kind != "SELECT_NODE":
		w.refuse("%s is not known here", n.kind())
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

// from knows tables that are inputs, and joins of them.
func (w *placer) from(n node) {
	switch kind := n.text("type"); kind {
	case "BASE_TABLE":
		w.table(n)
	case "JOIN":
		w.join(n)
	case "SUBQUERY":
		w.refuse("it has a subquery in FROM")
	case "TABLE_FUNCTION":
		w.refuse("it has a function in FROM")
	case "EMPTY", "":
		w.refuse("it reads no input")
	default:
		w.refuse("%s in FROM is not known here", kind)
	}
}

func (w *placer) table(n node) {
	if !empty(n["sample"]) {
		w.refuse("it takes a sample")
	}
	w.only(n, "table_name", "column_name_alias")
	name := n.text("table_name")
	input := slices.IndexFunc(w.tables, func(t Table) bool { return strings.EqualFold(t.Name, name) })
	if input < 0 {
		w.refuse("table %s is no input of it", name)
		return
	}
	named := func(s string) bool { return strings.EqualFold(s, "rowid") }
	for _, f := range w.tables[input].Schema.Fields() {
		if named(f.Name) {
			w.refuse("a column of %s is called %s, as the place of a row is", name, f.Name)
		}
	}
	if slices.ContainsFunc(n.texts("column_name_alias"), named) {
		w.refuse("a column of %s is called rowid, as the place of a row is", name)
	}
	if alias := n.text("alias"); alias != "" {
		name = alias
	}
	w.places = append(w.places, placed{input, name})
}

func (w *placer) join(n node) {
	w.only(n, "left", "right", "condition", "join_type", "ref_type", "using_columns")
	switch ref := n.text("ref_type"); ref {
	case "REGULAR", "CROSS", "NATURAL":
	default:
		w.refuse("it has a join of kind %s", ref)
	}
	kind := n.text("join_type")
	both, known := joinTypes[kind]
	if !known {
		w.refuse("it has a join of kind %s", kind)
	}
	w.from(n.child("left"))
	left := len(w.places)
	w.from(n.child("right"))
	if !both { // the right side decides, and gives nothing
		w.places = w.places[:left]
	}
	w.maybe(n.child("condition"), "ON")
}

func (w *placer) maybe(n node, where string) {
	if n != nil {
		w.expr(n, where)
	}
}
