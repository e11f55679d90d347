package reconcile

import (
	"context"
	"fmt"
	"strings"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/reconcile/words"
)

// The queries that give the result, of what a matcher found. Each gives the columns of the schema,
// and behind them, as "rest", how far the amounts of the row are apart where its delta does not say:
// what the columns delta and rest add up to is what the totals of the sides differ by.

// outcome is a SELECT of rows of one outcome, by expressions.
type outcome struct {
	from, pass, key, keys, column, cause, left, right, delta string
	leftRows, rightRows, leftTotal, rightTotal, rest         string
	raw, order                                               string
}

func (o outcome) sql() string {
	return fmt.Sprintf("SELECT %s AS pass, %s AS key, %s %s AS col, %s AS cause, %s AS lt, %s AS rt, %s AS delta, %s AS lrows, %s AS rrows, %s AS ltotal, %s AS rtotal, %s%s AS rest, %s FROM %s",
		o.pass, o.key, o.keys, o.column, o.cause, o.left, o.right, o.delta,
		o.leftRows, o.rightRows, o.leftTotal, o.rightTotal, o.raw, o.rest, o.order, o.from)
}

// emit numbers rows of one outcome, or of two, and puts them in order. order has the columns that
// order rows of the same outcome, key, column and cause.
func (m *matcher) emit(outcome, rows, order string) string {
	var keys, raw strings.Builder
	for i := range m.keys {
		fmt.Fprintf(&keys, "kc%d, ", i)
	}
	for i := range m.cols {
		fmt.Fprintf(&raw, "lr%d, rr%[1]d, ", i)
	}
	for i := range m.carry {
		fmt.Fprintf(&raw, "a%d, ", i)
	}
	sorted := "1, key, nth, col, cause"
	nth := fmt.Sprintf("CAST(row_number() OVER (PARTITION BY %s, key, col, cause ORDER BY %s) AS INTEGER)", outcome, order)
	if m.unique {
		nth, sorted = "1", "key, col"
		if outcome == "which" {
			sorted = "side, key"
		}
	}
	return fmt.Sprintf(`SELECT %[1]s AS outcome, pass, key, nth, %[2]scol, cause, lt, rt, delta, CAST(lrows AS BIGINT), CAST(rrows AS BIGINT), ltotal, rtotal, %[3]srest
		FROM (SELECT *, %[4]s AS nth FROM (%[5]s))
		ORDER BY %[6]s`, outcome, keys.String(), raw.String(), nth, rows, sorted)
}

// handed writes the key columns, and the values of both sides and what is carried, by expressions
// for each.
func (m *matcher) handed(key, raw func(side, i int) string, carry func(i int) string) (keys, all string) {
	for i := range m.keys {
		keys += fmt.Sprintf("%s AS kc%d, ", key(0, i), i)
	}
	for i := range m.cols {
		all += fmt.Sprintf("%s AS lr%d, %s AS rr%[2]d, ", raw(0, i), i, raw(1, i))
	}
	for i := range m.carry {
		all += fmt.Sprintf("%s AS a%d, ", carry(i), i)
	}
	return keys, all
}

// at is a column by what its name begins with.
func at(prefix string) func(side, i int) string {
	return func(_, i int) string { return fmt.Sprint(prefix, i) }
}

// judge makes a table y of the pairs that differ in a column, with those of both sides, whether it
// differs in each, and the first in which it does.
func (m *matcher) judge(ctx context.Context) error {
	columns, from := []string{"p.*"}, "pairs p JOIN l ON p.lid = l.id JOIN r ON p.rid = r.id"
	if m.unique { // the same, by one join
		columns, from = []string{"l.id AS lid", "r.id AS rid", "0 AS pass", "0 AS stage", "l.id AS ord"}, "l JOIN r ON l.k = r.k AND l.kn AND r.kn"
	}
	var some, first []string
	for i := range m.cols {
		differs := m.differs(i, "l.", "r.")
		if excused := m.excusedBy(i); excused != "" {
			differs = fmt.Sprintf("p.pass NOT IN (%s) AND %s", excused, differs)
		}
		columns = append(columns, fmt.Sprintf("%s AS x%d", differs, i))
		some = append(some, fmt.Sprint("x", i))
		first = append(first, fmt.Sprintf("WHEN x%d THEN %[1]d", i))
	}
	for side, t := range letters {
		f, err := m.feeder(m.env, side)
		if err != nil {
			return err
		}
		for _, c := range f.all {
			if name := c.field.Name; shows(name, side) {
				columns = append(columns, fmt.Sprintf("%s.%s AS %[1]s_%[2]s", t, name))
			}
		}
	}
	if some == nil {
		return m.exec(ctx, "CREATE TEMP TABLE y AS SELECT lid FROM pairs WHERE false")
	}
	if err := m.exec(ctx, "CREATE TEMP TABLE y AS SELECT *, CASE %s END AS first FROM (SELECT %s FROM %s) WHERE %s",
		strings.Join(first, " "), strings.Join(columns, ", "), from, strings.Join(some, " OR ")); err != nil {
		return err
	}
	for i, p := range m.cols {
		if p.hasReadings() {
			if err := m.formats(ctx, i, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// shows reports whether a column of a side, by its name, is asked for of pairs that differ.
func shows(name string, side int) bool {
	return strings.ContainsAny(name[:1], "cmpbtra") || side == 0 && name != "kn" && name[0] == 'k'
}

// excusedBy are the numbers of the passes that allow a column to differ.
func (m *matcher) excusedBy(i int) string {
	var all []string
	for j, p := range m.passes {
		for _, e := range p.excused {
			if e == i {
				all = append(all, fmt.Sprint(j+1))
			}
		}
	}
	return strings.Join(all, ", ")
}

// different is the query for pairs that differ, a row a column; empty if nothing is compared.
func (m *matcher) different() string {
	var parts []string
	keys, raw := m.handed(at("l_kc"), m.valueOf("_"), m.carriedBy("l_", "r_"))
	for i, p := range m.cols {
		isFirst := fmt.Sprintf("CASE WHEN first = %d THEN ", i)
		o := outcome{
			from: fmt.Sprintf("y WHERE x%d", i), pass: m.passName("pass"), key: "l_k", keys: keys,
			column: sql.Literal(p.name), cause: m.cause(i, "l_", "r_"),
			left: m.shownOf(i, 0, "l_"), right: m.shownOf(i, 1, "r_"), delta: m.delta(i, "l_", "r_"),
			leftRows: isFirst + "1 ELSE 0 END", rightRows: isFirst + "1 ELSE 0 END",
			leftTotal: isFirst + m.total("l_") + " END", rightTotal: isFirst + m.total("r_") + " END",
			rest: m.noDelta(), raw: raw, order: "pass AS number, stage, ord",
		}
		switch {
		case m.amount == i:
			l, r := p.measureOf(i, "l_"), p.measureOf(i, "r_")
			// Of an amount against none it is the amount: a rule about great deltas must see it.
			o.delta = m.asDelta(p, fmt.Sprintf("CASE WHEN %s IS NOT NULL OR %s IS NOT NULL THEN coalesce(%[1]s, 0) - coalesce(%[2]s, 0) END", l, r))
		case m.amount >= 0:
			o.rest = fmt.Sprintf("%sCASE WHEN NOT x%d THEN %s END END", isFirst, m.amount, m.delta(m.amount, "l_", "r_"))
		}
		parts = append(parts, o.sql())
	}
	if parts == nil {
		return ""
	}
	return m.emit("'"+words.Different+"'", strings.Join(parts, " UNION ALL "), "number, stage, ord")
}

// valueOf is a value as it came, of a side.
func (m *matcher) valueOf(after string) func(side, i int) string {
	return func(side, i int) string { return letters[side] + after + m.cols[i].given(i, side) }
}

// carriedBy is what is carried of a pair: of the left, or where it has it not, the right.
func (m *matcher) carriedBy(l, r string) func(i int) string {
	return func(i int) string {
		if m.carry[i].index[0] >= 0 {
			return fmt.Sprintf("%sa%d", l, i)
		}
		return fmt.Sprintf("%sa%d", r, i)
	}
}

// amountDelta is the difference of the amounts of a pair, or null.
func (m *matcher) amountDelta(l, r string) string {
	if m.amount < 0 {
		return m.noDelta()
	}
	return m.delta(m.amount, l, r)
}

// matchedRows is the query for what agrees, a row a pair or group.
func (m *matcher) matchedRows() string {
	keys, raw := m.handed(at("l.kc"), m.valueOf("."), m.carriedBy("l.", "r."))
	pairs := outcome{
		from: "pairs x ANTI JOIN y ON x.lid = y.lid JOIN l ON x.lid = l.id JOIN r ON x.rid = r.id", pass: m.passName("x.pass"), key: "l.k", keys: keys,
		column: "CAST(NULL AS VARCHAR)", cause: "CAST(NULL AS VARCHAR)", left: "CAST(NULL AS VARCHAR)", right: "CAST(NULL AS VARCHAR)",
		delta: m.amountDelta("l.", "r."), leftRows: "1", rightRows: "1", leftTotal: m.total("l."), rightTotal: m.total("r."),
		rest: m.noDelta(), raw: raw, order: "x.pass AS number, x.stage AS stage, x.ord AS ord",
	}
	parts := []string{pairs.sql()}
	for j, p := range m.passes {
		if p.Many != "" {
			parts = append(parts, m.groups(j, p).sql())
		}
	}
	return m.emit("'"+words.Matched+"'", strings.Join(parts, " UNION ALL "), "number, stage, ord")
}

// groups is what a pass found of one row for several. Of the several the values that are the same
// in all are given.
func (m *matcher) groups(j int, p *boundPass) outcome {
	one, many := 0, 1
	if p.Many == "left" {
		one, many = many, one
	}
	total := m.cols[m.amount].measureOf(m.amount, letters[many]+".")
	sum := "sum(" + total + ")"
	if m.cols[m.amount].floats {
		sum = fmt.Sprintf("sum(%s ORDER BY %s.id)", total, letters[many])
	}
	oneTotal := m.cols[m.amount].measureOf(m.amount, letters[one]+".")
	same := func(name string) string {
		return fmt.Sprintf("CASE WHEN count(%[1]s) = count(*) AND min(%[1]s) IS NOT DISTINCT FROM max(%[1]s) THEN min(%[1]s) END", letters[many]+"."+name)
	}
	first := func(of string) string { return "any_value(" + of + ")" }
	keys, raw := m.handed(func(_, i int) string { return first(fmt.Sprintf("%s.kc%d", letters[one], i)) }, func(side, i int) string {
		if side == one {
			return first(letters[one] + "." + m.cols[i].given(i, one))
		}
		return same(m.cols[i].given(i, many))
	}, func(i int) string {
		if m.carry[i].index[0] >= 0 == (one == 0) || m.carry[i].index[many] < 0 {
			return first(fmt.Sprintf("%s.a%d", letters[one], i))
		}
		return same(fmt.Sprint("a", i))
	})
	o := outcome{
		from: fmt.Sprintf("groups g JOIN %s ON g.one = %[1]s.id JOIN %[2]s ON g.many = %[2]s.id WHERE g.pass = %[3]d GROUP BY g.one", letters[one], letters[many], j+1),
		pass: sql.Literal(p.Name), key: first(letters[one] + ".k"), keys: keys,
		column: "CAST(NULL AS VARCHAR)", cause: "CAST(NULL AS VARCHAR)", left: "CAST(NULL AS VARCHAR)", right: "CAST(NULL AS VARCHAR)",
		rest: m.noDelta(), raw: raw, order: fmt.Sprintf("%d AS number, 0 AS stage, g.one AS ord", j+1),
	}
	oneTotal = first(oneTotal)
	o.leftRows, o.rightRows, o.leftTotal, o.rightTotal = "1", "count(*)", oneTotal, sum
	if one == 1 {
		o.leftRows, o.rightRows, o.leftTotal, o.rightTotal = o.rightRows, o.leftRows, o.rightTotal, o.leftTotal
	}
	o.delta = m.asDelta(m.cols[m.amount], o.leftTotal+" - "+o.rightTotal)
	return o
}

// alone is the query for rows that nothing was found for.
func (m *matcher) alone() string {
	parts := make([]string, 0, 2)
	for side := range letters {
		parts = append(parts, m.aloneOf(side))
	}
	return m.emit("which", strings.Join(parts, " UNION ALL "), "id")
}

func (m *matcher) aloneOf(side int) string {
	t, other := letters[side], letters[1-side]
	keys, raw := m.handed(at(t+".kc"), func(s, i int) string {
		if s == side {
			return t + "." + m.cols[i].given(i, side)
		}
		return "NULL" // its type is that of the other part of the union
	}, func(i int) string {
		if m.carry[i].index[side] >= 0 {
			return fmt.Sprintf("%s.a%d", t, i)
		}
		return "NULL"
	})
	late := ""
	if m.late != nil {
		late = fmt.Sprintf("WHEN %s.late THEN '%s' ", t, words.Late)
	}
	text, total, delta := "CAST(NULL AS VARCHAR)", m.total(t+"."), m.noDelta()
	if m.amount >= 0 {
		text = m.shownOf(m.amount, side, t+".")
		delta = m.asDelta(m.cols[m.amount], []string{"", "-"}[side]+total)
	}
	none := "CAST(NULL AS VARCHAR)"
	o := outcome{
		from: fmt.Sprintf("%s SEMI JOIN %[1]sfree USING (id) LEFT JOIN (SELECT DISTINCT k FROM %s WHERE kn) twin ON CASE WHEN %[1]s.kn THEN %[1]s.k END = twin.k", t, other),
		pass: none, key: t + ".k", keys: keys, column: none,
		cause: fmt.Sprintf("CASE WHEN twin.k IS NOT NULL THEN '%s' %sELSE '%s' END", words.Duplicate, late, words.Missing),
		left:  text, right: none, delta: delta, leftRows: "1", rightRows: "0", leftTotal: total, rightTotal: "NULL", rest: m.noDelta(), raw: raw,
	}
	which := words.OnlyLeft
	if side == 1 {
		which = words.OnlyRight
		o.left, o.right = o.right, o.left
		o.leftRows, o.rightRows, o.leftTotal, o.rightTotal = o.rightRows, o.leftRows, o.rightTotal, o.leftTotal
	}
	o.order = fmt.Sprintf("'%s' AS which, %d AS side, %s.id AS id", which, side, t)
	if m.unique { // no row that is left has a twin
		o.from = fmt.Sprintf("%s SEMI JOIN %[1]sfree USING (id)", t)
		o.cause = fmt.Sprintf("CASE %sELSE '%s' END", late, words.Missing)
		if late == "" {
			o.cause = sql.Literal(words.Missing)
		}
	}
	return o.sql()
}
