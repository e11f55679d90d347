package penstock_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// manyReasons has columns that are unknown for several reasons, are made by several operators, and
// have tags of several sources.
const manyReasons = `name: p
sources:
  a:
    csv: a.csv
    schema: {id: int64, x: int64, y: int64, s: string}
    columns: {s: {tags: [pii, name, secret]}, x: {tags: [k1, k2, k3]}, y: {tags: [k4, k5]}}
  b: {csv: b.csv, schema: {id: int64, z: int64}, columns: {z: {tags: [m1, m2]}}}
stages:
  lost:
    from: {a: a}
    operators:
      - sql: SELECT min(COLUMNS(c -> c = 'id')) AS l, max(COLUMNS(c -> c = 'x')) AS m, COLUMNS('x|y') FROM a GROUP BY x, y ORDER BY ALL
      - derive: {both: l + m, all_of: 'x > 1 ? l : m'}
  pivoted:
    from: {a: a}
    operators:
      - sql: SELECT * FROM (PIVOT a ON id IN (1, 2) USING sum(x) GROUP BY y) ORDER BY ALL
  lost_of_all:
    from: {lost: lost, pivoted: pivoted}
    operators:
      - sql: SELECT l + y AS v, pivoted."1" + m AS w FROM lost JOIN pivoted USING (y) ORDER BY ALL
    output: {csv: lost}
  odd:
    from: {a: a, b: b}
    operators:
      - sql: |
          SELECT a.id, a.x + b.z AS w, concat(a.s, a.x, a.y, b.z) AS t, row_number() OVER (PARTITION BY a.s, b.z ORDER BY a.x, a.y) AS n
          FROM a FULL JOIN b ON a.id = b.id AND a.x = b.z WHERE a.y > 1 OR b.z < 2 ORDER BY a.s, b.z, a.x
      - derive: {v: w + n, c: 'n > 1 ? w : id', d: v * c}
      - filter: v > 1 && c > 2 && t != ''
    gates:
      - {name: g, rows: v > 3 && w < 9, else: quarantine}
    columns: {t: {tags: [own], untag: {pii: hashed, name: hashed, k1: no, k2: no}}}
    output: {csv: odd}
  both:
    from: [odd]
    operators:
      - sql: SELECT v + w + c + d AS all_of, t || t AS tt, sum(v) OVER (ORDER BY w, d) AS s FROM odd UNION ALL SELECT v, t, w FROM odd UNION BY NAME SELECT c AS s, t AS tt FROM odd ORDER BY ALL
    output: {csv: both}
`

// What is said of the columns of a pipeline is the same, word for word, however often it is bound.
func TestColumnsAreSaidTheSame(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "a.csv"), []byte("id,x,y,s\n1,2,3,p\n"), 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "b.csv"), []byte("id,z\n1,2\n"), 0o600))
	text, err := os.ReadFile("testdata/columns.txt")
	check(t, err)
	texts := []string{manyReasons}
	for _, c := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		stage, _, _ := strings.Cut(c, "\n----\n")
		texts = append(texts, columnsHead+"    "+strings.ReplaceAll(stage, "\n", "\n    ")+"\n")
	}
	for _, text := range texts {
		first := ""
		for range 50 {
			pl, err := config.Parse(filepath.Join(dir, "p.yaml"), []byte(text), config.Options{})
			check(t, err)
			plan, err := pipeline.Bind(t.Context(), pl, &pipeline.Env{Dir: dir, Temp: dir, Workers: 1, Memory: pipeline.NewBudget(1 << 26), Alloc: memory.DefaultAllocator})
			check(t, err)
			var all []pipeline.Lineage
			for _, s := range plan.Stages {
				all = append(all, s.Origins)
			}
			said, err := json.MarshalIndent(all, "", " ")
			check(t, err)
			if first == "" {
				first = string(said)
			}
			if text == manyReasons && strings.Count(first, `"unknown"`) < 3 {
				t.Fatalf("it has too few columns that are not known: %s", first)
			}
			if diff := cmp.Diff(first, string(said)); diff != "" {
				t.Fatalf("%s\n%s", text, diff)
			}
		}
	}
}
