package penstock_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// claim is a condition in CEL, and SQL that gives T, F, N (null) or E (error) for a row.
type claim struct{ cel, sql string }

// plain is a condition that is never an error.
func plain(cel, sql string) claim {
	return claim{cel, fmt.Sprintf("(CASE WHEN (%s) IS NULL THEN 'N' WHEN (%s) THEN 'T' ELSE 'F' END)", sql, sql)}
}

// same is a condition that is written alike in both.
func same(text string) claim { return plain(text, text) }

// failing is a condition with what makes it an error.
func failing(cel, err, sql string) claim {
	return claim{cel, fmt.Sprintf("(CASE WHEN (%s) THEN 'E' ELSE %s END)", err, plain("", sql).sql)}
}

func randomAtom(r *rand.Rand) claim {
	k := r.IntN(14) - 2
	x := float64(r.IntN(100)-10) + 0.3
	op := []string{">", ">=", "<", "<="}[r.IntN(4)]
	switch r.IntN(16) {
	case 0:
		return same(fmt.Sprintf("i %s %d", op, k))
	case 1:
		return plain(fmt.Sprintf("f %s %g", op, x), fmt.Sprintf("f %s %g::DOUBLE AND NOT isnan(f)", op, x))
	case 2:
		return same(fmt.Sprintf("i %% 5 != %d", r.IntN(5)))
	case 3:
		return plain(`s in ["a", "b", "c", "ab", "bc"]`, "s IN ('a', 'b', 'c', 'ab', 'bc')")
	case 4:
		return plain(`s.matches("^[a-c]+$")`, "regexp_matches(s, '^[a-c]+$')")
	case 5:
		return plain("size(s) <= 2", "length(s) <= 2")
	case 6:
		c := []string{"i", "f", "s", "d", "t", "g"}[r.IntN(6)]
		return plain(c+" != null", c+" IS NOT NULL")
	case 7:
		return same(fmt.Sprintf("d %s %d.25", op, k))
	case 8:
		return plain(`t >= "2026-01-01" && t < "2026-02-01"`, "t >= DATE '2026-01-01' AND t < DATE '2026-02-01'")
	case 9:
		return failing("10 / i < 20", "i = 0", "10 // i < 20")
	case 10:
		return failing("i + 9223372036854775707 > 0", "i > 100", "i::HUGEINT + 9223372036854775707 > 0")
	case 11:
		return same(fmt.Sprintf("id > %d", r.IntN(200)))
	case 12:
		return plain("!is_nan(f)", "NOT isnan(f)")
	case 13:
		return plain("f == f", "NOT isnan(f)")
	case 14:
		return plain(`s != "null"`, "s <> 'null'")
	}
	return plain(fmt.Sprintf("f * 2.0 %s %g", op, x), fmt.Sprintf("f * 2 %s %g::DOUBLE AND NOT isnan(f)", op, x))
}

// randomSaid joins conditions as CEL does: an error or a null gives way to what decides.
func randomClaim(r *rand.Rand, depth int) claim {
	a := randomAtom(r)
	if depth == 0 {
		return a
	}
	switch b := randomClaim(r, depth-1); r.IntN(5) {
	case 0:
		return claim{"!(" + b.cel + ")", fmt.Sprintf("(CASE %s WHEN 'T' THEN 'F' WHEN 'F' THEN 'T' ELSE %s END)", b.sql, b.sql)}
	case 1:
		return claim{fmt.Sprintf("(%s) && (%s)", a.cel, b.cel), decided(a.sql, b.sql, "F", "T")}
	case 2:
		return claim{fmt.Sprintf("(%s) || (%s)", a.cel, b.cel), decided(a.sql, b.sql, "T", "F")}
	}
	return a
}

func decided(a, b, by, otherwise string) string {
	return fmt.Sprintf("(CASE WHEN %s = '%s' OR %s = '%s' THEN '%s' WHEN %s = 'N' OR %s = 'N' THEN 'N' WHEN %s = 'E' OR %s = 'E' THEN 'E' ELSE '%s' END)",
		a, by, b, by, by, a, b, a, b, otherwise)
}

// sqlRule is a rule, with what SQL needs to judge it.
type sqlRule struct {
	rule  gates.Rule
	where string // of rows: T, F, N or E
	// state is that of a row, of a check of rows.
	state string
	keys  []string // that are unique
	says  string   // of a statement: an aggregate that gives T, F, N or E
	share int64    // of at_most, in percent; -1: a number of rows
	most  int64
}

func (one sqlRule) chosen() string { return one.where + " = 'T'" }

func (one sqlRule) fails() string {
	if one.rule.Nulls == gates.NullsFail {
		return one.state + " IN ('F', 'N')"
	}
	return one.state + " = 'F'"
}

// randomSQLRules are some rules, of which some were in force before.
func randomSQLRules(r *rand.Rand, before []sqlRule) (all []sqlRule) {
	warns := []int{0, 2, 9, 10}[r.IntN(4)] // of ten
	for n := range 1 + r.IntN(6) {
		one := randomSQLRule(r)
		if len(before) > 0 && r.IntN(3) > 0 {
			one = before[r.IntN(len(before))]
			if one.share < 0 && one.says == "" && (one.keys == nil || len(one.rule.By) == 0) {
				one.most = int64(r.IntN(8))
				one.rule.AtMost = gates.Count(one.most)
			}
		}
		one.rule.Name = fmt.Sprint("r", n)
		one.rule.Severity = pipeline.Block
		if r.IntN(10) < warns {
			one.rule.Severity = pipeline.SeverityWarn
		}
		all = append(all, one)
	}
	return all
}

func randomSQLRule(r *rand.Rand) sqlRule {
	one := sqlRule{where: "'T'", share: -1}
	if r.IntN(3) == 0 {
		where := randomClaim(r, r.IntN(2))
		one.rule.Where, one.where = where.cel, where.sql
	}
	if r.IntN(5) == 0 {
		one.rule.OnEmpty = []gates.OnEmpty{gates.EmptyPasses, gates.EmptyFails, gates.EmptySkips}[r.IntN(3)]
	}
	switch r.IntN(6) {
	case 0, 1:
		one.statement(r)
		return one
	case 2:
		one.unique(r)
	case 3:
		one.state = "(CASE WHEN s IS NULL THEN 'N' WHEN s IN (SELECT code FROM codes WHERE code IS NOT NULL) THEN 'T' ELSE 'F' END)"
		one.rule.Check = gates.References("s", "codes", "code")
		if r.IntN(3) == 0 {
			one.state = strings.NewReplacer("'T'", "'F'", "'F'", "'T'").Replace(one.state)
			one.rule.Check = gates.AbsentFrom("s", "codes", "code")
		}
	default:
		one.rows(r)
	}
	if len(one.rule.By) == 0 || one.keys == nil {
		one.tolerate(r)
	}
	return one
}

// tolerate lets some rows fail.
func (one *sqlRule) tolerate(r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		one.share = []int64{0, 1, 7, 10, 29, 50, 100}[r.IntN(7)]
		one.rule.AtMost, _ = gates.ParseTolerance(fmt.Sprintf("%d%%", one.share))
	case 1:
		one.most = int64(r.IntN(8))
		one.rule.AtMost = gates.Count(one.most)
	default:
		return
	}
	if r.IntN(3) == 0 {
		one.rule.WarnAt = gates.Count(0)
	}
}

func (one *sqlRule) rows(r *rand.Rand) {
	s := randomClaim(r, r.IntN(3))
	one.rule.Check, one.state = gates.Rows(s.cel), s.sql
	sugar := func(c gates.Check, state claim) { one.rule.Check, one.state = c, state.sql }
	switch r.IntN(8) {
	case 0:
		sugar(gates.NotNull("s", "f"), plain("", "s IS NOT NULL AND f IS NOT NULL"))
	case 1:
		sugar(gates.Accepted("s", "a", "b", "c", "ab", "bc"), plain("", "s IN ('a', 'b', 'c', 'ab', 'bc')"))
	case 2:
		sugar(gates.Between("f", 0, 10), plain("", "f >= 0 AND f <= 10 AND NOT isnan(f)"))
	case 3:
		sugar(gates.Matches("g", "^[a-c]"), plain("", "regexp_matches(g, '^[a-c]')"))
	}
	if r.IntN(4) == 0 {
		one.rule.Nulls = gates.NullsFail
	}
	switch r.IntN(4) {
	case 0:
		one.rule.Else = gates.Quarantine
	case 1:
		one.rule.By = []string{"g"}
	}
}

func (one *sqlRule) unique(r *rand.Rand) {
	one.keys = [][]string{{"id"}, {"f"}, {"s", "i"}, {"d"}}[r.IntN(4)]
	one.rule.Check = gates.Unique(one.keys...)
	if r.IntN(4) == 0 {
		one.rule.By = []string{"g"}
	}
}

func (one sqlRule) judge(c *openCase) pipeline.Verdict {
	var said string
	if err := c.db.QueryRow(one.query()).Scan(&said); err != nil {
		c.t.Fatalf("%s: %v", one.query(), err)
	}
	v := pipeline.Verdict(said)
	if v == pipeline.Fail && one.rule.Severity == pipeline.SeverityWarn {
		v = pipeline.Warn
	}
	return v
}

// query gives the verdict of the rule, as it is before its severity is looked at.
func (one sqlRule) query() string {
	if one.says != "" {
		return one.judgeStatement()
	}
	from := "kept"
	if one.rule.Else == gates.Quarantine {
		from = "inp"
	}
	group := "1"
	if len(one.rule.By) > 0 {
		group = "g"
	}
	state := one.state
	if one.keys != nil {
		group = "1"
		null := strings.Join(one.keys, " IS NULL OR ") + " IS NULL"
		state = fmt.Sprintf("(CASE WHEN %s THEN 'N' WHEN count(*) FILTER (w = 'T') OVER (PARTITION BY %s) > 1 THEN 'F' ELSE 'T' END)",
			null, strings.Join(append(one.keys[:len(one.keys):len(one.keys)], one.rule.By...), ", "))
	}
	tested, failed := "'T', 'F'", "'F'"
	if one.rule.Nulls == gates.NullsFail {
		tested, failed = "'T', 'F', 'N'", "'F', 'N'"
	}
	return fmt.Sprintf(`
		WITH rows AS (SELECT *, %s AS w FROM %s), states AS (SELECT *, %s AS st FROM rows),
		groups AS (SELECT %s AS grp, count(*) FILTER (w = 'T' AND st IN (%s)) AS tested, count(*) FILTER (w = 'T' AND st IN (%s)) AS failed,
			count(*) FILTER (w = 'T' AND st = 'N') AS nulls, count(*) FILTER (w = 'E' OR w = 'T' AND st = 'E') AS errs
			FROM states GROUP BY ALL)
		SELECT CASE WHEN coalesce(sum(errs), 0) > 0 THEN 'error' %s
			%s
			WHEN count(*) FILTER (tested > 0 AND NOT (%s)) > 0 THEN 'fail'
			WHEN count(*) FILTER (tested > 0 AND NOT (%s)) > 0 THEN 'warn'
			ELSE 'pass' END FROM groups`, one.where, from, state, group, tested, failed, one.empty("coalesce(sum(tested) + sum(nulls), 0) = 0"), one.noGroup(), one.allows(), one.quiet())
}

func (one sqlRule) empty(when string) string {
	if one.rule.OnEmpty == "" {
		return ""
	}
	return fmt.Sprintf("WHEN %s THEN '%s'", when, map[gates.OnEmpty]string{gates.EmptyPasses: "pass", gates.EmptyFails: "no_data", gates.EmptySkips: "skipped"}[one.rule.OnEmpty])
}

func (one sqlRule) noGroup() string {
	if len(one.rule.By) == 0 || one.keys != nil {
		return ""
	}
	return "WHEN coalesce(sum(tested), 0) = 0 THEN 'no_data'"
}

func (one sqlRule) allows() string {
	switch {
	case one.rule.Else == gates.Quarantine && one.rule.AtMost == (gates.Tolerance{}):
		return "true"
	case one.share >= 0:
		return fmt.Sprintf("failed * 100 <= %d * tested", one.share)
	}
	return fmt.Sprintf("failed <= %d", one.most)
}

func (one sqlRule) quiet() string {
	if one.rule.WarnAt == (gates.Tolerance{}) {
		return "true"
	}
	return "failed = 0"
}

// metric is a metric in CEL, and the aggregate over the column w (T: the row is chosen) that
// gives it as a double; err is when it is an error.
type metric struct{ cel, sql, err string }

func randomMetric(r *rand.Rand) metric {
	chosen := "FILTER (w = 'T')"
	numbers := "FILTER (w = 'T' AND NOT isnan(f))"
	nan := "count(*) FILTER (w = 'T' AND isnan(f)) > 0"
	wild := "count(*) FILTER (w = 'T' AND (isnan(f) OR isinf(f))) > 0"
	column := []string{"i", "f", "s", "d", "t", "g"}[r.IntN(6)]
	ranked := func(q string) string {
		return fmt.Sprintf("list_sort(list(f + 0.0) %s)[greatest(1, ceil(%s::DOUBLE * count(f) %s))::BIGINT]", numbers, q, numbers)
	}
	switch r.IntN(17) {
	case 0:
		return metric{cel: "rows()", sql: "count(*) " + chosen}
	case 1:
		return metric{cel: "count(" + column + ")", sql: "count(" + column + ") " + chosen}
	case 2:
		return metric{cel: "nulls(" + column + ")", sql: "count(*) FILTER (w = 'T' AND " + column + " IS NULL)"}
	case 3:
		return metric{cel: "null_share(" + column + ")", sql: fmt.Sprintf("count(*) FILTER (w = 'T' AND %s IS NULL) / nullif(count(*) %s, 0)", column, chosen)}
	case 4:
		return metric{cel: "sum(i)", sql: "sum(i) " + chosen}
	case 5:
		return metric{
			"sum(f)", "CASE WHEN count(*) FILTER (w = 'T' AND isinf(f)) > 0 THEN max(f) FILTER (w = 'T' AND isinf(f)) ELSE sum(f) FILTER (w = 'T' AND isfinite(f)) END",
			nan + " OR count(DISTINCT f) FILTER (w = 'T' AND isinf(f)) = 2",
		}
	case 6:
		return metric{cel: "mean(i)", sql: "avg(i) " + chosen}
	case 7:
		return metric{"mean(f)", "avg(f) FILTER (w = 'T' AND isfinite(f))", wild}
	case 8:
		m := []string{"min", "max"}[r.IntN(2)]
		return metric{cel: m + "(f)", sql: m + "(f) " + numbers}
	case 9:
		m := []string{"min", "max"}[r.IntN(2)]
		return metric{cel: m + "(i)", sql: m + "(i) " + chosen}
	case 10:
		return metric{cel: "distinct(" + column + ")", sql: "count(DISTINCT " + column + ") " + chosen}
	case 11:
		s := randomClaim(r, r.IntN(2))
		return metric{"count_if(" + s.cel + ")", fmt.Sprintf("count(*) FILTER (w = 'T' AND %s = 'T')", s.sql), fmt.Sprintf("count(*) FILTER (w = 'T' AND %s = 'E') > 0", s.sql)}
	case 12:
		s := randomClaim(r, r.IntN(2))
		return metric{
			"share(" + s.cel + ")", fmt.Sprintf("count(*) FILTER (w = 'T' AND %s = 'T') / nullif(count(*) FILTER (w = 'T' AND %s IN ('T', 'F')), 0)", s.sql, s.sql),
			fmt.Sprintf("count(*) FILTER (w = 'T' AND %s = 'E') > 0", s.sql),
		}
	case 13:
		q := []string{"0.0", "0.25", "0.5", "0.9", "0.99", "1.0"}[r.IntN(6)]
		return metric{"quantile(f, " + q + ")", ranked(q), nan}
	case 14:
		return metric{"median(f)", ranked("0.5"), nan}
	case 15:
		finite := "FILTER (w = 'T' AND isfinite(f))"
		return metric{
			"outliers(f, 2)", fmt.Sprintf("CASE WHEN count(f) %s < 2 THEN NULL ELSE list_sum(list_transform(list(f) %s, lambda x: CASE WHEN abs(x - avg(f) %s) > 2 * stddev_samp(f) %s THEN 1 ELSE 0 END)) END", finite, finite, finite, finite),
			wild,
		}
	}
	return metric{cel: "approx_distinct(" + column + ")", sql: "count(DISTINCT " + column + ") " + chosen}
}

func (one *sqlRule) statement(r *rand.Rand) {
	cel, text := randomStatement(r, r.IntN(3))
	one.rule.Check, one.says = gates.Expect(cel), text
	if r.IntN(4) == 0 {
		one.rule.By = []string{"g"}
	}
}

// randomStatement is a statement in CEL, and as an aggregate that gives T, F, N or E.
func randomStatement(r *rand.Rand, depth int) (cel, text string) {
	if depth == 0 {
		m := randomMetric(r)
		if m.err == "" {
			m.err = "false"
		}
		op := []string{">", "<=", "!=", "=="}[r.IntN(4)]
		bound := float64([]int{0, 0, 1, 3, 5, 50, 300}[r.IntN(7)]) + 0.0625*float64(r.IntN(2))
		for _, share := range []string{"share(", "null_share("} {
			if strings.HasPrefix(m.cel, share) {
				bound = []float64{0, 0.1, 0.35, 1}[r.IntN(4)]
			}
		}
		number := fmt.Sprint(bound)
		whole := slices.ContainsFunc([]string{"rows(", "count", "nulls(", "sum(i", "min(i", "max(i", "distinct(", "outliers(", "approx"}, func(p string) bool { return strings.HasPrefix(m.cel, p) })
		switch {
		case whole && (op == "!=" || op == "=="):
			number = fmt.Sprint(int64(bound))
		case !strings.Contains(number, "."):
			number += ".0"
		}
		sqlOp := map[string]string{">": ">", "<=": "<=", "!=": "<>", "==": "="}[op]
		return m.cel + " " + op + " " + number, fmt.Sprintf("(CASE WHEN %s THEN 'E' WHEN (%s) IS NULL THEN 'N' WHEN (%s)::DOUBLE %s %s::DOUBLE THEN 'T' ELSE 'F' END)", m.err, m.sql, m.sql, sqlOp, number)
	}
	a, as := randomStatement(r, depth-1)
	b, bs := randomStatement(r, 0)
	switch r.IntN(3) {
	case 0:
		return "!(" + a + ")", fmt.Sprintf("(CASE %s WHEN 'T' THEN 'F' WHEN 'F' THEN 'T' ELSE %s END)", as, as)
	case 1:
		return fmt.Sprintf("(%s) && (%s)", a, b), decided(as, bs, "F", "T")
	}
	return fmt.Sprintf("(%s) || (%s)", a, b), decided(as, bs, "T", "F")
}

func (one sqlRule) judgeStatement() string {
	group, having := "", ""
	if len(one.rule.By) > 0 {
		group, having = "GROUP BY g", "HAVING count(*) FILTER (w = 'T') > 0"
	}
	return fmt.Sprintf(`
		WITH states AS (SELECT *, %s AS w FROM kept), said AS (SELECT %s AS st FROM states %s %s)
		SELECT CASE WHEN (SELECT count(*) FROM states WHERE w = 'E') > 0 THEN 'error'
			WHEN count(*) FILTER (st = 'E') > 0 THEN 'error' %s WHEN count(*) = 0 THEN 'no_data'
			WHEN count(*) FILTER (st = 'F') > 0 THEN 'fail' WHEN count(*) FILTER (st = 'N') > 0 THEN 'no_data' ELSE 'pass' END FROM said`,
		one.where, one.says, group, having, one.empty("(SELECT count(*) FROM kept) = 0"))
}
