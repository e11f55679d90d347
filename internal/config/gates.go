package config

import (
	"slices"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// checkFields are the named checks; a rule has exactly one.
var checkFields = fieldsOfChecks()

func fieldsOfChecks() (all []field) {
	types := map[gates.Shape]string{
		gates.Text: "text", gates.Columns: "texts", gates.EachColumn: "texts", gates.ColumnValue: "map of any", gates.Fields: "object", gates.Checks: "checks",
	}
	kinds := map[string]string{"pairs": "map", "any": "any", "number": "number", "value": "value", "text": "text", "texts": "texts", "bool": "bool"}
	for _, s := range gates.Vocabulary() {
		f := field{name: s.Name, typ: types[s.Args], doc: s.Doc + " For example `" + s.Example + "`."}
		if s.Name == "expect" {
			f.typ = "statement"
		}
		if s.Args == gates.Fields {
			f.object = &object{name: s.Name}
			for _, part := range s.Fields {
				f.object.fields = append(f.object.fields, field{name: part.Name, typ: kinds[part.Kind], doc: part.Doc, required: part.Required, choices: part.Choices})
			}
		}
		all = append(all, f)
	}
	return all
}

func checkNames() []string {
	var names []string
	for _, f := range checkFields {
		names = append(names, f.name)
	}
	return names
}

var ruleObject = &object{name: "gate", doc: "A rule: a check, and what belongs to its place of use.", fields: slices.Concat(checkFields, ruleFields), choice: checkNames()}

// checkObject is a check without what belongs to a rule: a member of a composite.
var checkObject = &object{name: "check", fields: checkFields, choice: checkNames()}

func (d *decoder) gates(n *node) pipeline.Judge {
	if n.kind != sequence {
		d.fail(n.pos, "gates: expected a list, found %s", n.kind)
		return nil
	}
	var rules []gates.Rule
	for _, item := range n.values {
		rules = append(rules, d.rule(item)...)
	}
	if len(d.errs) > 0 {
		return nil // half a judge would have problems of its own
	}
	return gates.Of(rules...)
}

// rule reads one entry: a rule, or one for each column of its check.
func (d *decoder) rule(n *node) []gates.Rule {
	if !d.object(n, ruleObject) {
		return nil
	}
	r := gates.Rule{
		Name: d.text(n.get("name"), "name"), Severity: pipeline.Severity(d.ruleChoice(n, "severity")),
		Else: gates.Else(d.ruleChoice(n, "else")), Where: d.text(n.get("where"), "where"), By: d.texts(n.get("by"), "by"),
		Nulls: gates.Nulls(d.ruleChoice(n, "nulls")), OnEmpty: gates.OnEmpty(d.ruleChoice(n, "on_empty")),
		ShortHistory: gates.ShortHistory(d.ruleChoice(n, "on_short_history")),
		Description:  d.text(n.get("description"), "description"), Owner: d.text(n.get("owner"), "owner"),
		Tags: d.texts(n.get("tags"), "tags"), At: n.pos,
	}
	r.AtMost, r.WarnAt = d.tolerances(n.get("at_most"))
	var rules []gates.Rule
	found := d.checksIn(n)
	for _, c := range found {
		one := r
		one.Check, one.TextAt = c.check, c.at
		if c.column != "" && r.Name != "" && len(found) > 1 {
			one.Name = r.Name + "_" + c.column
		}
		rules = append(rules, one)
	}
	return d.testing(n.get("tests"), rules)
}

var thresholds = &object{name: "at_most", fields: []field{
	{name: "warn", typ: "value", required: true, doc: "More than so many failing rows warn."},
	{name: "block", typ: "value", required: true, doc: "More than so many keep the partition back."},
}}

// tolerances reads at_most: what blocks, or a mapping of what warns and what blocks.
func (d *decoder) tolerances(n *node) (block, warn gates.Tolerance) {
	switch {
	case n == nil:
		return block, warn
	case n.kind != mapping:
		return d.tolerance(n), warn
	case !d.object(n, thresholds):
		return block, warn
	}
	return d.tolerance(n.get("block")), d.tolerance(n.get("warn"))
}

func (d *decoder) tolerance(n *node) gates.Tolerance {
	if n == nil {
		return gates.Tolerance{}
	}
	t, err := gates.ParseTolerance(d.text(n, "at_most"))
	if err != nil {
		d.fail(n.pos, "%v", err)
	}
	return t
}

func (d *decoder) ruleChoice(n *node, name string) string {
	return d.oneOf(n.get(name), fieldOf(ruleObject, name))
}

// columnCheck is a check, of one column if it names several.
type columnCheck struct {
	check  gates.Check
	column string
	at     pipeline.Pos
}

// checksIn reads the check of a mapping that has just one.
func (d *decoder) checksIn(n *node) []columnCheck {
	for _, spec := range gates.Vocabulary() {
		v := n.get(spec.Name)
		if v == nil {
			continue
		}
		if v.kind == nothing {
			d.fail(v.pos, "%s: its arguments are missing", spec.Name)
			return nil
		}
		return d.checks(spec, v)
	}
	return nil
}

func (d *decoder) checks(spec gates.Spec, n *node) (all []columnCheck) {
	build := func(arg any, column string, at *node, text pipeline.Pos) {
		c, err := spec.Build(arg)
		if err != nil {
			d.fail(at.pos, "%v", err)
			return
		}
		all = append(all, columnCheck{c, column, text})
	}
	switch spec.Args {
	case gates.Text:
		if spec.Name == "expect" && n.kind == mapping {
			return d.twoStatements(n)
		}
		build(d.text(n, spec.Name), "", n, n.textPos)
	case gates.Columns:
		build(d.texts(n, spec.Name), "", n, n.textPos)
	case gates.EachColumn:
		for i, column := range d.texts(n, spec.Name) {
			at := n
			if n.kind == sequence {
				at = n.values[i]
			}
			build(column, column, at, at.pos)
		}
	case gates.ColumnValue:
		for _, p := range d.pairs(n, spec.Name) {
			build(gates.Pair{Column: p.key.text, Value: d.plain(p.value, spec.Name)}, p.key.text, p.value, p.value.pos)
		}
	case gates.Fields:
		if o := fieldOf(ruleObject, spec.Name).object; d.object(n, o) {
			build(d.fieldsOf(n, o), "", n, n.pos)
		}
	case gates.Checks:
		build(d.members(n, spec.Name), "", n, n.pos)
	}
	return all
}

var twoStatements = &object{name: "expect", fields: []field{
	{name: "block", typ: "text", required: true, doc: "Must hold."}, {name: "warn", typ: "text", required: true, doc: "Warns if it does not hold."},
}}

// twoStatements reads an expect of which one statement must hold, and one warns.
func (d *decoder) twoStatements(n *node) []columnCheck {
	if !d.object(n, twoStatements) || n.get("block") == nil || n.get("warn") == nil {
		return nil
	}
	return []columnCheck{{check: gates.Warning(d.text(n.get("block"), "block"), d.text(n.get("warn"), "warn")), at: n.get("block").textPos}}
}

// fieldsOf reads the fields of a check.
func (d *decoder) fieldsOf(n *node, o *object) map[string]any {
	all := map[string]any{}
	for _, f := range o.fields {
		v := n.get(f.name)
		if v == nil {
			continue
		}
		switch f.typ {
		case "texts":
			all[f.name] = d.texts(v, f.name)
		case "text":
			all[f.name] = d.text(v, f.name)
			if f.choices != nil {
				all[f.name] = d.oneOf(v, f)
			}
		case "number":
			all[f.name] = d.int(v, f.name, 0)
		case "bool":
			all[f.name] = d.bool(v, f.name, false)
		case "map":
			var pairs []gates.Pair
			for _, p := range d.pairs(v, f.name) {
				pairs = append(pairs, gates.Pair{Column: p.key.text, Value: d.value(p.value, f.name)})
			}
			all[f.name] = pairs
		default:
			all[f.name] = d.plain(v, f.name)
		}
	}
	return all
}

// members reads the checks that a composite is made of.
func (d *decoder) members(n *node, what string) (all []gates.Check) {
	if n.kind != sequence {
		d.fail(n.pos, "%s: expected a list of checks, found %s", what, n.kind)
		return nil
	}
	for _, item := range n.values {
		if !d.object(item, checkObject) {
			continue
		}
		for _, c := range d.checksIn(item) {
			all = append(all, c.check)
		}
	}
	return all
}

// plain is a value of any shape: a scalar, a []any, or a map[string]any.
func (d *decoder) plain(n *node, what string) any {
	switch n.kind {
	case sequence:
		all := []any{}
		for _, v := range n.values {
			all = append(all, d.plain(v, what))
		}
		return all
	case mapping:
		all := map[string]any{}
		for _, p := range d.pairs(n, what) {
			all[p.key.text] = d.plain(p.value, what)
		}
		return all
	}
	return d.value(n, what)
}
