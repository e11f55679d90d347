package sqltree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// from gives what stands behind FROM. The scope is that of the query, of which nothing is known
// yet but its outer ones.
func (r *resolver) from(s *scope, n node) from {
	if n == nil {
		return from{}
	}
	rel, fields := (*relation)(nil), []string{"column_name_alias", "sample"}
	switch n.text("type") {
	case "EMPTY":
		return from{}
	case "JOIN":
		return r.join(s, n)
	case "BASE_TABLE":
		rel, fields = r.table(s, n), append(fields, "table_name", "schema_name", "catalog_name")
	case "SUBQUERY":
		rel, fields = r.query(s, n.child("subquery").child("node")), append(fields, "subquery")
	case "TABLE_FUNCTION":
		rel, fields = r.tableFunction(s, n), append(fields, "function", "with_ordinality")
	case "EXPRESSION_LIST":
		rel, fields = r.values(s, n), append(fields, "values", "expected_names", "expected_types")
	default:
		rel = lost(n.kind() + " is not known here")
	}
	if reason := n.odd(fields...); reason != "" && rel.reason == "" {
		rel = lost(reason)
	}
	alias := n.text("alias")
	if alias == "" {
		alias = n.text("table_name") + n.child("function").text("function_name")
	}
	rel = rel.named(alias, n.texts("column_name_alias"))
	return from{tables: []*relation{rel}, rows: rel.rows}
}

func (r *resolver) table(s *scope, n node) *relation {
	name, schema := n.text("table_name"), strings.ToLower(n.text("schema_name"))
	if schema == "" {
		if rel := s.cte(name); rel != nil {
			return rel
		}
	}
	rel := r.tables[strings.ToLower(name)]
	if rel == nil || schema != "" && schema != "main" {
		return lost(fmt.Sprintf("table %s is no input of the query", name))
	}
	return rel
}

// values is a list of rows.
func (r *resolver) values(s *scope, n node) *relation {
	rel := &relation{}
	list, _ := n["values"].([]any)
	for _, row := range list {
		for i, e := range (node{"row": row}).children("row") {
			if i == len(rel.columns) {
				rel.columns = append(rel.columns, column{name: fmt.Sprintf("col%d", i)})
			}
			rel.columns[i].value = rel.columns[i].value.and(r.expr(s, e))
		}
	}
	for i, name := range n.texts("expected_names") {
		if i < len(rel.columns) {
			rel.columns[i].name = name
		}
	}
	return rel
}

// tableFunction knows those that make rows of lists and numbers: they are joined with the row
// that their arguments are of.
func (r *resolver) tableFunction(s *scope, n node) *relation {
	f := n.child("function")
	name := strings.ToLower(f.text("function_name"))
	args := f.children("children")
	known := []string{"unnest", "range", "generate_series"}
	if reason := f.odd(append(slices.Clone(plainFunction), "schema")...); reason != "" {
		return lost(reason)
	}
	if !slices.Contains(known, name) || name == "unnest" && len(args) != 1 {
		return lost(fmt.Sprintf("table function %s is not known here", name))
	}
	v := value{}
	for _, a := range args {
		v = v.and(r.expr(s, a).as(computed))
	}
	rel := &relation{columns: []column{{name: name, value: v}}, rows: v.as(joined)}
	switch n.text("with_ordinality") {
	case "", "WITHOUT_ORDINALITY":
	case "WITH_ORDINALITY":
		rel.columns = append(rel.columns, column{name: "ordinality"})
	default:
		return lost(n.text("with_ordinality") + " is not known here")
	}
	return rel
}

// joinTypes are those that have the columns of both sides, or (false) of the left alone.
var joinTypes = map[string]bool{"INNER": true, "LEFT": true, "RIGHT": true, "OUTER": true, "FULL": true, "SEMI": false, "ANTI": false}

func (r *resolver) join(s *scope, n node) from {
	lose := func(reason string) from {
		rel := lost(reason)
		return from{tables: []*relation{rel}, rows: rel.rows, lost: reason}
	}
	if reason := n.odd("left", "right", "condition", "join_type", "ref_type", "using_columns") + n.misshapen("condition"); reason != "" {
		return lose(reason)
	}
	kind := n.text("join_type")
	both, known := joinTypes[kind]
	if !known {
		return lose("join " + kind + " is not known here")
	}
	left := r.from(s, n.child("left"))
	lateral := &scope{outer: s.outer, ctes: s.ctes, from: left, rows: s.rows}
	right := r.from(lateral.inside(), n.child("right"))
	out := from{
		tables: slices.Concat(left.tables, right.tables), merged: slices.Concat(left.merged, right.merged),
		rows: left.rows.and(right.rows), lost: left.lost + right.lost,
	}
	using := n.texts("using_columns")
	switch ref := n.text("ref_type"); ref {
	case "REGULAR", "CROSS", "POSITIONAL", "ASOF":
	case "NATURAL":
		var reason string
		if using, reason = shared(left, right); reason != "" {
			return lose(reason)
		}
	default:
		return lose("join " + ref + " is not known here")
	}
	for _, name := range using {
		out.merge(name, left, right, kind)
	}
	if on := n.child("condition"); on != nil {
		sides := &scope{outer: s.outer, ctes: s.ctes, from: out, rows: &value{}}
		out.rows = out.rows.and(r.expr(sides, on).as(joined))
	}
	if !both {
		out.tables, out.merged, out.lost = left.tables, left.merged, left.lost
	}
	return out
}

// shared are the names of the columns that a natural join is on.
func shared(left, right from) (names []string, reason string) {
	for _, t := range slices.Concat(left.tables, right.tables) {
		if t.uncertain > 0 || t.reason != "" {
			return nil, t.reason
		}
	}
	for _, c := range left.columns(nil) {
		found := slices.ContainsFunc(right.columns(nil), func(o column) bool { return strings.EqualFold(o.name, c.name) })
		if found && c.name != "" {
			names = append(names, c.name)
		}
	}
	return names, ""
}

// merge makes one column of those of both sides that are joined by their name.
func (f *from) merge(name string, left, right from, kind string) {
	l, lof, reason := left.side(name)
	rt, rof, other := right.side(name)
	f.rows = f.rows.and(l.value.as(joined), rt.value.as(joined), value{unknown: reason + other})
	m := &merged{column: l, of: slices.Concat(lof, rof)}
	switch kind {
	case "RIGHT":
		m.column = rt
	case "OUTER", "FULL":
		m.column = column{value: l.value.and(rt.value).as(computed), typ: sameType(l.typ, rt.typ), alias: true}
	}
	if reason+other != "" {
		m.value = value{unknown: reason + other}
	}
	m.name = cmp.Or(l.name, name) // as the table writes it
	f.merged = slices.DeleteFunc(f.merged, func(o *merged) bool { return strings.EqualFold(o.name, name) })
	f.merged = append(f.merged, m)
}

func sameType(a, b arrow.DataType) arrow.DataType {
	if a != nil && b != nil && arrow.TypeEqual(a, b) {
		return a
	}
	return nil
}

// side is a column of one side of a join, and the tables that it is of.
func (f from) side(name string) (column, []*relation, string) {
	for _, m := range f.merged {
		if strings.EqualFold(m.name, name) {
			return m.column, m.of, ""
		}
	}
	doubt := ""
	for _, t := range f.tables {
		c, reason := t.find(name)
		if c != nil && reason == "" {
			return *c, []*relation{t}, ""
		}
		if reason != "" {
			doubt = reason
		}
	}
	if doubt == "" {
		doubt = "there is no column " + name + " to join on"
	}
	return column{name: name}, nil, doubt
}

// star are the columns of all tables, or of one, in the order of a star.
func (f from) columns(of *relation) (all []column) {
	if of != nil {
		return of.columns
	}
	done := map[*merged]bool{}
	for _, t := range f.tables {
		for _, c := range t.columns {
			i := slices.IndexFunc(f.merged, func(m *merged) bool { return strings.EqualFold(m.name, c.name) && slices.Contains(m.of, t) })
			if i < 0 {
				all = append(all, c)
				continue
			}
			if m := f.merged[i]; !done[m] {
				done[m] = true
				all = append(all, m.column)
			}
		}
	}
	return all
}
