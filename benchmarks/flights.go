package main

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // the peer, and the judge of both results

	"github.com/penstock-data/penstock/internal/cli"
)

// ours lays out the demo's pipeline and backfills it over the data. The partial month
// is blocked, which is exit status 1.
func ours(dir, data string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if code := cli.Main([]string{"init", "flights", "--project", dir, "--quiet"}, io.Discard, os.Stderr); code != 0 {
		return fmt.Errorf("init: exit status %d", code)
	}
	code := cli.Main([]string{"backfill", filepath.Join(dir, "pipeline.yaml"), "--param", "flights=" + data, "--quiet"}, io.Discard, io.Discard)
	if code != 1 {
		return fmt.Errorf("backfill: exit status %d", code)
	}
	return nil
}

// peer is the same job in SQL, as one would write it by hand: a temporary table for each
// month, one query for all checks, then the copies.
func peer(dir, data string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for month := 1; month <= 7; month++ {
		if err := peerMonth(db, dir, data, month); err != nil {
			return err
		}
	}
	return nil
}

func peerMonth(db *sql.DB, dir, data string, month int) error {
	r := strings.NewReplacer(
		"$DATA", data, "$AIRPORTS", airports, "$DIR", dir, "$M", fmt.Sprintf("%02d", month),
		"$FROM", fmt.Sprintf("2001-%02d-01", month), "$TO", fmt.Sprintf("2001-%02d-01", month+1))
	if _, err := db.Exec(r.Replace(`CREATE OR REPLACE TEMP TABLE c AS
		SELECT *, delay > 15 AS late, hour(date) AS hour FROM (
			SELECT DISTINCT ON (date, delay, distance, origin, destination) *
			FROM read_parquet('$DATA') WHERE date >= '$FROM' AND date < '$TO' AND distance > 0)`)); err != nil {
		return err
	}
	var rows, bad int64
	if err := db.QueryRow(r.Replace(`SELECT count(*),
		count(*) FILTER (WHERE date IS NULL OR delay IS NULL OR distance IS NULL OR origin IS NULL OR destination IS NULL)
		+ count(*) FILTER (WHERE NOT regexp_matches(origin, '^[A-Z0-9]{3}$'))
		+ count(*) FILTER (WHERE NOT regexp_matches(destination, '^[A-Z0-9]{3}$'))
		+ count(*) FILTER (WHERE origin = destination)
		+ count(*) FILTER (WHERE origin NOT IN (SELECT iata FROM read_csv('$AIRPORTS')))
		+ count(*) FILTER (WHERE destination NOT IN (SELECT iata FROM read_csv('$AIRPORTS')))
		FROM c`)).Scan(&rows, &bad); err != nil {
		return err
	}
	if rows <= 1000 || bad > 0 {
		return nil // blocked
	}
	for _, text := range []string{
		`COPY (SELECT * FROM c WHERE delay BETWEEN -60 AND 720) TO '$DIR/clean-$M.parquet' (FORMAT parquet, COMPRESSION zstd)`,
		`COPY (SELECT * FROM c WHERE delay NOT BETWEEN -60 AND 720) TO '$DIR/aside-$M.parquet' (FORMAT parquet, COMPRESSION zstd)`,
		`COPY (SELECT a.iata, a.name, a.city, a.state, count(*) AS departures, count(*) FILTER (WHERE c.late) AS late_departures,
			avg(c.delay) AS mean_delay, sum(c.distance)::BIGINT AS miles
			FROM read_parquet('$DIR/clean-$M.parquet') c JOIN read_csv('$AIRPORTS') a ON c.origin = a.iata
			GROUP BY ALL ORDER BY departures DESC, a.iata)
			TO '$DIR/airports-$M.parquet' (FORMAT parquet, COMPRESSION zstd)`,
	} {
		if _, err := db.Exec(r.Replace(text)); err != nil {
			return err
		}
	}
	return nil
}

// sameResults compares what the two sides wrote.
func sameResults(ours, peer string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	for _, pair := range [][3]string{
		{ours + "/warehouse/clean/*/*.parquet", peer + "/clean-*.parquet", "count(*), sum(delay), sum(distance), count(DISTINCT origin), sum(hour), count(*) FILTER (WHERE late)"},
		{ours + "/warehouse/airports/*/*.parquet", peer + "/airports-*.parquet", "count(*), sum(departures), sum(late_departures), sum(miles), round(sum(mean_delay), 6)"},
	} {
		var got [2]string
		for i := range got {
			query := fmt.Sprintf("SELECT concat_ws(' ', %s) FROM read_parquet('%s')", pair[2], pair[i])
			if err := db.QueryRow(query).Scan(&got[i]); err != nil {
				return err
			}
		}
		if got[0] != got[1] {
			return fmt.Errorf("the results differ: %s: ours %s, the peer's %s", pair[2], got[0], got[1])
		}
	}
	return nil
}
