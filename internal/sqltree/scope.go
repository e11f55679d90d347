package sqltree

import (
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// relation is a table, or the result of a query.
type relation struct {
	alias   string
	columns []column
	// rows are what decides which rows there are.
	rows value
	// uncertain counts the columns that may be none, or several; reason says why.
	uncertain int
	reason    string
	base      bool // it has a rowid
	// also are names that the other sides of a set operation have for its columns.
	also []also
}

// also is a further name of the column in a place.
type also struct {
	name string
	at   int
}

// column is a column of a relation. Its name is empty where it is made from the expression, or
// not known at all; its typ is nil where that is not known.
type column struct {
	name    string
	anyName bool
	value   value
	typ     arrow.DataType
	item    int    // of the select list that it stands in
	text    string // the expression that makes it
	alias   bool   // the name is one that DuckDB takes for given by the select list
}

// scope is what names mean at some place.
type scope struct {
	outer *scope
	ctes  *cte
	from
	// aliases are those of the select list so far.
	aliases []column
	// first says of an alias that it goes before a column of its name; nil: none does.
	first func(name string) bool
	// params are those of a lambda; there is nothing else in its scope.
	params []string
	// star is the column that a star in an expression stands for now; nil: for all.
	star *column
	// sides is the result of a set operation, whose columns are all that its ORDER BY can name.
	sides *relation
	// rows is where the rows of the query gather what decides them.
	rows *value
}

// cte is a common table expression, and those before it.
type cte struct {
	name  string
	rel   *relation
	outer *cte
}

func (s *scope) cte(name string) *relation {
	for c := s.ctes; c != nil; c = c.outer {
		if strings.EqualFold(c.name, name) {
			return c.rel
		}
	}
	return nil
}

// inside is the scope of a query within this one.
func (s *scope) inside() *scope { return &scope{outer: s, ctes: s.ctes, rows: &value{}} }

// from is what stands behind FROM.
type from struct {
	tables []*relation
	merged []*merged
	rows   value
	// lost says why it is not known what a name without a table means; empty if it is.
	lost string
}

// merged is a column that stands for one of each of several tables, joined on it by name.
type merged struct {
	column
	of []*relation
}

// plain are names that no column has that is named after an expression.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// find looks for a column by its name. The reason is why it can't be told; both are empty if
// there is none.
func (rel *relation) find(name string) (*column, string) {
	unnamed, anyName := false, false
	for i := range rel.columns {
		switch c := &rel.columns[i]; {
		case c.anyName:
			anyName = true
		case c.name == "":
			unnamed = true
		case strings.EqualFold(c.name, name) && !anyName:
			return c, rel.reason
		}
	}
	if anyName && rel.reason == "" {
		return nil, "a column that may be called " + name + " has a name that is not known here"
	}
	if unnamed && (!plain.MatchString(name) || strings.EqualFold(name, "null")) {
		return nil, "column " + name + " is named after an expression"
	}
	return nil, rel.reason
}

// param reports whether a name is that of a lambda's parameter.
func (s *scope) param(name string) bool {
	return slices.ContainsFunc(s.params, func(p string) bool { return strings.EqualFold(p, name) })
}

// named looks in the scope alone for what a name without a table means.
func (s *scope) named(name string) (*column, string) {
	if s.param(name) {
		return &column{name: name}, ""
	}
	alias := s.alias(name)
	if alias != nil && s.first != nil && s.first(name) {
		return alias, ""
	}
	if s.lost != "" {
		return nil, s.lost
	}
	for _, m := range s.merged {
		if strings.EqualFold(m.name, name) {
			return &m.column, ""
		}
	}
	doubt := ""
	for _, t := range s.tables {
		c, reason := t.find(name)
		if c != nil {
			return c, reason
		}
		if reason != "" {
			doubt = reason
		}
	}
	if doubt != "" {
		return nil, doubt
	}
	return alias, ""
}

// alias is the last of those with the name: it is the one that DuckDB means everywhere.
func (s *scope) alias(name string) *column {
	for i := range slices.Backward(s.aliases) {
		if strings.EqualFold(s.aliases[i].name, name) {
			return &s.aliases[i]
		}
	}
	return nil
}

func (s *scope) table(name string) *relation {
	for _, t := range s.tables {
		if strings.EqualFold(t.alias, name) {
			return t
		}
	}
	return nil
}

// resolve looks for what names with points between them mean, the nearest scope first: a
// column, and whether a field of it. The reason is why it can't be told.
func (s *scope) resolve(names []string) (c *column, field bool, reason string) {
	if len(names) == 0 {
		return nil, false, "a column has no name"
	}
	for ; s != nil; s = s.outer {
		c, used, reason := s.local(names)
		if c != nil || reason != "" {
			return c, used < len(names), reason
		}
	}
	if len(names) == 1 && slices.Contains(moments, strings.ToLower(names[0])) {
		return &column{}, true, ""
	}
	return nil, false, "there is no column " + strings.Join(names, ".") + " in sight"
}

// moments are functions that are written like columns.
var moments = []string{
	"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
	"current_user", "user", "session_user", "current_role", "current_schema", "current_catalog",
}

// local is resolve in this scope alone. used is how many of the names the column takes.
func (s *scope) local(names []string) (c *column, used int, reason string) {
	if s.params != nil && len(names) > 1 && s.param(names[0]) {
		// What stands behind FROM goes before the field of a parameter. Where DuckDB does not
		// look there first, this says too much: what the parameter is given counts anyway.
		behind := *s.query()
		behind.aliases = nil
		if c, used, reason := behind.local(names); c != nil || reason != "" {
			return c, used, reason
		}
	}
	for skip := 0; skip <= min(2, len(names)-2); skip++ {
		if skip > 0 && !slices.Contains([]string{"main", "temp", "memory"}, strings.ToLower(names[skip-1])) {
			break
		}
		for _, t := range s.tables { // of which several may be called so
			if !strings.EqualFold(t.alias, names[skip]) {
				continue
			}
			c, reason := t.find(names[skip+1])
			if c != nil || reason != "" {
				return c, skip + 2, reason
			}
			if t.base && strings.EqualFold(names[skip+1], "rowid") {
				return &column{name: "rowid"}, skip + 2, ""
			}
		}
	}
	if c, reason := s.named(names[0]); c != nil || reason != "" {
		return c, 1, reason
	}
	if len(names) > 1 {
		return nil, 0, ""
	}
	if t := s.table(names[0]); t != nil { // all of a row
		return &column{name: names[0], value: t.whole()}, 1, t.reason
	}
	if strings.EqualFold(names[0], "rowid") && slices.ContainsFunc(s.tables, func(t *relation) bool { return t.base }) {
		return &column{name: "rowid"}, 1, ""
	}
	return nil, 0, ""
}

// whole is a row as one value.
func (rel *relation) whole() value {
	var v value
	for _, c := range rel.columns {
		v = v.and(c.value.as(computed))
	}
	return v
}
