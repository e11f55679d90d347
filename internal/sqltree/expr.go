package sqltree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// expr says where the value of an expression comes from.
func (r *resolver) expr(s *scope, n node) value {
	if r.steps++; r.steps > maxSteps {
		return unknown("the query is too large to be followed")
	}
	parts, fields := []part(nil), []string(nil)
	switch n.text("class") {
	case "CONSTANT":
		fields = []string{"value"}
	case "COLUMN_REF":
		return r.reference(s, n)
	case "POSITIONAL_REFERENCE":
		return r.position(s, n)
	case "STAR":
		return r.starValue(s, n)
	case "FUNCTION":
		return r.function(s, n)
	case "WINDOW":
		return r.window(s, n)
	case "SUBQUERY":
		return r.subquery(s, n)
	case "OPERATOR":
		return r.operator(s, n)
	case "CAST":
		parts, fields = of(computed, "child"), []string{"cast_type", "try_cast"}
	case "COLLATE":
		parts, fields = of(computed, "child"), []string{"collation"}
	case "CASE":
		parts = append(of(computed, "else_expr"), part{"case_checks", computed})
	case "COMPARISON":
		parts = of(computed, "left", "right")
	case "CONJUNCTION":
		parts = of(computed, "children")
	case "BETWEEN":
		parts = of(computed, "input", "lower", "upper")
	case "LAMBDA": // outside a function that takes one it is the arrow of JSON
		parts = of(computed, "lhs", "expr")
	case "":
		if n["when_expr"] == nil {
			return unknown("a part of an expression is not known here")
		}
		parts = append(of(conditional, "when_expr"), of(computed, "then_expr")...)
	default:
		return unknown("%s is not known here", n.kind())
	}
	return r.sum(s, n, parts, fields...)
}

// part is a field of an expression, and how what is in it goes into its value.
type part struct {
	field string
	how   pipeline.Way
}

func of(how pipeline.Way, fields ...string) (all []part) {
	for _, f := range fields {
		all = append(all, part{f, how})
	}
	return all
}

// sum is made of all parts of an expression, which has no other fields than those and some that
// say nothing of columns.
func (r *resolver) sum(s *scope, n node, parts []part, fields ...string) value {
	v := value{}
	for _, p := range parts {
		fields = append(fields, p.field)
		inside := n.children(p.field)
		if c := n.child(p.field); c != nil {
			inside = []node{c}
		}
		for _, c := range inside {
			if c["expression"] != nil { // of an ORDER BY
				c = c.child("expression")
			}
			v = v.and(r.expr(s, c).as(p.how))
		}
	}
	if reason := n.odd(fields...); reason != "" {
		return value{unknown: reason}
	}
	return v
}

func (r *resolver) reference(s *scope, n node) value {
	if reason := n.odd("column_names"); reason != "" {
		return value{unknown: reason}
	}
	c, field, reason := s.resolve(n.texts("column_names"))
	switch {
	case reason != "":
		return value{unknown: reason}
	case field:
		return c.value.as(computed)
	}
	return c.value
}

// position is the column of FROM that stands in a place.
func (r *resolver) position(s *scope, n node) value {
	c, reason := s.position(n)
	if reason != "" {
		return value{unknown: reason}
	}
	return c.value
}

// position counts the columns of all tables, also those that are joined by their name.
func (s *scope) position(n node) (c column, reason string) {
	i, _ := n["index"].(float64)
	var all []column
	s = s.query()
	for _, t := range s.tables {
		if t.uncertain > 0 {
			return column{}, t.reason
		}
		all = append(all, t.columns...)
	}
	if reason := n.odd("index"); reason != "" || s.lost != "" || i < 1 || int(i) > len(all) {
		return column{}, fmt.Sprintf("there is no column #%v in sight", i)
	}
	return all[int(i)-1], ""
}

// operators are those of class OPERATOR that compute with all that they are given.
var operators = []string{
	"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "OPERATOR_NULLIF", "OPERATOR_TRY",
	"OPERATOR_UNPACK", "COMPARE_IN", "COMPARE_NOT_IN", "ARRAY_EXTRACT", "ARRAY_SLICE", "STRUCT_EXTRACT", "ARRAY_CONSTRUCTOR", "ARROW",
}

func (r *resolver) operator(s *scope, n node) value {
	kind := n.text("type")
	switch {
	case kind == "GROUPING_FUNCTION": // it tells of a grouping set, and not of values
		return r.sum(s, n, nil, "children")
	case kind == "OPERATOR_UNPACK" && s.star != nil:
		all := *s
		all.star = nil
		return r.sum(&all, n, of(computed, "children"))
	case slices.Contains(operators, kind):
		return r.sum(s, n, of(computed, "children"))
	}
	return unknown("%s is not known here", kind)
}

// plainFunction are the fields of a function that is called with the values of a row.
var plainFunction = []string{"function_name", "children", "is_operator", "order_bys"}

func (r *resolver) function(s *scope, n node) value {
	name := strings.ToLower(n.text("function_name"))
	if schema := n.text("schema"); schema != "" && schema != "main" || n["catalog"] != nil && n.text("catalog") != "" {
		return unknown("function %s.%s is not known here", schema, name)
	}
	if name == "unnest" || name == "unlist" {
		v := r.sum(s, n, of(computed, "children"), append(slices.Clone(plainFunction), "schema")...)
		s.decide(v, joined)
		return v
	}
	switch r.functions[name] {
	case Scalar:
		if n.child("order_bys").children("orders") != nil && len(n.child("order_bys").children("orders")) > 0 || n.child("filter") != nil {
			return unknown("function %s is given an order or a filter", name)
		}
		return r.call(s, n, name)
	case Aggregate:
		plain := *s
		plain.first = nil
		v := r.sum(&plain, n, append(of(aggregated, "children"), part{"filter", conditional}),
			"function_name", "is_operator", "order_bys", "schema", "distinct")
		return v.and(r.sum(&plain, n.child("order_bys"), of(sortedBy, "orders")))
	}
	return unknown("function %s is not known here", name)
}

// lambdas are the functions that take one.
var lambdas = []string{
	"apply", "list_apply", "array_apply", "list_transform", "array_transform",
	"filter", "list_filter", "array_filter", "reduce", "list_reduce", "array_reduce",
}

// call is a function of the values of a row, of which some may be lambdas.
func (r *resolver) call(s *scope, n node, name string) value {
	v := value{unknown: n.odd(append(slices.Clone(plainFunction), "schema")...)}
	for _, arg := range n.children("children") {
		if arg.text("class") != "LAMBDA" || !slices.Contains(lambdas, name) {
			v = v.and(r.expr(s, arg).as(computed))
			continue
		}
		names, reason := params(arg.child("lhs"))
		inside := &scope{outer: s, ctes: s.ctes, params: names, star: s.star, rows: s.rows}
		v = v.and(r.expr(inside, arg.child("expr")).as(computed), value{unknown: reason})
	}
	return v
}

// params are the names of a lambda's: x, or (x, i).
func params(n node) (names []string, reason string) {
	list := []node{n}
	if n.text("class") == "FUNCTION" && n.text("function_name") == "row" {
		list = n.children("children")
	}
	for _, p := range list {
		name := p.texts("column_names")
		if p.text("class") != "COLUMN_REF" || len(name) != 1 {
			return nil, "the parameters of a lambda are no names"
		}
		names = append(names, name[0])
	}
	return names, ""
}

// windows are the functions that only a window has, and how their arguments go into the value.
var windows = map[string]pipeline.Way{
	"WINDOW_ROW_NUMBER": computed, "WINDOW_RANK": computed, "WINDOW_RANK_DENSE": computed, "WINDOW_PERCENT_RANK": computed,
	"WINDOW_CUME_DIST": computed, "WINDOW_NTILE": computed, "WINDOW_LEAD": computed, "WINDOW_LAG": computed,
	"WINDOW_FIRST_VALUE": computed, "WINDOW_LAST_VALUE": computed, "WINDOW_NTH_VALUE": computed, "WINDOW_FILL": computed,
	"WINDOW_AGGREGATE": aggregated,
}

func (r *resolver) window(s *scope, n node) value {
	how, known := windows[n.text("type")]
	name := strings.ToLower(n.text("function_name"))
	if !known || how == aggregated && r.functions[name] != Aggregate {
		return unknown("window function %s is not known here", name)
	}
	plain := *s
	plain.first = nil
	parts := append(of(how, "children", "default_expr"), of(windowed, "partitions", "orders", "start_expr", "end_expr", "offset_expr")...)
	parts = append(parts, part{"filter_expr", conditional}, part{"arg_orders", sortedBy})
	return r.sum(&plain, n, parts, "function_name", "schema", "catalog", "ignore_nulls", "distinct", "start", "end", "exclude_clause")
}

// subquery is a query that stands for a value.
func (r *resolver) subquery(s *scope, n node) value {
	if reason := n.odd("subquery", "subquery_type", "child", "comparison_type"); reason != "" {
		return value{unknown: reason}
	}
	rel := r.query(s, n.child("subquery").child("node"))
	switch kind := n.text("subquery_type"); kind {
	case "EXISTS", "NOT_EXISTS":
		return rel.rows
	case "SCALAR":
		return rel.all().as(computed).and(rel.rows)
	case "ANY":
		return r.expr(s, n.child("child")).and(rel.all()).as(computed).and(rel.rows)
	default:
		return unknown("a subquery of kind %s is not known here", kind)
	}
}
