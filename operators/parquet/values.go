package parquet

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding"
)

// values are those of a page, or of its dictionary with the page's indexes.
type values struct {
	indexes []int32 // nil: the values are in the order of the rows
	bools   []byte
	i32     []int32
	i64     []int64
	i96     []deprecated.Int96
	f32     []float32
	f64     []float64
	bytes   []byte
	offsets []uint32 // of byte arrays in bytes
	width   int      // of fixed-size byte arrays in bytes
	dict    parquet.Dictionary
}

func (v *values) set(page parquet.Page) {
	*v = values{dict: page.Dictionary()}
	data := page.Data()
	if v.dict != nil {
		v.indexes = data.Int32()
		data = v.dict.Page().Data()
	}
	switch data.Kind() {
	case encoding.Boolean:
		v.bools = data.Boolean()
	case encoding.Int32:
		v.i32 = data.Int32()
	case encoding.Int64:
		v.i64 = data.Int64()
	case encoding.Int96:
		v.i96 = data.Int96()
	case encoding.Float:
		v.f32 = data.Float()
	case encoding.Double:
		v.f64 = data.Double()
	case encoding.ByteArray:
		v.bytes, v.offsets = data.ByteArray()
	case encoding.FixedLenByteArray:
		v.bytes, v.width = data.FixedLenByteArray()
	default:
		panic(fmt.Sprintf("a page of %v values", data.Kind()))
	}
}

// at is the place of the i-th value among the values.
func (v *values) at(i int) int {
	if v.indexes != nil {
		return int(v.indexes[i])
	}
	return i
}

func (v *values) byteArray(i int) []byte {
	i = v.at(i)
	if v.width > 0 {
		return v.bytes[i*v.width : (i+1)*v.width]
	}
	return v.bytes[v.offsets[i]:v.offsets[i+1]]
}

// span gives the values from … to of a typed slice, gathered by index if need be.
func span[T any](v *values, all []T, from, to int) []T {
	if v.indexes == nil {
		return all[from:to]
	}
	out := make([]T, to-from)
	for i, j := range v.indexes[from:to] {
		out[i] = all[j]
	}
	return out
}

// appender gives the function that appends the values from … to of a page to a
// builder of the column's type.
func appender(b array.Builder, c column) func(v *values, from, to int) {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return func(v *values, from, to int) {
			for i := from; i < to; i++ {
				j := v.at(i)
				b.Append(v.bools[j/8]>>(j%8)&1 == 1)
			}
		}
	case *array.Int8Builder:
		return narrow(b.AppendValues, func(x int32) int8 { return int8(x) })
	case *array.Int16Builder:
		return narrow(b.AppendValues, func(x int32) int16 { return int16(x) })
	case *array.Uint8Builder:
		return narrow(b.AppendValues, func(x int32) uint8 { return uint8(x) })
	case *array.Uint16Builder:
		return narrow(b.AppendValues, func(x int32) uint16 { return uint16(x) })
	case *array.Uint32Builder:
		return narrow(b.AppendValues, func(x int32) uint32 { return uint32(x) })
	case *array.Int32Builder:
		return func(v *values, from, to int) { b.AppendValues(span(v, v.i32, from, to), nil) }
	case *array.Date32Builder:
		return narrow(b.AppendValues, func(x int32) arrow.Date32 { return arrow.Date32(x) })
	case *array.Time32Builder:
		return narrow(b.AppendValues, func(x int32) arrow.Time32 { return arrow.Time32(x) })
	case *array.Int64Builder:
		return func(v *values, from, to int) { b.AppendValues(span(v, v.i64, from, to), nil) }
	case *array.Uint64Builder:
		return wide(b.AppendValues, func(x int64) uint64 { return uint64(x) })
	case *array.Time64Builder:
		return wide(b.AppendValues, func(x int64) arrow.Time64 { return arrow.Time64(x) })
	case *array.TimestampBuilder:
		plain := wide(b.AppendValues, func(x int64) arrow.Timestamp { return arrow.Timestamp(x) })
		return func(v *values, from, to int) {
			if v.i96 == nil {
				plain(v, from, to)
				return
			}
			for _, x := range span(v, v.i96, from, to) {
				b.Append(int96Time(x))
			}
		}
	case *array.Float32Builder:
		return func(v *values, from, to int) { b.AppendValues(span(v, v.f32, from, to), nil) }
	case *array.Float64Builder:
		return func(v *values, from, to int) { b.AppendValues(span(v, v.f64, from, to), nil) }
	case *array.Decimal128Builder:
		return func(v *values, from, to int) {
			for i := from; i < to; i++ {
				b.Append(v.decimal(i))
			}
		}
	case *array.StringBuilder:
		return func(v *values, from, to int) {
			for i := from; i < to; i++ {
				if c.uuid {
					b.Append(uuidText(v.byteArray(i)))
				} else {
					b.BinaryBuilder.Append(v.byteArray(i))
				}
			}
		}
	case *array.BinaryBuilder:
		return bytesAppender(b.Append)
	case *array.FixedSizeBinaryBuilder:
		return bytesAppender(b.Append)
	}
	panic("a builder of " + b.Type().String())
}

func bytesAppender(add func([]byte)) func(v *values, from, to int) {
	return func(v *values, from, to int) {
		for i := from; i < to; i++ {
			add(v.byteArray(i))
		}
	}
}

func narrow[T any](add func([]T, []bool), conv func(int32) T) func(v *values, from, to int) {
	return func(v *values, from, to int) { add(converted(span(v, v.i32, from, to), conv), nil) }
}

func wide[T any](add func([]T, []bool), conv func(int64) T) func(v *values, from, to int) {
	return func(v *values, from, to int) { add(converted(span(v, v.i64, from, to), conv), nil) }
}

func converted[S, T any](in []S, conv func(S) T) []T {
	out := make([]T, len(in))
	for i, x := range in {
		out[i] = conv(x)
	}
	return out
}

// decimal reads a decimal from whichever physical type holds it, big-endian if bytes.
func (v *values) decimal(i int) decimal128.Num {
	switch {
	case v.i32 != nil:
		return decimal128.FromI64(int64(v.i32[v.at(i)]))
	case v.i64 != nil:
		return decimal128.FromI64(v.i64[v.at(i)])
	}
	text := v.byteArray(i)
	n := new(big.Int).SetBytes(text)
	if len(text) > 0 && text[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(text))))
	}
	return decimal128.FromBigInt(n)
}

// int96Time is nanoseconds since 1970 of a Julian day and nanoseconds of the day.
func int96Time(x deprecated.Int96) arrow.Timestamp {
	const julian1970, day = 2_440_588, 86_400_000_000_000
	nanos := int64(uint64(x[0]) | uint64(x[1])<<32)
	return arrow.Timestamp((int64(x[2])-julian1970)*day + nanos)
}

func uuidText(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", binary.BigEndian.Uint32(b), b[4:6], b[6:8], b[8:10], b[10:16])
}
