package twosides

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	_ "time/tzdata" // times are dressed in zones

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/reconcile"
)

type kind int

const (
	num  kind = iota // int64, in units
	text             // string
	when             // time.Time, an instant
	day              // time.Time, midnight UTC
)

// field is a column of both sides: what its values mean, and what they look like.
type field struct {
	name  string
	names [2]string
	kind  kind
	types [2]arrow.DataType
	reconcile.Normal
	// Of numbers: the smallest units that either side can hold, and how far they may be apart.
	step      [2]int64
	tolerance int64
	relative  bool // a thousandth
	round     bool // to two places
	seconds   float64
	prefix    string // of texts: what Strip takes out
}

func (f *field) coarse() int64 { return max(f.step[0], f.step[1]) }

// exact reports whether numbers must be the same.
func (f *field) exact() bool { return f.tolerance == 0 && !f.relative && !f.round }

var (
	stringType  = arrow.BinaryTypes.String
	dictType    = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: stringType}
	int64Type   = arrow.PrimitiveTypes.Int64
	int32Type   = arrow.PrimitiveTypes.Int32
	float64Type = arrow.PrimitiveTypes.Float64
	dateType    = arrow.FixedWidthTypes.Date32
)

func decimalType(precision, places int32) arrow.DataType {
	return &arrow.Decimal128Type{Precision: precision, Scale: places}
}

// stepOf is the smallest unit that a type of numbers is given.
func stepOf(t arrow.DataType, text int64) int64 {
	switch t := t.(type) {
	case *arrow.Decimal128Type:
		s := int64(scale)
		for range min(t.Scale, 4) {
			s /= 10
		}
		return s
	case *arrow.Float64Type, *arrow.StringType, *arrow.DictionaryType:
		return text
	default:
		return scale
	}
}

func (f *field) column() reconcile.Column {
	c := reconcile.Column{Left: f.names[0], Right: f.names[1], As: f.name, Seconds: f.seconds, Normal: f.Normal}
	if f.tolerance > 0 {
		c.Tolerance = strings.TrimRight(number(f.tolerance).String(), "0")
	}
	if f.relative {
		c.Relative = "0.1%"
	}
	if f.round {
		two := 2
		c.Round = &two
	}
	return c
}

// dress gives a value as a side has it; another time it may look otherwise and mean the same.
func (f *field) dress(r *rand.Rand, side int, v any) any {
	if v == nil {
		if f.BlankIsNull && f.isText(side) && r.IntN(2) == 0 {
			return blanks[r.IntN(len(blanks))]
		}
		return nil
	}
	switch f.kind {
	case num:
		return f.dressNumber(r, side, v.(int64))
	case text:
		return f.dressText(r, v.(string))
	case day:
		if f.isText(side) {
			return f.spaced(r, v.(time.Time).Format(f.Date))
		}
		return v
	default:
		return f.dressTime(r, side, v.(time.Time))
	}
}

var blanks = []string{"", " ", "   ", "\t"}

func (f *field) isText(side int) bool {
	switch f.types[side].(type) {
	case *arrow.StringType, *arrow.LargeStringType, *arrow.DictionaryType:
		return true
	}
	return false
}

func (f *field) dressNumber(r *rand.Rand, side int, v int64) any {
	switch f.types[side].(type) {
	case *arrow.Decimal128Type:
		return number(v)
	case *arrow.Float64Type, *arrow.Float32Type:
		return float64(v) / scale
	case *arrow.StringType, *arrow.DictionaryType:
		s := number(v).String()
		// As many places as the side has; of more zeros it would say that they are meant.
		if two, ok := strings.CutSuffix(s, "00"); ok && (f.step[side] >= 100 || r.IntN(2) == 0) {
			s = two
		}
		if whole, ok := strings.CutSuffix(s, ".00"); ok && r.IntN(2) == 0 {
			s = whole
		}
		digits, minus := strings.CutPrefix(s, "-")
		digits = strings.Repeat("0", r.IntN(3)) + digits
		switch {
		case minus:
			digits = "-" + digits
		case r.IntN(4) == 0:
			digits = "+" + digits
		}
		return f.spaced(r, digits)
	default:
		return v / scale
	}
}

func (f *field) dressText(r *rand.Rand, s string) any {
	for code, meaning := range f.Map {
		if meaning == s && r.IntN(2) == 0 {
			return code
		}
	}
	if f.Pad > 0 && len(s) == f.Pad {
		zeros := len(s) - len(strings.TrimLeft(s, "0"))
		s = s[r.IntN(zeros+1):]
	}
	if f.Case != "" {
		s = odd(r, s)
	}
	if f.Strip != "" && r.IntN(2) == 0 {
		s = f.prefix + s
	}
	return f.spaced(r, s)
}

// odd changes the case of some letters.
func odd(r *rand.Rand, s string) string {
	b := []byte(s)
	for i, c := range b {
		if c|0x20 >= 'a' && c|0x20 <= 'z' && r.IntN(3) == 0 {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

func (f *field) spaced(r *rand.Rand, s string) string {
	if !f.Trim || r.IntN(3) > 0 {
		return s
	}
	return strings.Repeat(" ", r.IntN(3)) + s + strings.Repeat(" ", r.IntN(3))
}

func (f *field) dressTime(r *rand.Rand, side int, v time.Time) any {
	zone := time.UTC
	if f.Zone != "" {
		z, err := time.LoadLocation(f.Zone)
		if err != nil {
			panic(err)
		}
		zone = z
	}
	if f.isText(side) {
		return f.spaced(r, v.In(zone).Format(f.Date))
	}
	if f.types[side].(*arrow.TimestampType).TimeZone != "" {
		return v
	}
	l := v.In(zone) // the clocks of the zone, as if they were UTC
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
}

// canonical is how a value of a key is written in the result.
func (f *field) canonical(v any) string {
	switch v := v.(type) {
	case nil:
		return `\N`
	case int64:
		s := strings.TrimRight(number(v).String(), "0")
		return strings.TrimSuffix(s, ".")
	case time.Time:
		return v.Format(time.DateOnly)
	case string:
		return strings.NewReplacer(`\`, `\\`, `|`, `\|`).Replace(v)
	default:
		panic(fmt.Sprintf("a key of %T", v))
	}
}
