package profile_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	_ "github.com/duckdb/duckdb-go/v2" // the oracle
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

func oracle(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func ask[T any](t *testing.T, db *sql.DB, query string) T {
	t.Helper()
	var v T
	if err := db.QueryRow(query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func do(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// table makes n rows with columns of many types, nulls, duplicates, and values that are
// neither spread evenly nor in order; each seed gives others.
func table(t *testing.T, db *sql.DB, n, seed int) {
	t.Helper()
	do(t, db, fmt.Sprintf("SELECT setseed(%v)", 1/float64(seed+2)))
	do(t, db, fmt.Sprintf(`CREATE OR REPLACE TABLE t AS
		WITH r AS (SELECT i, random() AS a, random() AS b, random() AS c, random() AS d FROM range(%d) x(i)),
		u AS (SELECT * FROM r UNION ALL SELECT * FROM r WHERE a < 0.05)
		SELECT i AS id, CASE WHEN a < 0.1 THEN NULL ELSE (b * 1000 - 300)::BIGINT END AS n,
			(b * 200)::UTINYINT AS small, CASE WHEN c < 0.02 THEN 'nan'::DOUBLE WHEN c < 0.03 THEN NULL ELSE ln(b + 1e-9) * 10 END AS x,
			(b * 100 + d)::DOUBLE AS y, (a * 1000)::DECIMAL(10, 2) AS price,
			CASE WHEN d < 0.5 THEN 'é' || (c * 9)::INT WHEN d < 0.55 THEN '' WHEN d < 0.6 THEN ' ' WHEN d < 0.7 THEN NULL ELSE 'later' END AS word,
			md5(i::VARCHAR) AS digest, repeat(md5(i::VARCHAR), 1 + (a * 20)::INT) AS long,
			TIMESTAMP '1969-12-01 00:00:00' + to_seconds((floor(b * b * 90) * 86400 + floor(c * 3) * 40000)::BIGINT) AS at,
			DATE '2024-02-20' + (b * 30)::INT AS day, a < 0.3 AS yes, CASE WHEN b < 2 THEN NULL ELSE 1 END AS nothing, (c * 5)::INT AS code,
			[(c * 5)::INT, NULL] AS list, (a * 10)::INT::VARCHAR::BLOB AS bytes
		FROM u`, n))
}

func scan(t *testing.T, dir string, workers int, o profile.Options) *profile.Profile {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	pl := &pipeline.Pipeline{Name: "p", Sources: []pipeline.NamedSource{
		{Name: "data", Source: parquet.Source{Set: files.Set{Paths: []string{"*.parquet"}}}},
	}}
	env := &pipeline.Env{
		Dir: dir, Temp: filepath.Join(dir, "tmp"), Workers: workers, Memory: pipeline.NewBudget(64 << 20),
		Now: func() time.Time { return time.Time{} }, Alloc: alloc,
	}
	p, err := profile.Scan(context.Background(), "data", []profile.Part{{Pipeline: pl, Stage: "data", Env: env}}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(t *testing.T, p *profile.Profile) string {
	t.Helper()
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// near reports whether two numbers are the same but for rounding.
func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*math.Max(1, math.Max(math.Abs(a), math.Abs(b)))
}

// TestProfileSaysWhatDuckDBCounts is held against queries, column by column, and for any
// number of workers says the same.
func TestProfileSaysWhatDuckDBCounts(t *testing.T) {
	for seed, n := range []int{1, 7, 900, 5_000, 40_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			db, dir := oracle(t), t.TempDir()
			table(t, db, n, seed)
			rows := ask[int64](t, db, "SELECT count(*) FROM t")
			for i := range 2 { // the second file has the rows after those of the first
				do(t, db, fmt.Sprintf("COPY (SELECT * FROM t WHERE rowid %s %d ORDER BY rowid) TO '%s/%d.parquet' (ROW_GROUP_SIZE 4096)", []string{"<", ">="}[i], rows/3+1, dir, i))
			}
			p := scan(t, dir, 1, profile.Options{})
			check(t, db, p, rows)
			for _, workers := range []int{2, 8} {
				if diff := cmp.Diff(text(t, p), text(t, scan(t, dir, workers, profile.Options{}))); diff != "" {
					t.Errorf("%d workers say otherwise:\n%s", workers, diff)
				}
			}
		})
	}
}

func check(t *testing.T, db *sql.DB, p *profile.Profile, rows int64) {
	t.Helper()
	if p.Rows != rows || p.Duplicates == nil || *p.Duplicates != rows-ask[int64](t, db, "SELECT count(*) FROM (SELECT DISTINCT * FROM t)") {
		t.Errorf("%d rows, duplicates %v", p.Rows, p.Duplicates)
	}
	for _, c := range p.Columns {
		q := func(expr string) string {
			return fmt.Sprintf("SELECT %s FROM t", strings.ReplaceAll(expr, "$", `"`+c.Name+`"`))
		}
		if want := ask[int64](t, db, q("count(*) - count($)")); c.Nulls != want {
			t.Errorf("%s: %d nulls, want %d", c.Name, c.Nulls, want)
		}
		if want := ask[int64](t, db, q("count(DISTINCT $)")); !c.Distinct.Exact || c.Distinct.N != want {
			t.Errorf("%s: distinct %+v, want %d", c.Name, *c.Distinct, want)
		}
		for _, v := range c.Values {
			if c.Numbers == nil || strings.Contains(v.Value, "…") {
				continue
			}
			if want := ask[int64](t, db, q(fmt.Sprintf("count(*) FILTER ($ = '%s')", v.Value))); v.Rows != want {
				t.Errorf("%s: %q %d times, want %d", c.Name, v.Value, v.Rows, want)
			}
		}
		if c.Rows == c.Nulls {
			continue
		}
		switch {
		case c.Numbers != nil:
			checkNumbers(t, db, &c, q)
		case c.Texts != nil:
			checkTexts(t, db, &c, q)
		case c.Times != nil:
			checkTimes(t, db, &c, q)
		case c.Bools != nil:
			if want := ask[int64](t, db, q("count(*) FILTER ($)")); c.Bools.True != want {
				t.Errorf("%s: %d true, want %d", c.Name, c.Bools.True, want)
			}
		}
	}
	for _, r := range p.Correlations {
		finite := fmt.Sprintf("isfinite(%s::DOUBLE) AND isfinite(%s::DOUBLE)", r.A, r.B)
		if want := ask[float64](t, db, fmt.Sprintf("SELECT corr(%s, %s) FROM t WHERE %s", r.A, r.B, finite)); math.Abs(r.R-want) > 1e-6 {
			t.Errorf("correlation of %s and %s: %v, want %v", r.A, r.B, r.R, want)
		}
	}
}

func checkNumbers(t *testing.T, db *sql.DB, c *profile.Column, q func(string) string) {
	t.Helper()
	n := c.Numbers
	q2 := func(expr string) string { return q(expr) + " WHERE isfinite(" + c.Name + "::DOUBLE)" }
	count := ask[int64](t, db, q2("count($)"))
	for what, v := range map[string][2]float64{
		"min":       {floatOf(t, n.Min), ask[float64](t, db, q2("min($)::DOUBLE"))},
		"max":       {floatOf(t, n.Max), ask[float64](t, db, q2("max($)::DOUBLE"))},
		"mean":      {n.Mean, ask[float64](t, db, q2("avg($::DOUBLE)"))},
		"stddev":    {n.Stddev, ask[float64](t, db, q2("coalesce(stddev_samp($::DOUBLE), 0)"))},
		"zeros":     {float64(n.Zeros), ask[float64](t, db, q2("count(*) FILTER ($ = 0)::DOUBLE"))},
		"negatives": {float64(n.Negatives), ask[float64](t, db, q2("count(*) FILTER ($ < 0)::DOUBLE"))},
		"nan":       {float64(n.NaN), ask[float64](t, db, q("count(*) FILTER (isnan($::DOUBLE))::DOUBLE"))},
		"falls":     {float64(n.Falls), ask[float64](t, db, fmt.Sprintf("SELECT count(*) FILTER (v < was)::DOUBLE FROM (SELECT v, lag(v) OVER (ORDER BY r) AS was FROM (SELECT rowid AS r, %s AS v FROM t WHERE isfinite(%[1]s::DOUBLE)))", c.Name))},
	} {
		if !near(v[0], v[1]) {
			t.Errorf("%s: %s %v, want %v", c.Name, what, v[0], v[1])
		}
	}
	for i, share := range []float64{0.01, 0.25, 0.5, 0.75, 0.99} {
		below := ask[float64](t, db, q2(fmt.Sprintf("count(*) FILTER ($ < %v)::DOUBLE", n.Quantiles[i])))
		upto := ask[float64](t, db, q2(fmt.Sprintf("count(*) FILTER ($ <= %v)::DOUBLE", n.Quantiles[i])))
		slack := n.RankError*float64(count) + 1
		if want := share * float64(count); want < below-slack || want > upto+slack {
			t.Errorf("%s: quantile %v is %v, of rank %v to %v of %d", c.Name, share, n.Quantiles[i], below, upto, count)
		}
	}
	low, high := n.Quantiles[1], n.Quantiles[3]
	outside := ask[int64](t, db, q(fmt.Sprintf("count(*) FILTER ($ < %v OR $ > %v OR isnan($::DOUBLE))", low, high)))
	if got := n.Outside(low, high); got < outside || float64(got-outside) > 4*n.RankError*float64(count)+2 {
		t.Errorf("%s: %d outside of %v to %v, want %d", c.Name, got, low, high, outside)
	}
	var in int64
	for _, b := range c.Bins {
		in += b.Rows
	}
	if len(c.Bins) > 0 && (in > count || float64(in) < 0.96*float64(count)) {
		t.Errorf("%s: %d of %d in bins", c.Name, in, count)
	}
}

func floatOf(t *testing.T, n json.Number) float64 {
	t.Helper()
	v, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func checkTexts(t *testing.T, db *sql.DB, c *profile.Column, q func(string) string) {
	t.Helper()
	x := c.Texts
	for what, v := range map[string][2]float64{
		"shortest": {float64(x.MinLength), ask[float64](t, db, q("min(length($))::DOUBLE"))},
		"longest":  {float64(x.MaxLength), ask[float64](t, db, q("max(length($))::DOUBLE"))},
		"mean":     {x.MeanLength, ask[float64](t, db, q("avg(length($))"))},
		"empty":    {float64(x.Empty), ask[float64](t, db, q("count(*) FILTER ($ = '')::DOUBLE"))},
		"blank":    {float64(x.Blank), ask[float64](t, db, q("count(*) FILTER (trim($) = '')::DOUBLE"))},
	} {
		if !near(v[0], v[1]) {
			t.Errorf("%s: %s %v, want %v", c.Name, what, v[0], v[1])
		}
	}
	if want := ask[string](t, db, q("min($)[1:256]")); x.Min != want {
		t.Errorf("%s: least %q, want %q", c.Name, x.Min, want)
	}
	if want := ask[string](t, db, q("max($)[1:256]")); x.Max != want {
		t.Errorf("%s: greatest %q, want %q", c.Name, x.Max, want)
	}
	if x.Shape != "" && ask[int64](t, db, fmt.Sprintf("SELECT count(*) FROM t WHERE %s <> '' AND NOT regexp_matches(%[1]s, '%s')", c.Name, x.Shape)) > 0 {
		t.Errorf("%s: not all are like %s", c.Name, x.Shape)
	}
}

func checkTimes(t *testing.T, db *sql.DB, c *profile.Column, q func(string) string) {
	t.Helper()
	x := c.Times
	layout := "%Y-%m-%dT%H:%M:%SZ"
	if c.Type == "date" {
		layout = "%Y-%m-%d"
	}
	for what, v := range map[string][2]string{
		"first": {x.Min, ask[string](t, db, q("strftime(min($), '"+layout+"')"))},
		"last":  {x.Max, ask[string](t, db, q("strftime(max($), '"+layout+"')"))},
		"days":  {fmt.Sprint(x.Days), ask[string](t, db, q("count(DISTINCT $::DATE)::VARCHAR"))},
		"missing": {fmt.Sprint(x.Missing), ask[string](t, db, q(
			"(datediff('day', min($)::DATE, max($)::DATE) + 1 - count(DISTINCT $::DATE))::VARCHAR"))},
		"midnight": {fmt.Sprint(x.Midnight), ask[string](t, db, q("count(*) FILTER (date_trunc('day', $) = $)::VARCHAR"))},
	} {
		if v[0] != v[1] {
			t.Errorf("%s: %s %s, want %s", c.Name, what, v[0], v[1])
		}
	}
	for _, day := range x.Gaps {
		if ask[int64](t, db, q(fmt.Sprintf("count(*) FILTER ($::DATE = '%s')", day))) > 0 {
			t.Errorf("%s: %s is not missing", c.Name, day)
		}
	}
}

// TestManyRows looks at more rows than distinct values are counted of exactly: the estimates
// are within their bounds, and with Exact they are not estimates.
func TestManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("300,000 rows")
	}
	db, dir := oracle(t), t.TempDir()
	do(t, db, fmt.Sprintf("COPY (SELECT i AS id, i %% 5000 AS n, (i %% 70000)::VARCHAR AS s, i %% 7 AS few FROM range(300000) x(i)) TO '%s/a.parquet' (ROW_GROUP_SIZE 61440)", dir))
	want := map[string]int64{"id": 300_000, "n": 5_000, "s": 70_000, "few": 7}
	for _, exact := range []bool{false, true} {
		p := scan(t, dir, 2, profile.Options{Exact: exact})
		for _, c := range p.Columns {
			d := c.Distinct
			if d.Exact != (exact || c.Name == "few") || d.Low > want[c.Name] || d.High < want[c.Name] || d.Exact && d.N != want[c.Name] {
				t.Errorf("exact %v: %s has %+v distinct, want %d", exact, c.Name, *d, want[c.Name])
			}
			if got := c.Unique(); (got != profile.NotUnique) != (c.Name == "id") || exact && c.Name == "id" && got != profile.Unique {
				t.Errorf("exact %v: %s is %q", exact, c.Name, got)
			}
		}
	}
}

// TestWithhold leaves no value of a column with many in the profile.
func TestWithhold(t *testing.T) {
	db, dir := oracle(t), t.TempDir()
	do(t, db, fmt.Sprintf("COPY (SELECT 'secret' || i AS s, 'open' || i %% 3 AS o, i AS n FROM range(500) x(i)) TO '%s/a.parquet'", dir))
	p := scan(t, dir, 1, profile.Options{})
	if !strings.Contains(text(t, p), "secret") {
		t.Error("nothing to withhold")
	}
	p.Withhold()
	got := text(t, p)
	if strings.Contains(got, "secret") || !strings.Contains(got, "open1") || len(p.Withheld) != 1 || p.Withheld[0] != "s" {
		t.Errorf("withheld %v of\n%s", p.Withheld, got)
	}
}
