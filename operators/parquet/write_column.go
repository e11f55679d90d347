package parquet

import (
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/parquet-go/parquet-go"
)

// writeRows is how many values are handed to the column writer at once.
const writeRows = 4096

var buffers = sync.Pool{New: func() any { return new([writeRows]parquet.Value) }}

// writeColumn writes an array. A null in a column that must have none is an error.
func writeColumn(w *parquet.ColumnWriter, a arrow.Array, f arrow.Field) error {
	if a.NullN() > 0 && !f.Nullable {
		return fmt.Errorf("%d values are null, and the column may have none", a.NullN())
	}
	definition := 0
	if f.Nullable {
		definition = 1
	}
	buf := buffers.Get().(*[writeRows]parquet.Value)
	defer buffers.Put(buf)
	fill := filler(a, definition)
	null := parquet.NullValue().Level(0, 0, 0)
	for from := 0; from < a.Len(); from += writeRows {
		n := min(writeRows, a.Len()-from)
		fill(buf[:n], from)
		if a.NullN() > 0 {
			for i := range n {
				if a.IsNull(from + i) {
					buf[i] = null
				}
			}
		}
		if _, err := w.WriteRowValues(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// filler gives the function that makes the Parquet values of the rows from one on. The
// most frequent types are done without a call for each value, which is twice as fast.
func filler(a arrow.Array, definition int) func(buf []parquet.Value, from int) {
	switch a := a.(type) {
	case *array.Int64:
		return int64Filler(a.Int64Values(), definition)
	case *array.Timestamp:
		return int64Filler(a.TimestampValues(), definition)
	case *array.Dictionary:
		// Each value is made once, and shares the bytes of the dictionary.
		vals := make([]parquet.Value, a.Dictionary().Len())
		filler(a.Dictionary(), definition)(vals, 0)
		return func(buf []parquet.Value, from int) {
			for i := range buf {
				if a.IsValid(from + i) {
					buf[i] = vals[a.GetValueIndex(from+i)]
				}
			}
		}
	}
	value := valuer(a)
	return func(buf []parquet.Value, from int) {
		for i := range buf {
			if a.IsValid(from + i) {
				buf[i] = value(from+i).Level(0, definition, 0)
			}
		}
	}
}

func int64Filler[T ~int64](all []T, definition int) func(buf []parquet.Value, from int) {
	return func(buf []parquet.Value, from int) {
		for i, v := range all[from : from+len(buf)] {
			buf[i] = parquet.Int64Value(int64(v)).Level(0, definition, 0)
		}
	}
}

// valuer gives the function from a row to its Parquet value.
func valuer(a arrow.Array) func(int) parquet.Value {
	switch a := a.(type) {
	case *array.Boolean:
		return func(i int) parquet.Value { return parquet.BooleanValue(a.Value(i)) }
	case *array.Int8:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Int16:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Int32:
		return func(i int) parquet.Value { return parquet.Int32Value(a.Value(i)) }
	case *array.Uint8:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Uint16:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Uint32:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Date32:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Time32:
		return func(i int) parquet.Value { return parquet.Int32Value(int32(a.Value(i))) }
	case *array.Uint64:
		return func(i int) parquet.Value { return parquet.Int64Value(int64(a.Value(i))) }
	case *array.Time64:
		return func(i int) parquet.Value { return parquet.Int64Value(int64(a.Value(i))) }
	case *array.Float32:
		return func(i int) parquet.Value { return parquet.FloatValue(a.Value(i)) }
	case *array.Float64:
		return func(i int) parquet.Value { return parquet.DoubleValue(a.Value(i)) }
	case *array.String:
		return func(i int) parquet.Value { return parquet.ByteArrayValue([]byte(a.Value(i))) }
	case *array.Binary:
		return func(i int) parquet.Value { return parquet.ByteArrayValue(a.Value(i)) }
	case *array.FixedSizeBinary:
		return func(i int) parquet.Value { return parquet.FixedLenByteArrayValue(a.Value(i)) }
	case *array.Decimal128:
		return func(i int) parquet.Value { return parquet.FixedLenByteArrayValue(decimalText(a, i)) }
	}
	panic("an array of " + a.DataType().String() + " got past nodeOf")
}

func decimalText(a *array.Decimal128, i int) []byte {
	n := a.Value(i)
	out := make([]byte, decimalBytes)
	high, low := uint64(n.HighBits()), n.LowBits()
	for j := range 8 {
		out[j] = byte(high >> (56 - 8*j))
		out[8+j] = byte(low >> (56 - 8*j))
	}
	return out
}
