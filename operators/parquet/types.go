package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// setType decides what the leaf is read as. A logical type that does not go with the
// physical one is not believed. typ stays nil where there is no type for it.
func (l *leaf) setType(t parquet.Type) {
	switch l.physical {
	case format.Boolean:
		l.typ, l.width = arrow.FixedWidthTypes.Boolean, -1
	case format.Int32:
		l.typ, l.size = arrow.PrimitiveTypes.Int32, 4
	case format.Int64:
		l.typ, l.size = arrow.PrimitiveTypes.Int64, 8
	case format.Int96:
		l.typ, l.size, l.convert = &arrow.TimestampType{Unit: arrow.Nanosecond}, 12, convertInt96
	case format.Float:
		l.typ, l.size = arrow.PrimitiveTypes.Float32, 4
	case format.Double:
		l.typ, l.size = arrow.PrimitiveTypes.Float64, 8
	case format.ByteArray:
		l.typ = arrow.BinaryTypes.Binary
	case format.FixedLenByteArray:
		if l.size = t.Length(); l.size <= 0 || l.size > maxPage {
			return
		}
		l.typ = &arrow.FixedSizeBinaryType{ByteWidth: l.size}
	}
	if lt := t.LogicalType(); lt != nil {
		l.logical(lt)
	}
	if fw, ok := l.typ.(arrow.FixedWidthDataType); ok && l.width == 0 {
		l.width = fw.BitWidth() / 8
	}
}

func (l *leaf) logical(lt *format.LogicalType) {
	is := func(types ...format.Type) bool {
		for _, t := range types {
			if l.physical == t {
				return true
			}
		}
		return false
	}
	switch v := lt.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		if is(format.ByteArray) {
			l.typ = arrow.BinaryTypes.String
		}
	case *format.UUIDType:
		if is(format.FixedLenByteArray) && l.size == 16 {
			l.typ, l.uuid, l.convert = arrow.BinaryTypes.String, true, convertUUID
		}
	case *format.Float16Type:
		if is(format.FixedLenByteArray) && l.size == 2 {
			l.typ, l.convert = arrow.PrimitiveTypes.Float32, convertHalf
		}
	case *format.DateType:
		if is(format.Int32) {
			l.typ = arrow.FixedWidthTypes.Date32
		}
	case *format.IntType:
		if t := integers[intKind{int(v.BitWidth), v.IsSigned}]; t != nil && is(format.Int32, format.Int64) && (v.BitWidth == 64) == is(format.Int64) {
			l.typ = t
			l.convert = narrowing[v.BitWidth]
		}
	case *format.DecimalType:
		l.decimal(v)
	case *format.TimestampType:
		if is(format.Int64) {
			ts := &arrow.TimestampType{Unit: unitOf(v.Unit)}
			if v.IsAdjustedToUTC {
				ts.TimeZone = "UTC"
			}
			l.typ = ts
		}
	case *format.TimeType:
		switch u := unitOf(v.Unit); {
		case u == arrow.Millisecond && is(format.Int32):
			l.typ = arrow.FixedWidthTypes.Time32ms
		case u != arrow.Millisecond && is(format.Int64):
			l.typ = &arrow.Time64Type{Unit: u}
		}
	}
}

// decimal makes the leaf a decimal. Of more than 76 digits there is none.
func (l *leaf) decimal(v *format.DecimalType) {
	switch {
	case v.Precision < 1 || v.Precision > 76 || v.Scale < 0 || v.Scale > v.Precision:
		l.typ = nil
	case l.physical == format.Float, l.physical == format.Double, l.physical == format.Boolean, l.physical == format.Int96:
	case v.Precision > 38:
		l.typ, l.convert = &arrow.Decimal256Type{Precision: v.Precision, Scale: v.Scale}, convertDecimal(l.physical, 32)
	default:
		l.typ, l.convert = &arrow.Decimal128Type{Precision: v.Precision, Scale: v.Scale}, convertDecimal(l.physical, 16)
	}
}

type intKind struct {
	bits   int
	signed bool
}

var integers = map[intKind]arrow.DataType{
	{8, true}: arrow.PrimitiveTypes.Int8, {16, true}: arrow.PrimitiveTypes.Int16,
	{32, true}: arrow.PrimitiveTypes.Int32, {64, true}: arrow.PrimitiveTypes.Int64,
	{8, false}: arrow.PrimitiveTypes.Uint8, {16, false}: arrow.PrimitiveTypes.Uint16,
	{32, false}: arrow.PrimitiveTypes.Uint32, {64, false}: arrow.PrimitiveTypes.Uint64,
}

func unitOf(u format.TimeUnit) arrow.TimeUnit {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return arrow.Millisecond
	case *format.NanoSeconds:
		return arrow.Nanosecond
	}
	return arrow.Microsecond
}

// narrowing makes numbers of 8 and 16 bits of the 32 that Parquet keeps.
var narrowing = map[int8]func(*values, int) error{
	8: func(v *values, _ int) error {
		in, out := v.fixed, v.room(v.n)
		for i := range out {
			out[i] = in[4*i]
		}
		v.fixed = out
		return nil
	},
	16: func(v *values, _ int) error {
		in, out := v.fixed, v.room(2*v.n)
		for i := range v.n {
			out[2*i], out[2*i+1] = in[4*i], in[4*i+1]
		}
		v.fixed = out
		return nil
	},
}

// room gives memory for what values are converted to.
func (v *values) room(n int) []byte {
	if cap(v.scratch) < n {
		v.scratch = make([]byte, n)
	}
	v.scratch = v.scratch[:n]
	return v.scratch
}

func convertInt96(v *values, _ int) error {
	const julian1970, day = 2_440_588, 86_400_000_000_000
	out := v.room(8 * v.n)
	for i := range v.n {
		in := v.fixed[12*i:]
		days := int64(binary.LittleEndian.Uint32(in[8:])) - julian1970
		nanos := binary.LittleEndian.Uint64(in)
		if days < math.MinInt64/day || days > math.MaxInt64/day-1 || nanos >= day {
			return fmt.Errorf("an instant %d days from 1970 does not fit in nanoseconds", days)
		}
		binary.LittleEndian.PutUint64(out[8*i:], uint64(days*day+int64(nanos)))
	}
	v.fixed = out
	return nil
}

func convertHalf(v *values, _ int) error {
	out := v.room(4 * v.n)
	for i := range v.n {
		half := float16.FromBits(binary.LittleEndian.Uint16(v.fixed[2*i:]))
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(half.Float32()))
	}
	v.fixed = out
	return nil
}

func convertUUID(v *values, _ int) error {
	v.scratch, v.offsets = v.scratch[:0], append(v.offsets[:0], 0)
	for i := range v.n {
		b := v.fixed[16*i:]
		v.scratch = fmt.Appendf(v.scratch, "%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
		v.offsets = append(v.offsets, uint32(len(v.scratch)))
	}
	v.bytes = v.scratch
	return nil
}

// convertDecimal makes decimals of width bytes, little-endian, of whole numbers, or of
// big-endian byte arrays.
func convertDecimal(physical format.Type, width int) func(*values, int) error {
	put := func(out []byte, n *big.Int) error {
		if n.BitLen() >= 8*width {
			return fmt.Errorf("a decimal of %d bits", n.BitLen())
		}
		if width == 16 {
			d := decimal128.FromBigInt(n)
			binary.LittleEndian.PutUint64(out, d.LowBits())
			binary.LittleEndian.PutUint64(out[8:], uint64(d.HighBits()))
			return nil
		}
		for i, word := range decimal256.FromBigInt(n).Array() {
			binary.LittleEndian.PutUint64(out[8*i:], word)
		}
		return nil
	}
	whole := func(out []byte, x int64) {
		binary.LittleEndian.PutUint64(out, uint64(x))
		for i := 8; i < width; i += 8 {
			binary.LittleEndian.PutUint64(out[i:], uint64(x>>63))
		}
	}
	return func(v *values, size int) error {
		if width == 16 && (physical == format.Int32 || physical == format.Int64) {
			wholeDecimals(v, physical)
			return nil
		}
		out := make([]byte, width*v.n)
		for i := range v.n {
			to := out[width*i : width*(i+1)]
			var text []byte
			switch physical {
			case format.Int32:
				whole(to, int64(int32(binary.LittleEndian.Uint32(v.fixed[4*i:]))))
				continue
			case format.Int64:
				whole(to, int64(binary.LittleEndian.Uint64(v.fixed[8*i:])))
				continue
			case format.ByteArray:
				text = v.bytes[v.offsets[i]:v.offsets[i+1]]
			default:
				text = v.fixed[size*i : size*(i+1)]
			}
			if bigEndian(to, text) {
				continue
			}
			n := new(big.Int).SetBytes(text)
			if len(text) > 0 && text[0]&0x80 != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(text))))
			}
			if err := put(to, n); err != nil {
				return err
			}
		}
		v.fixed = out
		return nil
	}
}

// wholeDecimals makes decimals of 16 bytes of whole numbers.
func wholeDecimals(v *values, physical format.Type) {
	in, out := v.fixed, v.room(16*v.n)
	for i := range v.n {
		var x int64
		if physical == format.Int32 {
			x = int64(int32(binary.LittleEndian.Uint32(in[4*i:])))
		} else {
			x = int64(binary.LittleEndian.Uint64(in[8*i:]))
		}
		to := out[16*i : 16*i+16]
		binary.LittleEndian.PutUint64(to, uint64(x))
		binary.LittleEndian.PutUint64(to[8:], uint64(x>>63))
	}
	v.fixed = out
}

// bigEndian turns a number around that fits, with its sign.
func bigEndian(out, text []byte) bool {
	if len(text) == 0 || len(text) > len(out) {
		return false
	}
	sign := byte(int8(text[0]) >> 7)
	for i := range out {
		out[i] = sign
	}
	for i, b := range text {
		out[len(text)-1-i] = b
	}
	return true
}
