package sqltree

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// setOperation gives the rows of both sides, or those of the left that the right has, or has not.
func (r *resolver) setOperation(s *scope, n node) *relation {
	kind := n.text("setop_type")
	if reason := n.odd("left", "right", "setop_type", "setop_all", "modifiers", "cte_map"); reason != "" {
		return lost(reason)
	}
	left, right := r.query(s, n.child("left")), r.query(s, n.child("right"))
	var rel *relation
	switch kind {
	case "UNION", "EXCEPT", "INTERSECT":
		rel = left.beside(right, kind == "UNION")
	case "UNION_BY_NAME":
		rel = left.byName(right)
	default:
		return lost(kind + " is not known here")
	}
	rel.rows = left.rows.and(right.rows)
	switch {
	case kind == "EXCEPT" || kind == "INTERSECT":
		rel.rows = rel.rows.and(left.all().as(filtered), right.all().as(filtered))
	case !n.flag("setop_all"):
		rel.rows = rel.rows.and(rel.all().as(groupedBy))
	}
	return rel
}

// beside brings the columns of two results together by their places.
func (rel *relation) beside(right *relation, both bool) *relation {
	switch {
	case rel.uncertain > 0 || right.uncertain > 0:
		return lost(strings.TrimPrefix(rel.reason+"; "+right.reason, "; "))
	case len(rel.columns) != len(right.columns):
		return lost(fmt.Sprintf("one side was understood to have %d columns, the other %d", len(rel.columns), len(right.columns)))
	}
	made := &relation{columns: slices.Clone(rel.columns), also: slices.Clone(rel.also)}
	for i, c := range right.columns {
		made.also = append(made.also, also{c.name, i})
	}
	made.also = append(made.also, right.also...)
	for i := range made.columns {
		made.columns[i].typ = nil
		if both {
			made.columns[i].value = made.columns[i].value.and(right.columns[i].value)
			made.columns[i].text = either(made.columns[i].text, right.columns[i].text)
		}
	}
	return made
}

// either is what makes a column in one query or another.
func either(a, b string) string {
	if a == "" || b == "" || slices.Contains(strings.Split(a, ", or "), b) {
		return a
	}
	return a + ", or " + b
}

// called is the column that an item of the ORDER BY of a set operation names. Of several that
// are called so the first counts.
func (rel *relation) called(n node) value {
	names := n.texts("column_names")
	if n.text("class") != "COLUMN_REF" || len(names) != 1 {
		return unknown("which column of several queries an expression is that they are ordered by is not known here")
	}
	c, reason := rel.find(names[0])
	switch {
	case reason != "":
		return value{unknown: reason}
	case c != nil:
		return c.value
	}
	for _, a := range rel.also {
		switch {
		case strings.EqualFold(a.name, names[0]):
			return rel.columns[a.at].value
		case a.name == "":
			return unknown("the column that is called %s is not known here", names[0])
		}
	}
	return unknown("there is no column %s to order by", names[0])
}

// byName brings the columns of two results together by their names.
func (rel *relation) byName(right *relation) *relation {
	made := &relation{}
	for _, side := range []*relation{rel, right} {
		if side.uncertain > 0 {
			return lost(side.reason)
		}
		for _, c := range side.columns {
			if c.name == "" {
				return lost("a column that is brought together by name is named after an expression")
			}
			i := slices.IndexFunc(made.columns, func(o column) bool { return strings.EqualFold(o.name, c.name) })
			if i < 0 {
				made.columns = append(made.columns, column{name: c.name, value: c.value, text: c.text})
				continue
			}
			made.columns[i].value = made.columns[i].value.and(c.value)
			made.columns[i].text = either(made.columns[i].text, c.text)
		}
	}
	return made
}

// recursive goes round until nothing is added: a column of a later round comes from what one of
// an earlier round came from.
func (r *resolver) recursive(s *scope, n node) *relation {
	if reason := n.odd("left", "right", "union_all", "cte_name", "aliases", "modifiers", "cte_map"); reason != "" {
		return lost(reason)
	}
	now := r.query(s, n.child("left"))
	if !n.flag("union_all") {
		now.rows = now.rows.and(now.all().as(groupedBy))
	}
	for {
		if r.steps > maxSteps {
			return lost("the query is too large to be followed")
		}
		self := now.named(n.text("cte_name"), n.texts("aliases"))
		step := r.query(&scope{outer: s.outer, ctes: &cte{name: n.text("cte_name"), rel: self, outer: s.ctes}}, n.child("right"))
		next := now.beside(step, true)
		if next.uncertain > 0 {
			return next
		}
		next.rows = now.rows.and(step.rows)
		if !n.flag("union_all") {
			next.rows = next.rows.and(next.all().as(groupedBy))
		}
		if next.equal(now) {
			return next
		}
		now = next
	}
}

func (rel *relation) equal(o *relation) bool {
	same := func(a, b value) bool { return maps.Equal(a.uses, b.uses) && a.unknown == b.unknown }
	return same(rel.rows, o.rows) && slices.EqualFunc(rel.columns, o.columns, func(a, b column) bool { return same(a.value, b.value) })
}
