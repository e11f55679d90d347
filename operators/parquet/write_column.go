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
	value := valuer(a)
	null := parquet.NullValue().Level(0, 0, 0)
	for from := 0; from < a.Len(); from += writeRows {
		n := min(writeRows, a.Len()-from)
		for i := range n {
			if a.NullN() > 0 && a.IsNull(from+i) {
				buf[i] = null
			} else {
				buf[i] = value(from+i).Level(0, definition, 0)
			}
		}
		if _, err := w.WriteRowValues(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// valuer gives the function from a row to its Parquet value.
func valuer(a arrow.Array) func(int) parquet.Value {
	switch a := a.(type) {
	case *array.Dictionary:
		// Each value is made once, and shares the bytes of the dictionary.
		of := valuer(a.Dictionary())
		vals := make([]parquet.Value, a.Dictionary().Len())
		for i := range vals {
			if a.Dictionary().IsValid(i) {
				vals[i] = of(i)
			}
		}
		return func(i int) parquet.Value { return vals[a.GetValueIndex(i)] }
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
	case *array.Int64:
		return func(i int) parquet.Value { return parquet.Int64Value(a.Value(i)) }
	case *array.Uint64:
		return func(i int) parquet.Value { return parquet.Int64Value(int64(a.Value(i))) }
	case *array.Time64:
		return func(i int) parquet.Value { return parquet.Int64Value(int64(a.Value(i))) }
	case *array.Timestamp:
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
