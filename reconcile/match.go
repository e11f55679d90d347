package reconcile

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// matcher finds which rows belong together, in a database of both sides:
//
//	l, r           the rows, as a feeder makes them; see number
//	lfree, rfree   the ids of those that no pass has found yet
//	pairs          lid, rid, pass, and stage and ord, which order the pairs of a key
//	groups         one, many, pass, of a pass that finds one row of a side for several
//
// Nothing goes by the place of a row: rows that are equal in all that is loaded change places
// without a trace, and all others are in the order of what they say. Nor does it go by the side,
// so that swapped sides give the mirrored result.
type matcher struct {
	*plan
	env *pipeline.Env
	db  *sql.Database
	// equal is what was not loaded: rows of the first pass that match.
	equal [2]tally
	// unique says that no two rows of a side have the same key, and there are no other passes.
	unique bool
}

func (m *matcher) exec(ctx context.Context, format string, args ...any) error {
	return m.db.Exec(ctx, fmt.Sprintf(format, args...))
}

// letters are what tables of the sides begin with.
var letters = [2]string{"l", "r"}

// load takes a side in.
func (m *matcher) load(ctx context.Context, side int, r pipeline.Reader) error {
	f, err := m.feeder(m.env, side)
	if err != nil {
		return firstOf(err, r.Close())
	}
	err = m.db.Load(ctx, letters[side], f.schema(), feedReader{r, f})
	if err != nil && strings.Contains(err.Error(), "Invalid unicode") { // DuckDB says no more than that
		return pipeline.Errorf(pipeline.BadInput, "reconcile: %s has a text that is no UTF-8", m.o.side(side)).
			With("write the file in UTF-8, or say in which encoding it is, where its source can read that")
	}
	return err
}

// number puts the rows of both sides in the order of their values. Where no two rows of a side have
// the same key, and there is no pass but the first, all orders give the same result.
func (m *matcher) number(ctx context.Context) error {
	m.unique = len(m.passes) == 0
	for _, t := range letters {
		n, err := m.ask(ctx, fmt.Sprintf("SELECT CAST(count(*) - count(DISTINCT k) AS DOUBLE) FROM %s", t))
		if err != nil {
			return err
		}
		m.unique = m.unique && n == 0
	}
	if m.unique {
		return nil
	}
	for side, t := range letters {
		f, err := m.feeder(m.env, side)
		if err != nil {
			return err
		}
		if err := firstOf(
			m.exec(ctx, "CREATE TEMP TABLE %s0 AS SELECT * REPLACE (row_number() OVER (ORDER BY %s) AS id) FROM %[1]s", t, m.order(f)),
			m.exec(ctx, "DROP TABLE %s", t),
			m.exec(ctx, "ALTER TABLE %s0 RENAME TO %[1]s", t),
		); err != nil {
			return err
		}
	}
	return nil
}

// ask gives the answer of a query for one float.
func (m *matcher) ask(ctx context.Context, query string) (v float64, err error) {
	r, _, err := m.db.Query(ctx, query)
	if err != nil {
		return 0, err
	}
	return v, pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		v = b.Column(0).(*array.Float64).Value(0)
		return nil
	})
}

// order is all columns of a side, the key and what is compared first.
func (m *matcher) order(f *feeder) string {
	cols := []string{"k"}
	for i := range m.cols {
		cols = append(cols, fmt.Sprint("c", i))
	}
	for _, c := range f.all {
		if c.field.Name != "k" && c.field.Name != "id" && !strings.HasPrefix(c.field.Name, "c") {
			cols = append(cols, c.field.Name)
		}
	}
	return strings.Join(cols, ", ")
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// match runs all passes.
func (m *matcher) match(ctx context.Context) error {
	if err := m.number(ctx); err != nil {
		return err
	}
	byKey := m.byKey
	if m.unique {
		byKey = m.byUniqueKey
	}
	if err := byKey(ctx); err != nil {
		return err
	}
	if err := m.free(ctx); err != nil {
		return err
	}
	for j, p := range m.passes {
		run := m.near
		if p.Many != "" {
			run = m.many
		}
		if err := run(ctx, j, p); err != nil {
			return err
		}
		if err := m.used(ctx, j+1); err != nil {
			return err
		}
	}
	return nil
}

// byKey pairs rows of equal keys: those that are equal in all first, then the first with the first.
func (m *matcher) byKey(ctx context.Context) error {
	canon := []string{"k"}
	on := []string{"a.k = b.k", "a.n = b.n"}
	for i := range m.cols {
		canon = append(canon, fmt.Sprint("c", i))
		on = append(on, fmt.Sprintf("a.c%d IS NOT DISTINCT FROM b.c%[1]d", i))
	}
	same := strings.Join(canon, ", ")
	if err := m.exec(ctx, `CREATE TEMP TABLE pairs AS
		WITH a AS (SELECT id, %[1]s, row_number() OVER (PARTITION BY %[1]s ORDER BY id) AS n FROM l WHERE kn),
			b AS (SELECT id, %[1]s, row_number() OVER (PARTITION BY %[1]s ORDER BY id) AS n FROM r WHERE kn)
		SELECT a.id AS lid, b.id AS rid, 0 AS pass, 0 AS stage, a.id AS ord FROM a JOIN b ON %[2]s`,
		same, strings.Join(on, " AND ")); err != nil {
		return err
	}
	return m.exec(ctx, `INSERT INTO pairs
		WITH a AS (SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY id) AS n FROM l ANTI JOIN pairs ON l.id = pairs.lid WHERE kn),
			b AS (SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY id) AS n FROM r ANTI JOIN pairs ON r.id = pairs.rid WHERE kn)
		SELECT a.id, b.id, 0, 1, a.id FROM a JOIN b ON a.k = b.k AND a.n = b.n`)
}

// byUniqueKey is byKey where no two rows of a side have the same.
func (m *matcher) byUniqueKey(ctx context.Context) error {
	return m.exec(ctx, `CREATE TEMP TABLE pairs AS
		SELECT l.id AS lid, r.id AS rid, 0 AS pass, 0 AS stage, l.id AS ord FROM l JOIN r ON l.k = r.k WHERE l.kn AND r.kn`)
}

// free makes the tables of what the first pass leaves.
func (m *matcher) free(ctx context.Context) error {
	return firstOf(
		m.exec(ctx, "CREATE TEMP TABLE groups (one BIGINT, many BIGINT, pass INTEGER)"),
		m.exec(ctx, "CREATE TEMP TABLE lfree AS SELECT id FROM l ANTI JOIN pairs ON l.id = pairs.lid"),
		m.exec(ctx, "CREATE TEMP TABLE rfree AS SELECT id FROM r ANTI JOIN pairs ON r.id = pairs.rid"))
}

// used takes what a pass found from the rows that are free.
func (m *matcher) used(ctx context.Context, pass int) error {
	one, many := "l", "r"
	if pass > 0 && m.passes[pass-1].Many == "left" {
		one, many = many, one
	}
	return firstOf(
		m.exec(ctx, "DELETE FROM lfree WHERE id IN (SELECT lid FROM pairs WHERE pass = %d)", pass),
		m.exec(ctx, "DELETE FROM rfree WHERE id IN (SELECT rid FROM pairs WHERE pass = %d)", pass),
		m.exec(ctx, "DELETE FROM %sfree WHERE id IN (SELECT one FROM groups WHERE pass = %d)", one, pass),
		m.exec(ctx, "DELETE FROM %sfree WHERE id IN (SELECT many FROM groups WHERE pass = %d)", many, pass))
}

// on is the expression of what rows must be equal in, for a pass; null matches nothing.
func (p *boundPass) onKey(j int) string {
	if len(p.on) == 0 {
		return "CASE WHEN kn THEN k END"
	}
	return fmt.Sprint("o", j)
}

// many finds one row of a side for all rows of the other that are equal in the columns of the
// pass. Of several such rows it takes the one that is nearest to the sum.
func (m *matcher) many(ctx context.Context, j int, p *boundPass) error {
	one, many := "l", "r"
	if p.Many == "left" {
		one, many = many, one
	}
	amount := m.cols[m.amount]
	at := amount.measureOf(m.amount, "")
	sum := "sum(m)"
	if amount.floats {
		sum = "sum(m ORDER BY id)"
	}
	near := "o.m = s.m"
	if amount.floats { // a sum of floats is seldom the float that people write for it
		near = "abs(o.m - s.m) <= 1e-9 * greatest(abs(o.m), abs(s.m))"
	}
	a, b := "o.m", "s.m"
	if amount.round != nil {
		a, b = fmt.Sprintf("round(o.m, %d)", *amount.round), fmt.Sprintf("round(s.m, %d)", *amount.round)
		near = a + " = " + b
	}
	if t := m.column(amount).tolerated(amount, a, b); t != "" {
		near = fmt.Sprintf("(%s OR %s)", near, t)
	}
	if amount.floats { // to DuckDB NaN is equal to NaN, and more than all else
		near = fmt.Sprintf("isfinite(o.m) AND isfinite(s.m) AND %s", near)
	}
	return m.exec(ctx, `INSERT INTO groups
		WITH g AS (SELECT id, %[1]s AS o, %[2]s AS m FROM %[4]s SEMI JOIN %[4]sfree USING (id)),
			s AS (SELECT o, %[7]s AS m FROM g WHERE o IS NOT NULL GROUP BY o HAVING count(m) = count(*)),
			o AS (SELECT id, %[1]s AS o, %[2]s AS m FROM %[3]s SEMI JOIN %[3]sfree USING (id)),
			f AS (SELECT o.id AS one, o.o AS o, row_number() OVER (PARTITION BY o.o ORDER BY abs(o.m - s.m), o.id) AS n FROM o JOIN s ON o.o = s.o WHERE %[6]s)
		SELECT f.one, g.id, %[5]d FROM f JOIN g ON f.o = g.o WHERE f.n = 1`,
		p.onKey(j), at, one, many, j+1, near, sum)
}

// maxCandidates bounds how many pairs of rows a pass looks at.
const maxCandidates = 20_000_000

// near pairs what is near: the smallest difference of amounts first, then of dates, then in the
// order of the values. A row is taken once.
func (m *matcher) near(ctx context.Context, j int, p *boundPass) error {
	cols := []string{"id", p.onKey(j) + " AS o"}
	where, order := []string{"o IS NOT NULL"}, []string{}
	on := []string{"a.o = b.o", "a.b = b.b"}
	bucket, spread := "0", false
	if p.date != nil {
		cols = append(cols, fmt.Sprintf("d%d AS d", j))
		where = append(where, "d IS NOT NULL")
		apart := int64(p.Days) * 86400e6
		on = append(on, fmt.Sprintf("abs(a.d - b.d) <= %d", apart))
		order = append(order, "abs(a.d - b.d)")
		bucket, spread = buckets("d", float64(apart))
	}
	if p.Amount != "" {
		amount := m.cols[m.amount]
		cols = append(cols, amount.measureOf(m.amount, "")+" AS m")
		where = append(where, "m IS NOT NULL")
		if amount.floats {
			where = append(where, "isfinite(m)")
		}
		on = append(on, amount.within("a.m", "b.m", p.Amount))
		order = append([]string{"abs(a.m - b.m)"}, order...)
		n, _, _ := parseNumber(p.Amount) // Bind read it
		bucket, spread = buckets("m", n.float())
	}
	all := func(t string) string {
		return fmt.Sprintf("SELECT *, %s AS b, row_number() OVER (ORDER BY id) AS n FROM (SELECT %s FROM %s SEMI JOIN %[3]sfree USING (id)) WHERE %s",
			bucket, strings.Join(cols, ", "), t, strings.Join(where, " AND "))
	}
	steps := "(0)"
	if spread {
		steps = "(-1), (0), (1)"
	}
	beside := "b.b"
	if spread {
		beside = "b.b + v.step"
	}
	if err := firstOf(
		m.exec(ctx, "CREATE OR REPLACE TEMP TABLE na AS %s", all("l")),
		m.exec(ctx, "CREATE OR REPLACE TEMP TABLE nb AS SELECT b.* EXCLUDE (b), %s AS b FROM (%s) b, (VALUES %s) v(step)", beside, all("r"), steps),
	); err != nil {
		return err
	}
	if err := m.bounded(ctx, p); err != nil {
		return err
	}
	order = append(order, "greatest(a.n, b.n)", "least(a.n, b.n)", "a.n")
	found, err := m.greedy(ctx, fmt.Sprintf("SELECT a.id, b.id FROM na a JOIN nb b ON %s ORDER BY %s", strings.Join(on, " AND "), strings.Join(order, ", ")))
	if err != nil {
		return err
	}
	defer m.env.Memory.Give(found.taken)
	if err := m.db.Load(ctx, "found", found.schema(), found.reader(m.env.Alloc)); err != nil {
		return err
	}
	return firstOf(
		m.exec(ctx, "INSERT INTO pairs SELECT lid, rid, %d, 0, ord FROM found", j+1),
		m.exec(ctx, "DROP TABLE found"))
}

// buckets is an expression by which values that are at most so far apart are in the same bucket,
// or in one beside it, if spread.
func buckets(of string, apart float64) (bucket string, spread bool) {
	if apart == 0 {
		return of, false
	}
	return fmt.Sprintf("floor(CAST(%s AS DOUBLE) / %s)", of, double(2*apart)), true
}

// bounded refuses a pass that would look at too many pairs.
func (m *matcher) bounded(ctx context.Context, p *boundPass) error {
	n, err := m.ask(ctx, `SELECT CAST(coalesce(sum(CAST(a.n AS DOUBLE) * b.n), 0) AS DOUBLE) FROM
		(SELECT o, b, count(*) AS n FROM na GROUP BY ALL) a JOIN (SELECT o, b, count(*) AS n FROM nb GROUP BY ALL) b ON a.o = b.o AND a.b = b.b`)
	if err != nil {
		return err
	}
	if n > maxCandidates {
		return pipeline.Errorf(pipeline.BadInput, "reconcile: pass %s: %.0f pairs of rows may belong together, and at most %d are looked at", p.Name, n, maxCandidates).
			With("let it find fewer: name more columns in on, or a smaller amount or fewer days")
	}
	return nil
}
