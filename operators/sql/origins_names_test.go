package sql

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// namer makes random queries in which few names stand for many things: columns, aliases, tables,
// fields, parameters. DuckDB is asked what the columns of its parts are called.
type namer struct {
	*rand.Rand
	o *oracle
}

func (q *namer) one(of ...string) string { return of[q.IntN(len(of))] }

func (q *namer) name() string { return q.one("a", "k", "p", "b", "A", "t", "u", "a", "k", "c") }

// source is something to select from, and what its columns may be called by.
type source struct {
	text, alias string
	columns     []string
}

func (q *namer) source(depth int, ctes []source) source {
	alias := q.one("t", "u", "a", "q", "v", "p")
	switch n := q.IntN(9); {
	case n == 0 && len(ctes) > 0:
		c := ctes[q.IntN(len(ctes))]
		return source{c.alias, c.alias, c.columns}
	case n == 1:
		names := []string{q.name(), q.name()}
		return source{fmt.Sprintf("(VALUES (1, 30), (2, 40)) AS %s(%s)", alias, strings.Join(names, ", ")), alias, names}
	case n == 2:
		name := q.name()
		return source{fmt.Sprintf("range(1, 3) AS %s(%s)", alias, name), alias, []string{name}}
	case n < 6 && depth > 0:
		if text, columns := q.query(depth-1, ctes); text != "" {
			s := source{fmt.Sprintf("(%s) AS %s", text, alias), alias, columns}
			if q.IntN(4) == 0 {
				name := q.name()
				s.text += "(" + name + ")"
				s.columns = append([]string{name}, columns[1:]...)
			}
			return s
		}
	}
	base := q.one("t", "u", "w", "u")
	columns := map[string][]string{"t": {"a", "b", "c", "s.f", "s.a"}, "u": {"a", "k", "c"}, "w": {"b", "t"}}[base]
	switch q.IntN(5) {
	case 0:
		return source{base + " AS " + alias, alias, columns}
	case 1:
		return source{"main." + base, base, columns}
	}
	return source{base, base, columns}
}

// query is a query that DuckDB takes, and what its columns are called; empty if none was found.
func (q *namer) query(depth int, ctes []source) (string, []string) {
	for range 12 {
		text := q.try(depth, ctes)
		var with []string
		for _, c := range ctes {
			with = append(with, c.text)
		}
		whole := text
		if len(with) > 0 {
			whole = "WITH " + strings.Join(with, ", ") + " FROM (" + text + ")"
		}
		names, err := q.o.names(whole)
		if err != nil || slices.ContainsFunc(names, func(n string) bool { return strings.ContainsAny(n, `"()' `) }) {
			continue
		}
		return text, names
	}
	return "", nil
}

func (q *namer) try(depth int, ctes []source) string {
	if depth > 0 && q.IntN(6) == 0 {
		if inner, columns := q.query(depth-1, ctes); inner != "" {
			alias := q.one("q", "u", "p")
			c := source{fmt.Sprintf("%s AS (%s)", alias, inner), alias, columns}
			if text := q.selects(depth-1, append(slices.Clone(ctes), c)); text != "" {
				return "WITH " + c.text + " " + text
			}
		}
	}
	if depth > 0 && q.IntN(6) == 0 {
		text := q.selects(0, ctes) + q.one(" UNION ALL ", " UNION ", " EXCEPT ", " UNION ALL BY NAME ") + q.selects(0, ctes)
		if q.IntN(2) == 0 {
			text += " ORDER BY " + q.name() + " LIMIT 3"
		}
		return text
	}
	return q.selects(depth, ctes)
}

func (q *namer) selects(depth int, ctes []source) string {
	from := []source{q.source(depth, ctes)}
	text := from[0].text
	if q.IntN(2) == 0 {
		s := q.source(depth, ctes)
		from = append(from, s)
		name := q.one(s.columns...)
		text += q.one(", "+s.text, " JOIN "+s.text+" ON true", " POSITIONAL JOIN "+s.text, " NATURAL JOIN "+s.text, ", LATERAL (SELECT "+q.ref(from[:1])+" AS "+q.name()+") "+q.one("z", "a"),
			" JOIN "+s.text+" USING ("+name+")", " LEFT JOIN "+s.text+" USING ("+name+")", " RIGHT JOIN "+s.text+" USING ("+name+")", " FULL JOIN "+s.text+" USING ("+name+")",
			" SEMI JOIN "+s.text+" USING ("+name+")", " ANTI JOIN "+s.text+" ON "+q.ref(from)+" = "+q.ref(from)+" + 1")
	}
	var items []string
	for range 1 + q.IntN(3) {
		items = append(items, q.item(from, depth))
	}
	grouped := q.IntN(5) == 0
	if grouped {
		items = append(items, q.one("sum", "max", "first")+"("+q.ref(from)+") AS "+q.name())
	}
	what := q.one("SELECT ", "SELECT ", "SELECT ", "SELECT ", "SELECT DISTINCT ", "SELECT DISTINCT ON ("+q.ref(from)+") ")
	list := strings.Join(items, ", ")
	text = what + list + " FROM " + text
	if q.IntN(5) == 0 {
		text = strings.Replace(text, what+list+" FROM ", "FROM ", 1) + " " + what + list
	}
	if q.IntN(4) == 0 {
		text += " WHERE " + q.ref(from) + q.one(" > 1", " <> 20", " IN (SELECT "+q.name()+" + 0 FROM u)", " IS NOT NULL")
	}
	if grouped {
		text += " GROUP BY " + q.one("ALL", "1", q.ref(from), q.name())
		if q.IntN(3) == 0 {
			text += " HAVING " + q.one(q.name(), "max("+q.ref(from)+")") + " > 1"
		}
	}
	if q.IntN(6) == 0 {
		text += " QUALIFY row_number() OVER (ORDER BY " + q.ref(from) + ") < 3"
	}
	if q.IntN(3) == 0 {
		text += " ORDER BY " + q.one(q.name(), q.ref(from), q.ref(from)+" + 0", "1", "-"+q.name()) + q.one("", " DESC") + ", 1" + q.one("", " LIMIT 1", " LIMIT 2")
	}
	return text
}

// ref is a reference to a column of the sources, or to whatever is called so.
func (q *namer) ref(from []source) string {
	s := from[q.IntN(len(from))]
	switch q.IntN(7) {
	case 0, 1, 2:
		return q.one(s.columns...)
	case 3:
		return q.name()
	case 4:
		return q.one("main.", "") + s.alias + "." + q.one(s.columns...)
	case 5:
		return fmt.Sprint("#", 1+q.IntN(4))
	}
	return s.alias + "." + q.one(s.columns...)
}

func (q *namer) item(from []source, depth int) string {
	x, y, name := q.ref(from), q.ref(from), q.name()
	s := from[q.IntN(len(from))]
	switch q.IntN(22) {
	case 0, 1, 2:
		return x
	case 3:
		return "*"
	case 4:
		return s.alias + ".*"
	case 5:
		return fmt.Sprintf("* EXCLUDE (%s)", q.one(s.columns...))
	case 6:
		return fmt.Sprintf("* REPLACE (%s + 1 AS %s)", x, q.one(s.columns...))
	case 7:
		return fmt.Sprintf("* RENAME (%s AS %s)", q.one(s.columns...), name)
	case 8:
		return q.one("", "-", "1 + ") + fmt.Sprintf("COLUMNS('^(%s|%s)$')", q.name(), q.name()) + q.one("", " AS "+name, ` AS "x\1"`, ` AS "\1\1"`)
	case 9:
		return fmt.Sprintf("list_transform([{'a': %s, '%s': %s}], lambda %s: %s.%s)[1] AS %s", x, q.name(), y, name, q.one(name, "a"), q.name(), q.name())
	case 10:
		return fmt.Sprintf("[%s + %s for %s in [%s]][1] AS %s", name, q.ref(from), name, x, q.name())
	case 11:
		return fmt.Sprintf("{'a': %s, 'k': %s}.%s AS %s", x, y, q.one("a", "k"), name)
	case 12:
		return fmt.Sprintf("%s: %s + 1", name, x)
	case 13:
		return fmt.Sprintf("TRY_CAST(%s AS INT) AS %s", x, name)
	case 14:
		return fmt.Sprintf("(SELECT max(%s) FROM u) AS %s", q.one(x, q.name()), name)
	case 15:
		return fmt.Sprintf("(SELECT %s%s) AS %s", x, q.one("", " + 1"), name)
	case 16:
		return fmt.Sprintf("sum(%s) OVER () AS %s", x, name) // a partition would change the order of the rows, by which ties go
	case 17:
		return fmt.Sprintf("unnest([%s, %s]) AS %s", x, y, name)
	case 18:
		if depth > 0 {
			if inner, columns := q.query(0, nil); inner != "" {
				return fmt.Sprintf("(SELECT max(%s) FROM (%s)) AS %s", q.one(q.one(columns...), q.name()), inner, name)
			}
		}
	}
	return x + q.one(" AS ", " * 1000 AS ", " + 1 AS ") + name
}

// Where names could mean several things, what is said agrees with what changes.
func TestOriginsOfRandomNames(t *testing.T) {
	q := &namer{rand.New(rand.NewPCG(*seed, 9)), newOracle(t)}
	known, doubtful := 0, 0
	for range *queries {
		query, names := q.query(2, nil)
		if query == "" {
			continue
		}
		if _, err := q.o.run(query, ""); err != nil { // a number got too large
			continue
		}
		origins, err := q.o.origins(query, names)
		if err != nil {
			t.Fatalf("%s\n%v", query, err)
		}
		for _, c := range origins.Columns {
			known++
			if c.Unknown != "" {
				doubtful++
				if *explain {
					t.Logf("%s\nunknown: %s", query, c.Unknown)
				}
			}
		}
		q.o.check(query, names, origins)
	}
	t.Logf("%d of %d columns are unknown", doubtful, known)
	if doubtful*4 > known {
		t.Errorf("%d of %d columns are unknown", doubtful, known)
	}
}
