package gates

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
)

// numberMetrics are those of numbers, texts and times.
var numberMetrics = []metricFunc{
	{MetricFunc: fn("min", orderedResult("min"), expr.RowExpr), state: "min", open: openExtreme(-1), read: readExtreme},
	{MetricFunc: fn("max", orderedResult("max"), expr.RowExpr), state: "max", open: openExtreme(1), read: readExtreme},
	{MetricFunc: fn("sum", numberResult("sum"), expr.RowExpr), state: "sum", open: openSum, read: readSum},
}

func openExtreme(sign int) func([]arrow.DataType, []any, means) state {
	return func(args []arrow.DataType, _ []any, _ means) state { return &extreme{Sign: sign, typ: args[0]} }
}

func readExtreme(s state, _ []any) reading { return exactly(s.(*extreme).value()) }

// extreme is the least (Sign -1) or greatest (1) value.
type extreme struct {
	typ  arrow.DataType
	Sign int
	Best any // int64, uint64, float64, string or *big.Int (digits); nil if there was no value
}

func (e *extreme) update(values arrow.Array, _ int64) error {
	for i := range values.Len() {
		if values.IsNull(i) {
			continue
		}
		switch a := values.(type) {
		case *array.Int64:
			better(e, a.Value(i))
		case *array.Uint64:
			better(e, a.Value(i))
		case *array.Float64:
			if v := a.Value(i); v == v {
				better(e, v)
			}
		case *array.String:
			better(e, a.Value(i))
		case *array.Timestamp:
			better(e, int64(a.Value(i)))
		default:
			e.betterDecimal(unscaled(values)(i))
		}
	}
	return nil
}

func (e *extreme) betterDecimal(v *big.Int) {
	best, ok := e.Best.(*big.Int)
	if !ok || v.Cmp(best) == e.Sign {
		e.Best = v
	}
}

func better[T int64 | uint64 | float64 | string](e *extreme, v T) {
	best, ok := e.Best.(T)
	if !ok || e.Sign < 0 && v < best || e.Sign > 0 && v > best {
		if s, isText := any(v).(string); isText {
			e.Best = string(append([]byte{}, s...)) // the array's memory goes with it
			return
		}
		e.Best = v
	}
}

func (e *extreme) merge(other state) error {
	switch v := other.(*extreme).Best.(type) {
	case int64:
		better(e, v)
	case uint64:
		better(e, v)
	case float64:
		better(e, v)
	case string:
		better(e, v)
	case *big.Int:
		e.betterDecimal(v)
	}
	return nil
}

// MarshalJSON writes the value so that JSON can keep it whatever it is.
func (e *extreme) MarshalJSON() ([]byte, error) {
	best := e.Best
	if f, ok := best.(float64); ok {
		best = jsonFloat(f)
	}
	if text, ok := best.(string); ok && !utf8.ValidString(text) {
		return json.Marshal(map[string][]byte{"bytes": []byte(text)})
	}
	return json.Marshal(map[string]any{"best": best})
}

func (e *extreme) value() any {
	switch v := e.Best.(type) {
	case int64:
		if e.typ.ID() == arrow.TIMESTAMP {
			return time.UnixMicro(v).UTC()
		}
	case *big.Int:
		return expr.Decimal{Digits: v, Scale: scaleOf(e.typ)}
	}
	return e.Best
}

// jsonFloat is a float that JSON can keep whatever it is.
type jsonFloat float64

// MarshalJSON writes NaN and the infinities as strings.
func (f jsonFloat) MarshalJSON() ([]byte, error) {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"+Inf"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Inf"`), nil
	}
	return appendFloat(v), nil
}

func appendFloat(v float64) []byte { return strconv.AppendFloat(nil, v, 'g', -1, 64) }
