//go:build duckdb_arrow

package main

import (
	"errors"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// hasArrow says that this program was built with DuckDB's Arrow interface.
const hasArrow = true

// arrows gives a function that makes Arrow batches of chunks and takes them in.
func (t *tally) arrows(res *duckdb.Result, names []string, place int) (take func(duckdb.DataChunk) error, stop func(), err error) {
	options := duckdb.ResultGetArrowOptions(res)
	types := make([]duckdb.LogicalType, len(names))
	for i := range types {
		types[i] = duckdb.ColumnLogicalType(res, duckdb.IdxT(i))
		defer duckdb.DestroyLogicalType(&types[i])
	}
	stop = func() { duckdb.DestroyArrowOptions(&options) }
	schema, problem := duckdb.NewArrowSchema(options, types, names)
	if err := failure(problem); err != nil {
		stop()
		return nil, nil, err
	}
	return func(c duckdb.DataChunk) error {
		b, problem := duckdb.DataChunkToArrowArray(options, schema, c)
		if err := failure(problem); err != nil {
			return err
		}
		t.add(b, place)
		b.Release()
		return nil
	}, stop, nil
}

func failure(e duckdb.ErrorData) error {
	defer duckdb.DestroyErrorData(&e)
	if duckdb.ErrorDataHasError(e) {
		return errors.New(duckdb.ErrorDataMessage(e))
	}
	return nil
}
