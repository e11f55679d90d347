package gates

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// misfit says that a value is not of the type of its column.
func misfit(t arrow.DataType, v any, like string) error {
	found := fmt.Sprintf("%v", v)
	if text, ok := v.(string); ok {
		found = strconv.Quote(text)
	}
	if like != "" {
		like = ", like " + like
	}
	name := "a " + pipeline.TypeName(t)
	if arrow.IsSignedInteger(t.ID()) {
		name = "an" + name[1:]
	}
	return fmt.Errorf("expected %s%s, found %s", name, like, found)
}

// appendValue appends a value of a fixture to a column of type t.
func appendValue(b array.Builder, t arrow.DataType, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch t.ID() {
	case arrow.BOOL:
		truth, ok := v.(bool)
		if !ok {
			return misfit(t, v, "true")
		}
		b.(*array.BooleanBuilder).Append(truth)
		return nil
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		text, ok := v.(string)
		if !ok {
			return misfit(t, v, `"abc"`)
		}
		b.(interface{ Append(string) }).Append(text)
		return nil
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return appendBytes(b, t, v)
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.STRUCT, arrow.MAP:
		return appendNested(b, t, v)
	}
	if arrow.IsInteger(t.ID()) {
		return appendWhole(b, t, v)
	}
	if arrow.IsFloating(t.ID()) || arrow.IsDecimal(t.ID()) {
		text, ok := fixtureNumber(v)
		if !ok {
			return misfit(t, v, "1.5")
		}
		return appendText(b, t, text, "1.5")
	}
	return appendTime(b, t, v)
}

// fixtureNumber is a number as text.
func fixtureNumber(v any) (string, bool) {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32), true
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), true
	}
	return "", false
}

func appendWhole(b array.Builder, t arrow.DataType, v any) error {
	text, ok := fixtureNumber(v)
	if f, is := v.(float64); is {
		if f != math.Trunc(f) || math.Abs(f) > 1<<64 {
			return misfit(t, v, "5")
		}
		text = strconv.FormatFloat(f, 'f', 0, 64)
	}
	if !ok {
		return misfit(t, v, "5")
	}
	return appendText(b, t, text, "5")
}

func appendBytes(b array.Builder, t arrow.DataType, v any) error {
	text, ok := v.(string)
	fixed, is := t.(*arrow.FixedSizeBinaryType)
	if !ok || is && len(text) != fixed.ByteWidth {
		return misfit(t, v, "")
	}
	b.(interface{ Append([]byte) }).Append([]byte(text))
	return nil
}

// timeForms are how texts may write dates and times.
var timeForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}

func appendTime(b array.Builder, t arrow.DataType, v any) error {
	at, isTime := v.(time.Time)
	text, isText := v.(string)
	switch t := t.(type) {
	case *arrow.TimestampType:
		if !isTime && (!isText || !parseTime(text, timeForms, &at)) {
			return misfit(t, v, "2001-01-31T09:00:00Z")
		}
		value, err := arrow.TimestampFromTime(at, t.Unit)
		if err != nil {
			return misfit(t, v, "")
		}
		b.(*array.TimestampBuilder).Append(value)
	case *arrow.Date32Type:
		if !isTime && (!isText || !parseTime(text, []string{time.DateOnly}, &at)) {
			return misfit(t, v, "2001-01-31")
		}
		b.(*array.Date32Builder).Append(arrow.Date32FromTime(at))
	case *arrow.Date64Type:
		if !isTime && (!isText || !parseTime(text, []string{time.DateOnly}, &at)) {
			return misfit(t, v, "2001-01-31")
		}
		b.(*array.Date64Builder).Append(arrow.Date64FromTime(at))
	case *arrow.DurationType:
		d, err := time.ParseDuration(text)
		if !isText || err != nil {
			return misfit(t, v, "1h30m")
		}
		b.(*array.DurationBuilder).Append(arrow.Duration(d / t.Unit.Multiplier()))
	default:
		if !isText {
			return misfit(t, v, "")
		}
		return appendText(b, t, text, "")
	}
	return nil
}

func parseTime(text string, forms []string, at *time.Time) bool {
	for _, form := range forms {
		if t, err := time.Parse(form, text); err == nil {
			*at = t
			return true
		}
	}
	return false
}

// appendText appends what the type reads from a text.
func appendText(b array.Builder, t arrow.DataType, text, like string) error {
	if err := b.AppendValueFromString(text); err != nil {
		return misfit(t, text, like)
	}
	return nil
}

// appendNested appends a list, struct or map.
func appendNested(b array.Builder, t arrow.DataType, v any) error {
	l, ok := b.(*array.ListBuilder)
	values, isList := v.([]any)
	switch {
	case ok && !isList:
		return misfit(t, v, "[1, 2]")
	case ok:
		l.Append(true)
		for _, e := range values {
			if err := appendValue(l.ValueBuilder(), t.(*arrow.ListType).Elem(), e); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return misfit(t, v, "")
	}
	if err := b.UnmarshalJSON(slices.Concat([]byte("["), text, []byte("]"))); err != nil {
		return misfit(t, v, "")
	}
	return nil
}
