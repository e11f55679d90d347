package sqltree

import (
	"fmt"
	"slices"
	"strings"
)

// query adds to a query the places of what it reads, and gives the columns that have them. many
// says that they are lists.
func (w *placer) query(n node, ctes *placedTable) (added []placed, many bool) {
	before := w.level
	w.level = &level{ctes: ctes}
	defer func() { w.level = before }()
	w.with(n.child("cte_map"))
	switch kind := n.text("type"); kind {
	case "SELECT_NODE":
		return w.selects(n)
	case "SET_OPERATION_NODE":
		return w.union(n), false
	case "RECURSIVE_CTE_NODE":
		w.refuse("it has a recursive WITH")
	default:
		w.refuse("%s is not known here", n.kind())
	}
	return nil, false
}

// inner is a query of rows within another.
func (w *placer) inner(n node) []placed {
	added, many := w.query(n, w.ctes)
	if many {
		w.refuse("it has an aggregate in a query within it")
	}
	return added
}

func (w *placer) with(n node) {
	w.only(n, "map")
	for _, entry := range n.children("map") {
		c := entry.child("value")
		w.only(c, "query", "materialized")
		w.ctes = &placedTable{name: entry.text("key"), places: w.inner(c.child("query").child("node")), outer: w.ctes}
	}
}

// union knows those that keep all rows of both sides.
func (w *placer) union(n node) []placed {
	w.only(n, "left", "right", "setop_type", "setop_all", "modifiers", "cte_map")
	if kind := n.text("setop_type"); kind != "UNION" || !n.flag("setop_all") {
		w.refuse("it is made of others by %s", strings.ReplaceAll(kind, "_", " "))
	}
	w.orders(n)
	if n.child("left").text("type") != "SELECT_NODE" && n.child("left").text("type") != "SET_OPERATION_NODE" {
		w.refuse("a side of a UNION is not as it is known here")
	}
	left, right := w.inner(n.child("left")), w.inner(n.child("right"))
	w.pad(n.child("right"), left, right)
	w.pad(n.child("left"), nil, right)
	return slices.Concat(left, right)
}

// pad gives one side of a UNION nulls for what the other side reads: before the columns that it
// has of its own, or behind all.
func (w *placer) pad(n node, before, own []placed) {
	if n.text("type") == "SET_OPERATION_NODE" {
		w.pad(n.child("left"), before, own)
		w.pad(n.child("right"), before, own)
		return
	}
	items, _ := n["select_list"].([]any)
	at := len(items)
	nulls := own
	if before != nil {
		at, nulls = len(items)-len(own), before
	}
	var some []any
	for _, c := range nulls { // the names are those of the left side
		some = append(some, placed{}.column(c.name[0], false))
	}
	if at >= 0 {
		n["select_list"] = slices.Insert(items, at, some...)
	}
}

// add adds a place to a select list.
func (w *placer) add(n node, c placed) placed {
	w.columns++
	alias := fmt.Sprint("penstock.row.", w.columns)
	items, _ := n["select_list"].([]any)
	n["select_list"] = append(items, c.column(alias, w.gathers))
	return placed{c.input, []string{alias}}
}

// from knows tables that are inputs, queries of them, and joins.
func (w *placer) from(n node) {
	switch kind := n.text("type"); kind {
	case "BASE_TABLE":
		w.table(n)
	case "JOIN":
		w.join(n)
	case "SUBQUERY":
		w.only(n, "subquery")
		w.derive(n.text("alias"), w.inner(n.child("subquery").child("node")))
	case "TABLE_FUNCTION":
		w.refuse("it has a function in FROM")
	case "EMPTY", "":
		w.refuse("it reads no input")
	default:
		w.refuse("%s in FROM is not known here", kind)
	}
}

// derive reads a query that has places.
func (w *placer) derive(alias string, places []placed) {
	w.derived = append(w.derived, placedTable{name: alias, places: places})
	for _, p := range places {
		if alias != "" {
			p.name = append([]string{alias}, p.name...)
		}
		w.places = append(w.places, p)
	}
}

func (w *placer) table(n node) {
	if !empty(n["sample"]) {
		w.refuse("it takes a sample")
	}
	w.only(n, "table_name", "column_name_alias")
	name, alias := n.text("table_name"), n.text("alias")
	if alias == "" {
		alias = name
	}
	for c := w.ctes; c != nil; c = c.outer {
		if strings.EqualFold(c.name, name) {
			w.only(n, "table_name")
			w.derive(alias, c.places)
			return
		}
	}
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
	w.places = append(w.places, placed{input, []string{alias, "rowid"}})
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
	left, derived := len(w.places), len(w.derived)
	w.from(n.child("right"))
	if !both { // the right side decides, and gives nothing
		w.places, w.derived = w.places[:left], w.derived[:derived]
	}
	if n.text("ref_type") == "NATURAL" && len(w.derived) > 0 {
		w.refuse("it has a natural join with a query")
	}
	w.maybe(n.child("condition"), "ON")
}
