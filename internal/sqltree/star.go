package sqltree

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// selectList gives the columns of the result, each of which may be named by those after it.
func (r *resolver) selectList(s *scope, n node, rel *relation) {
	for at, item := range n.children("select_list") {
		some := r.expand(s, item)
		for i := range some.columns {
			some.columns[i].item = at
			some.columns[i].text = cmp.Or(some.columns[i].text, item.text(TextOfItem))
		}
		rel.columns = append(rel.columns, some.columns...)
		rel.uncertain += some.uncertain
		if rel.reason == "" {
			rel.reason = some.reason
		}
		for _, c := range some.columns {
			if c.alias && c.name != "" {
				s.aliases = append(s.aliases, c)
			}
		}
	}
}

// expand gives the columns that an item of a select list stands for.
func (r *resolver) expand(s *scope, item node) *relation {
	stars := starsIn(item)
	switch {
	case len(stars) == 0:
		return r.single(s, item)
	case item.text("class") == "STAR" && item.child("expr") == nil:
		return r.starred(s, item)
	case item.text("class") == "OPERATOR" && item.text("type") == "OPERATOR_UNPACK":
		return uncertain("how many columns an unpacked star gives is not known here")
	}
	if unpacked(item) {
		return r.single(s, item)
	}
	over := r.starred(s, stars[0])
	if !stars[0].flag("columns") {
		return uncertain("which columns a condition on the names behind a star leaves is not known here")
	}
	made := &relation{uncertain: over.uncertain, reason: over.reason}
	for i := range over.columns {
		inside := *s
		inside.star = &over.columns[i]
		from := over.columns[i]
		c := column{name: from.name, anyName: from.name == "", value: r.expr(&inside, item)}
		if alias := item.text("alias"); alias != "" {
			c.name, c.alias, c.anyName = alias, true, false
			if strings.Contains(alias, `\`) { // a part of the name of the star's column stands there
				c.name, c.anyName = "", true
			}
		}
		made.columns = append(made.columns, c)
	}
	return made
}

// uncertain is an item that may stand for any number of columns.
func uncertain(reason string) *relation {
	return &relation{columns: []column{{anyName: true, value: value{unknown: reason}}}, uncertain: 1, reason: reason}
}

// single is an item that is one column, but for the unnest of what may be a struct.
func (r *resolver) single(s *scope, item node) *relation {
	c := column{name: item.text("alias"), value: r.expr(s, item), alias: item.text("alias") != ""}
	names := item.texts("column_names")
	if item.text("class") == "COLUMN_REF" && len(names) > 0 {
		found, field, _ := s.resolve(names)
		if found != nil && !field {
			c.typ, c.text = found.typ, found.text
		}
		if c.name == "" {
			c.name = names[len(names)-1]
			if found != nil && !field && strings.EqualFold(found.name, c.name) && found.name != c.name {
				c.name, c.alias = found.name, true // DuckDB writes it as its table does, and takes that for an alias
			}
		}
	}
	if item.text("class") == "POSITIONAL_REFERENCE" && c.name == "" {
		if at, reason := s.position(item); reason == "" {
			c.name, c.anyName, c.typ, c.text = at.name, at.name == "", at.typ, at.text
			c.alias = true // which DuckDB takes for an alias
		} else {
			c.anyName = true
		}
	}
	made := &relation{columns: []column{c}}
	if t := r.unnested(s, item); t != nil { // the alias counts for nothing then
		return fieldsOf(c.value, t)
	}
	if isUnnest(item) && !r.isList(s, item) {
		made.uncertain, made.reason = 1, "unnest gives a column for each field, if it is given a struct"
		made.columns[0].name, made.columns[0].anyName = "", true
	}
	return made
}

// starFields are those that a star may have.
var starFields = []string{"relation_name", "columns", "exclude_list", "qualified_exclude_list", "replace_list", "rename_list", "expr"}

// starred gives the columns that a star stands for.
func (r *resolver) starred(s *scope, n node) *relation {
	if reason := n.odd(starFields...); reason != "" {
		return uncertain(reason)
	}
	s = s.query()
	made, reason := s.starOf(n.text("relation_name"))
	if reason != "" {
		return uncertain(reason)
	}
	if reason := r.choose(made, n.child("expr")); reason != "" {
		return uncertain(reason)
	}
	r.edit(s, made, n)
	return made
}

// query is the scope of the query that an expression stands in.
func (s *scope) query() *scope {
	for s.params != nil {
		s = s.outer
	}
	return s
}

// starOf are the columns of all tables, of one, or of a struct.
func (s *scope) starOf(name string) (made *relation, reason string) {
	if s.lost != "" {
		return nil, s.lost
	}
	of := (*relation)(nil)
	if name != "" {
		if of = s.table(name); of == nil {
			return s.fields(name)
		}
	}
	made = &relation{}
	for _, t := range s.tables {
		if of != nil && t != of {
			continue
		}
		made.uncertain += t.uncertain
		if made.reason == "" {
			made.reason = t.reason
		}
	}
	made.columns = slices.Clone(s.columns(of))
	return made, ""
}

// fields are those of a column that is a struct.
func (s *scope) fields(name string) (*relation, string) {
	c, field, reason := s.resolve([]string{name})
	if reason != "" {
		return nil, reason
	}
	t, ok := c.typ.(*arrow.StructType)
	if !ok || field {
		return nil, "the fields of " + name + " are not known here"
	}
	return fieldsOf(c.value, t), ""
}

func fieldsOf(v value, t *arrow.StructType) *relation {
	made := &relation{}
	for _, f := range t.Fields() {
		made.columns = append(made.columns, column{name: f.Name, value: v.as(computed), typ: f.Type})
	}
	return made
}

// choose leaves the columns that the argument of COLUMNS names.
func (r *resolver) choose(made *relation, expr node) string {
	if expr == nil {
		return ""
	}
	if made.uncertain > 0 {
		return made.reason
	}
	text, isText := expr.child("value")["value"].(string)
	switch {
	case expr.text("class") == "CONSTANT" && isText:
		pattern, err := regexp.Compile(text)
		if err != nil {
			return fmt.Sprintf("%q is no regular expression", text)
		}
		made.columns = slices.DeleteFunc(made.columns, func(c column) bool { return !pattern.MatchString(c.name) })
		return ""
	case expr.text("function_name") == "list_value":
		return made.pick(expr.children("children"))
	}
	return "which columns COLUMNS chooses by an expression is not known here"
}

// pick leaves the columns of a list of names, in their order.
func (rel *relation) pick(list []node) string {
	var names []string
	for _, n := range list {
		name, isText := n.child("value")["value"].(string)
		if names := n.texts("column_names"); len(names) == 1 {
			name, isText = names[0], true
		}
		c, reason := rel.find(name)
		if c == nil || !isText || reason != "" {
			return "which columns COLUMNS chooses from a list is not known here"
		}
		names = append(names, c.name)
	}
	rel.columns = slices.DeleteFunc(rel.columns, func(c column) bool { return !slices.Contains(names, c.name) })
	return ""
}

// edit carries out EXCLUDE, REPLACE and RENAME.
func (r *resolver) edit(s *scope, made *relation, n node) {
	gone := func(c column) bool {
		return slices.ContainsFunc(n.texts("exclude_list"), func(name string) bool { return strings.EqualFold(name, c.name) })
	}
	made.columns = slices.DeleteFunc(made.columns, gone)
	if len(n.children("qualified_exclude_list")) > 0 {
		made.uncertain, made.reason = 2, "which column is left out by its table is not known here"
	}
	for _, entry := range n.children("replace_list") {
		made.replace(entry.text("key"), r.expr(s, entry.child("value")))
	}
	for i, c := range made.columns {
		for _, entry := range n.children("rename_list") {
			if key := entry.child("key"); strings.EqualFold(key.text("column"), c.name) {
				made.columns[i].name, made.columns[i].alias = entry.text("value"), true
				if key.odd("column") != "" {
					made.uncertain, made.reason = 2, "which column is renamed by its table is not known here"
				}
			}
		}
	}
}

// replace gives a column another value. Of several that are called so one stays.
func (rel *relation) replace(name string, v value) {
	done := false
	rel.columns = slices.DeleteFunc(rel.columns, func(c column) bool {
		same := strings.EqualFold(name, c.name)
		again := done && same
		done = done || same
		return again
	})
	for i, c := range rel.columns {
		if strings.EqualFold(name, c.name) {
			rel.columns[i] = column{name: c.name, value: v, alias: true}
		}
	}
}

// starValue is a star in an expression: the column it stands for now or, in a condition, all.
func (r *resolver) starValue(s *scope, n node) value {
	if s := s.query(); s.star != nil {
		return s.star.value
	}
	rel := r.starred(s, n)
	if rel.uncertain > 0 {
		return value{unknown: rel.reason}
	}
	return rel.all()
}

// starsIn are the stars of an expression, but for those of its subqueries.
func starsIn(n node) (all []node) {
	walk(n, func(n node) {
		if n.text("class") == "STAR" {
			all = append(all, n)
		}
	})
	return all
}

// unpacked reports whether the star of an expression is given to a function as its arguments.
func unpacked(n node) (is bool) {
	walk(n, func(n node) { is = is || n.text("type") == "OPERATOR_UNPACK" })
	return is
}

// aggregates reports whether an expression has an aggregate in it.
func (r *resolver) aggregates(n node) (has bool) {
	walk(n, func(n node) {
		has = has || n.text("class") == "FUNCTION" && r.functions[strings.ToLower(n.text("function_name"))] == Aggregate
	})
	return has
}

// walk visits the parts of an expression, but not its subqueries, nor what is inside a star.
func walk(n node, visit func(node)) {
	if n == nil {
		return
	}
	visit(n)
	if n.text("class") == "STAR" {
		return
	}
	for key, v := range n {
		if key == "subquery" {
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			walk(v, visit)
		case []any:
			for _, c := range v {
				if c, ok := c.(map[string]any); ok {
					walk(c, visit)
				}
			}
		}
	}
}
