package cli

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the oracle
)

// command runs the command line in this process.
func command(t *testing.T, want int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := Main(args, &stdout, &stderr); got != want {
		t.Fatalf("penstock %s: exit status %d, want %d\n%s", strings.Join(args, " "), got, want, stderr.String())
	}
	return stdout.String()
}

func oracle(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func ask(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var text string
	if err := db.QueryRow(query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

// cleaned is the demo's first stage in SQL.
const cleaned = `SELECT DISTINCT date, delay, distance, origin, destination, delay > 15 AS late, hour(date) AS hour
	FROM read_parquet('%s') WHERE distance > 0 AND date >= '2001-%02d-01' AND date < '2001-%02d-01'`

// checkFlights compares what the flights pipeline published in dir with direct queries
// on its input.
func checkFlights(t *testing.T, dir, input string) {
	t.Helper()
	db := oracle(t)
	sums := "concat_ws(' ', count(*), sum(delay), sum(distance), sum(epoch_us(date))::VARCHAR, count(DISTINCT origin), count(DISTINCT destination), sum(hour), count(*) FILTER (WHERE late))"
	for month := 1; month <= 6; month++ {
		from := fmt.Sprintf(cleaned, input, month, month+1)
		out := fmt.Sprintf("%s/warehouse/clean/month=2001-%02d/*.parquet", dir, month)
		want := ask(t, db, fmt.Sprintf("SELECT %s FROM (%s) WHERE delay BETWEEN -60 AND 720", sums, from))
		if got := ask(t, db, fmt.Sprintf("SELECT %s FROM read_parquet('%s')", sums, out)); got != want {
			t.Errorf("clean 2001-%02d: got %s, want %s", month, got, want)
		}
		want = ask(t, db, fmt.Sprintf("SELECT %s FROM (%s) WHERE delay NOT BETWEEN -60 AND 720", sums, from))
		aside := fmt.Sprintf("%s/warehouse/.penstock/datasets/clean/versions/month=2001-%02d/000001/quarantine/*.parquet", dir, month)
		if got := ask(t, db, fmt.Sprintf("SELECT %s FROM read_parquet('%s') WHERE _rules = 'plausible_delay'", sums, aside)); got != want {
			t.Errorf("quarantine 2001-%02d: got %s, want %s", month, got, want)
		}
		want = ask(t, db, fmt.Sprintf(`SELECT string_agg(concat_ws(' ', origin, n, late, round(mean, 6), miles), ';') FROM (
			SELECT origin, count(*) AS n, count(*) FILTER (WHERE late) AS late, avg(delay) AS mean, sum(distance) AS miles
			FROM (%s) WHERE delay BETWEEN -60 AND 720 GROUP BY origin ORDER BY n DESC, origin)`, from))
		out = fmt.Sprintf("%s/warehouse/airports/month=2001-%02d/*.parquet", dir, month)
		if got := ask(t, db, fmt.Sprintf(`SELECT string_agg(concat_ws(' ', iata, departures, late_departures, round(mean_delay, 6), miles), ';')
			FROM read_parquet('%s')`, out)); got != want {
			t.Errorf("airports 2001-%02d differ", month)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "warehouse/clean/month=2001-07")); err == nil {
		t.Error("2001-07 was published")
	}
}

func TestDemoPublishesWhatSQLComputes(t *testing.T) {
	dir := t.TempDir()
	out := command(t, 0, "demo", "--project", dir, "--quiet", "-o", "json")
	if n := strings.Count(out, `"status":"published"`); n != 6 {
		t.Errorf("%d months published, want 6", n)
	}
	checkFlights(t, filepath.Join(dir, demoDir), filepath.Join(dir, demoDir, "data/flights/*.parquet"))
	command(t, 0, "verify", "--project", filepath.Join(dir, demoDir))
}

// TestWholeFile runs the demo's pipeline over all three million flights.
func TestWholeFile(t *testing.T) {
	input, err := filepath.Abs("../../../shared/data/flights-3m.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(input); err != nil {
		t.Skip("the full flights file is not here: " + input)
	}
	if raceEnabled {
		t.Skip("takes too long with the race detector; the same pipeline runs under it on the demo's data")
	}
	dir := t.TempDir()
	command(t, 0, "init", "flights", "--project", dir, "--quiet")
	out := command(t, 1, "backfill", filepath.Join(dir, "pipeline.yaml"), "--param", "flights="+input, "--quiet", "-o", "json")
	rowsIn := map[string]int64{}
	var quarantined, asideOrDuplicate int64
	for line := range strings.Lines(out) {
		var s runSummary
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		quarantined += s.RowsQuarantined
		show := command(t, 0, "show", s.Run, "--project", dir, "-o", "json")
		var full struct {
			Stages []struct {
				Name    string `json:"name"`
				RowsIn  int64  `json:"rows_in"`
				RowsOut int64  `json:"rows_out"`
			} `json:"stages"`
		}
		if err := json.Unmarshal([]byte(show), &full); err != nil {
			t.Fatal(err)
		}
		rowsIn[s.Partition] = full.Stages[0].RowsIn
		asideOrDuplicate += full.Stages[0].RowsIn - full.Stages[0].RowsOut
	}
	want := map[string]int64{
		"2001-01": 508_239, "2001-02": 458_170, "2001-03": 511_502, "2001-04": 501_030,
		"2001-05": 518_831, "2001-06": 502_222, "2001-07": 6,
	}
	for month, n := range want {
		if rowsIn[month] != n {
			t.Errorf("%s: %d rows in, want %d", month, rowsIn[month], n)
		}
	}
	if quarantined != 142+180 {
		t.Errorf("%d rows quarantined, want the 142 under -60 minutes and the 180 over 720", quarantined)
	}
	if got := asideOrDuplicate - quarantined; got != 191 {
		t.Errorf("%d duplicates removed, want 191", got)
	}
	checkFlights(t, dir, input)

	// With another number of workers every byte comes out the same.
	out = command(t, 0, "run", filepath.Join(dir, "pipeline.yaml"), "--partition", "2001-03", "--workers", "1",
		"--param", "flights="+input, "--quiet", "-o", "json")
	if !strings.Contains(out, `"status":"unchanged"`) {
		t.Errorf("with one worker: %s", out)
	}
}
