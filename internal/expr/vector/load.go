package vector

import (
	"errors"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// ErrDuration is a time or duration of more nanoseconds than an int64 holds, some 292
// years.
var ErrDuration = errors.New("duration out of range")

// ErrTime is an instant that int64 microseconds do not hold, with a year to spare:
// some 290,000 years from now.
var ErrTime = errors.New("timestamp out of range")

// TimeLimit is how far from 1970 an instant of a unit but nanoseconds may be.
func TimeLimit(unit Unit) int64 { return math.MaxInt64/int64(Micros/unit) - 400*int64(unit) }

// checkTimes makes instants that are out of range errors. Nanoseconds never are.
func (v *Vector) checkTimes(n int) {
	if v.Unit == Nanos {
		return
	}
	limit := TimeLimit(v.Unit)
	var out uint64
	for _, t := range v.Ints[:n] {
		out |= one(uint64(t+limit) > uint64(2*limit))
	}
	if out == 0 {
		return
	}
	for i, t := range v.Ints[:n] {
		if t > limit || t < -limit {
			v.Fault(i, n, ErrTime)
		}
	}
}

// maxPrecision is how many digits an int64 holds of every decimal.
const maxPrecision = 18

// KindOf is the kind of the vectors that rows of a type are loaded into. Dictionaries
// and run-ends are of the kind of their values.
func KindOf(t arrow.DataType) Kind {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return KindOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return KindOf(t.Encoded())
	}
	if t, ok := t.(arrow.DecimalType); ok && t.GetPrecision() <= maxPrecision {
		return Decimal
	}
	switch t.ID() {
	case arrow.BOOL:
		return Bool
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64:
		return Int
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return Uint
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return Double
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return Text
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return Bytes
	case arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP:
		return Time
	case arrow.TIME32, arrow.TIME64, arrow.DURATION:
		return Duration
	}
	return Other
}

// Load fills v with rows from to from+n of an array that is neither a dictionary nor
// run-end encoded, and of a kind but Other. Values of eight bytes and texts stay
// where they are: v is good as long as the array is.
func (v *Vector) Load(a arrow.Array, from, n int) {
	kind := KindOf(a.DataType())
	switch a := a.(type) {
	case *array.Int64:
		v.share(kind)
		v.Ints = a.Int64Values()[from : from+n]
	case *array.Timestamp:
		v.share(kind)
		v.Ints, v.Unit = int64s(a.TimestampValues()[from:from+n]), unitOf(a.DataType().(*arrow.TimestampType).Unit)
		v.checkTimes(n)
	case *array.Date64:
		v.share(kind)
		v.Ints, v.Unit = int64s(a.Date64Values()[from:from+n]), Millis
		v.checkTimes(n)
	case *array.Uint64:
		v.share(kind)
		v.Uints = a.Uint64Values()[from : from+n]
	case *array.Float64:
		v.share(kind)
		v.Doubles = a.Float64Values()[from : from+n]
	default:
		v.Start(kind, n)
		v.widen(a, from, n)
	}
	if a.NullN() > 0 {
		null := v.nulls(n)
		null.load(a.NullBitmapBytes(), a.Data().Offset()+from, n)
		for w := range null {
			null[w] = ^null[w]
			if v.Bad != nil {
				v.Bad[w] &^= null[w]
			}
		}
	}
}

// LoadPast is Load with one row more, which is null. The values are the vector's own.
func (v *Vector) LoadPast(a arrow.Array, from, n int) {
	v.Start(KindOf(a.DataType()), n+1)
	v.Clear()
	if n > 0 {
		var some Vector
		some.Load(a, from, n)
		v.Take(&some, n)
		for i := range n {
			switch {
			case some.Null != nil && some.Null.Get(i):
				v.SetNull(i, n+1)
			case some.Bad != nil && some.Bad.Get(i):
				v.Fault(i, n+1, some.Errs[i])
			}
		}
	}
	v.SetNull(n, n+1)
}

// share is Start for values that are not the vector's own.
func (v *Vector) share(kind Kind) {
	v.Kind, v.Const, v.Null, v.Bad, v.Errs = kind, false, nil, nil, nil
}

func (v *Vector) widen(a arrow.Array, from, n int) {
	switch a := a.(type) {
	case *array.Boolean:
		data := a.Data()
		v.Bits.load(data.Buffers()[1].Bytes(), data.Offset()+from, n)
	case *array.Int8:
		convert(v.Ints, a.Int8Values()[from:])
	case *array.Int16:
		convert(v.Ints, a.Int16Values()[from:])
	case *array.Int32:
		convert(v.Ints, a.Int32Values()[from:])
	case *array.Date32:
		v.Unit = Days
		convert(v.Ints, a.Date32Values()[from:])
		v.checkTimes(n)
	case *array.Uint8:
		convert(v.Uints, a.Uint8Values()[from:])
	case *array.Uint16:
		convert(v.Uints, a.Uint16Values()[from:])
	case *array.Uint32:
		convert(v.Uints, a.Uint32Values()[from:])
	case *array.Float32:
		convert(v.Doubles, a.Float32Values()[from:])
	case *array.Float16:
		for i := range v.Doubles {
			v.Doubles[i] = float64(a.Value(from + i).Float32())
		}
	case *array.Decimal32:
		v.Unit = Unit(a.DataType().(arrow.DecimalType).GetScale())
		for i := range v.Ints {
			v.Ints[i] = int64(a.Value(from + i))
		}
	case *array.Decimal64:
		v.Unit = Unit(a.DataType().(arrow.DecimalType).GetScale())
		for i := range v.Ints {
			v.Ints[i] = int64(a.Value(from + i))
		}
	case *array.Decimal128:
		v.Unit = Unit(a.DataType().(arrow.DecimalType).GetScale())
		for i, x := range a.Values()[from : from+n] {
			v.Ints[i] = int64(x.LowBits())
		}
	case *array.Time32:
		durations(v, a.Time32Values()[from:from+n], a.DataType().(*arrow.Time32Type).Unit)
	case *array.Time64:
		durations(v, a.Time64Values()[from:from+n], a.DataType().(*arrow.Time64Type).Unit)
	case *array.Duration:
		durations(v, a.DurationValues()[from:from+n], a.DataType().(*arrow.DurationType).Unit)
	default:
		v.texts(a, from, n)
	}
}

func convert[T, F int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64 | arrow.Date32](to []T, from []F) {
	from = from[:len(to)]
	for i, x := range from {
		to[i] = T(x)
	}
}

// durations converts to nanoseconds; what they can't hold is an error.
func durations[T ~int32 | ~int64](v *Vector, vals []T, unit arrow.TimeUnit) {
	nanos := int64(unit.Multiplier())
	limit := math.MaxInt64 / nanos
	for i, x := range vals {
		v.Ints[i] = int64(x) * nanos
		if int64(x) > limit || int64(x) < -limit {
			v.Fault(i, len(vals), ErrDuration)
		}
	}
}

func (v *Vector) texts(a arrow.Array, from, n int) {
	switch a := a.(type) {
	case *array.String:
		cutTexts(v.Texts, a, a.ValueOffsets()[from:from+n+1])
	case *array.Binary:
		cutTexts(v.Texts, a, a.ValueOffsets()[from:from+n+1])
	case *array.LargeString:
		for i := range n {
			v.Texts[i] = a.Value(from + i)
		}
	case *array.StringView:
		for i := range n {
			v.Texts[i] = a.Value(from + i)
		}
	case interface{ Value(int) []byte }:
		for i := range n {
			v.Texts[i] = view(a.Value(from + i))
		}
	default:
		panic("a column of type " + a.DataType().String() + " has no vector")
	}
}

// cutTexts cuts texts out of an array's data.
func cutTexts(to []string, a arrow.Array, offsets []int32) {
	data := a.Data().Buffers()[2]
	if data == nil {
		clear(to) // all are empty
		return
	}
	all := view(data.Bytes())
	for i := range to {
		to[i] = all[offsets[i]:offsets[i+1]]
	}
}

func unitOf(u arrow.TimeUnit) Unit {
	return [...]Unit{arrow.Second: Seconds, arrow.Millisecond: Millis, arrow.Microsecond: Micros, arrow.Nanosecond: Nanos}[u]
}

// Indexes gives, for each row of a dictionary or a run-end encoded array, where its
// value is; null rows have the index past the last value. They are the array's own
// memory where that is possible, else in to. An index outside of the dictionary is
// ErrIndex.
func Indexes(to *[]int32, a arrow.Array) (indexes []int32, values arrow.Array, err error) {
	switch a := a.(type) {
	case *array.Dictionary:
		values = a.Dictionary()
		if raw, ok := a.Indices().(*array.Int32); ok && a.NullN() == 0 {
			indexes = raw.Int32Values()
			break
		}
		*to = room(*to, a.Len())
		dictionaryIndexes(*to, a)
		indexes = *to
	case *array.RunEndEncoded:
		values = a.Values()
		*to = room(*to, a.Len())
		for i := range *to {
			(*to)[i] = int32(a.GetPhysicalIndex(i))
		}
		indexes = *to
	default:
		panic("an array of type " + a.DataType().String() + " has no indexes")
	}
	last := int64(values.Len()) - 1
	if a.NullN() > 0 {
		last++
	}
	var over int64 // negative if an index is greater, or itself negative
	for _, at := range indexes {
		over |= last - int64(uint32(at))
	}
	if over < 0 {
		return nil, nil, ErrIndex
	}
	return indexes, values, nil
}

func dictionaryIndexes(to []int32, a *array.Dictionary) {
	switch raw := a.Indices().(type) {
	case *array.Int32:
		copy(to, raw.Int32Values())
	case *array.Int8:
		convert(to, raw.Int8Values())
	case *array.Int16:
		convert(to, raw.Int16Values())
	case *array.Uint8:
		convert(to, raw.Uint8Values())
	case *array.Uint16:
		convert(to, raw.Uint16Values())
	case *array.Int64:
		narrow(to, raw.Int64Values())
	case *array.Uint32:
		narrow(to, raw.Uint32Values())
	case *array.Uint64:
		narrow(to, raw.Uint64Values())
	}
	size := int32(a.Dictionary().Len())
	for i, at := range to {
		switch {
		case a.IsNull(i):
			to[i] = size
		case at >= size:
			to[i] = -1
		}
	}
}

// narrow converts indexes; what no int32 can hold is out of any range.
func narrow[F int64 | uint32 | uint64](to []int32, from []F) {
	for i, x := range from[:len(to)] {
		if to[i] = int32(x); uint64(x) > math.MaxInt32 {
			to[i] = -1
		}
	}
}
