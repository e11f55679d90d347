package config

import (
	"slices"
	"strings"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

func checkNames() []string {
	var names []string
	for _, f := range checkFields {
		names = append(names, f.name)
	}
	return names
}

var ruleObject = &object{name: "gate", doc: "A rule: a check, and what belongs to its place of use.", fields: slices.Concat(checkFields, ruleFields), choice: checkNames()}

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
		Else: gates.Else(d.ruleChoice(n, "else")), Where: d.text(n.get("where"), "where"),
		Nulls: gates.Nulls(d.ruleChoice(n, "nulls")), OnEmpty: gates.OnEmpty(d.ruleChoice(n, "on_empty")),
		Description: d.text(n.get("description"), "description"), Owner: d.text(n.get("owner"), "owner"),
		Tags: d.texts(n.get("tags"), "tags"), At: n.pos,
	}
	if v := n.get("at_most"); v != nil {
		t, err := gates.ParseTolerance(d.text(v, "at_most"))
		if err != nil {
			d.fail(v.pos, "%v", err)
		}
		r.AtMost = t
	}
	var rules []gates.Rule
	for _, f := range checkFields {
		v := n.get(f.name)
		if v == nil {
			continue
		}
		if v.kind == nothing {
			d.fail(v.pos, "%s: its arguments are missing", f.name)
			return nil
		}
		for _, c := range d.checks(f, v) {
			one := r
			one.Check, one.TextAt = c.check, c.at
			rules = append(rules, one)
			if c.column != "" && r.Name != "" && len(d.checks(f, v)) > 1 {
				rules[len(rules)-1].Name = r.Name + "_" + c.column
			}
		}
	}
	return d.testing(n.get("tests"), rules)
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

func (d *decoder) checks(f field, n *node) []columnCheck {
	one := func(c gates.Check) []columnCheck { return []columnCheck{{check: c, at: n.textPos}} }
	switch f.name {
	case "rows":
		return one(gates.Rows(d.text(n, f.name)))
	case "expect":
		return one(gates.Expect(d.text(n, f.name)))
	case "not_null":
		return one(gates.NotNull(d.texts(n, f.name)...))
	case "unique":
		return one(gates.Unique(d.texts(n, f.name)...))
	case "row_count":
		if !d.object(n, f.object) {
			return nil
		}
		low, high := d.int(n.get("min"), "min", -1), d.int(n.get("max"), "max", -1)
		if low < 0 && high < 0 {
			d.fail(n.pos, "row_count: min, max or both are needed, from 0")
		}
		return one(gates.RowCount(low, high))
	case "schema":
		return d.schemaCheck(f, n)
	}
	var all []columnCheck
	for _, p := range d.pairs(n, f.name) {
		if c, ok := d.columnCheck(f.name, p); ok {
			all = append(all, columnCheck{check: c, column: p.key.text, at: p.value.pos})
		}
	}
	return all
}

func (d *decoder) columnCheck(name string, p pair) (gates.Check, bool) {
	column := p.key.text
	switch name {
	case "matches":
		return gates.Matches(column, d.text(p.value, name)), true
	case "accepted":
		return gates.Accepted(column, d.values(p.value, name)...), true
	case "between":
		bounds := d.values(p.value, name)
		if len(bounds) != 2 {
			d.fail(p.value.pos, "between: expected [least, greatest] for %s, found %d values", column, len(bounds))
			return gates.Check{}, false
		}
		return gates.Between(column, bounds[0], bounds[1]), true
	}
	text := d.text(p.value, name)
	input, key, ok := strings.Cut(text, ".")
	if !ok || input == "" || key == "" {
		d.fail(p.value.pos, "references: expected input.column for %s, found %q", column, text)
		return gates.Check{}, false
	}
	return gates.References(column, input, key), true
}

func (d *decoder) schemaCheck(f field, n *node) []columnCheck {
	if !d.object(n, f.object) {
		return nil
	}
	var cols []gates.SchemaColumn
	required := d.texts(n.get("not_null"), "not_null")
	for _, p := range d.pairs(n.get("columns"), "columns") {
		c := gates.SchemaColumn{Name: p.key.text, NotNull: slices.Contains(required, p.key.text)}
		if p.value.kind != nothing {
			c.Type = d.text(p.value, "columns")
			if _, err := pipeline.ParseType(c.Type); err != nil {
				d.fail(p.value.pos, "schema: column %s: %v", c.Name, err)
			}
		}
		cols = append(cols, c)
	}
	check := gates.Schema(cols...)
	if d.bool(n.get("exact"), "exact", false) {
		check = gates.ExactSchema(cols...)
	}
	return []columnCheck{{check: check, at: n.pos}}
}
