package breaks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// ledgerTypes are the columns of a ledger in their order, with their types in DuckDB. Those of
// delta and before_delta are what the reconciliation gives.
var ledgerTypes = [][2]string{
	{words.ColBreak, text},
	{words.ColDataset, text},
	{words.ColKey, text},
	{words.ColNth, whole},
	{words.ColColumn, text},
	{words.ColCause, text},
	{words.ColOutcome, text},
	{words.ColState, text},
	{words.ColOpened, text},
	{words.ColSince, text},
	{words.ColChanged, text},
	{words.ColCleared, text},
	{words.ColNights, whole},
	{words.ColAgeDays, whole},
	{words.ColLeft, text},
	{words.ColRight, text},
	{words.ColDelta, ""},
	{words.ColBeforeDelta, ""},
	{words.ColOwner, text},
	{words.ColReason, text},
	{words.ColAcceptedBy, text},
	{words.ColAcceptedUntil, text},
}

const text, whole = "VARCHAR", "INTEGER"

// statement is the SQL of a ledger.
type statement struct {
	dataset string
	delta   string      // its type
	carried [][2]string // names and types
	before  *arrow.Schema
}

func (l ledger) statement(tonight, before *arrow.Schema) (*statement, error) {
	st := &statement{dataset: l.Dataset, before: before}
	at := tonight.FieldIndices(words.ColDelta)[0]
	var err error
	if st.delta, err = sql.TypeOf(tonight.Field(at)); err != nil {
		return nil, err
	}
	for _, f := range passedOn(tonight) {
		if slices.ContainsFunc(ledgerTypes, func(c [2]string) bool { return strings.EqualFold(c[0], f.Name) }) {
			return nil, pipeline.Errorf(pipeline.Invalid, "breaks: column %s is handed on, and a ledger has one of that name itself", f.Name).
				With("call it something else before it is reconciled")
		}
		t, err := sql.TypeOf(f)
		if err != nil {
			return nil, err
		}
		st.carried = append(st.carried, [2]string{f.Name, t})
	}
	return st, nil
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
func literal(text string) string    { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }

// past selects the columns of the ledger before as they are now; null is what it does not have.
func (st *statement) past() string {
	var cols []string
	column := func(name, typ, as string) {
		from := "NULL"
		if st.before.HasField(name) {
			from = identifier(name)
		}
		cols = append(cols, fmt.Sprintf("TRY_CAST(%s AS %s) AS %s", from, typ, as))
	}
	for _, c := range ledgerTypes {
		column(c[0], cmp.Or(c[1], st.delta), identifier(c[0]))
	}
	for i, c := range st.carried {
		column(c[0], c[1], inner(i))
	}
	return "SELECT " + strings.Join(cols, ", ") + " FROM before"
}

// each writes the columns that are carried, each as f has it.
func (st *statement) each(f func(inner, name string) string) string {
	var b strings.Builder
	for i, c := range st.carried {
		b.WriteString(", " + f(inner(i), identifier(c[0])))
	}
	return b.String()
}

// inner is what a carried column is called within, where its own name may be taken.
func inner(i int) string { return fmt.Sprintf("carried%d", i) }

// dayOf is the day on which a partition begins, by how it is written.
func dayOf(partition string) string {
	return fmt.Sprintf("TRY_CAST(CASE WHEN strlen(%[1]s) = 7 THEN %[1]s || '-01' ELSE left(%[1]s, 10) END AS DATE)", partition)
}

// idPart writes a part of what a break is so that no two are written alike.
func idPart(column string) string {
	return fmt.Sprintf("coalesce(strlen(%[1]s) || ':' || %[1]s, '-')", column)
}

func (st *statement) text() string {
	rename := func(inner, name string) string { return name + " AS " + inner }
	names := func(_, name string) string { return name }
	identity := strings.Join([]string{idPart(literal(st.dataset)), idPart(`"key"`), idPart(`"column"`), idPart("cause"), "nth"}, " || ")
	return `WITH t AS (
	SELECT "key", "column", cause, outcome, "left", "right", delta` + st.each(rename) + `,
		CAST(row_number() OVER (PARTITION BY "key", "column", cause ORDER BY nth, outcome, "left", "right", delta` + st.each(names) + `) AS INTEGER) AS nth
	FROM tonight WHERE outcome IS DISTINCT FROM 'matched'
), n AS (
	SELECT *, left(sha256(` + identity + `), 16) AS id FROM t
), b AS (
	` + st.past() + `
), verdict AS (
	SELECT * FROM decided WHERE action IN ('accept', 'reopen')
	QUALIFY row_number() OVER (PARTITION BY "break" ORDER BY nr DESC) = 1
), assigned AS (
	SELECT "break", owner FROM decided WHERE action = 'assign'
	QUALIFY row_number() OVER (PARTITION BY "break" ORDER BY nr DESC) = 1
), why AS (
	SELECT "break", reason FROM decided WHERE reason IS NOT NULL
	QUALIFY row_number() OVER (PARTITION BY "break" ORDER BY nr DESC) = 1
), j AS (
	SELECT coalesce(n.id, b."break") AS id, n.id IS NOT NULL AS there, b."break" IS NOT NULL AS known,
		night.partition AS night, night.day AS today, night.oldest AS oldest,
		b.state IN ('cleared', 'accepted') AS was_shut, b.cleared IS NOT NULL AS was_cleared,
		n.outcome IS DISTINCT FROM b.outcome OR n."left" IS DISTINCT FROM b."left" OR n."right" IS DISTINCT FROM b."right" OR n.delta IS DISTINCT FROM b.delta AS differs,
		coalesce(n.id IS NOT NULL AND verdict.action = 'accept'
			AND (verdict."until" IS NULL OR night.partition <= verdict."until" OR starts_with(night.partition, verdict."until" || 'T'))
			AND n.outcome IS NOT DISTINCT FROM verdict.outcome
			AND n."left" IS NOT DISTINCT FROM verdict."left" AND n."right" IS NOT DISTINCT FROM verdict."right"
			AND n.delta IS NOT DISTINCT FROM TRY_CAST(verdict.delta AS ` + st.delta + `), false) AS holds,
		b.dataset AS b_dataset, coalesce(n."key", b."key") AS "key", coalesce(n.nth, b.nth) AS nth,
		CASE WHEN n.id IS NULL THEN b."column" ELSE n."column" END AS "column", CASE WHEN n.id IS NULL THEN b.cause ELSE n.cause END AS cause,
		CASE WHEN n.id IS NULL THEN b.outcome ELSE n.outcome END AS outcome,
		CASE WHEN n.id IS NULL THEN b."left" ELSE n."left" END AS "left", CASE WHEN n.id IS NULL THEN b."right" ELSE n."right" END AS "right",
		CASE WHEN n.id IS NULL THEN b.delta ELSE n.delta END AS delta, b.delta AS before_delta,
		b.opened AS b_opened, b.since AS b_since, b.changed AS b_changed, b.cleared AS b_cleared, b.nights AS b_nights,
		assigned.owner AS owner, why.reason AS reason, verdict.actor AS actor, verdict."until" AS until_then` +
		st.each(func(inner, _ string) string {
			return "CASE WHEN n.id IS NULL THEN b." + inner + " ELSE n." + inner + " END AS " + inner
		}) + `
	FROM n FULL JOIN b ON n.id = b."break" CROSS JOIN night
	LEFT JOIN verdict ON verdict."break" = coalesce(n.id, b."break")
	LEFT JOIN assigned ON assigned."break" = coalesce(n.id, b."break")
	LEFT JOIN why ON why."break" = coalesce(n.id, b."break")
), s AS (
	SELECT *, CASE
			WHEN NOT there THEN 'cleared'
			WHEN holds THEN 'accepted'
			WHEN NOT known THEN 'new'
			WHEN was_shut THEN 'reopened'
			WHEN differs THEN 'changed'
			ELSE 'open' END AS state
	FROM j WHERE there OR NOT was_cleared OR oldest IS NULL OR b_cleared >= oldest
), o AS (
	SELECT *, there AND (NOT known OR was_cleared OR state = 'reopened') AS opens,
		CASE WHEN there AND (NOT known OR was_cleared OR state = 'reopened') THEN night ELSE b_since END AS since,
		CASE WHEN there THEN NULL ELSE coalesce(b_cleared, night) END AS cleared
	FROM s
)
SELECT id AS "break", CASE WHEN there THEN ` + literal(st.dataset) + ` ELSE b_dataset END AS dataset, "key", nth, "column", cause, outcome, state,
	coalesce(b_opened, night) AS opened, since, CASE WHEN there AND known AND differs THEN night ELSE b_changed END AS changed, cleared,
	CAST(CASE WHEN opens THEN 1 WHEN there THEN coalesce(b_nights, 0) + 1 ELSE b_nights END AS INTEGER) AS nights,
	CASE WHEN today IS NULL THEN NULL ELSE CAST(date_diff('day', ` + dayOf("since") + `, coalesce(` + dayOf("cleared") + `, CAST(today AS DATE))) AS INTEGER) END AS age_days,
	"left", "right", delta, before_delta, owner, reason,
	CASE WHEN state = 'accepted' THEN actor END AS accepted_by, CASE WHEN state = 'accepted' THEN until_then END AS accepted_until` +
		st.each(func(inner, name string) string { return inner + " AS " + name }) + `
FROM o ORDER BY "break"`
}
