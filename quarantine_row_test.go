package penstock_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	_ "github.com/duckdb/duckdb-go/v2" // the oracle

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

func duckDB(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

// column gives the values of a query's only column, in its order.
func column(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		check(t, rows.Scan(&v))
		all = append(all, v)
	}
	check(t, rows.Err())
	return all
}

// days is seven thousand rows in an order of its own, of four months. Some amounts are
// negative, some rows cancelled.
const days = `SELECT i AS id, DATE '2026-01-01' + CAST(CASE WHEN i < 3000 THEN i % 31 ELSE i % 120 END AS INTEGER) AS day,
	CASE WHEN i % 3 = 0 THEN 'open' WHEN i % 3 = 1 THEN 'shipped' ELSE 'cancelled' END AS status,
	CAST(CASE WHEN hash(i) % 40 = 0 THEN -1 - i ELSE i END AS BIGINT) AS amount FROM range(7000) t(i)`

var daysSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "status", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "amount", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

// What is quarantined says which row of its file it was: the row that DuckDB, or counting
// lines, finds there.
func TestRowIsTheRowOfTheFile(t *testing.T) {
	db := duckDB(t)
	for _, test := range []struct {
		name, copy string
		source     func(s files.Set) pipeline.Source
		// row is what gives the place of a row in its file.
		read string
	}{
		{
			"parquet", "(FORMAT parquet, ROW_GROUP_SIZE 2048)", func(s files.Set) pipeline.Source { return parquet.Source{Set: s} },
			"SELECT *, file_row_number AS n FROM read_parquet('%s', file_row_number = true)",
		},
		{"csv", "(FORMAT csv)", func(s files.Set) pipeline.Source { return csv.Source{Set: s} }, ""},
		{"jsonl", "(FORMAT json)", func(s files.Set) pipeline.Source {
			return jsonl.Source{Set: s, Schema: daysSchema}
		}, ""},
	} {
		for _, partitionBy := range []string{"", "day"} {
			t.Run(test.name+" "+partitionBy, func(t *testing.T) {
				dir := t.TempDir()
				in := filepath.Join(dir, "in."+test.name)
				_, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s' %s", days, in, test.copy))
				check(t, err)
				aside := asideOf(t, dir, test.source(files.Set{Paths: []string{"in." + test.name}, PartitionBy: partitionBy}))
				got := column(t, db, fmt.Sprintf("SELECT concat_ws(' ', _row, id, amount) FROM read_parquet('%s') ORDER BY _row", aside))
				if len(got) == 0 {
					t.Fatal("nothing was quarantined")
				}
				where := "status <> 'cancelled' AND amount < 0"
				if partitionBy != "" {
					where += " AND day >= '2026-02-01' AND day < '2026-03-01'"
				}
				var want []string
				if test.read != "" {
					want = column(t, db, fmt.Sprintf("SELECT concat_ws(' ', n, id, amount) FROM ("+test.read+") WHERE "+where+" ORDER BY n", in))
				} else {
					want = byLine(t, in, column(t, db, fmt.Sprintf("SELECT concat_ws(' ', id, amount) FROM (%s) WHERE %s ORDER BY id", days, where)))
				}
				if strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("quarantined are %d rows, from %q; expected %d, from %q", len(got), got[0], len(want), want[0])
				}
				if n := column(t, db, fmt.Sprintf("SELECT count(*)::VARCHAR FROM read_parquet('%s') WHERE NOT starts_with(_source, 'in.%s')", aside, test.name)); n[0] != "0" {
					t.Errorf("%s rows are from another file", n[0])
				}
			})
		}
	}
}

// byLine puts before "id amount" the number of the line of a text file, without its header,
// that has both.
func byLine(t *testing.T, path string, rows []string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if strings.HasSuffix(path, ".csv") {
		lines = lines[1:]
	}
	for _, row := range rows {
		id, amount, _ := strings.Cut(row, " ")
		for n, line := range lines {
			csv := strings.HasPrefix(line, id+",") && strings.HasSuffix(line, ","+amount)
			json := strings.HasPrefix(line, `{"id":`+id+",") && strings.HasSuffix(line, `"amount":`+amount+"}")
			if csv || json {
				all = append(all, fmt.Sprintf("%d %s", n, row))
			}
		}
	}
	return all
}

// asideOf runs a pipeline that quarantines negative amounts of what is not cancelled, and
// gives the file of quarantined rows.
func asideOf(t *testing.T, dir string, source pipeline.Source) string {
	t.Helper()
	rec, err := open(t, dir).Run(t.Context(), &pipeline.Pipeline{
		Name: "rows", Partitions: pipeline.Scheme{By: pipeline.Month},
		Sources: []pipeline.NamedSource{{Name: "in", Source: source}},
		Stages: []pipeline.Stage{{
			Name: "clean", From: []string{"in"}, Operators: []pipeline.Operator{operators.Filter(`status != "cancelled"`), operators.Drop("status", "day")},
			Gates:  gates.Of(gates.Rule{Name: "positive", Check: gates.Rows("amount >= 0"), Else: gates.Quarantine}),
			Output: &pipeline.Output{Path: "out/clean", Format: parquet.Format{}},
		}},
	}, "2026-02")
	if err != nil || rec.Status != pipeline.Published {
		t.Fatalf("%s, %v", rec.Status, err)
	}
	return filepath.Join(dir, rec.Outputs[0].Quarantine[0])
}

// A gate that looks at a text as the file's dictionary has it sees only the rows of the
// partition.
func TestJudgedRowsAreOfThePartition(t *testing.T) {
	db, dir := duckDB(t), t.TempDir()
	in := filepath.Join(dir, "in.parquet")
	_, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 2048)", days, in))
	check(t, err)
	rec, err := open(t, dir).Run(t.Context(), &pipeline.Pipeline{
		Name: "rows", Partitions: pipeline.Scheme{By: pipeline.Month},
		Sources: []pipeline.NamedSource{{Name: "in", Source: parquet.Source{Set: files.Set{Paths: []string{"in.parquet"}, PartitionBy: "day"}}}},
		Stages:  []pipeline.Stage{{Name: "judged", From: []string{"in"}, Gates: gates.Of(gates.Rule{Check: gates.Rows(`status != "open"`), Severity: pipeline.SeverityWarn})}},
	}, "2026-02")
	check(t, err)
	want := column(t, db, fmt.Sprintf("SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE status = 'open')) FROM (%s) WHERE month(day) = 2", days))
	if f := rec.Gates[0]; fmt.Sprintf("%d %d", f.RowsTested, f.RowsFailed) != want[0] {
		t.Errorf("%d rows were tested and %d failed, want %s", f.RowsTested, f.RowsFailed, want[0])
	}
}

// A gate that looks at a text as the file's dictionary has it sees the other columns as the
// files have them together.
func TestJudgedRowsOfFilesThatDrift(t *testing.T) {
	db, dir := duckDB(t), t.TempDir()
	for name, columns := range map[string]string{"a": "status", "b": "status, amount"} {
		_, err := db.Exec(fmt.Sprintf("COPY (SELECT %s FROM (%s)) TO '%s' (FORMAT parquet)", columns, days, filepath.Join(dir, name+".parquet")))
		check(t, err)
	}
	rec, err := open(t, dir).Run(t.Context(), &pipeline.Pipeline{
		Name:    "rows",
		Sources: []pipeline.NamedSource{{Name: "in", Source: parquet.Source{Set: files.Set{Paths: []string{"*.parquet"}, Drift: files.Evolve}}}},
		Stages:  []pipeline.Stage{{Name: "judged", From: []string{"in"}, Gates: gates.Of(gates.Rule{Check: gates.Rows(`status != "open" && amount >= 0`), Severity: pipeline.SeverityWarn})}},
	}, "")
	check(t, err)
	want := column(t, db, fmt.Sprintf(`SELECT concat_ws(' ', count(*) FILTER (WHERE v IS NOT NULL), count(*) FILTER (WHERE NOT v)) FROM (
		SELECT status <> 'open' AND amount >= 0 AS v FROM (%[1]s) UNION ALL SELECT status <> 'open' AND NULL FROM (%[1]s))`, days))
	if f := rec.Gates[0]; fmt.Sprintf("%d %d", f.RowsTested, f.RowsFailed) != want[0] {
		t.Errorf("%d rows were tested and %d failed, want %s", f.RowsTested, f.RowsFailed, want[0])
	}
}
