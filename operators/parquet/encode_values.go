package parquet

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// rawWidth is the size of values that Parquet keeps as Arrow does; ok is false of others.
func rawWidth(a arrow.Array) (width int, ok bool) {
	switch t := a.DataType().(type) {
	case *arrow.Int32Type, *arrow.Uint32Type, *arrow.Float32Type, *arrow.Date32Type, *arrow.Decimal32Type:
		return 4, true
	case *arrow.Int64Type, *arrow.Uint64Type, *arrow.Float64Type, *arrow.Time64Type, *arrow.Decimal64Type:
		_, narrow := a.DataType().(*arrow.Decimal64Type)
		return 8, !narrow
	case *arrow.Time32Type:
		return 4, t.Unit != arrow.Second
	case *arrow.TimestampType:
		return 8, t.Unit != arrow.Second
	case *arrow.Float16Type:
		return 2, true
	case *arrow.FixedSizeBinaryType:
		return t.ByteWidth, true
	}
	return 0, false
}

// rawBytes are the values of an array of a fixed width.
func rawBytes(a arrow.Array, width int) []byte {
	if a.Len() == 0 {
		return nil
	}
	at := a.Data().Offset()
	return a.Data().Buffers()[1].Bytes()[at*width : (at+a.Len())*width]
}

// append adds the values of a range, none of which is null; n is left to the caller.
func (v *outValues) append(l *outLeaf, a arrow.Array, from, to int) error {
	if w, ok := rawWidth(a); ok {
		v.fixed = append(v.fixed, rawBytes(a, w)[from*w:to*w]...)
		return nil
	}
	switch a := a.(type) {
	case *array.Null:
	case *array.Boolean:
		for i := from; i < to; i++ {
			bit := byte(0)
			if a.Value(i) {
				bit = 1
			}
			v.fixed = append(v.fixed, bit)
		}
	case *array.Int8:
		v.fixed = widen[int32](v.fixed, a.Int8Values()[from:to])
	case *array.Int16:
		v.fixed = widen[int32](v.fixed, a.Int16Values()[from:to])
	case *array.Uint8:
		v.fixed = widen[int32](v.fixed, a.Uint8Values()[from:to])
	case *array.Uint16:
		v.fixed = widen[int32](v.fixed, a.Uint16Values()[from:to])
	case *array.Time32:
		return v.scale32(a.Time32Values()[from:to])
	case *array.Timestamp:
		return v.scale64(a.TimestampValues()[from:to])
	case *array.Date64:
		return v.days(a.Date64Values()[from:to])
	default:
		return v.appendMore(l, a, from, to)
	}
	return nil
}

func (v *outValues) appendMore(l *outLeaf, a arrow.Array, from, to int) error {
	switch a := a.(type) {
	case *array.String:
		return appendTexts(v, a.Data().Buffers()[2].Bytes(), a.ValueOffsets()[from:to+1])
	case *array.LargeString:
		return appendTexts(v, a.Data().Buffers()[2].Bytes(), a.ValueOffsets()[from:to+1])
	case *array.Binary:
		return appendTexts(v, a.Data().Buffers()[2].Bytes(), a.ValueOffsets()[from:to+1])
	case *array.LargeBinary:
		return appendTexts(v, a.Data().Buffers()[2].Bytes(), a.ValueOffsets()[from:to+1])
	case *array.StringView:
		for i := from; i < to; i++ {
			if err := v.text([]byte(a.Value(i))); err != nil {
				return err
			}
		}
	case *array.BinaryView:
		for i := from; i < to; i++ {
			if err := v.text(a.Value(i)); err != nil {
				return err
			}
		}
	case *array.Decimal64:
		return v.decimals(l, from, to, func(i int) (high int64, low uint64) { return int64(a.Value(i)) >> 63, uint64(a.Value(i)) })
	case *array.Decimal128:
		return v.decimals(l, from, to, func(i int) (high int64, low uint64) { return a.Value(i).HighBits(), a.Value(i).LowBits() })
	case *array.Decimal256:
		return v.decimals256(l, a, from, to)
	default:
		return fmt.Errorf("an array of %s where the column is %s", a.DataType(), l.typ)
	}
	return nil
}

// widen appends small numbers as larger ones.
func widen[To int32 | int64, From int8 | int16 | uint8 | uint16](dst []byte, in []From) []byte {
	var t To
	at := len(dst)
	dst = extend(dst, len(in)*binary.Size(t))
	out := as[To](dst[at:])
	for i, n := range in {
		out[i] = To(n)
	}
	return dst
}

func errRange(what string) error {
	return fmt.Errorf("%s is beyond what Parquet can keep of the type", what)
}

func (v *outValues) scale32(in []arrow.Time32) error {
	for _, t := range in {
		if t > math.MaxInt32/1000 || t < math.MinInt32/1000 {
			return errRange("a time")
		}
		v.fixed = binary.LittleEndian.AppendUint32(v.fixed, uint32(t*1000))
	}
	return nil
}

func (v *outValues) scale64(in []arrow.Timestamp) error {
	for _, t := range in {
		if t > math.MaxInt64/1000 || t < math.MinInt64/1000 {
			return errRange("a timestamp")
		}
		v.fixed = binary.LittleEndian.AppendUint64(v.fixed, uint64(t*1000))
	}
	return nil
}

// days makes days of milliseconds.
func (v *outValues) days(in []arrow.Date64) error {
	const day = 86_400_000
	for _, t := range in {
		days := int64(t) / day
		if int64(t)%day < 0 {
			days--
		}
		if int64(int32(days)) != days {
			return errRange("a date")
		}
		v.fixed = binary.LittleEndian.AppendUint32(v.fixed, uint32(days))
	}
	return nil
}

func (v *outValues) beginTexts() {
	if len(v.offsets) == 0 {
		v.offsets = append(v.offsets, 0)
	}
}

func (v *outValues) text(b []byte) error {
	v.beginTexts()
	if uint64(len(v.bytes))+uint64(len(b)) > math.MaxUint32 {
		return errBytes
	}
	v.bytes = append(v.bytes, b...)
	v.offsets = append(v.offsets, uint32(len(v.bytes)))
	return nil
}

// appendTexts adds byte arrays by their offsets, of which there is one more.
func appendTexts[T int32 | int64](v *outValues, data []byte, offsets []T) error {
	v.beginTexts()
	if len(offsets) < 2 {
		return nil
	}
	first, last := offsets[0], offsets[len(offsets)-1]
	shift := int64(len(v.bytes)) - int64(first)
	if uint64(len(v.bytes))+uint64(last-first) > math.MaxUint32 {
		return errBytes
	}
	v.bytes = append(v.bytes, data[first:last]...)
	at := len(v.offsets)
	v.offsets = append(v.offsets, make([]uint32, len(offsets)-1)...)
	out := v.offsets[at:]
	for i, end := range offsets[1:] {
		out[i] = uint32(int64(end) + shift)
	}
	return nil
}

// decimals appends decimals of up to 128 bits in the leaf's size.
func (v *outValues) decimals(l *outLeaf, from, to int, value func(int) (int64, uint64)) error {
	for i := from; i < to; i++ {
		high, low := value(i)
		switch l.size {
		case 4:
			if high != int64(low)>>63 || int64(int32(low)) != int64(low) {
				return tooManyDigits(l)
			}
			v.fixed = binary.LittleEndian.AppendUint32(v.fixed, uint32(low))
		case 8:
			if high != int64(low)>>63 {
				return tooManyDigits(l)
			}
			v.fixed = binary.LittleEndian.AppendUint64(v.fixed, low)
		default:
			v.fixed = binary.BigEndian.AppendUint64(v.fixed, uint64(high))
			v.fixed = binary.BigEndian.AppendUint64(v.fixed, low)
		}
	}
	return nil
}

func tooManyDigits(l *outLeaf) error {
	return fmt.Errorf("a value has more digits than %s", l.typ)
}

func (v *outValues) decimals256(l *outLeaf, a *array.Decimal256, from, to int) error {
	for i := from; i < to; i++ {
		words := a.Value(i).Array() // the lowest first
		if l.size == 32 {
			for j := 3; j >= 0; j-- {
				v.fixed = binary.BigEndian.AppendUint64(v.fixed, words[j])
			}
			continue
		}
		sign := uint64(int64(words[1]) >> 63)
		if words[2] != sign || words[3] != sign {
			return tooManyDigits(l)
		}
		n := decimal128.New(int64(words[1]), words[0])
		if err := v.decimals(l, 0, 1, func(int) (int64, uint64) { return n.HighBits(), n.LowBits() }); err != nil {
			return err
		}
	}
	return nil
}
