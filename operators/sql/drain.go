package sql

import (
	"context"
	"io"
	"slices"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// batchRows is how many rows of a result make a batch.
const batchRows = 32 << 10

// result is a query's streaming result. It owns the session.
type result struct {
	s      *session
	stmt   duckdb.PreparedStatement
	res    duckdb.Result
	schema *arrow.Schema
	alloc  memory.Allocator
	begun  bool
	ended  bool
	closed bool
}

// prepare types a query. The caller closes the result, and with it the session.
func (s *session) prepare(ctx context.Context, query string) (*result, error) {
	r := &result{s: s}
	if duckdb.Prepare(s.conn, query, &r.stmt) == duckdb.StateError {
		err := failure(ctx, duckdb.PrepareError(r.stmt))
		duckdb.DestroyPrepare(&r.stmt)
		return nil, err
	}
	var fields []arrow.Field
	for i := range duckdb.PreparedStatementColumnCount(r.stmt) {
		name := duckdb.PreparedStatementColumnName(r.stmt, i)
		lt := duckdb.PreparedStatementColumnLogicalType(r.stmt, i)
		t, err := arrowType(name, lt)
		duckdb.DestroyLogicalType(&lt)
		if err != nil {
			duckdb.DestroyPrepare(&r.stmt)
			return nil, err
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	r.schema = arrow.NewSchema(fields, nil)
	return r, nil
}

// Next implements pipeline.Reader.
func (r *result) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.ended || r.closed {
		return nil, io.EOF
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer r.s.watch(ctx)()
	if !r.begun {
		r.begun = true
		if duckdb.ExecutePreparedStreaming(r.stmt, &r.res) == duckdb.StateError { // the only way to a result that is not materialised
			r.ended = true
			return nil, failure(ctx, duckdb.ResultError(&r.res))
		}
	}
	b := array.NewRecordBuilder(r.alloc, r.schema)
	defer b.Release()
	rows := 0
	for rows < batchRows {
		chunk := duckdb.FetchChunk(r.res)
		if chunk.Ptr == nil {
			r.ended = true
			if msg := duckdb.ResultError(&r.res); msg != "" || ctx.Err() != nil {
				return nil, failure(ctx, msg)
			}
			break
		}
		n := int(duckdb.DataChunkGetSize(chunk))
		for i := range r.schema.NumFields() {
			appendVector(b.Field(i), duckdb.DataChunkGetVector(chunk, duckdb.IdxT(i)), n)
		}
		rows += n
		duckdb.DestroyDataChunk(&chunk)
	}
	if rows == 0 {
		return nil, io.EOF
	}
	return b.NewRecordBatch(), nil
}

// Close implements pipeline.Reader.
func (r *result) Close() error {
	if r.closed {
		return nil
	}
	r.free()
	return r.s.close()
}

// free is Close for a session that goes on.
func (r *result) free() {
	r.closed = true
	if r.begun {
		duckdb.DestroyResult(&r.res)
	}
	duckdb.DestroyPrepare(&r.stmt)
}

// validity gives the valid rows of a vector; nil means all.
func validity(v duckdb.Vector, n int) []bool {
	p := duckdb.VectorGetValidity(v)
	if p == nil {
		return nil
	}
	mask := unsafe.Slice((*uint64)(p), (n+63)/64)
	valid := make([]bool, n)
	for i := range valid {
		valid[i] = mask[i/64]>>(i%64)&1 == 1
	}
	return valid
}

func appendVector(b array.Builder, v duckdb.Vector, n int) {
	valid := validity(v, n)
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.AppendValues(known[bool](v, n, valid), valid)
	case *array.Int8Builder:
		b.AppendValues(known[int8](v, n, valid), valid)
	case *array.Int16Builder:
		b.AppendValues(known[int16](v, n, valid), valid)
	case *array.Int32Builder:
		b.AppendValues(known[int32](v, n, valid), valid)
	case *array.Int64Builder:
		b.AppendValues(known[int64](v, n, valid), valid)
	case *array.Uint8Builder:
		b.AppendValues(known[uint8](v, n, valid), valid)
	case *array.Uint16Builder:
		b.AppendValues(known[uint16](v, n, valid), valid)
	case *array.Uint32Builder:
		b.AppendValues(known[uint32](v, n, valid), valid)
	case *array.Uint64Builder:
		b.AppendValues(known[uint64](v, n, valid), valid)
	case *array.Float32Builder:
		b.AppendValues(known[float32](v, n, valid), valid)
	case *array.Float64Builder:
		b.AppendValues(known[float64](v, n, valid), valid)
	case *array.Date32Builder:
		b.AppendValues(known[arrow.Date32](v, n, valid), valid)
	case *array.Time64Builder:
		b.AppendValues(known[arrow.Time64](v, n, valid), valid)
	case *array.TimestampBuilder:
		b.AppendValues(known[arrow.Timestamp](v, n, valid), valid)
	case *array.StringBuilder:
		appendText(b.BinaryBuilder, v, n, valid)
	case *array.BinaryBuilder:
		appendText(b, v, n, valid)
	case *array.Decimal128Builder:
		appendDecimals(b, v, n, valid)
	}
}

// known are the cells of a vector, with zeros for nulls: what stands there is whatever was computed
// last, and would make the same rows other bytes where buffers are written as they are.
func known[T any](v duckdb.Vector, n int, valid []bool) []T {
	all := cells[T](v, n)
	if valid == nil {
		return all
	}
	all = slices.Clone(all) // the vector may be that of a table
	var zero T
	for i, ok := range valid {
		if !ok {
			all[i] = zero
		}
	}
	return all
}

func appendText(b *array.BinaryBuilder, v duckdb.Vector, n int, valid []bool) {
	for i, cell := range stringCells(v, n) {
		if valid != nil && !valid[i] {
			b.AppendNull()
		} else {
			b.Append(cell)
		}
	}
}

// stringCells are the bytes of a vector's strings, good as long as the vector is. Of
// a null the bytes are anything, and are not looked at.
func stringCells(v duckdb.Vector, n int) [][]byte {
	valid := validity(v, n)
	raw := cells[text](v, n)
	out := make([][]byte, n)
	for i := range out {
		if valid != nil && !valid[i] {
			continue
		}
		t := &raw[i]
		if t.length <= inlined {
			out[i] = t.inline[:t.length]
			continue
		}
		// A long string is four bytes of prefix and a pointer.
		p := *(*unsafe.Pointer)(unsafe.Pointer(&t.inline[4]))
		out[i] = unsafe.Slice((*byte)(p), t.length)
	}
	return out
}

func appendDecimals(b *array.Decimal128Builder, v duckdb.Vector, n int, valid []bool) {
	lt := duckdb.VectorGetColumnType(v)
	defer duckdb.DestroyLogicalType(&lt)
	width := uint8(38)
	if duckdb.GetTypeId(lt) == duckdb.TypeDecimal {
		width = duckdb.DecimalWidth(lt)
	}
	for i := range n {
		if valid != nil && !valid[i] {
			b.AppendNull()
			continue
		}
		switch {
		case width <= 4:
			b.Append(decimal128.FromI64(int64(cells[int16](v, n)[i])))
		case width <= 9:
			b.Append(decimal128.FromI64(int64(cells[int32](v, n)[i])))
		case width <= 18:
			b.Append(decimal128.FromI64(cells[int64](v, n)[i]))
		default:
			h := cells[hugeInt](v, n)[i]
			b.Append(decimal128.New(h.high, h.low))
		}
	}
}
