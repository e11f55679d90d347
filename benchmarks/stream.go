package main

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// duckdbRead reads every column through DuckDB, by its C interface. Variants: "chunks"
// looks at the vectors of DuckDB's own chunks, "arrow" has them made into Arrow arrays,
// as a stream, "arrow-whole" the same from a result that is kept whole first, as
// duckdb-go's own Arrow interface does it.
func duckdbRead(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	var db duckdb.Database
	var conn duckdb.Connection
	if duckdb.Open(":memory:", &db) == duckdb.StateError {
		return outcome{}, errors.New("duckdb does not start")
	}
	defer duckdb.Close(&db)
	if duckdb.Connect(db, &conn) == duckdb.StateError {
		return outcome{}, errors.New("duckdb does not connect")
	}
	defer duckdb.Disconnect(&conn)
	for _, text := range settings(j) {
		var res duckdb.Result
		state := duckdb.Query(conn, text, &res)
		duckdb.DestroyResult(&res)
		if state == duckdb.StateError {
			return outcome{}, fmt.Errorf("%s: refused", text)
		}
	}
	var t tally
	m := begin()
	if err := t.stream(conn, "SELECT * FROM read_parquet('"+j.Path+"')", s.key, j.Variant); err != nil {
		return outcome{}, err
	}
	return t.outcome(m, ""), nil
}

// stream runs a query and takes in its chunks.
func (t *tally) stream(conn duckdb.Connection, query, key, variant string) error {
	var stmt duckdb.PreparedStatement
	defer func() { duckdb.DestroyPrepare(&stmt) }()
	if duckdb.Prepare(conn, query, &stmt) == duckdb.StateError {
		return errors.New(duckdb.PrepareError(stmt))
	}
	execute := duckdb.ExecutePreparedStreaming
	if variant == "arrow-whole" {
		execute = duckdb.ExecutePrepared
	}
	var res duckdb.Result
	defer func() { duckdb.DestroyResult(&res) }()
	if execute(stmt, &res) == duckdb.StateError {
		return errors.New(duckdb.ResultError(&res))
	}
	var names []string
	for i := range duckdb.ColumnCount(&res) {
		names = append(names, duckdb.ColumnName(&res, i))
	}
	take := func(c duckdb.DataChunk) error { return t.chunk(c, slices.Index(names, key), len(names)) }
	if variant != "chunks" {
		arrows, stop, err := t.arrows(&res, names, slices.Index(names, key))
		if err != nil {
			return err
		}
		defer stop()
		take = arrows
	}
	for {
		chunk := duckdb.FetchChunk(res)
		if chunk.Ptr == nil {
			break
		}
		err := take(chunk)
		duckdb.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
	}
	if msg := duckdb.ResultError(&res); msg != "" {
		return errors.New(msg)
	}
	return nil
}

// chunk takes in the vectors of a chunk.
func (t *tally) chunk(c duckdb.DataChunk, place, columns int) error {
	n := int(duckdb.DataChunkGetSize(c))
	for i := range columns {
		data := duckdb.VectorGetData(duckdb.DataChunkGetVector(c, duckdb.IdxT(i)))
		if data == nil {
			return fmt.Errorf("column %d has no data", i)
		}
		if i == place {
			t.keys(unsafe.Slice((*int64)(data), n))
		}
	}
	return nil
}
