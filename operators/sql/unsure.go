package sql

import (
	"slices"
	"strings"
)

// doubts are why a query may give something else from the same input.
type doubts struct {
	volatile []string // functions that DuckDB says are
	calls    []string // of them, those that stand in the query
	loose    []string // functions that go by the order of their rows
	samples  bool
}

// byOrder are the aggregates that go by the order of their rows, if they have no ORDER BY of
// their own.
var byOrder = []string{
	"any_value", "arbitrary", "array_agg", "arg_max", "arg_max_null", "arg_min", "arg_min_null", "argmax", "argmin", "first", "group_concat",
	"last", "list", "listagg", "max_by", "min_by", "mode", "string_agg",
}

// doubt looks at a part of a query.
func (d *doubts) doubt(n map[string]any) {
	if sample, ok := n["sample"].(map[string]any); ok && len(sample) > 0 {
		d.samples = true
	}
	name, _ := n["function_name"].(string)
	if columns, ok := n["column_names"].([]any); ok && len(columns) == 1 {
		name, _ = columns[0].(string)
	}
	name = strings.ToLower(name)
	switch {
	case n["class"] == "FUNCTION" && (name == "list_sort" || name == "list_reverse_sort"):
		unmarked(n["children"])
	case slices.Contains(d.volatile, name) && (n["class"] == "FUNCTION" || strings.HasPrefix(name, "current_") || strings.HasPrefix(name, "local")):
		d.calls = append(d.calls, name)
	case n["class"] == "FUNCTION" && slices.Contains(byOrder, name) && !ordersItself(n):
		d.loose = append(d.loose, name)
	}
}

// unmarked takes its name from a list that is sorted, as DuckDB writes list(x ORDER BY x).
func unmarked(children any) {
	if all, ok := children.([]any); ok && len(all) > 0 {
		if list, ok := all[0].(map[string]any); ok && list["function_name"] == "list" {
			delete(list, "function_name")
		}
	}
}

// ordersItself reports whether an aggregate has an ORDER BY of its own.
func ordersItself(n map[string]any) bool {
	by, _ := n["order_bys"].(map[string]any)
	orders, _ := by["orders"].([]any)
	return len(orders) > 0
}

// unsure says why the query may give something else from the same input; empty if it may not.
func (x *syntax) unsure() string {
	var why []string
	if !x.ordered {
		why = append(why, "its query has no ORDER BY at its end: the rows come in the order in which DuckDB gives them")
	}
	if text, verbs := called(x.calls); text != "" {
		why = append(why, "its query calls "+text+", which "+verbs[0]+" something else each time")
	}
	if text, verbs := called(x.loose); text != "" {
		why = append(why, "its query calls "+text+", which "+verbs[1]+" on the order of the rows it is given")
	}
	if x.samples {
		why = append(why, "its query takes a sample")
	}
	return strings.Join(why, "; ")
}

// called names functions, and gives the verbs that go with them.
func called(names []string) (string, [2]string) {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	verbs := [2]string{"gives", "depends"}
	if len(names) > 1 {
		verbs = [2]string{"give", "depend"}
	}
	return strings.Join(names, ", "), verbs
}
