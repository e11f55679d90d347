package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// operators reads the chain of a stage. inputs are the names of its inputs in SQL.
func (d *decoder) operators(s *pipeline.Stage, inputs []string, n *node) {
	if n == nil {
		return
	}
	if n.kind != sequence {
		d.fail(n.pos, "operators: expected a list, found %s", n.kind)
		return
	}
	for i, item := range n.values {
		names := inputs
		if i > 0 {
			names = []string{"input"}
		}
		if op := d.operator(item, names); op != nil {
			s.Operators = append(s.Operators, op)
			s.OperatorsAt = append(s.OperatorsAt, item.pos)
		}
	}
}

func operatorNames() []string {
	var names []string
	for _, f := range operatorSpecs {
		names = append(names, f.name)
	}
	return names
}

func (d *decoder) operator(n *node, inputs []string) pipeline.Operator {
	if n.kind == scalar && n.text == "union" {
		return operators.Union()
	}
	if n.kind != mapping || len(n.keys) != 1 {
		d.fail(n.pos, "an operator is its name and its arguments, like `filter: delay > 0`, found %s", n.kind)
		return nil
	}
	key, arg := n.keys[0], n.values[0]
	i := slices.IndexFunc(operatorSpecs, func(f field) bool { return f.name == key.text })
	if i < 0 {
		d.fail(key.pos, "%s", pipeline.Unknown("operator", key.text, operatorNames()))
		return nil
	}
	spec := operatorSpecs[i]
	if spec.typ == "object" && (arg.kind != nothing || !argless(spec.name)) && !d.object(arg, spec.object) {
		return nil
	}
	if arg.kind == nothing && spec.name != "union" && !argless(spec.name) {
		d.fail(key.pos, "%s: its arguments are missing", spec.name)
		return nil
	}
	return d.build(spec, arg, inputs)
}

// argless reports whether an operator may stand without arguments.
func argless(name string) bool { return name == "dedupe" || name == "breaks" }

func (d *decoder) build(spec field, arg *node, inputs []string) pipeline.Operator {
	what := spec.name
	switch what {
	case "filter":
		return operators.Filter(d.text(arg, what))
	case "derive":
		return d.derive(arg)
	case "select":
		return operators.Select(d.texts(arg, what)...)
	case "drop":
		return operators.Drop(d.texts(arg, what)...)
	case "rename":
		return operators.Rename(d.texted(arg, what))
	case "cast":
		return operators.Cast(d.texted(arg, what))
	case "fill_null":
		values := map[string]any{}
		for _, p := range d.pairs(arg, what) {
			values[p.key.text] = d.value(p.value, what)
		}
		return operators.FillNull(values)
	case "limit":
		return operators.Limit(d.int(arg, what, 0))
	case "sample":
		return operators.Sample(d.float(arg.get("share"), "share"), uint64(d.int(arg.get("seed"), "seed", 0)))
	case "union":
		return operators.Union()
	case "sort":
		return sql.Sort(d.sortKeys(arg)...)
	case "dedupe":
		return sql.Dedupe(sql.DedupeOptions{
			Keys: d.texts(arg.get("keys"), "keys"), Keep: d.oneOf(arg.get("keep"), fieldOf(spec.object, "keep")),
			OrderBy: d.sortKeys(arg.get("order_by")),
		})
	case "join":
		return sql.Join(sql.JoinOptions{
			Kind: d.oneOf(arg.get("kind"), fieldOf(spec.object, "kind")), On: d.texts(arg.get("on"), "on"),
			Suffix: d.text(arg.get("suffix"), "suffix"),
		})
	case "aggregate":
		return d.aggregate(arg)
	case "reconcile":
		return d.reconcile(arg, inputs)
	case "breaks":
		return d.breaks(arg, inputs)
	case "sql":
		return sql.Query(d.text(arg, what), inputs...)
	}
	panic("operator " + what + " has a spec and is not built")
}

func (d *decoder) derive(n *node) pipeline.Operator {
	var cols []operators.Column
	for _, p := range d.pairs(n, "derive") {
		c := operators.Column{Name: p.key.text}
		if p.value.kind == mapping {
			if d.object(p.value, &object{name: "derive", fields: []field{{name: "expr", required: true}, {name: "type"}}}) {
				c.Expr, c.Type = d.text(p.value.get("expr"), "expr"), d.text(p.value.get("type"), "type")
			}
		} else {
			c.Expr = d.text(p.value, "derive")
		}
		cols = append(cols, c)
	}
	return operators.Derive(cols...)
}

// sortKeys reads names, with a minus for descending, or mappings.
func (d *decoder) sortKeys(n *node) []sql.SortKey {
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == sequence {
		items = n.values
	}
	var keys []sql.SortKey
	for _, item := range items {
		if item.kind == mapping {
			if d.object(item, &object{name: "sort", fields: []field{{name: "column", required: true}, {name: "desc"}, {name: "nulls_first"}}}) {
				keys = append(keys, sql.SortKey{
					Column: d.text(item.get("column"), "column"),
					Desc:   d.bool(item.get("desc"), "desc", false), NullsFirst: d.bool(item.get("nulls_first"), "nulls_first", false),
				})
			}
			continue
		}
		name, desc := strings.CutPrefix(d.text(item, "sort"), "-")
		keys = append(keys, sql.SortKey{Column: name, Desc: desc})
	}
	return keys
}

var call = regexp.MustCompile(`^\s*(\w+)\(\s*(.*?)\s*\)\s*$`)

func (d *decoder) aggregate(n *node) pipeline.Operator {
	var aggs []sql.Agg
	for _, p := range d.pairs(n.get("columns"), "columns") {
		text := d.text(p.value, "columns")
		m := call.FindStringSubmatch(text)
		if m == nil {
			d.fail(p.value.pos, "aggregate: %s: expected a function of a column, like mean(delay) or count(), found %q", p.key.text, text)
			continue
		}
		if !slices.Contains(sql.AggregateFuncs(), m[1]) {
			d.fail(p.value.pos, "aggregate: %s: %s", p.key.text, pipeline.Unknown("function", m[1], sql.AggregateFuncs()))
			continue
		}
		aggs = append(aggs, sql.Agg{Name: p.key.text, Func: m[1], Column: m[2]})
	}
	return sql.Aggregate(d.texts(n.get("by"), "by"), aggs...)
}
