package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/cli"
)

const (
	backfillFile = "benchmarks/backfill.md"
	// duckdbPackage has the command-line program of the same release as the library.
	duckdbPackage = "duckdb-cli==1.5.6"
	days          = 365
	realDays      = 181 // of the flights file; they follow upon themselves to make a year
)

// backfillPage compares a year of daily partitions of the flights pipeline with a shell loop
// over DuckDB, and writes the page.
func backfillPage(args []string) error {
	f := flag.NewFlagSet("backfill", flag.ContinueOnError)
	runs := f.Int("runs", 3, "counted runs of each side")
	duckdb := f.String("duckdb", "", "DuckDB's command-line program; by default that of PATH, or a package is fetched")
	parallel := f.Int("parallel", 2, "partitions at once")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := findDuckDB(*duckdb, dir)
	if err != nil {
		fmt.Println("skipped: there is no DuckDB program:", err)
		return nil
	}
	raw := filepath.Join(dir, "raw")
	if err := flightsByDay(raw); err != nil {
		return err
	}
	ours, peer := &side{name: "ours"}, &side{name: "peer"}
	for run := range *runs + 1 {
		if err := ours.time(run > 0, filepath.Join(dir, "ours"), "backfill-ours", filepath.Join(dir, "ours"), raw, fmt.Sprint(*parallel)); err != nil {
			return err
		}
		if err := peer.time(run > 0, filepath.Join(dir, "peer"), "backfill-peer", filepath.Join(dir, "peer"), raw, program); err != nil {
			return err
		}
	}
	if err := sameResults(filepath.Join(dir, "ours"), filepath.Join(dir, "peer")); err != nil {
		return err
	}
	again := &side{name: "again"}
	for range *runs {
		if err := again.time(true, "", "backfill-ours", filepath.Join(dir, "ours"), raw, fmt.Sprint(*parallel)); err != nil {
			return err
		}
	}
	text := backfillText(ours, peer, again, *runs, *parallel)
	fmt.Print(text)
	return os.WriteFile(backfillFile, []byte(text), 0o644)
}

// time runs this program once with arguments, in a process of its own. What it makes, in the
// directory fresh, is removed before; empty: nothing is.
func (s *side) time(counted bool, fresh string, args ...string) error {
	if fresh != "" {
		if err := os.RemoveAll(fresh); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if counted {
		s.wall = append(s.wall, time.Since(start).Seconds())
		s.cpu = append(s.cpu, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
		s.peak = append(s.peak, peakMiB(cmd.ProcessState))
	}
	return nil
}

func backfillText(ours, peer, again *side, runs, parallel int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Backfill\n\nWritten by `go run ./benchmarks backfill`: a year of daily partitions of the demo's pipeline, six million flights,\n"+
		"beside a shell loop that runs DuckDB once a day, as one would write it by hand: the same rows filtered, made unique,\n"+
		"checked, put aside and written, the same aggregate. Medians of %d runs in turn after one that is not counted; whole\n"+
		"processes and their children. The results are compared before a time is believed.\n\n", runs)
	fmt.Fprintf(&b, "%s/%s, %d processors, %s, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Fprintf(&b, "| %d days | `penstock backfill --parallel %d` | a loop over `duckdb` | ratio | the same command again |\n|---|---|---|---|---|\n", days, parallel)
	for _, row := range []struct {
		what, unit           string
		ours, theirs, repeat []float64
	}{{"wall", "s", ours.wall, peer.wall, again.wall}, {"CPU", "s", ours.cpu, peer.cpu, again.cpu}} {
		fmt.Fprintf(&b, "| %s | %.2f %s | %.2f %s | %.2f | %.2f %s |\n", row.what, median(row.ours), row.unit, median(row.theirs), row.unit,
			median(row.ours)/median(row.theirs), median(row.repeat), row.unit)
	}
	fmt.Fprintf(&b, "| a day | %.1f ms | %.1f ms | | |\n", 1000*median(ours.wall)/days, 1000*median(peer.wall)/days)
	b.WriteString("\nThe loop knows nothing of what it has done: to be safe to kill it would have to write aside and rename, and to be\n" +
		"resumable to look what is there; it does the first and not the second.\n")
	return b.String()
}

// backfillOurs lays out the demo's pipeline by day, if it is not there, and backfills the year.
func backfillOurs(dir, raw, parallel string) error {
	file := filepath.Join(dir, "pipeline.yaml")
	if _, err := os.Stat(file); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if code := cli.Main([]string{"init", "flights", "--project", dir, "--quiet"}, io.Discard, os.Stderr); code != 0 {
			return fmt.Errorf("init: exit status %d", code)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		byDay := strings.Replace(string(text), "{by: month, from: 2001-01, to: 2001-07}", "{by: day, from: 2001-01-01, to: 2001-12-31}", 1)
		if byDay == string(text) {
			return errors.New("the demo's pipeline has other partitions than this benchmark knows")
		}
		if err := os.WriteFile(file, []byte(byDay), 0o644); err != nil {
			return err
		}
	}
	code := cli.Main([]string{"backfill", file, "--param", "flights=" + raw + "/{partition}.parquet", "--parallel", parallel, "--quiet"}, io.Discard, os.Stderr)
	if code != 0 {
		return fmt.Errorf("backfill: exit status %d", code)
	}
	return nil
}

// peerDay is the job of a day, with the checks between the table and the copies: error() ends
// the program, and with it the day.
const peerDay = `CREATE TEMP TABLE c AS SELECT *, delay > 15 AS late, hour(date) AS hour FROM (
	SELECT DISTINCT ON (date, delay, distance, origin, destination) * FROM read_parquet('$RAW/$D.parquet')
	WHERE date >= '$D' AND date < DATE '$D' + 1 AND distance > 0);
SELECT CASE WHEN count(*) <= 1000
	OR count_if(date IS NULL OR delay IS NULL OR distance IS NULL OR origin IS NULL OR destination IS NULL)
	+ count_if(NOT regexp_matches(origin, '^[A-Z0-9]{3}$')) + count_if(NOT regexp_matches(destination, '^[A-Z0-9]{3}$'))
	+ count_if(origin = destination)
	+ count_if(origin NOT IN (SELECT iata FROM read_csv('$AIRPORTS'))) + count_if(destination NOT IN (SELECT iata FROM read_csv('$AIRPORTS'))) > 0
	THEN error('blocked') END FROM c;
COPY (SELECT * FROM c WHERE delay BETWEEN -60 AND 720) TO '$DIR/clean-$D.tmp' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT * FROM c WHERE delay NOT BETWEEN -60 AND 720) TO '$DIR/aside-$D.tmp' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT a.iata, a.name, a.city, a.state, count(*) AS departures, count(*) FILTER (WHERE c.late) AS late_departures,
	avg(c.delay) AS mean_delay, sum(c.distance)::BIGINT AS miles
	FROM read_parquet('$DIR/clean-$D.tmp') c JOIN read_csv('$AIRPORTS') a ON c.origin = a.iata
	GROUP BY ALL ORDER BY departures DESC, a.iata) TO '$DIR/airports-$D.tmp' (FORMAT parquet, COMPRESSION zstd);
`

// backfillPeer writes the loop and runs it.
func backfillPeer(dir, raw, program string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	list, err := filepath.Abs(airports)
	if err != nil {
		return err
	}
	text := strings.NewReplacer("$RAW", raw, "$AIRPORTS", list, "$DIR", dir).Replace(peerDay)
	if err := os.WriteFile(filepath.Join(dir, "day.sql"), []byte(text), 0o644); err != nil {
		return err
	}
	loop := `set -eu
d=2001-01-01
while [ "$d" != 2002-01-01 ]; do
	sed "s/\$D/$d/g" day.sql | "$0" -bail -batch >/dev/null
	for part in clean aside airports; do mv "$part-$d.tmp" "$part-$d.parquet"; done
	d=$(date -d "$d + 1 day" +%F)
done`
	cmd := exec.Command("sh", "-c", loop, program)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return cmd.Run()
}

// flightsByDay cuts the flights file into a file a day, for a year.
func flightsByDay(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := filepath.Abs(fullFlights)
	if err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	first := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range days {
		from, day := first.AddDate(0, 0, i%realDays), first.AddDate(0, 0, i)
		text := fmt.Sprintf(`COPY (SELECT * REPLACE (date + INTERVAL %d DAY AS date) FROM read_parquet('%s') WHERE date >= '%s' AND date < '%s')
			TO '%s/%s.parquet' (FORMAT parquet, COMPRESSION zstd)`, i-i%realDays, data,
			from.Format(time.DateOnly), from.AddDate(0, 0, 1).Format(time.DateOnly), dir, day.Format(time.DateOnly))
		if _, err := db.ExecContext(context.Background(), text); err != nil {
			return err
		}
	}
	return nil
}

// findDuckDB finds the program, or takes it out of the package that has it.
func findDuckDB(name, dir string) (string, error) {
	if name != "" {
		return filepath.Abs(name)
	}
	if found, err := exec.LookPath("duckdb"); err == nil {
		return found, nil
	}
	target := filepath.Join(dir, "package")
	out, err := exec.Command("python3", "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, duckdbPackage).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	program := filepath.Join(target, "duckdb_cli", "duckdb")
	return program, os.Chmod(program, 0o755)
}
