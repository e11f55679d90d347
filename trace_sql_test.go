package penstock_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/internal/trace"
	"github.com/penstock-data/penstock/pipeline"
)

// Random queries over rows that carry an id: what is recorded of where each row came from must be
// what the ids in it say, and the data what it is where no row is followed.
func TestTraceOfRandomSQL(t *testing.T) {
	rounds := 120
	if testing.Short() {
		rounds = 30
	}
	first := seed.For(t)
	for i := range rounds {
		t.Run(fmt.Sprintf("seed=%d", first+uint64(i)), func(t *testing.T) {
			t.Parallel()
			w := &askedWorld{dir: t.TempDir(), r: rand.New(rand.NewPCG(first+uint64(i), 7))}
			w.inputs(t)
			query := w.nested()
			plain, got := w.run(t, query, false), w.run(t, query, true)
			// DuckDB may give ties in another order each time, also where no row is followed
			if !slices.Equal(inOrder(plain.rows["t"]), inOrder(got.rows["t"])) {
				t.Fatalf("rows that are followed are others:\n%s\n%v\n%v", query, plain.rows["t"], got.rows["t"])
			}
			for n, row := range got.rows["t"] {
				want, have := truthOf(row), w.recorded(t, got.trace["t"], int64(n))
				if !maps.Equal(want, have) {
					t.Fatalf("%s\nrow %d %v came from %v, recorded is %v", query, n, row, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)))
				}
			}
		})
	}
}

// askedWorld are two inputs with the columns id, k, v, s, f. An id of a is its row, one of b a
// thousand more.
type askedWorld struct {
	dir string
	r   *rand.Rand
}

func (w *askedWorld) inputs(t *testing.T) {
	t.Helper()
	most := []int{50, 50, 50, 500}[w.r.IntN(4)]
	for i, name := range []string{"a", "b"} {
		text := "id,k,v,s,f\n"
		for row := range w.r.IntN(most) {
			maybe := func(v any) any {
				if w.r.IntN(6) == 0 {
					return ""
				}
				return v
			}
			text += fmt.Sprintf("%d,%v,%v,%v,%v\n", i*1000+row, maybe(w.r.IntN(8)), maybe(w.r.IntN(40)-20), maybe(string(rune('a'+w.r.IntN(3)))),
				maybe([]float64{0.125, 0.25, 1e9, -3.75}[w.r.IntN(4)]))
		}
		if err := os.WriteFile(filepath.Join(w.dir, name+".csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *askedWorld) one(of ...string) string { return of[w.r.IntN(len(of))] }

// query is one of the class that is followed. The columns i0, i1 and i2 of its result tell of
// which rows a row is made. inner is one that reads queries.
func (w *askedWorld) query(inner bool) string {
	from, ids := w.from()
	where := w.one("", "", " WHERE x.v > -10", " WHERE x.k IN (1, 2, 3) OR x.s IS NULL", " WHERE CASE WHEN x.v > 0 THEN x.f > 0.2 ELSE true END", " WHERE x.s LIKE 'a%'")
	if w.r.IntN(2) == 0 {
		order := w.one("", " ORDER BY x.k", " ORDER BY 3 DESC, x.s NULLS FIRST", " ORDER BY more, w", " ORDER BY abs(x.v), x.id")
		if w.r.IntN(5) == 0 && !strings.Contains(from, "USING") && !inner { // a star, of the one table that has all columns
			return "SELECT " + ids + ", x.v AS w, coalesce(x.s, '-') AS more, COLUMNS(x.*) FROM " + from + where + order
		}
		return "SELECT " + ids + ", x.v AS w, coalesce(x.s, '-') || 'x' AS more, x.f * 2 AS d FROM " + from + where + order
	}
	var cols []string
	for _, id := range strings.Split(ids, ", ") {
		expr, name, _ := strings.Cut(id, " AS ")
		cols = append(cols, fmt.Sprintf("string_agg(DISTINCT %[1]s::VARCHAR, ' ' ORDER BY %[1]s::VARCHAR) AS %[2]s", expr, name))
	}
	aggs := strings.Join(cols, ", ") + ", count(*) AS n, count(*) FILTER (WHERE x.v > 0) AS some, sum(x.v)::BIGINT AS t, avg(x.f) AS mean"
	having := w.one("", "", " HAVING count(*) > 1", " HAVING n % 2 = 1")
	order := w.one("", " ORDER BY n DESC", " ORDER BY mean, n", " ORDER BY 1")
	switch w.r.IntN(5) {
	case 0:
		return "SELECT " + aggs + " FROM " + from + where + having
	case 1:
		return "SELECT x.k AS g, " + aggs + " FROM " + from + where + " GROUP BY ALL" + having + order
	case 2:
		return "SELECT x.k % 3 AS g, x.s AS h, " + aggs + " FROM " + from + where + " GROUP BY 1, x.s" + having + order
	case 3:
		return "SELECT " + aggs + " FROM " + from + where + " GROUP BY x.f, x.s" + having + order
	}
	return "SELECT upper(x.s) AS h, " + aggs + " FROM " + from + where + " GROUP BY h" + having + order
}

// nested is a query of the class, of which some read queries, or are made of several.
func (w *askedWorld) nested() string {
	within := "SELECT id, k, v, s, f FROM a WHERE v > -15 UNION ALL SELECT id, k, v + 1, s, f FROM b"
	switch w.r.IntN(8) {
	case 0:
		return "WITH a AS (SELECT * FROM a WHERE k < 6), c AS (SELECT * FROM a) " + strings.ReplaceAll(w.query(true), " b y", " c y")
	case 1:
		return "WITH u AS (" + within + ") " + strings.NewReplacer(" a x", " u x", " b x", " u x").Replace(w.query(true))
	case 2:
		return "SELECT *, y.id AS i1 FROM (SELECT id AS i0, k, upper(s) AS s FROM a) x " + w.one("JOIN", "LEFT JOIN", "FULL JOIN") +
			" (SELECT * EXCLUDE (s) FROM b) y USING (k)" + w.one("", " ORDER BY k, i0")
	case 3:
		return "SELECT k, string_agg(DISTINCT id::VARCHAR, ' ' ORDER BY id::VARCHAR) AS i0, sum(v)::BIGINT AS t FROM (" + within + ") GROUP BY k ORDER BY k"
	case 4:
		return "SELECT x.*, x.id AS i0 FROM (" + within + ") x " + w.one("SEMI", "ANTI") + " JOIN (SELECT k FROM b) y ON x.k = y.k"
	case 5:
		return "SELECT id AS i0, v FROM a UNION ALL (SELECT id, v * 2 FROM b UNION ALL SELECT x.id, 0 FROM a x) UNION ALL SELECT id, k FROM b" + w.one("", " ORDER BY v", " ORDER BY 2 DESC, i0")
	}
	return w.query(false)
}

// from is what is read, with x, and the ids of all that is.
func (w *askedWorld) from() (text, ids string) {
	x := w.one("a", "b")
	two := w.one("a", "b") + " y"
	ids = "x.id AS i0, y.id AS i1"
	kind := w.one("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
	switch w.r.IntN(8) {
	case 0, 1:
		return x + " x", "x.id AS i0"
	case 2:
		return fmt.Sprintf("%s x %s %s ON x.k = y.k", x, kind, two), ids
	case 3:
		return fmt.Sprintf("%s x %s %s USING (k, s)", x, kind, two), ids
	case 4:
		return fmt.Sprintf("%s x %s %s ON x.v < y.v AND x.k = y.k", x, kind, two), ids
	case 5:
		return fmt.Sprintf("%s x %s JOIN %s ON x.k = y.k", x, w.one("SEMI", "ANTI"), two), "x.id AS i0"
	case 6:
		return fmt.Sprintf("%s x, %s", x, two), ids
	}
	return fmt.Sprintf("%s x %s %s ON x.k = y.k %s b z ON z.v = y.v", x, kind, two, w.one("JOIN", "LEFT JOIN")), ids + ", z.id AS i2"
}

func (w *askedWorld) run(t *testing.T, query string, lineage bool) *tracedRun {
	t.Helper()
	types := ", schema: {id: int64, k: int64, v: int64, s: string, f: float64}}\n"
	text := "name: p\nsources:\n  a: {csv: a.csv" + types + "  b: {csv: b.csv" + types +
		"stages:\n  t:\n    from: [a, b]\n    operators:\n      - sql: |\n          " + query + "\n    output: {parquet: out/t}\n"
	if lineage {
		text += "    lineage: rows\n"
	}
	pl, err := config.Parse("p.yaml", []byte(text), config.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out, alloc := t.TempDir(), memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	env := &pipeline.Env{
		Dir: w.dir, Temp: out, Workers: 2, Memory: pipeline.NewBudget(256 << 20),
		Now: func() time.Time { return time.Time{} }, Alloc: alloc,
	}
	plan, err := pipeline.Bind(t.Context(), pl, env)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, err := plan.Run(t.Context(), staged{out}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return left(t, env, got)
}

// truthOf is the ids that a row has.
func truthOf(row map[string]string) map[int64]bool {
	ids := map[int64]bool{}
	for _, c := range []string{"i0", "i1", "i2"} {
		for _, id := range strings.Fields(row[c]) {
			n, err := strconv.ParseInt(id, 10, 64)
			if err == nil {
				ids[n] = true
			}
		}
	}
	return ids
}

// recorded is the ids of the rows that a trace file tells of.
func (w *askedWorld) recorded(t *testing.T, tr *trace.Reader, row int64) map[int64]bool {
	t.Helper()
	ids := map[int64]bool{}
	err := tr.Each(row, func(o trace.Origin) error {
		id := o.Row
		if o.Input.Name == "b" {
			id += 1000
		}
		ids[id] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// inOrder are rows as text, in an order of their own.
func inOrder(rows []map[string]string) (all []string) {
	for _, row := range rows {
		all = append(all, fmt.Sprint(row))
	}
	slices.Sort(all)
	return all
}
