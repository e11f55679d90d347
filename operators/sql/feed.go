package sql

import (
	"context"
	"fmt"
	"strings"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/penstock-data/penstock/pipeline"
)

// createTable makes an empty temporary table for rows of the schema.
func (s *session) createTable(ctx context.Context, name string, schema *arrow.Schema) error {
	var cols []string
	for _, f := range schema.Fields() {
		t, err := columnType(f)
		if err != nil {
			return err
		}
		cols = append(cols, quote(f.Name)+" "+t)
	}
	if len(cols) == 0 {
		cols = []string{`"-" BOOLEAN`} // a table of rows alone
	}
	return s.exec(ctx, fmt.Sprintf("CREATE TEMP TABLE %s (%s)", quote(name), strings.Join(cols, ", ")))
}

// load makes a table of all the rows of a reader, in their order, and closes it.
func (s *session) load(ctx context.Context, name string, schema *arrow.Schema, r pipeline.Reader) error {
	if err := s.createTable(ctx, name, schema); err != nil {
		return firstOf(err, r.Close())
	}
	a, err := s.newAppender(name, schema)
	if err != nil {
		return firstOf(err, r.Close())
	}
	err = pipeline.Each(ctx, r, a.append)
	return firstOf(err, a.close())
}

func firstOf(err, second error) error {
	if err != nil {
		return err
	}
	return second
}

// appender appends batches to a table.
type appender struct {
	appender duckdb.Appender
	types    []duckdb.LogicalType
	chunk    duckdb.DataChunk
	size     int
}

func (s *session) newAppender(table string, schema *arrow.Schema) (*appender, error) {
	a := &appender{size: int(duckdb.VectorSize())}
	if duckdb.AppenderCreateExt(s.conn, "temp", "main", table, &a.appender) == duckdb.StateError {
		return nil, a.fail()
	}
	for _, f := range schema.Fields() {
		a.types = append(a.types, logicalType(f.Type))
	}
	if len(a.types) == 0 {
		a.types = append(a.types, duckdb.CreateLogicalType(duckdb.TypeBoolean))
	}
	a.chunk = duckdb.CreateDataChunk(a.types)
	return a, nil
}

func (a *appender) fail() error {
	return failure(context.Background(), duckdb.AppenderError(a.appender))
}

// append appends a batch, a vector's worth of rows at a time.
func (a *appender) append(b arrow.RecordBatch) error {
	writers := make([]func(v duckdb.Vector, from, n int), b.NumCols())
	for i, col := range b.Columns() {
		writers[i] = writer(col)
	}
	for from := 0; from < int(b.NumRows()); from += a.size {
		n := min(a.size, int(b.NumRows())-from)
		duckdb.DataChunkReset(a.chunk)
		for i, write := range writers {
			v := duckdb.DataChunkGetVector(a.chunk, duckdb.IdxT(i))
			write(v, from, n)
			writeNulls(v, b.Column(i), from, n)
		}
		duckdb.DataChunkSetSize(a.chunk, duckdb.IdxT(n))
		if duckdb.AppendDataChunk(a.appender, a.chunk) == duckdb.StateError {
			return a.fail()
		}
	}
	return nil
}

func (a *appender) close() (err error) {
	if duckdb.AppenderClose(a.appender) == duckdb.StateError {
		err = a.fail()
	}
	duckdb.DestroyDataChunk(&a.chunk)
	for i := range a.types {
		duckdb.DestroyLogicalType(&a.types[i])
	}
	duckdb.AppenderDestroy(&a.appender)
	return err
}

func writeNulls(v duckdb.Vector, col arrow.Array, from, n int) {
	if col.NullN() == 0 {
		return
	}
	duckdb.VectorEnsureValidityWritable(v)
	mask := unsafe.Slice((*uint64)(duckdb.VectorGetValidity(v)), (n+63)/64)
	for i := range mask {
		mask[i] = ^uint64(0)
	}
	for i := range n {
		if col.IsNull(from + i) {
			mask[i/64] &^= 1 << (i % 64)
		}
	}
}

// cells is the memory of a vector as values of T.
func cells[T any](v duckdb.Vector, n int) []T {
	return unsafe.Slice((*T)(duckdb.VectorGetData(v)), n)
}

// copyTo writes a column whose values lie in memory as DuckDB wants them.
func copyTo[T any](all []T) func(v duckdb.Vector, from, n int) {
	return func(v duckdb.Vector, from, n int) { copy(cells[T](v, n), all[from:from+n]) }
}

// writer gives the function that writes rows of a column into a vector.
func writer(col arrow.Array) func(v duckdb.Vector, from, n int) {
	switch a := col.(type) {
	case *array.Boolean:
		return func(v duckdb.Vector, from, n int) {
			out := cells[bool](v, n)
			for i := range out {
				out[i] = a.Value(from + i)
			}
		}
	case *array.Int8:
		return copyTo(a.Int8Values())
	case *array.Int16:
		return copyTo(a.Int16Values())
	case *array.Int32:
		return copyTo(a.Int32Values())
	case *array.Int64:
		return copyTo(a.Int64Values())
	case *array.Uint8:
		return copyTo(a.Uint8Values())
	case *array.Uint16:
		return copyTo(a.Uint16Values())
	case *array.Uint32:
		return copyTo(a.Uint32Values())
	case *array.Uint64:
		return copyTo(a.Uint64Values())
	case *array.Float32:
		return copyTo(a.Float32Values())
	case *array.Float64:
		return copyTo(a.Float64Values())
	case *array.Date32:
		return copyTo(a.Date32Values())
	case *array.Time64:
		return copyTo(a.Time64Values())
	case *array.Timestamp:
		return copyTo(a.TimestampValues())
	case *array.String:
		return textWriter(func(i int) []byte { return unsafeBytes(a.Value(i)) }, a)
	case *array.Binary:
		return textWriter(a.Value, a)
	case *array.Dictionary:
		return dictionaryWriter(a)
	}
	return decimalWriter(col.(*array.Decimal128))
}

func unsafeBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// text is DuckDB's string in a vector: up to 12 bytes stand in it.
type text struct {
	length uint32
	inline [inlined]byte
}

const inlined = 12

// setText writes a string into a vector; only a long one needs DuckDB's memory.
func setText(v duckdb.Vector, out []text, i int, s []byte) {
	if len(s) > inlined {
		duckdb.VectorAssignStringElementLen(v, duckdb.IdxT(i), s)
		return
	}
	out[i] = text{length: uint32(len(s))}
	copy(out[i].inline[:], s)
}

func textWriter(value func(int) []byte, a arrow.Array) func(v duckdb.Vector, from, n int) {
	return func(v duckdb.Vector, from, n int) {
		out := cells[text](v, n)
		for i := range n {
			if a.IsValid(from + i) {
				setText(v, out, i, value(from+i))
			}
		}
	}
}

// dictionaryWriter makes short strings once, and copies them by index.
func dictionaryWriter(a *array.Dictionary) func(v duckdb.Vector, from, n int) {
	dict, ok := a.Dictionary().(*array.String)
	if !ok {
		panic("a dictionary of " + a.Dictionary().DataType().String() + " got past columnType")
	}
	short := make([]text, dict.Len())
	for i := range short {
		if s := dict.Value(i); len(s) <= inlined {
			short[i].length = uint32(len(s))
			copy(short[i].inline[:], s)
		}
	}
	return func(v duckdb.Vector, from, n int) {
		out := cells[text](v, n)
		for i := range n {
			if a.IsNull(from + i) {
				continue
			}
			j := a.GetValueIndex(from + i)
			if s := dict.Value(j); len(s) > inlined {
				setText(v, out, i, unsafeBytes(s))
			} else {
				out[i] = short[j]
			}
		}
	}
}

// decimalWriter writes decimals in the size that DuckDB keeps their width in.
func decimalWriter(a *array.Decimal128) func(v duckdb.Vector, from, n int) {
	width := a.DataType().(*arrow.Decimal128Type).Precision
	return func(v duckdb.Vector, from, n int) {
		for i := range n {
			num := a.Value(from + i)
			switch {
			case width <= 4:
				cells[int16](v, n)[i] = int16(num.LowBits())
			case width <= 9:
				cells[int32](v, n)[i] = int32(num.LowBits())
			case width <= 18:
				cells[int64](v, n)[i] = int64(num.LowBits())
			default:
				cells[hugeInt](v, n)[i] = hugeInt{num.LowBits(), num.HighBits()}
			}
		}
	}
}

// hugeInt is a 128-bit integer as DuckDB keeps it.
type hugeInt struct {
	low  uint64
	high int64
}
