package main

import (
	"database/sql"
	"fmt"
	"strings"
)

// sidesSQL makes one side of a ledger and a bank's account of it: values by hashes of the number
// of the row, with a fixed seed, in an order of its own for each side. Every $EVERY-th row
// differs on the right, in turn: it is missing, has another id, another amount, another status.
const sidesSQL = `COPY (
	SELECT CASE WHEN kind = 1 THEN i + $ROWS ELSE i END AS id,
		'AC' || lpad((h(i, 1) % 100000)::VARCHAR, 8, '0') AS account,
		DATE '2026-01-01' + (h(i, 2) % 365)::INTEGER AS booked,
		((h(i, 3) % 100000000) / 100)::DECIMAL(18,2) + CASE WHEN kind = 2 THEN 0.01 ELSE 0 END::DECIMAL(18,2) AS amount,
		['EUR', 'USD', 'GBP', 'CHF', 'JPY'][1 + h(i, 4) % 5] AS currency,
		CASE WHEN kind = 3 THEN 'disputed' ELSE ['booked', 'cleared', 'pending', 'returned'][1 + h(i, 5) % 4] END AS status,
		['invoice ', 'order ', 'deposit ', 'refund '][1 + h(i, 6) % 4] || h(i, 7)::VARCHAR AS memo
	FROM (SELECT i, CASE WHEN $SIDE = 1 AND i % $EVERY = 7 % $EVERY THEN (i // $EVERY) % 4 ELSE -1 END AS kind FROM range($ROWS) t(i))
	WHERE kind <> 0
	ORDER BY h(i, 20 + $SIDE)
) TO '$PATH' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`

// generateSide writes one side, of which every j.Copies-th row differs. DuckDB, the peer, makes it.
func generateSide(j job) (outcome, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return outcome{}, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE MACRO h(i, c) AS (hash(i * 64 + c + 20261129) % 1000000007)::BIGINT`); err != nil {
		return outcome{}, err
	}
	text := strings.NewReplacer("$ROWS", fmt.Sprint(j.Rows), "$PATH", j.Path, "$SIDE", j.Variant, "$EVERY", fmt.Sprint(j.Copies)).Replace(sidesSQL)
	_, err = db.Exec(text)
	return outcome{}, err
}

// sideColumns are those that are compared, beside the key.
var sideColumns = []string{"account", "booked", "amount", "currency", "status", "memo"}

// joinSides is the full outer join by hand: the rows that are on one side alone, or differ, with
// both values of each column.
func joinSides(left, right, to string) string {
	var columns, differ []string
	for _, c := range sideColumns {
		columns = append(columns, fmt.Sprintf("l.%[1]s AS left_%[1]s, r.%[1]s AS right_%[1]s", c))
		differ = append(differ, fmt.Sprintf("l.%[1]s IS DISTINCT FROM r.%[1]s", c))
	}
	return fmt.Sprintf(`COPY (SELECT l.id AS left_id, r.id AS right_id, %s
		FROM read_parquet('%s') l FULL OUTER JOIN read_parquet('%s') r ON l.id = r.id
		WHERE l.id IS NULL OR r.id IS NULL OR %s) TO '%s' (FORMAT parquet, COMPRESSION zstd)`,
		strings.Join(columns, ", "), left, right, strings.Join(differ, " OR "), to)
}

// countSides counts what joinSides wrote: only left, only right, different, and by column.
func countSides(of string) string {
	counts := []string{"count_if(right_id IS NULL)", "count_if(left_id IS NULL)", "count_if(left_id = right_id)"}
	for _, c := range sideColumns {
		counts = append(counts, fmt.Sprintf("count_if(left_id = right_id AND left_%[1]s IS DISTINCT FROM right_%[1]s)", c))
	}
	return fmt.Sprintf("SELECT %s FROM read_parquet('%s')", strings.Join(counts, ", "), of)
}
