package sql

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Several statements share a database, which is locked like all others, and leaves nothing behind.
func TestDatabase(t *testing.T) {
	env := testEnv(t, 2)
	db, err := Open(env, 2)
	if err != nil {
		t.Fatal(err)
	}
	b := table(t, env.Alloc, parseSchema(flights), flightRows...)
	if err := db.Load(t.Context(), "t", b.Schema(), pipeline.Batches(b)); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "CREATE TEMP TABLE u AS SELECT origin, count(*) AS n FROM t GROUP BY origin"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, schema, err := db.Query(t.Context(), "SELECT origin, n FROM u ORDER BY origin NULLS FIRST")
		if err != nil {
			t.Fatal(err)
		}
		if got := pipeline.TypeName(schema.Field(1).Type); got != "int64" {
			t.Errorf("n is a %s", got)
		}
		var rows []string
		if err := pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			rows = append(rows, texts(b)...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(rows, " "), "null|1 JFK|1 ORD|3 SFO|1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, text := range []string{"CREATE TABLE x AS SELECT * FROM read_csv('/etc/passwd')", "SET threads = 8", "COPY t TO '/tmp/x.csv'"} {
		if err := db.Exec(t.Context(), text); err == nil {
			t.Errorf("%s: it ran", text)
		}
	}
	if _, _, err := db.Query(t.Context(), "SELECT nothing FROM u"); err == nil || pipeline.KindOf(err) != pipeline.Invalid {
		t.Errorf("a column that is not there: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
