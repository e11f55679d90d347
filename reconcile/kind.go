package reconcile

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// kind is what two columns are compared as.
type kind int

const (
	kindText    kind = iota
	kindInt          // int64
	kindDecimal      // decimal(38, scale), of integers and decimals
	kindFloat        // float64, of floats
	kindNumber       // the text of a number, of anything that is one or may be
	kindDate         // date32
	kindInstant      // timestamp[us, UTC]
	kindMoment       // the text of a date or an instant, of what float64 and microseconds are too coarse for, and of texts
	kindTime         // a time of day
	kindBool
	kindBinary
)

// sort is what a column's type is, for comparing.
type sort int

const (
	sortNone sort = iota
	sortText
	sortInt
	sortUint64
	sortDecimal
	sortFloat
	sortDate
	sortTimestamp
	sortTime
	sortBool
	sortBinary
)

func sortOf(t arrow.DataType) sort {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		if sortOf(t.ValueType) == sortText {
			return sortText
		}
		return sortNone
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return sortText
	case *arrow.Uint64Type:
		return sortUint64
	case *arrow.Decimal128Type:
		return sortDecimal
	case *arrow.Float32Type, *arrow.Float64Type:
		return sortFloat
	case *arrow.Date32Type, *arrow.Date64Type:
		return sortDate
	case *arrow.TimestampType:
		return sortTimestamp
	case *arrow.Time32Type, *arrow.Time64Type:
		return sortTime
	case *arrow.BooleanType:
		return sortBool
	case *arrow.BinaryType:
		return sortBinary
	}
	if arrow.IsInteger(t.ID()) {
		return sortInt
	}
	return sortNone
}

func (s sort) number() bool { return s >= sortInt && s <= sortFloat }
func (s sort) moment() bool { return s == sortDate || s == sortTimestamp }

// Scales of measures that their types don't give.
const (
	textScale  = 9 // of numbers in texts, and of differences of floats
	timeScale  = 6
	nanosScale = 9
)

// decide says what columns of two types are compared as; the scale is that of their measure.
func decide(left, right arrow.DataType, n *writer, round bool) (k kind, scale int32, problem string) {
	l, r := sortOf(left), sortOf(right)
	either := func(s sort) bool { return l == s || r == s }
	coded := n.Pad > 0 || len(n.Map) > 0
	apart := fmt.Sprintf("%s and %s can't be compared", pipeline.ATypeName(left), pipeline.ATypeName(right))
	switch {
	case l == sortNone || r == sortNone:
		t := left
		if l != sortNone {
			t = right
		}
		return 0, 0, fmt.Sprintf("%s can't be compared; cast it before", pipeline.ATypeName(t))
	case either(sortText):
		return n.decideText(left, right, l, r, apart)
	case coded && l == sortInt && r == sortInt:
		return kindText, 0, ""
	case n.touches() != "" && n.touches() != "number" && n.touches() != "date" || coded:
		option := n.touches()
		if coded {
			option = "pad or map"
		}
		return 0, 0, fmt.Sprintf("%s is of texts, and here are %s and %s", option, pipeline.ATypeName(left), pipeline.ATypeName(right))
	case l.number() && r.number():
		k, scale = decideNumber(left, right, l, r, round)
		return k, scale, ""
	case l.moment() && r.moment():
		k, scale = decideMoment(left, right, l, r)
		return k, scale, ""
	case l != r:
		return 0, 0, apart
	case l == sortTime:
		return kindTime, timeScale, ""
	case l == sortBool:
		return kindBool, 0, ""
	}
	return kindBinary, 0, ""
}

// decideText is decide where one of the two is a text.
func (w *writer) decideText(left, right arrow.DataType, l, r sort, apart string) (kind, int32, string) {
	other, otherType := r, right
	if l != sortText {
		other, otherType = l, left
	}
	switch {
	case other == sortText && w.Number || other.number() && w.Number:
		return kindNumber, max(textScale, scaleOf(otherType)), ""
	case other == sortText && w.Date != "" || other.moment() && w.Date != "":
		if (other == sortText || other == sortDate) && w.dated {
			return kindMoment, 0, ""
		}
		return kindMoment, nanosScale, ""
	case other == sortText, other == sortInt && (w.Pad > 0 || len(w.Map) > 0):
		return kindText, 0, ""
	case other.number():
		return 0, 0, apart + "; say number: true if the texts are numbers"
	case other.moment():
		return 0, 0, apart + "; say how the texts are written, like date: 2006-01-02"
	}
	return 0, 0, apart
}

func decideNumber(left, right arrow.DataType, l, r sort, round bool) (kind, int32) {
	scale := max(scaleOf(left), scaleOf(right))
	switch {
	case l == sortFloat || r == sortFloat:
		if l == r && !round {
			return kindFloat, textScale
		}
		return kindNumber, textScale
	case l == sortInt && r == sortInt && !round:
		return kindInt, 0
	}
	return kindDecimal, scale
}

func decideMoment(left, right arrow.DataType, l, r sort) (kind, int32) {
	switch {
	case l == sortDate && r == sortDate:
		return kindDate, 0
	case nanos(left) || nanos(right):
		return kindMoment, nanosScale
	}
	return kindInstant, timeScale
}

func nanos(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.Unit == arrow.Nanosecond
}

func scaleOf(t arrow.DataType) int32 {
	if d, ok := t.(*arrow.Decimal128Type); ok {
		return d.Scale
	}
	return 0
}

// A decimal of 38 digits is the widest that is exact everywhere.
func wide(scale int32) *arrow.Decimal128Type {
	return &arrow.Decimal128Type{Precision: 38, Scale: scale}
}

var instant = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// columnPair is a column of each side, and what the two are compared as.
type columnPair struct {
	name       string
	index      [2]int
	types      [2]arrow.DataType
	kind       kind
	scale      int32 // of the measure
	floats     bool  // the measure is a float64
	write      *writer
	round      *int
	nullsEqual bool // of a key
}

// canonical is the type of the values that are compared.
func (p *columnPair) canonical() arrow.DataType {
	switch p.kind {
	case kindInt:
		return arrow.PrimitiveTypes.Int64
	case kindDecimal:
		return wide(p.scale)
	case kindFloat:
		return arrow.PrimitiveTypes.Float64
	case kindDate:
		return arrow.FixedWidthTypes.Date32
	case kindInstant:
		return instant
	case kindTime:
		return arrow.FixedWidthTypes.Time64us
	case kindBool:
		return arrow.FixedWidthTypes.Boolean
	case kindBinary:
		return arrow.BinaryTypes.Binary
	}
	return arrow.BinaryTypes.String
}

// isNumber reports whether values can be added up.
func (p *columnPair) isNumber() bool {
	return p.kind == kindInt || p.kind == kindDecimal || p.kind == kindFloat || p.kind == kindNumber
}

// isMoment reports whether values are dates or times, which lie some seconds apart.
func (p *columnPair) isMoment() bool {
	return p.kind == kindDate || p.kind == kindInstant || p.kind == kindMoment || p.kind == kindTime
}

// days reports whether the pair's measure is in days; of others that are moments, in seconds.
func (p *columnPair) days() bool { return p.kind == kindDate || p.kind == kindMoment && p.scale == 0 }

func (p *columnPair) measured() bool { return p.isNumber() || p.isMoment() }

// measureType is the type in which differences are taken, and totals.
func (p *columnPair) measureType() arrow.DataType {
	if p.floats {
		return arrow.PrimitiveTypes.Float64
	}
	return wide(p.scale)
}

// unitOf is the unit of a date or a time, in seconds; 0 of others.
func unitOf(t arrow.DataType) float64 {
	var unit arrow.TimeUnit
	switch t := t.(type) {
	case *arrow.Date32Type, *arrow.Date64Type:
		return 86400
	case *arrow.TimestampType:
		unit = t.Unit
	case *arrow.Time32Type:
		unit = t.Unit
	case *arrow.Time64Type:
		unit = t.Unit
	default:
		return 0
	}
	return unit.Multiplier().Seconds()
}
