package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

// normalFields say how a value is written anew before it is compared.
var normalFields = []field{
	{name: "trim", typ: "bool", doc: "Whether white space around a text is taken off."},
	{name: "strip", typ: "text", doc: "A regular expression (RE2): what of a text is taken out, like `'^INV-'`."},
	{name: "case", typ: "text", choices: []string{"upper", "lower"}, doc: "In which case a text is written; as it is, if left out."},
	{name: "pad", typ: "number", doc: "Zeros are put in front of a text up to so many characters."},
	{name: "number", typ: "bool", doc: "Whether a text that is a number counts as that: 007.50 is 7.5. A text that is none stays a text."},
	{name: "decimal", typ: "text", choices: []string{",", "."}, doc: "With number: what stands before the decimals. `','` reads 1.234,50 and 1 234,50, `'.'` reads 1,234.50; left out, a point, and no thousands are set apart."},
	{name: "date", typ: "text", doc: "How a date or a time is written in a text: the layout of 2 January 2006, 15:04:05, like `02.01.2006`. A text that is none stays a text."},
	{name: "zone", typ: "text", doc: "The time zone of times that have none, like Europe/Berlin; UTC if left out."},
	{name: "map", typ: "map", doc: "What codes stand for: `{C: cleared}`. It is looked up after what stands above, which is done to the codes and their meanings too."},
	{name: "blank_is_null", typ: "bool", doc: "Whether a text without anything but white space is a null."},
}

var keyObject = &object{name: "key", doc: "A column that names a row, where its name does not say enough. What is said of texts is done in this order.", fields: slices.Concat([]field{
	{name: "left", typ: "text", doc: "The column of the left side."},
	{name: "right", typ: "text", doc: "The column of the right side, if it is called otherwise."},
	{name: "as", typ: "text", doc: "What the result calls it; as the left does, if left out."},
	{name: "nulls", typ: "text", choices: []string{"apart", "equal"}, doc: "Whether a null is a key like any other; apart, if left out: a row with a null in its key matches none by it."},
}, normalFields)}

var comparedObject = &object{name: "column", doc: "How a column is compared; exactly, if nothing is said. Different types of the same number are equal, and dates and times of any unit and zone.", fields: slices.Concat([]field{
	{name: "left", typ: "text", doc: "The column of the left side; the name, if left out."},
	{name: "right", typ: "text", doc: "The column of the right side; that of the left, if left out."},
	{name: "tolerance", typ: "value", doc: "How far numbers may be apart."},
	{name: "relative", typ: "value", doc: "How far they may be apart as a share of the greater one: 0.001, or 0.1%. Either may allow it."},
	{name: "round", typ: "number", doc: "To how many places numbers are rounded before, half away from zero."},
	{name: "seconds", typ: "number", doc: "How far dates and times may be apart."},
}, normalFields)}

var passObject = &object{name: "pass", doc: "A pass over what is left. Columns are named as in the result, or as `left = right`.", fields: []field{
	{name: "name", typ: "text", required: true, doc: "What the result calls it. `key` is the first pass, by the keys."},
	{name: "on", typ: "texts", doc: "Columns that must be equal; the keys, if left out."},
	{name: "many", typ: "text", choices: []string{"left", "right"}, doc: "Of which side several rows make up one of the other: their amounts add up to its amount, within the tolerance of the amount."},
	{name: "amount", typ: "value", doc: "How far the amounts may be apart. The nearest find each other first."},
	{name: "days", typ: "number", doc: "How many days the dates may be apart."},
	{name: "date", typ: "text", doc: "The column of the dates."},
}}

var lateObject = &object{name: "late", doc: "Which rows of one side alone are late, and not missing.", fields: []field{
	{name: "column", typ: "text", required: true, doc: "A column of dates, as in a pass."},
	{name: "days", typ: "number", required: true, doc: "How near to the end of the partition they lie, in days."},
}}

var reconcileObject = &object{name: "reconcile", fields: []field{
	{name: "keys", typ: "keys", required: true, doc: "The columns that name a row: `id`, `invoice = reference`, a list of those, or a [mapping](#a-key-of-reconcile)."},
	{name: "columns", typ: "compared", doc: "The columns that are compared: a list, or a mapping of names to [how](#a-column-of-reconcile), in this order."},
	{name: "amount", typ: "text", doc: "The column whose totals must add up; the first compared column that is a number, if left out."},
	{name: "passes", typ: "passes", doc: "[Passes](#a-pass-of-reconcile) that come after that of the keys, in which rows with equal keys find each other one to one."},
	{name: "late", typ: "object", object: lateObject, doc: "Which rows of one side alone are late: `{column: booked, days: 2}`."},
	{name: "carry", typ: "texts", doc: "Columns that are handed on, from the left, or where it has none the right."},
	{name: "matched", typ: "text", choices: []string{"count", "rows"}, doc: "Whether what matches is counted, a row a pass, or given row by row; counted, if left out."},
}}

// reconcile reads the options of the operator. inputs are the names of its sides.
func (d *decoder) reconcile(n *node, inputs []string) pipeline.Operator {
	o := reconcile.Options{Keys: d.keys(n.get("keys")), Columns: d.compared(n.get("columns")), Amount: d.text(n.get("amount"), "amount")}
	copy(o.Names[:], inputs)
	if passes := n.get("passes"); passes != nil {
		if passes.kind != sequence {
			d.fail(passes.pos, "passes: expected a list, found %s", passes.kind)
			return nil
		}
		for _, p := range passes.values {
			if d.object(p, passObject) {
				o.Passes = append(o.Passes, reconcile.Pass{
					Name: d.text(p.get("name"), "name"), On: d.texts(p.get("on"), "on"), Many: d.oneOf(p.get("many"), fieldOf(passObject, "many")),
					Amount: d.text(p.get("amount"), "amount"), Days: int(d.int(p.get("days"), "days", 0)), Date: d.text(p.get("date"), "date"),
				})
			}
		}
	}
	if late := n.get("late"); late != nil && d.object(late, lateObject) {
		o.Late = &reconcile.LateRule{Column: d.text(late.get("column"), "column"), Days: int(d.int(late.get("days"), "days", 0))}
	}
	o.Carry = d.texts(n.get("carry"), "carry")
	o.Rows = d.oneOf(n.get("matched"), fieldOf(reconcileObject, "matched")) == "rows"
	return reconcile.Sides(o)
}

// keys reads names, pairs of names, or mappings.
func (d *decoder) keys(n *node) (all []reconcile.Key) {
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == sequence {
		items = n.values
	}
	for _, item := range items {
		if item.kind != mapping {
			k := reconcile.Key{Left: d.text(item, "keys")}
			if left, right, two := strings.Cut(k.Left, "="); two {
				k.Left, k.Right = strings.TrimSpace(left), strings.TrimSpace(right)
			}
			all = append(all, k)
			continue
		}
		if before := len(d.errs); !d.object(item, keyObject) || len(d.errs) > before {
			continue
		}
		k := reconcile.Key{
			Left: d.text(item.get("left"), "left"), Right: d.text(item.get("right"), "right"), As: d.text(item.get("as"), "as"),
			NullsEqual: d.oneOf(item.get("nulls"), fieldOf(keyObject, "nulls")) == "equal",
		}
		if k.Left == "" && k.Right == "" {
			d.fail(item.pos, "key: which column? name it with left, and with right where that is called otherwise")
		}
		k.Normal = d.normal(item, "key")
		all = append(all, k)
	}
	return all
}

// compared reads a list of names, or how columns are compared, by their names.
func (d *decoder) compared(n *node) (all []reconcile.Column) {
	if n == nil {
		return nil
	}
	if n.kind != mapping {
		for _, name := range d.texts(n, "columns") {
			all = append(all, reconcile.Column{Left: name})
		}
		return all
	}
	for _, p := range d.pairs(n, "columns") {
		c := reconcile.Column{Left: p.key.text, As: p.key.text}
		if p.value.kind == nothing {
			all = append(all, c)
			continue
		}
		if !d.object(p.value, comparedObject) {
			continue
		}
		if left := d.text(p.value.get("left"), "left"); left != "" {
			c.Left = left
		}
		c.Right = d.text(p.value.get("right"), "right")
		c.Tolerance, c.Relative = d.text(p.value.get("tolerance"), "tolerance"), d.text(p.value.get("relative"), "relative")
		if r := p.value.get("round"); r != nil {
			places := int(d.int(r, "round", 0))
			c.Round = &places
		}
		c.Seconds = d.float(p.value.get("seconds"), "seconds")
		c.Normal = d.normal(p.value, "column "+p.key.text)
		all = append(all, c)
	}
	return all
}

// normal reads how a value is written anew, of a key or a column.
func (d *decoder) normal(n *node, what string) reconcile.Normal {
	normal := reconcile.Normal{
		Trim: d.bool(n.get("trim"), "trim", false), Strip: d.text(n.get("strip"), "strip"),
		Case: d.oneOf(n.get("case"), fieldOf(keyObject, "case")), Pad: int(d.int(n.get("pad"), "pad", 0)),
		Number: d.bool(n.get("number"), "number", false), Decimal: d.oneOf(n.get("decimal"), fieldOf(keyObject, "decimal")), Date: d.text(n.get("date"), "date"), Zone: d.text(n.get("zone"), "zone"),
		BlankIsNull: d.bool(n.get("blank_is_null"), "blank_is_null", false),
	}
	if m := n.get("map"); m != nil {
		normal.Map = d.texted(m, "map")
	}
	for _, problem := range normal.Problems() {
		field, _, _ := strings.Cut(problem, ":")
		at := n.pos
		if v := n.get(field); v != nil {
			at = v.pos
		}
		if field != "case" { // oneOf said so
			d.fail(at, "%s: %s", what, problem)
		}
	}
	return normal
}

// parts are the datasets that a stage of outcomes is published as, beside what it gives itself.
var parts = []string{words.Matched, words.OnlyLeft, words.OnlyRight, words.Different, "summary"}

// datasets gives the stages that publish the parts of what a stage reconciles.
func (d *decoder) datasets(s *pipeline.Stage, n *node) (all []pipeline.Stage) {
	if n == nil {
		return nil
	}
	d.stage = s.Name
	defer func() { d.stage = "" }()
	if !d.object(n, datasetsObject) {
		return nil
	}
	if len(s.Operators) != 1 || !strings.HasPrefix(s.Operators[0].String(), "reconcile ") {
		d.fail(n.pos, "datasets: they are the parts of what is reconciled, and the only operator of this stage is not reconcile")
		return nil
	}
	for _, part := range parts {
		out := d.output(n)
		if out == nil {
			return nil
		}
		out.Path += "/" + part
		op := operators.Filter(fmt.Sprintf("%s == %q", words.ColOutcome, part))
		if part == "summary" {
			op = reconcile.Summary()
		}
		all = append(all, pipeline.Stage{
			Name: s.Name + "_" + part, At: n.pos, Description: fmt.Sprintf("%s of %s", part, s.Name), Owner: s.Owner, Tags: s.Tags,
			From: []string{s.Name}, Operators: []pipeline.Operator{op}, OperatorsAt: []pipeline.Pos{n.pos}, Output: out,
		})
	}
	return all
}
