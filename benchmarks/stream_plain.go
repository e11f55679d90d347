//go:build !duckdb_arrow

package main

import (
	"errors"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// hasArrow says that this program was built without DuckDB's Arrow interface.
const hasArrow = false

func (t *tally) arrows(*duckdb.Result, []string, int) (take func(duckdb.DataChunk) error, stop func(), err error) {
	return nil, nil, errors.New("this program was built without the tag duckdb_arrow")
}
