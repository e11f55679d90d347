package sqltree

import (
	"slices"
	"strings"
)

// scalars are, of the classes of expression that are computed of the values of a row, the fields
// that have expressions, and those that have none.
var scalars = map[string]struct{ inside, plain []string }{
	"CONSTANT":    {nil, []string{"value"}},
	"COLUMN_REF":  {nil, []string{"column_names"}},
	"COMPARISON":  {[]string{"left", "right"}, nil},
	"CONJUNCTION": {[]string{"children"}, nil},
	"BETWEEN":     {[]string{"input", "lower", "upper"}, nil},
	"CAST":        {[]string{"child"}, []string{"cast_type", "try_cast"}},
	"CASE":        {[]string{"case_checks", "else_expr"}, nil},
	"":            {[]string{"when_expr", "then_expr"}, nil}, // of a CASE
	"LAMBDA":      {[]string{"lhs", "expr"}, nil},
	"OPERATOR":    {[]string{"children"}, nil},
	"FUNCTION":    {[]string{"children"}, []string{"function_name", "schema", "is_operator", "order_bys", "filter", "distinct"}},
	"STAR": {nil, []string{
		"relation_name", "exclude_list", "replace_list", "columns", "qualified_exclude_list", "rename_list", "expr",
	}},
}

// expr refuses what is not known to be computed of the values of a row, or of those of a group.
func (w *placer) expr(n node, where string) {
	class := n.text("class")
	switch {
	case class == "WINDOW":
		w.refuse("it has a window function")
	case class == "SUBQUERY":
		w.refuse("it has a subquery in %s", where)
	case class == "STAR" && where != "the select list":
		w.refuse("it has a star in %s", where)
	case class == "STAR":
		w.star(n)
	case class == "COLUMN_REF":
		w.whole(n)
	case class == "FUNCTION":
		w.function(n, where)
	case class == "OPERATOR" && (!slices.Contains(operators, n.text("type")) || n.text("type") == "OPERATOR_UNPACK"):
		w.refuse("%s is not known here", n.kind())
	}
	fields, known := scalars[class]
	if !known {
		w.refuse("%s is not known here", n.kind())
	}
	w.only(n, slices.Concat(fields.inside, fields.plain)...)
	for _, f := range fields.inside {
		w.inside(n, f, where)
	}
}

// inside goes on to the expressions in a field.
func (w *placer) inside(n node, field, where string) {
	switch v := n[field].(type) {
	case nil:
	case map[string]any:
		w.expr(v, where)
	case []any:
		for _, c := range n.children(field) {
			w.expr(c, where)
		}
	default:
		w.refuse("%s in %s is not as it is known here", field, n.kind())
	}
}

// star knows those that leave columns out and rename them; what stands for columns is as it is
// in any query. The places of queries are left out of it.
func (w *placer) star(n node) {
	if !empty(n["replace_list"]) {
		w.refuse("it has a star with REPLACE")
	}
	expr := n.child("expr")
	if expr != nil {
		w.expr(expr, "a star")
	}
	if len(w.derived) > 0 && (expr != nil || n.flag("columns")) {
		w.refuse("it has COLUMNS of a query")
	}
	out, _ := n["exclude_list"].([]any)
	for _, d := range w.derived {
		if of := n.text("relation_name"); of != "" && !strings.EqualFold(of, d.name) {
			continue
		}
		for _, p := range d.places {
			if !slices.Contains(out, any(p.name[0])) {
				out = append(out, p.name[0])
			}
		}
	}
	n["exclude_list"] = out
}

// whole refuses rows of queries that are taken for a value: their places would be in it.
func (w *placer) whole(n node) {
	names := n.texts("column_names")
	for _, d := range w.derived {
		if len(names) == 1 && strings.EqualFold(names[0], d.name) {
			w.refuse("it takes the row of %s as one value", d.name)
		}
	}
}

func (w *placer) function(n node, where string) {
	name := strings.ToLower(n.text("function_name"))
	orders := n.child("order_bys").children("orders")
	switch kind := w.functions[name]; {
	case name == "unnest" || name == "unlist":
		w.refuse("it has an %s", name)
	case n.text("schema") != "" && n.text("schema") != "main":
		w.refuse("function %s.%s is not known here", n.text("schema"), name)
	case kind == Aggregate:
		w.gathers = true
		w.order(n.child("order_bys"), where)
		w.maybe(n.child("filter"), where)
	case kind != Scalar:
		w.refuse("function %s is not known here", name)
	case len(orders) > 0 || !empty(n["filter"]) || n.flag("distinct"):
		w.refuse("function %s is given an order or a filter", name)
	}
}
