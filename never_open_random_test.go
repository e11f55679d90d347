package penstock_test

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	_ "github.com/duckdb/duckdb-go/v2" // the oracle

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

var openSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "d", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
	{Name: "t", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "g", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// mood is how the values of a partition are: ordinary ones let rules pass.
type mood struct {
	nulls, nan, inf, wild float64 // how often
	rows                  int
}

func randomMood(r *rand.Rand) mood {
	often := func() float64 {
		return []float64{0, 0, 0, 0, 0, 0.01, 0.1, 0.5}[r.IntN(8)]
	}
	m := mood{often() / 2, often() / 3, often() / 4, often(), []int{0, 1, 2, 10, 100, 300}[r.IntN(6)]}
	if r.IntN(3) == 0 {
		m = mood{rows: 1 + r.IntN(200)}
	}
	return m
}

func (m mood) append(r *rand.Rand, b *array.RecordBuilder, id int64) {
	b.Field(0).(*array.Int64Builder).Append(id)
	maybe := func(p float64) bool { return r.Float64() < p }
	for c := 1; c < openSchema.NumFields(); c++ {
		if maybe(m.nulls) {
			b.Field(c).AppendNull()
			continue
		}
		switch f := b.Field(c).(type) {
		case *array.Int64Builder:
			v := 1 + int64(r.IntN(9))
			if maybe(m.wild) {
				v = int64(r.IntN(400)) - 200
			}
			f.Append(v)
		case *array.Float64Builder:
			v := float64(r.IntN(80)) / 8
			switch {
			case maybe(m.wild):
				v = float64(r.IntN(8000)-4000) / 8
			case maybe(m.nan):
				v = math.NaN()
			case maybe(m.inf):
				v = math.Inf(1 - 2*r.IntN(2))
			case maybe(0.05):
				v = math.Copysign(0, -1)
			}
			f.Append(v)
		case *array.StringBuilder:
			texts := []string{"a", "b", "c", "ab", "bc"}
			if maybe(m.wild) {
				texts = []string{"", "null", "NaN", "x\"y", "a,b", "zz", " a"}
			}
			f.Append(texts[r.IntN(len(texts))])
		case *array.Decimal128Builder:
			v := int64(r.IntN(1000))
			if maybe(m.wild) {
				v = int64(r.IntN(2_000_000)) - 1_000_000
			}
			f.Append(decimal128.FromI64(v))
		case *array.Date32Builder:
			v := 20454 + r.IntN(30) // of January 2026
			if maybe(m.wild) {
				v = r.IntN(40000) - 10000
			}
			f.Append(arrow.Date32(v))
		}
	}
}

// randomFiles writes a partition as some files of some row groups.
func randomFiles(t *testing.T, r *rand.Rand, dir, part string) {
	id := int64(0)
	m := randomMood(r)
	for n := range 1 + r.IntN(3) {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("in-%s-%d.parquet", part, n)))
		check(t, err)
		enc, err := parquet.Format{}.Create(f, openSchema)
		check(t, err)
		for range r.IntN(4) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, openSchema)
			for range r.IntN(m.rows + 1) {
				if id++; m.wild > 0.05 && r.IntN(50) == 0 {
					id--
				}
				m.append(r, b, id)
			}
			batch := b.NewRecordBatch()
			chunk, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
			check(t, err)
			check(t, enc.Append(chunk))
			batch.Release()
			b.Release()
		}
		check(t, enc.Close())
		check(t, f.Close())
	}
}

// openCase is a project on a random partition, with what runs on it.
type openCase struct {
	t     *testing.T
	db    *sql.DB
	dir   string
	rules []sqlRule
	// record publishes always, and another stage blocks every run.
	record bool
	seen   map[string]int // how runs ended, verdicts, and what decided them
}

func (c *openCase) pipeline() *pipeline.Pipeline {
	var rules []gates.Rule
	for _, r := range c.rules {
		rules = append(rules, r.rule)
	}
	pl := &pipeline.Pipeline{
		Name: "open", Partitions: pipeline.Scheme{By: pipeline.Key},
		Sources: []pipeline.NamedSource{{Name: "in", Source: parquet.Files("in-{partition}-*.parquet")}, {Name: "codes", Source: parquet.Files("codes.parquet")}},
		Stages: []pipeline.Stage{{
			Name: "judged", From: []string{"in"}, Gates: gates.Of(rules...),
			Output: &pipeline.Output{Path: "out", Format: parquet.Format{}, Always: c.record},
		}},
	}
	if c.record {
		pl.Stages = append(pl.Stages, pipeline.Stage{Name: "never", From: []string{"in"}, Gates: gates.Of(gates.Rule{Check: gates.Expect("rows() < 0")})})
	}
	return pl
}

// run carries a partition, and holds what came of it against what SQL says.
func (c *openCase) run(p *penstock.Project, how, part string) {
	rec, err := p.Run(c.t.Context(), c.pipeline(), part)
	if err != nil {
		c.t.Fatalf("%s of %s: %v", how, part, err)
	}
	c.exec("CREATE OR REPLACE TABLE inp AS SELECT * FROM read_parquet('%s/in-%s-*.parquet')", c.dir, part)
	c.exec("CREATE OR REPLACE TABLE kept AS SELECT * FROM inp WHERE %s", keptBy(c.rules))
	published := len(rec.Outputs) > 0
	if ended := rec.Status == pipeline.Published || rec.Status == pipeline.Unchanged; ended != (published && !c.record) {
		c.t.Errorf("%s of %s: %s, published %v", how, part, rec.Status, rec.Outputs)
	}
	if c.record && published {
		c.seen["record"]++
	}
	if published {
		var differ int64
		files := fmt.Sprintf("SELECT * FROM read_parquet('%s/out/key=%s/*.parquet', hive_partitioning = false)", c.dir, part)
		check(c.t, c.db.QueryRow(fmt.Sprintf("SELECT (SELECT count(*) FROM (%s EXCEPT ALL FROM kept)) + (SELECT count(*) FROM (FROM kept EXCEPT ALL %s))", files, files)).Scan(&differ))
		if differ != 0 {
			c.t.Errorf("%s of %s: %d published rows differ from those that should have been kept: %v", how, part, differ, c.rules)
		}
		c.exec("CREATE OR REPLACE TABLE kept AS %s", files)
	}
	c.seen[string(rec.Status)]++
	blocks := false
	for i, r := range c.rules {
		want := r.judge(c)
		got := rec.Gates[i]
		c.seen["verdict "+string(got.Verdict)]++
		c.seen["by "+got.DecidedBy]++
		blocks = blocks || r.rule.Severity != pipeline.SeverityWarn && !want.Passes() && want != pipeline.Skipped
		loose := got.Verdict == pipeline.NoData && want == pipeline.ErrorVerdict && len(r.rule.By) > 0
		if got.Verdict != want && !loose {
			c.t.Errorf("%s of %s: %v: %s (%s, decided by %s), SQL says %s\n%s", how, part, r.rule, got.Verdict, got.Observed, got.DecidedBy, want, r.query())
		}
	}
	if published == blocks {
		c.t.Errorf("%s of %s: status %s, SQL says that it blocks: %t", how, part, rec.Status, blocks)
	}
}

func (c *openCase) exec(format string, args ...any) {
	c.t.Helper()
	if _, err := c.db.ExecContext(c.t.Context(), fmt.Sprintf(format, args...)); err != nil {
		c.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}

// What is published is what SQL, which knows nothing of Penstock, finds no fault with; and
// what is blocked it finds a fault with. PENSTOCK_LONG goes on for so many minutes.
func TestNothingIsPublishedThatSQLWouldStop(t *testing.T) {
	cases, until := 60, time.Duration(0)
	if seed.Long() {
		minutes, err := time.ParseDuration(os.Getenv("PENSTOCK_LONG") + "m")
		check(t, err)
		cases, until = 0, minutes
	}
	next := seed.For(t)
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	start, n, seen := time.Now(), 0, map[string]int{}
	for ; (n < cases || time.Since(start) < until) && !t.Failed(); n++ {
		t.Run(fmt.Sprint(next), func(t *testing.T) { openRun(t, db, rand.New(rand.NewPCG(next, 0)), seen) })
		next++
	}
	t.Logf("%d cases; PENSTOCK_SEED=%d is the last; seen %v", n, next-1, seen)
	if n < 50 {
		return // too few to have seen everything
	}
	for _, what := range []string{"published", "blocked", "verdict pass", "verdict fail", "verdict error", "by footer", "by scan", "by stored states", "record"} {
		if seen[what] == 0 && !t.Failed() {
			t.Errorf("%s was never seen: %v", what, seen)
		}
	}
}

func openRun(t *testing.T, db *sql.DB, r *rand.Rand, seen map[string]int) {
	dir := t.TempDir()
	c := &openCase{t: t, db: db, dir: dir, seen: seen, record: r.IntN(3) == 0}
	c.exec("COPY (SELECT unnest(['a', 'b', 'c', 'ab', NULL]) AS code) TO '%s/codes.parquet'", dir)
	c.exec("CREATE OR REPLACE TABLE codes AS SELECT * FROM read_parquet('%s/codes.parquet')", dir)
	for _, part := range []string{"p1", "p2"} {
		randomFiles(t, r, dir, part)
	}
	for _, how := range []struct {
		name string
		opts penstock.Options
	}{
		{"a run on what is known", penstock.Options{Actor: "x", Workers: 3}},
		{"a run with stored states", penstock.Options{Actor: "x", Workers: 3}},
		{"a scan", penstock.Options{Actor: "x", Workers: 1, ForceScan: true}},
	} {
		if how.name != "a scan" {
			c.rules = randomSQLRules(r, c.rules)
		}
		p, err := penstock.Open(t.Context(), dir, how.opts)
		check(t, err)
		for _, part := range []string{"p1", "p2"} {
			c.run(p, how.name, part)
		}
		check(t, p.Close())
	}
}

// keptBy is the condition of rows that no rule puts aside.
func keptBy(rules []sqlRule) string {
	all := []string{"true"}
	for _, r := range rules {
		if r.rule.Else == gates.Quarantine {
			all = append(all, fmt.Sprintf("NOT (%s AND %s)", r.chosen(), r.fails()))
		}
	}
	return strings.Join(all, " AND ")
}
