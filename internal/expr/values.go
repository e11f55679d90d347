package expr

import (
	"errors"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/shopspring/decimal"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// null stands for a null value: cel-go's unknown has just the meaning we give null.
var null ref.Val = types.NewUnknown(1, nil)

// get gives the CEL value of a row of a vector.
func get(v *vector.Vector, row int) ref.Val {
	switch {
	case v.Null != nil && v.Null.Get(row):
		return null
	case v.Bad != nil && v.Bad.Get(row):
		return types.WrapErr(v.Errs[row])
	}
	switch v.Kind {
	case vector.Bool:
		return types.Bool(v.Bits.Get(row))
	case vector.Int:
		return types.Int(v.Ints[row])
	case vector.Uint:
		return types.Uint(v.Uints[row])
	case vector.Double:
		return types.Double(v.Doubles[row])
	case vector.Text:
		return types.String(v.Texts[row])
	case vector.Bytes:
		return types.Bytes(v.Texts[row])
	case vector.Time:
		return types.Timestamp{Time: instant(v.Ints[row], v.Unit)}
	case vector.Duration:
		return types.Duration{Duration: time.Duration(v.Ints[row])}
	case vector.Decimal:
		return decimalVal{decimal.New(v.Ints[row], int32(-v.Unit))}
	}
	return v.Any[row].(ref.Val)
}

var errNoValue = errors.New("no such overload")

// put makes a CEL value that of a row of a vector; times are counted in unit, downwards.
// It gives an error for a value that the vector can't hold.
func put(v *vector.Vector, row, n int, val ref.Val, unit vector.Unit) error {
	switch val := val.(type) {
	case *types.Unknown:
		v.SetNull(row, n)
		return nil
	case *types.Err:
		return val
	case types.Bool:
		if v.Kind == vector.Bool {
			v.Bits.Put(row, bool(val))
			return nil
		}
	case types.Int:
		if v.Kind == vector.Int {
			v.Ints[row] = int64(val)
			return nil
		}
	case types.Uint:
		if v.Kind == vector.Uint {
			v.Uints[row] = uint64(val)
			return nil
		}
	case types.Double:
		if v.Kind == vector.Double {
			v.Doubles[row] = float64(val)
			return nil
		}
	case types.String:
		if v.Kind == vector.Text {
			return putText(v, row, string(val))
		}
	case types.Bytes:
		if v.Kind == vector.Bytes {
			return putText(v, row, string(val))
		}
	case types.Timestamp:
		if v.Kind == vector.Time {
			count, _, fits := cut(val.Time, unit)
			if !fits {
				return vector.ErrTime
			}
			v.Ints[row] = count
			return nil
		}
	case types.Duration:
		if v.Kind == vector.Duration {
			v.Ints[row] = int64(val.Duration)
			return nil
		}
	}
	if v.Kind == vector.Other {
		v.Any[row] = val
		return nil
	}
	return errNoValue
}

func putText(v *vector.Vector, row int, s string) error {
	if len(s) > maxValue {
		return errTooLong
	}
	if v.Meter.Make(len(s)) {
		v.Texts[row] = s
	}
	return nil
}

// unitOf is the unit in which the instants of a column are counted, or 0.
func unitOf(t arrow.DataType) vector.Unit {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return unitOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return unitOf(t.Encoded())
	case *arrow.TimestampType:
		return [...]vector.Unit{arrow.Second: vector.Seconds, arrow.Millisecond: vector.Millis, arrow.Microsecond: vector.Micros, arrow.Nanosecond: vector.Nanos}[t.Unit]
	case *arrow.Date32Type:
		return vector.Days
	case *arrow.Date64Type:
		return vector.Millis
	}
	return 0
}
