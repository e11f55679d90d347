package reconcile

import (
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// canon writes a column of a side anew: values are equal if what it gives is, null to null. The
// caller releases it.
func (p *columnPair) canon(side int, a arrow.Array, alloc memory.Allocator) (arrow.Array, error) {
	b := array.NewBuilder(alloc, p.canonical())
	defer b.Release()
	b.Reserve(a.Len())
	if err := p.appendCanon(b, side, a); err != nil {
		return nil, err
	}
	return b.NewArray(), nil
}

func (p *columnPair) appendCanon(b array.Builder, side int, a arrow.Array) error {
	switch b := b.(type) {
	case *array.Int64Builder:
		at := integers(a)
		return each(a, b, func(i int) error { b.Append(at(i)); return nil })
	case *array.Decimal128Builder:
		at := p.decimals(a, p.round)
		return each(a, b, func(i int) error {
			v, err := at(i)
			b.Append(v)
			return err
		})
	case *array.Float64Builder:
		at := p.floatValues(side, a)
		return each(a, b, func(i int) error { b.Append(oneFloat(at(i))); return nil })
	case *array.Date32Builder:
		at := p.times(a)
		return each(a, b, func(i int) error { b.Append(arrow.Date32FromTime(at(i))); return nil })
	case *array.TimestampBuilder:
		at := p.times(a)
		return each(a, b, func(i int) error { b.Append(arrow.Timestamp(at(i).UnixMicro())); return nil })
	case *array.Time64Builder:
		at := p.clock(a)
		return each(a, b, func(i int) error {
			v, err := at(i)
			b.Append(arrow.Time64(v))
			return err
		})
	case *array.BooleanBuilder:
		return each(a, b, func(i int) error { b.Append(a.(*array.Boolean).Value(i)); return nil })
	case *array.BinaryBuilder:
		return each(a, b, func(i int) error { b.Append(a.(*array.Binary).Value(i)); return nil })
	}
	at := p.written(side, a)
	s := b.(*array.StringBuilder)
	return each(a, b, func(i int) error {
		if t := at(i); t.null {
			s.AppendNull()
		} else {
			s.Append(t.text)
		}
		return nil
	})
}

// nulls takes nulls.
type nulls interface{ AppendNull() }

// none has no place for nulls.
type none struct{}

// AppendNull implements nulls.
func (none) AppendNull() {}

// each calls f with the places that are not null, and appends null at the others.
func each(a arrow.Array, b nulls, f func(i int) error) error {
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
		} else if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// oneFloat makes all zeros one, and all that are no numbers.
func oneFloat(v float64) float64 {
	switch {
	case v == 0:
		return 0
	case v != v: //nolint:gocritic // NaN
		return math.NaN()
	}
	return v
}

// integers reads integers of at most 64 bits with a sign.
func integers(a arrow.Array) func(i int) int64 {
	switch a := a.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint32:
		return func(i int) int64 { return int64(a.Value(i)) }
	}
	return a.(*array.Int64).Value
}

// decimals reads integers and decimals in units of 10^-scale, rounded if round is not nil.
func (p *columnPair) decimals(a arrow.Array, round *int) func(i int) (decimal128.Num, error) {
	var at func(i int) decimal128.Num
	var scale int32
	switch a := a.(type) {
	case *array.Decimal128:
		at, scale = a.Value, a.DataType().(*arrow.Decimal128Type).Scale
	case *array.Uint64:
		at = func(i int) decimal128.Num { return decimal128.FromU64(a.Value(i)) }
	default:
		ints := integers(a)
		at = func(i int) decimal128.Num { return decimal128.FromI64(ints(i)) }
	}
	if round != nil {
		return func(i int) (decimal128.Num, error) { return p.fit(ofDecimal(at(i), scale).round(*round)) }
	}
	if scale == p.scale {
		return func(i int) (decimal128.Num, error) { return at(i), nil }
	}
	times, most := decimal128.GetScaleMultiplier(int(p.scale-scale)), decimal128.GetScaleMultiplier(int(38-p.scale+scale))
	return func(i int) (decimal128.Num, error) {
		v := at(i)
		if v.Abs().GreaterEqual(most) {
			return v, p.tooWide()
		}
		return v.Mul(times), nil
	}
}

// fit is a number as the measure has it.
func (p *columnPair) fit(n number) (decimal128.Num, error) {
	v, ok := n.decimal(p.scale)
	if !ok {
		return v, p.tooWide()
	}
	return v, nil
}

func (p *columnPair) tooWide() error {
	return pipeline.Errorf(pipeline.BadInput, "reconcile: column %s has a number that does not fit in a decimal(38, %d), in which it is compared", p.name, p.scale).
		With("cast both sides to decimals of fewer places before")
}

// floatValues reads floats. Of two of different width it reads what they are written as: 0.1 of 32
// bits is 0.1.
func (p *columnPair) floatValues(_ int, a arrow.Array) func(i int) float64 {
	if f, ok := a.(*array.Float64); ok {
		return f.Value
	}
	f := a.(*array.Float32)
	if arrow.TypeEqual(p.types[0], p.types[1]) {
		return func(i int) float64 { return float64(f.Value(i)) }
	}
	return func(i int) float64 { return shortest(f.Value(i)) }
}

func shortest(v float32) float64 {
	out, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64) // what it wrote itself
	return out
}

// clock reads times of day, in microseconds.
func (p *columnPair) clock(a arrow.Array) func(i int) (int64, error) {
	switch a := a.(type) {
	case *array.Time32:
		unit := int64(1e6)
		if a.DataType().(*arrow.Time32Type).Unit == arrow.Millisecond {
			unit = 1e3
		}
		return func(i int) (int64, error) { return int64(a.Value(i)) * unit, nil }
	case *array.Time64:
		if a.DataType().(*arrow.Time64Type).Unit == arrow.Microsecond {
			return func(i int) (int64, error) { return int64(a.Value(i)), nil }
		}
		return func(i int) (int64, error) {
			v := int64(a.Value(i))
			if v%1e3 != 0 {
				return 0, pipeline.Errorf(pipeline.BadInput, "reconcile: column %s has times finer than a microsecond", p.name).With("cast it before")
			}
			return v / 1e3, nil
		}
	}
	panic("a column of " + a.DataType().String() + " got past decide")
}

// times reads dates and timestamps; those without a zone are of that of the writer. Where days are
// compared a date is the same in every zone.
func (p *columnPair) times(a arrow.Array) func(i int) time.Time {
	at, civil := rawTimes(a)
	if p.days() || !civil || p.write.zone == time.UTC {
		return at
	}
	return func(i int) time.Time {
		t := at(i)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), p.write.zone).UTC()
	}
}

// rawTimes reads dates and timestamps as if in UTC; civil says that they have no zone of their own.
func rawTimes(a arrow.Array) (at func(i int) time.Time, civil bool) {
	switch a := a.(type) {
	case *array.Date32:
		return func(i int) time.Time { return time.Unix(int64(a.Value(i))*86400, 0).UTC() }, true
	case *array.Date64:
		return func(i int) time.Time { return time.UnixMilli(int64(a.Value(i))).UTC().Truncate(24 * time.Hour) }, true
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		return func(i int) time.Time {
			v := int64(a.Value(i))
			switch t.Unit {
			case arrow.Second:
				return time.Unix(v, 0).UTC()
			case arrow.Millisecond:
				return time.UnixMilli(v).UTC()
			case arrow.Microsecond:
				return time.UnixMicro(v).UTC()
			}
			return time.Unix(v/1e9, v%1e9).UTC()
		}, t.TimeZone == ""
	}
	panic("a column of " + a.DataType().String() + " got past decide")
}
