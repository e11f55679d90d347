package sqltree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// The ways, by short names.
const (
	computed    = pipeline.Computed
	aggregated  = pipeline.Aggregated
	filtered    = pipeline.Filtered
	joined      = pipeline.Joined
	groupedBy   = pipeline.GroupedBy
	sortedBy    = pipeline.SortedBy
	windowed    = pipeline.Windowed
	conditional = pipeline.Conditional
)

// lost is a relation of which nothing is known.
func lost(reason string) *relation {
	return &relation{uncertain: 2, reason: reason, rows: value{unknown: reason}}
}

// query gives the result of a query within a scope, which has its outer queries and what may
// be named as a table.
func (r *resolver) query(s *scope, n node) *relation {
	if r.steps++; r.steps > maxSteps {
		return lost("the query is too large to be followed")
	}
	s = s.inside()
	if reason := r.ctes(s, n.child("cte_map")); reason != "" {
		return lost(reason)
	}
	switch n.text("type") {
	case "SELECT_NODE":
		return r.selects(s, n)
	case "SET_OPERATION_NODE":
		rel := r.setOperation(s, n)
		r.modify(&scope{ctes: s.ctes, sides: rel, rows: &value{}}, n, rel)
		return rel
	case "RECURSIVE_CTE_NODE":
		return r.recursive(s, n)
	}
	return lost(n.kind() + " is not known here")
}

// ctes adds the common table expressions to the scope, each of which sees those before it.
func (r *resolver) ctes(s *scope, n node) string {
	if reason := n.odd("map"); reason != "" {
		return reason
	}
	for _, entry := range n.children("map") {
		name, c := entry.text("key"), entry.child("value")
		var rel *relation
		if reason := c.odd("aliases", "query", "materialized"); reason != "" {
			rel = lost(reason)
		} else {
			rel = r.query(&scope{outer: s.outer, ctes: s.ctes}, c.child("query").child("node"))
			rel = rel.named(name, c.texts("aliases"))
		}
		s.ctes = &cte{name: name, rel: rel, outer: s.ctes}
	}
	return ""
}

// named is the relation as it is called where it is used, with other names for its first
// columns. DuckDB gives columns of the same name a number behind it.
func (rel *relation) named(alias string, names []string) *relation {
	made := *rel
	made.alias, made.columns = alias, slices.Clone(rel.columns)
	taken := map[string]bool{}
	for i := range made.columns {
		c := &made.columns[i]
		c.alias = false
		if i < len(names) {
			c.name, c.anyName = names[i], false
		}
		base := c.name
		for n := 1; base != "" && taken[strings.ToLower(c.name)]; n++ {
			c.name = fmt.Sprintf("%s_%d", base, n)
		}
		taken[strings.ToLower(c.name)] = true
	}
	return &made
}

// selectFields are those that a SELECT may have.
var selectFields = []string{
	"modifiers", "cte_map", "select_list", "from_table", "where_clause", "group_expressions", "group_sets",
	"aggregate_handling", "having", "qualify", "sample",
}

func (r *resolver) selects(s *scope, n node) *relation {
	if reason := n.odd(selectFields...) + n.misshapen("cte_map", "from_table", "where_clause", "having", "qualify"); reason != "" {
		return lost(reason)
	}
	s.from = r.from(s, n.child("from_table"))
	*s.rows = s.rows.and(s.from.rows)
	rel := &relation{}
	r.selectList(s, n, rel)
	r.where(s, n.child("where_clause"))
	r.groups(s, n, rel)
	r.having(s, n)
	r.where(s, n.child("qualify"))
	r.modify(s, n, rel)
	return rel
}

// decide adds what decides the rows.
func (s *scope) decide(v value, how pipeline.Way) { *s.rows = s.rows.and(v.as(how)) }

func (r *resolver) where(s *scope, n node) {
	if n != nil {
		s.decide(r.expr(s, n), filtered)
	}
}

// groups adds the columns that are grouped by.
func (r *resolver) groups(s *scope, n node, rel *relation) {
	switch handling := n.text("aggregate_handling"); handling {
	case "", "STANDARD_HANDLING":
	case "FORCE_AGGREGATES": // GROUP BY ALL: what has no aggregate in it
		items := n.children("select_list")
		for _, c := range rel.columns {
			if !r.aggregates(items[c.item]) {
				s.decide(c.value, groupedBy)
			}
		}
		return
	default:
		s.decide(unknown("%s is not known here", handling), groupedBy)
	}
	for _, g := range n.children("group_expressions") {
		s.decide(r.place(s, g, rel, false), groupedBy)
	}
}

// place is an expression of GROUP BY, ORDER BY or DISTINCT ON: it may be the number of a column
// of the result or, with aliases first, its name.
func (r *resolver) place(s *scope, n node, rel *relation, aliasFirst bool) value {
	i, ok := n.integer()
	if at, isNumber := n["index"].(float64); isNumber && aliasFirst && n.text("class") == "POSITIONAL_REFERENCE" {
		i, ok = int(at), true
	}
	if ok {
		switch {
		case rel.uncertain > 0:
			return unknown("%s", rel.reason)
		case i < 1 || i > len(rel.columns):
			return unknown("there is no column %d", i)
		}
		return rel.columns[i-1].value
	}
	if n.text("class") == "STAR" && n.child("expr") == nil && !aliasFirst {
		return unknown("a star in GROUP BY is not known here")
	}
	if n.text("class") == "STAR" && n.child("expr") == nil { // ORDER BY ALL
		v := value{}
		if rel.uncertain > 0 {
			v.unknown = rel.reason
		}
		for _, c := range rel.columns {
			v = v.and(c.value)
		}
		return v
	}
	if s.sides != nil {
		return s.sides.called(n)
	}
	if names := n.texts("column_names"); aliasFirst && n.text("class") == "COLUMN_REF" && len(names) == 1 {
		if c := s.alias(names[0]); c != nil {
			return c.value
		}
	}
	return r.expr(s, n)
}

// having is a condition in which aliases go before columns that are not grouped by.
func (r *resolver) having(s *scope, n node) {
	if n.child("having") == nil {
		return
	}
	var grouped []string
	for _, g := range n.children("group_expressions") {
		if names := g.texts("column_names"); len(names) > 0 {
			grouped = append(grouped, strings.ToLower(names[len(names)-1]))
		}
	}
	inside := *s
	inside.first = func(name string) bool { return !slices.Contains(grouped, strings.ToLower(name)) }
	s.decide(r.expr(&inside, n.child("having")), filtered)
}

// modify adds what ORDER BY, DISTINCT and LIMIT say, and completes the rows of the result.
func (r *resolver) modify(s *scope, n node, rel *relation) {
	for _, m := range n.children("modifiers") {
		switch m.text("type") {
		case "ORDER_MODIFIER":
			r.orders(s, m, rel, sortedBy)
		case "DISTINCT_MODIFIER":
			r.distinct(s, m, rel)
		case "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER":
			if reason := m.odd("limit", "offset"); reason != "" {
				s.decide(value{unknown: reason}, filtered)
			}
			r.where(s, m.child("limit"))
			r.where(s, m.child("offset"))
		default:
			s.decide(unknown("%s is not known here", m.kind()), filtered)
		}
	}
	rel.rows = rel.rows.and(*s.rows)
}

func (r *resolver) orders(s *scope, m node, rel *relation, how pipeline.Way) {
	if reason := m.odd("orders"); reason != "" {
		s.decide(value{unknown: reason}, how)
	}
	for _, o := range m.children("orders") {
		if reason := o.odd("expression", "null_order"); reason != "" {
			s.decide(value{unknown: reason}, how)
		}
		s.decide(r.place(s, o.child("expression"), rel, true), how)
	}
}

func (r *resolver) distinct(s *scope, m node, rel *relation) {
	if reason := m.odd("distinct_on_targets"); reason != "" {
		s.decide(value{unknown: reason}, groupedBy)
	}
	targets := m.children("distinct_on_targets")
	for _, t := range targets {
		s.decide(r.place(s, t, rel, true), groupedBy)
	}
	if len(targets) == 0 {
		s.decide(rel.all(), groupedBy)
	}
}

// all are all columns together.
func (rel *relation) all() value {
	v := value{unknown: rel.reason}
	for _, c := range rel.columns {
		v = v.and(c.value)
	}
	return v
}
