package reconcile

import (
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// written is a value as text, and the number or the time that it is.
type written struct {
	text string
	null bool
	// num and float are the number, before it is rounded, if it is one; places are the decimals
	// that it has been given with.
	isNumber bool
	num      number
	rounded  number
	float    float64
	places   int
	// at is the date or the time, if it is one.
	isTime bool
	at     time.Time
}

// texts reads texts; of a dictionary they are by their codes, which code gives. Of others it is nil.
func texts(a arrow.Array) (at func(i int) string, code func(i int) int, codes int) {
	switch a := a.(type) {
	case *array.String:
		return a.Value, nil, 0
	case *array.LargeString:
		return a.Value, nil, 0
	case *array.StringView:
		return a.Value, nil, 0
	}
	d := a.(*array.Dictionary)
	at, _, _ = texts(d.Dictionary())
	return at, d.GetValueIndex, d.Dictionary().Len()
}

// eachText gives what f makes of the texts of a column; of a dictionary it asks f once a text.
func eachText[T any](a arrow.Array, f func(s string) T) func(i int) T {
	at, code, n := texts(a)
	if code == nil {
		return func(i int) T { return f(at(i)) }
	}
	known, has := make([]T, n), make([]bool, n)
	return func(i int) T {
		c := code(i)
		if !has[c] {
			known[c], has[c] = f(at(c)), true
		}
		return known[c]
	}
}

// written reads a column of texts, numbers or times for the kinds that are compared by their text.
func (p *columnPair) written(side int, a arrow.Array) func(i int) written {
	s := sortOf(p.types[side])
	if s == sortText {
		return eachText(a, p.ofText)
	}
	switch {
	case p.kind == kindText: // integers as codes
		at := integers(a)
		return func(i int) written { return p.ofText(strconv.FormatInt(at(i), 10)) }
	case p.kind == kindMoment:
		at := p.times(a)
		return func(i int) written { return p.ofTime(at(i)) }
	case s == sortFloat:
		if f, ok := a.(*array.Float32); ok {
			return func(i int) written { return p.ofFloat(float64(f.Value(i)), shortest(f.Value(i)), 32) }
		}
		f := a.(*array.Float64)
		return func(i int) written { return p.ofFloat(f.Value(i), f.Value(i), 64) }
	case s == sortInt:
		at := integers(a)
		return func(i int) written { return p.ofNumber(ofInt(at(i)), 0) }
	case s == sortUint64:
		u := a.(*array.Uint64)
		return func(i int) written { return p.ofNumber(ofDecimal(decimalOfUint(u.Value(i)), 0), 0) }
	}
	d := a.(*array.Decimal128)
	scale := d.DataType().(*arrow.Decimal128Type).Scale
	return func(i int) written { return p.ofNumber(ofDecimal(d.Value(i), scale), int(scale)) }
}

func (p *columnPair) ofText(s string) written {
	switch p.kind {
	case kindNumber:
		if n, places, ok := p.write.number(p.write.plain(trimmed(s))); ok {
			return p.ofNumber(n, places)
		}
	case kindMoment:
		zone := p.write.zone
		if p.days() {
			zone = time.UTC // in others there are days without a midnight
		}
		if t, ok := p.write.moment(p.write.plain(trimmed(s)), zone); ok {
			return p.ofTime(t)
		}
	}
	text, ok := p.write.text(s)
	return written{text: text, null: !ok}
}

func (p *columnPair) ofNumber(n number, places int) written {
	w := written{isNumber: true, num: n, rounded: n, places: places}
	if p.round != nil {
		w.rounded = n.round(*p.round)
	}
	if p.floats {
		w.float = n.float()
	}
	w.text = w.rounded.String()
	return w
}

// ofFloat is of a float and what it is written as, in so many bits.
func (p *columnPair) ofFloat(v, short float64, bits int) written {
	n, ok := ofFloat(v, bits)
	if !ok {
		return written{text: strconv.FormatFloat(v, 'g', -1, 64), isNumber: true, float: oneFloat(v)}
	}
	w := p.ofNumber(n, floatPlaces(n))
	w.float = short
	return w
}

// ofTime is of an instant or a date.
func (p *columnPair) ofTime(t time.Time) written {
	if p.days() {
		return written{text: t.Format(time.DateOnly), isTime: true, at: time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
	}
	t = t.UTC()
	return written{text: t.Format(time.RFC3339Nano), isTime: true, at: t}
}

// measure is the measure of a column: the type of it is p.measureType.
func (p *columnPair) measure(side int, a arrow.Array, rounded bool, alloc memory.Allocator) (arrow.Array, error) {
	b := array.NewBuilder(alloc, p.measureType())
	defer b.Release()
	b.Reserve(a.Len())
	if err := p.appendMeasure(b, side, a, rounded); err != nil {
		return nil, err
	}
	return b.NewArray(), nil
}

func (p *columnPair) appendMeasure(b array.Builder, side int, a arrow.Array, rounded bool) error {
	if f, ok := b.(*array.Float64Builder); ok {
		if p.kind == kindFloat {
			at := p.floatValues(side, a)
			return each(a, b, func(i int) error { f.Append(oneFloat(at(i))); return nil })
		}
		at := p.written(side, a)
		return each(a, b, func(i int) error {
			switch w := at(i); {
			case !w.isNumber:
				f.AppendNull()
			case rounded && !math.IsNaN(w.float) && !math.IsInf(w.float, 0):
				f.Append(w.rounded.float())
			default:
				f.Append(oneFloat(w.float))
			}
			return nil
		})
	}
	d := b.(*array.Decimal128Builder)
	at := p.exact(side, a, rounded)
	return each(a, b, func(i int) error {
		v, ok, err := at(i)
		if !ok {
			d.AppendNull()
		} else {
			d.Append(v)
		}
		return err
	})
}

// exact reads the measure in units of 10^-scale; ok is false of what has none.
func (p *columnPair) exact(side int, a arrow.Array, rounded bool) func(i int) (v num128, ok bool, err error) {
	switch p.kind {
	case kindInt, kindDecimal:
		round := p.round
		if !rounded {
			round = nil
		}
		at := p.decimals(a, round)
		return func(i int) (num128, bool, error) {
			v, err := at(i)
			return v, err == nil, err
		}
	case kindDate, kindInstant:
		at := p.times(a)
		return func(i int) (num128, bool, error) { return p.since(at(i)), true, nil }
	case kindTime:
		at := p.clock(a)
		return func(i int) (num128, bool, error) {
			v, err := at(i)
			return num128Of(v), err == nil, err
		}
	}
	at := p.written(side, a)
	return func(i int) (num128, bool, error) {
		w := at(i)
		switch {
		case w.isTime:
			return p.since(w.at), true, nil
		case !w.isNumber:
			return num128{}, false, nil
		case rounded:
			w.num = w.rounded
		}
		v, err := p.fit(w.num)
		return v, err == nil, err
	}
}

// since is how long after 1970 a time is, in the unit of the measure.
func (p *columnPair) since(t time.Time) num128 {
	switch {
	case p.days():
		return num128Of(floorDiv(t.Unix(), 86400))
	case p.scale == nanosScale:
		return num128Of(t.Unix()).Mul(num128Of(1e9)).Add(num128Of(int64(t.Nanosecond())))
	}
	return num128Of(t.UnixMicro())
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// leastPlaces is how many decimals a number has at least that does not say how many it was given
// with: 100 against 99.60 is no rounding.
const leastPlaces = 2

func floatPlaces(n number) int { return max(leastPlaces, n.places()) }

// places is with how many decimals each number of a column was given.
func (p *columnPair) places(side int, a arrow.Array) func(i int) int {
	switch {
	case p.kind == kindInt:
		return func(int) int { return 0 }
	case p.kind == kindDecimal && scaleOf(p.types[0]) != scaleOf(p.types[1]):
		scale := int(scaleOf(p.types[side]))
		return func(int) int { return scale }
	case p.kind == kindDecimal:
		scale := scaleOf(p.types[side])
		d, ok := a.(*array.Decimal128)
		if !ok {
			return func(int) int { return 0 }
		}
		return func(i int) int { return max(min(leastPlaces, int(scale)), ofDecimal(d.Value(i), scale).places()) }
	case p.kind == kindFloat:
		at := p.floatValues(side, a)
		return func(i int) int {
			n, _ := ofFloat(at(i), 64)
			return floatPlaces(n)
		}
	}
	at := p.written(side, a)
	return func(i int) int { return at(i).places }
}

// keyText reads a column as the canonical text of a key; null is its absence.
func (p *columnPair) keyText(side int, a arrow.Array) func(i int) (text string, null bool, err error) {
	plain := func(at func(i int) string) func(i int) (string, bool, error) {
		return func(i int) (string, bool, error) {
			if a.IsNull(i) {
				return "", true, nil
			}
			return at(i), false, nil
		}
	}
	switch p.kind {
	case kindInt:
		at := integers(a)
		return plain(func(i int) string { return strconv.FormatInt(at(i), 10) })
	case kindDecimal:
		at := p.decimals(a, p.round)
		return func(i int) (string, bool, error) {
			if a.IsNull(i) {
				return "", true, nil
			}
			v, err := at(i)
			return ofDecimal(v, p.scale).String(), false, err
		}
	case kindFloat:
		at := p.floatValues(side, a)
		return plain(func(i int) string {
			n, ok := ofFloat(at(i), 64)
			if !ok {
				return strconv.FormatFloat(at(i), 'g', -1, 64)
			}
			return n.String()
		})
	case kindDate:
		at := p.times(a)
		return plain(func(i int) string { return at(i).Format(time.DateOnly) })
	case kindInstant:
		at := p.times(a)
		return plain(func(i int) string { return at(i).Format(time.RFC3339Nano) })
	case kindTime:
		at := p.clock(a)
		return func(i int) (string, bool, error) {
			if a.IsNull(i) {
				return "", true, nil
			}
			v, err := at(i)
			return time.UnixMicro(v).UTC().Format(clockLayout), false, err
		}
	case kindBool:
		return plain(func(i int) string { return strconv.FormatBool(a.(*array.Boolean).Value(i)) })
	case kindBinary:
		return plain(func(i int) string { return hex.EncodeToString(a.(*array.Binary).Value(i)) })
	}
	at := p.written(side, a)
	return func(i int) (string, bool, error) {
		if a.IsNull(i) {
			return "", true, nil
		}
		w := at(i)
		return w.text, w.null, nil
	}
}

const clockLayout = "15:04:05.999999"

// shown reads a column of dates or times as the text that stands in the result.
func shown(a arrow.Array) func(i int) string {
	switch a.DataType().ID() {
	case arrow.TIME32, arrow.TIME64:
		return a.ValueStr
	}
	at, civil := rawTimes(a)
	layout := time.RFC3339Nano
	switch {
	case a.DataType().ID() == arrow.DATE32 || a.DataType().ID() == arrow.DATE64:
		layout = time.DateOnly
	case civil:
		layout = "2006-01-02T15:04:05.999999999"
	}
	return func(i int) string { return at(i).Format(layout) }
}
