package penstock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// What a query has that keeps its rows from being followed is told when it is planned.
func TestTraceOfSQLIsRefused(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.csv": "id,v,f\n1,2,0.5\n", "b.csv": "id,rowid\n1,2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ query, want string }{
		{"SELECT id, sum(v) OVER (ORDER BY id) AS t FROM a", "it has a window function"},
		{"SELECT id FROM a WHERE v > 0 QUALIFY row_number() OVER (ORDER BY id) = 1", "it has a QUALIFY, which a window function decides"},
		{"SELECT DISTINCT v FROM a", "it has a DISTINCT"},
		{"SELECT DISTINCT ON (v) id FROM a ORDER BY id", "it has a DISTINCT"},
		{"SELECT id FROM a ORDER BY id LIMIT 3", "it has a LIMIT"},
		{"SELECT id FROM a USING SAMPLE 3", "it takes a sample"},
		{"SELECT id FROM a TABLESAMPLE 10%", "it takes a sample"},
		{"SELECT id FROM a WHERE v = (SELECT max(v) FROM a)", "it has a subquery in WHERE"},
		{"SELECT id FROM a WHERE v IN (SELECT v FROM a)", "it has a subquery in WHERE"},
		{"SELECT id, (SELECT max(v) FROM a) AS m FROM a", "it has a subquery in the select list"},
		{"SELECT id FROM a ORDER BY (SELECT 1)", "it has a subquery in ORDER BY"},
		{"SELECT v, count(*) AS n FROM a GROUP BY v HAVING count(*) > (SELECT 1)", "it has a subquery in HAVING"},
		{"SELECT x.id FROM a x JOIN a y ON x.id = (SELECT 1)", "it has a subquery in ON"},
		{"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r", "it has a recursive WITH"},
		{"WITH r AS (SELECT v, count(*) AS n FROM a GROUP BY v) SELECT v FROM r", "it has an aggregate in a query within it"},
		{"WITH r(i) AS (SELECT id FROM a) SELECT i FROM r", "what aliases means in"},
		{"WITH r AS (SELECT id FROM a LIMIT 1) SELECT id FROM r", "it has a LIMIT"},
		{"SELECT id FROM a UNION SELECT id FROM a", "it is made of others by UNION"},
		{"SELECT id FROM a UNION ALL BY NAME SELECT id FROM a", "it is made of others by UNION BY NAME"},
		{"SELECT count(*) AS n FROM a UNION ALL SELECT id FROM a", "it has an aggregate in a query within it"},
		{"SELECT id FROM a UNION ALL SELECT 1", "it reads no input"},
		{"SELECT r::VARCHAR AS t FROM (SELECT id FROM a) r", "it takes the row of r as one value"},
		{"SELECT COLUMNS('i.*') FROM (SELECT id FROM a) r", "it has COLUMNS of a query"},
		{"SELECT id FROM a NATURAL JOIN (SELECT id FROM a) r", "it has a natural join with a query"},
		{"SELECT id FROM a EXCEPT SELECT v FROM a", "it is made of others by EXCEPT"},
		{"SELECT n FROM range(3) r(n)", "it has a function in FROM"},
		{"SELECT id, n FROM a, range(3) r(n)", "it has a function in FROM"},
		{"SELECT * FROM (VALUES (1)) t(n)", "is not known here"},
		{"SELECT 1 AS one", "it reads no input"},
		{"SELECT id, unnest([1, 2]) AS n FROM a", "it has an unnest"},
		{"SELECT id, random() AS r FROM a", "it calls random, which gives something else each time"},
		{"SELECT id, now() AS at FROM a", "it calls now, which gives something else each time"},
		{"SELECT v, first(id) AS i FROM a GROUP BY v", "it calls first, which depends on the order of the rows it is given, and has no ORDER BY in its brackets"},
		{"SELECT v, count(*) AS n FROM a GROUP BY ROLLUP (v)", "it groups by several sets of columns"},
		{"SELECT id, v FROM a ORDER BY ALL", "it has an ORDER BY ALL"},
		{"SELECT x.id FROM a x ASOF JOIN a y ON x.id >= y.id", "it has a join of kind ASOF"},
		{"SELECT x.id FROM a x POSITIONAL JOIN a y", "it has a join of kind POSITIONAL"},
		{"SELECT id FROM b", "a column of b is called rowid, as the place of a row is"},
		{"SELECT id FROM a WHERE f > 1e0", "DuckDB does not write it as it was read"},
		{"SELECT * REPLACE (v + 1 AS v) FROM a", "it has a star with REPLACE"},
		{"SELECT #1 AS i FROM a", "POSITIONAL_REFERENCE is not known here"},
		{"SELECT table_name FROM duckdb_tables", "table duckdb_tables is no input of it"},

		{"SELECT id FROM (SELECT id FROM a)", ""},
		{"WITH a AS (SELECT id FROM a WHERE v > 0), c AS (SELECT * FROM a) SELECT * FROM c x JOIN c y USING (id)", ""},
		{"SELECT id FROM a UNION ALL SELECT v FROM a UNION ALL SELECT id FROM a ORDER BY id", ""},
		{"SELECT rowid AS place, v AS r FROM a", ""},
		{"SELECT x.* EXCLUDE (v), y.v AS rowid FROM a x JOIN a y USING (id) -- a remark", ""},
		{"FROM a SELECT id", ""},
		{"SELECT count(*) AS n FROM a", ""},
		{"SELECT v, first(id ORDER BY id) AS i, max(f) AS m FROM a GROUP BY v", ""},
		{"SELECT v % 2 AS odd, sum(id)::BIGINT AS t FROM main.a GROUP BY odd HAVING t > 1 ORDER BY 2", "what schema_name means in BASE_TABLE is not known here"},
	} {
		t.Run(c.query, func(t *testing.T) {
			text := "name: p\nsources:\n  a: {csv: a.csv}\n  b: {csv: b.csv}\nstages:\n  t:\n    from: [a, b]\n    output: {parquet: out/t}\n" +
				"    lineage: rows\n    operators:\n      - sql: |\n          " + c.query + "\n"
			pl, err := config.Parse("p.yaml", []byte(text), config.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = pipeline.Bind(t.Context(), pl, &pipeline.Env{Dir: dir, Workers: 1, Memory: pipeline.NewBudget(1 << 20), Alloc: memory.DefaultAllocator})
			at := "p.yaml:11:9: stage \"t\": `lineage: rows` can't be exact: "
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), at) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
