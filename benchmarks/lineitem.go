package main

import (
	"database/sql"
	"fmt"
	"strings"
)

// lineitemRows is the size of the generated file that the scenarios use.
const lineitemRows = 10_000_000

// lineitemSQL makes a table like TPC-H's lineitem, each value by a hash of its row and
// column with a fixed seed: the same file on every machine with the same DuckDB. The
// measures are doubles. Orders have up to seven lines; the file is sorted by order.
const lineitemSQL = `COPY (
	SELECT (i // 4) * 32 + i % 4 AS l_orderkey,
		1 + h(i, 1) % 2000000 AS l_partkey,
		1 + h(i, 2) % 100000 AS l_suppkey,
		(1 + i % 7)::INTEGER AS l_linenumber,
		(1 + h(i, 3) % 50)::DOUBLE AS l_quantity,
		(90000 + h(i, 4) % 10000000) / 100.0::DOUBLE AS l_extendedprice,
		(h(i, 5) % 11) / 100.0::DOUBLE AS l_discount,
		(h(i, 6) % 9) / 100.0::DOUBLE AS l_tax,
		['A', 'N', 'R'][1 + h(i, 7) % 3] AS l_returnflag,
		['F', 'O'][1 + h(i, 8) % 2] AS l_linestatus,
		DATE '1992-01-02' + (h(i, 9) % 2526)::INTEGER AS l_shipdate,
		DATE '1992-01-31' + (h(i, 9) % 2526)::INTEGER + (h(i, 10) % 30)::INTEGER AS l_commitdate,
		DATE '1992-01-03' + (h(i, 9) % 2526)::INTEGER + (h(i, 11) % 30)::INTEGER AS l_receiptdate,
		['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'][1 + h(i, 12) % 4] AS l_shipinstruct,
		['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'][1 + h(i, 13) % 7] AS l_shipmode,
		['furiously', 'carefully', 'quickly', 'blithely', 'slyly'][1 + h(i, 14) % 5] || ' ' ||
			['regular', 'special', 'final', 'ironic', 'express', 'pending'][1 + h(i, 15) % 6] || ' ' ||
			['deposits', 'accounts', 'requests', 'packages', 'theodolites'][1 + h(i, 16) % 5] || ' ' ||
			['sleep', 'haggle', 'nag', 'wake', 'cajole'][1 + h(i, 17) % 5] AS l_comment
	FROM range($ROWS) t(i)
) TO '$PATH' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`

// lineitem writes the generated file. DuckDB, the peer, makes it.
func lineitem(path string, rows int) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE MACRO h(i, c) AS (hash(i * 64 + c + 20011211) % 1000000007)::BIGINT`); err != nil {
		return err
	}
	text := strings.NewReplacer("$ROWS", fmt.Sprint(rows), "$PATH", path).Replace(lineitemSQL)
	_, err = db.Exec(text)
	return err
}
