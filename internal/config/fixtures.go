package config

import (
	"slices"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

var testsObject = &object{name: "tests", fields: []field{
	{name: "pass", typ: "fixtures", doc: "Fixtures on which the rule has to pass, each a list of rows."},
	{name: "fail", typ: "fixtures", doc: "Fixtures on which it has to fail."},
}}

var fixtureObject = &object{name: "fixture", fields: []field{
	{name: "name", typ: "text", doc: "What messages call it."},
	{name: "rows", typ: "rows", required: true, doc: "The rows that are judged; a column that is left out is null."},
	{name: "inputs", typ: "map of rows", doc: "The rows of other sources and stages, by name."},
	{name: "past", typ: "fixtures", doc: "The rows of past partitions, the oldest first."},
	{name: "partition", typ: "value", doc: "The partition that is judged."},
}}

// fixtures reads the made-up rows of a rule.
func (d *decoder) fixtures(n *node) (all []gates.Fixture) {
	if n == nil || !d.object(n, testsObject) {
		return nil
	}
	for _, what := range []string{"pass", "fail"} {
		list := n.get(what)
		if list == nil {
			continue
		}
		if list.kind != sequence || len(list.values) == 0 {
			d.fail(list.pos, "tests: %s: expected a list of fixtures, each a list of rows, like [[{a: 1}, {a: 2}]]", what)
			continue
		}
		if isRows(list) {
			list = &node{kind: sequence, pos: list.pos, values: []*node{list}}
		}
		for _, v := range list.values {
			f := d.fixture(v)
			f.Fail = what == "fail"
			all = append(all, f)
		}
	}
	return all
}

// testing gives the fixtures of an entry to its one rule.
func (d *decoder) testing(n *node, rules []gates.Rule) []gates.Rule {
	switch all := d.fixtures(n); {
	case all == nil:
	case len(rules) == 1:
		rules[0].Tests = all
	case len(rules) > 1:
		d.fail(n.pos, "tests: the gate is a rule for each of %d columns; give each column a gate of its own", len(rules))
	}
	return rules
}

// isRows reports whether a list is the rows of a single fixture.
func isRows(list *node) bool {
	return len(list.values) > 0 && !slices.ContainsFunc(list.values, func(v *node) bool { return v.kind != mapping || isFixture(v) })
}

// isFixture tells the mapping of a fixture from a row.
func isFixture(n *node) bool {
	rows := n.get("rows")
	return rows != nil && rows.kind == sequence
}

func (d *decoder) fixture(n *node) gates.Fixture {
	f := &fixtureReader{decoder: d, f: gates.Fixture{At: n.pos, Places: map[gates.Place]pipeline.Pos{}}}
	if n.kind == sequence {
		f.f.Rows = f.rows(gates.Place{}, n)
		return f.f
	}
	if !isFixture(n) {
		d.fail(n.pos, "tests: a fixture is a list of rows, like [{a: 1}, {a: 2}], or a mapping with rows; found %s", n.kind)
		return f.f
	}
	d.object(n, fixtureObject)
	f.f.Name, f.f.Partition = d.text(n.get("name"), "name"), d.text(n.get("partition"), "partition")
	f.f.Rows = f.rows(gates.Place{}, n.get("rows"))
	for _, p := range d.pairs(n.get("inputs"), "inputs") {
		if f.f.Inputs == nil {
			f.f.Inputs = map[string][]map[string]any{}
		}
		f.f.Inputs[p.key.text] = f.rows(gates.Place{Input: p.key.text}, p.value)
	}
	if past := n.get("past"); past != nil {
		if past.kind != sequence {
			d.fail(past.pos, "past: expected a list of lists of rows, found %s", past.kind)
		}
		for i, rows := range past.values {
			f.f.Past = append(f.f.Past, f.rows(gates.Place{Past: i + 1}, rows))
		}
	}
	return f.f
}

// fixtureReader reads the values of one fixture, and remembers where they stand.
type fixtureReader struct {
	*decoder
	f gates.Fixture
}

func (f *fixtureReader) rows(of gates.Place, n *node) []map[string]any {
	if n.kind != sequence {
		f.fail(n.pos, "tests: expected a list of rows, found %s", n.kind)
		return nil
	}
	all := []map[string]any{}
	for i, v := range n.values {
		row := map[string]any{}
		for _, p := range f.pairs(v, "tests") {
			at := of
			at.Row, at.Column = i, p.key.text
			f.f.Places[at] = p.value.pos
			row[p.key.text] = f.cell(p.value)
		}
		all = append(all, row)
	}
	return all
}

// cell is a value of a row: a scalar, or lists and mappings of them.
func (d *decoder) cell(n *node) any {
	switch n.kind {
	case sequence:
		list := []any{}
		for _, v := range n.values {
			list = append(list, d.cell(v))
		}
		return list
	case mapping:
		of := map[string]any{}
		for i, k := range n.keys {
			of[k.text] = d.cell(n.values[i])
		}
		return of
	}
	return d.value(n, "tests")
}
