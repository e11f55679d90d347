package gates

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/bits"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

var errOverflow = errors.New("the sum does not fit in 64 bits")

// numberMetrics are those of numbers, texts and times.
var numberMetrics = []metricFunc{
	{MetricFunc: fn("min", orderedResult("min"), expr.RowExpr), state: "min", open: openExtreme(-1), read: readExtreme},
	{MetricFunc: fn("max", orderedResult("max"), expr.RowExpr), state: "max", open: openExtreme(1), read: readExtreme},
	{MetricFunc: fn("sum", numberResult("sum"), expr.RowExpr), state: "sum", open: openSum, read: readSum},
	{MetricFunc: fn("mean", doubleResult("mean"), expr.RowExpr), state: "moments", open: openMoments, read: readMoments((*moments).mean)},
	{MetricFunc: fn("variance", doubleResult("variance"), expr.RowExpr), state: "moments", open: openMoments, read: readMoments((*moments).variance)},
	{MetricFunc: fn("stddev", doubleResult("stddev"), expr.RowExpr), state: "moments", open: openMoments, read: readMoments((*moments).stddev)},
}

func openSum(args []arrow.DataType, _ []any, _ *pipeline.Env) state {
	switch t := args[0]; t.ID() {
	case arrow.FLOAT64:
		return &floatSum{}
	case arrow.INT64, arrow.UINT64:
		return &intSum{unsigned: t.ID() == arrow.UINT64}
	default:
		return &decimalSum{scale: t.(arrow.DecimalType).GetScale()}
	}
}

func readSum(s state, _ []any) reading {
	return exactly(s.(interface{ value() any }).value())
}

// intSum adds integers exactly, in 128 bits; only the result must fit in 64.
type intSum struct {
	unsigned bool
	Count    int64  `json:"count"`
	High     int64  `json:"high"`
	Low      uint64 `json:"low"`
}

func (s *intSum) add(high int64, low uint64) {
	var carry uint64
	s.Low, carry = bits.Add64(s.Low, low, 0)
	s.High += high + int64(carry)
}

func (s *intSum) update(values arrow.Array, _ int64) error {
	for i := range values.Len() {
		if values.IsNull(i) {
			continue
		}
		s.Count++
		if s.unsigned {
			s.add(0, values.(*array.Uint64).Value(i))
		} else {
			v := values.(*array.Int64).Value(i)
			s.add(v>>63, uint64(v))
		}
	}
	return nil
}

func (s *intSum) merge(other state) error {
	o := other.(*intSum)
	s.Count += o.Count
	s.add(o.High, o.Low)
	return nil
}

func (s *intSum) value() any {
	switch {
	case s.Count == 0:
		return nil
	case s.unsigned && s.High == 0:
		return s.Low
	case !s.unsigned && s.High == int64(s.Low)>>63:
		return int64(s.Low)
	}
	return errOverflow
}

// floatSum adds floats with a running compensation (Neumaier 1974).
type floatSum struct {
	Count int64     `json:"count"`
	Sum   jsonFloat `json:"sum"`
	Comp  jsonFloat `json:"comp"`
}

func (s *floatSum) add(v float64) {
	sum := float64(s.Sum)
	t := sum + v
	if math.Abs(sum) >= math.Abs(v) {
		s.Comp += jsonFloat((sum - t) + v)
	} else {
		s.Comp += jsonFloat((v - t) + sum)
	}
	s.Sum = jsonFloat(t)
}

func (s *floatSum) update(values arrow.Array, _ int64) error {
	a := values.(*array.Float64)
	for i := range a.Len() {
		if a.IsValid(i) {
			s.Count++
			s.add(a.Value(i))
		}
	}
	return nil
}

func (s *floatSum) merge(other state) error {
	o := other.(*floatSum)
	s.Count += o.Count
	s.add(float64(o.Sum))
	s.add(float64(o.Comp))
	return nil
}

func (s *floatSum) value() any {
	if s.Count == 0 {
		return nil
	}
	if sum := float64(s.Sum + s.Comp); !math.IsNaN(sum) {
		return sum
	}
	return float64(s.Sum) // infinite, where the compensation is not a number
}

func openMoments([]arrow.DataType, []any, *pipeline.Env) state { return &moments{} }

func readMoments(f func(*moments) any) func(state, []any) reading {
	return func(s state, _ []any) reading { return exactly(f(s.(*moments))) }
}

// moments are the count, mean and sum of squared differences from the mean, updated
// and merged after Chan, Golub and LeVeque (1979).
type moments struct {
	Count int64     `json:"count"`
	Mean  jsonFloat `json:"mean"`
	M2    jsonFloat `json:"m2"`
}

func (m *moments) update(values arrow.Array, _ int64) error {
	for i := range values.Len() {
		if values.IsNull(i) {
			continue
		}
		m.Count++
		d := number(values, i) - float64(m.Mean)
		m.Mean += jsonFloat(d / float64(m.Count))
		m.M2 += jsonFloat(d * (number(values, i) - float64(m.Mean)))
	}
	return nil
}

func number(values arrow.Array, i int) float64 {
	switch a := values.(type) {
	case *array.Int64:
		return float64(a.Value(i))
	case *array.Uint64:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	}
	return expr.Decimal{Digits: unscaled(values)(i), Scale: scaleOf(values.DataType())}.Float64()
}

func (m *moments) merge(other state) error {
	o := other.(*moments)
	if o.Count == 0 {
		return nil
	}
	n := m.Count + o.Count
	d := float64(o.Mean - m.Mean)
	share := float64(o.Count) / float64(n)
	m.M2 += o.M2 + jsonFloat(d*d*float64(m.Count)*share)
	m.Mean += jsonFloat(d * share)
	m.Count = n
	return nil
}

func (m *moments) mean() any {
	if m.Count == 0 {
		return nil
	}
	return float64(m.Mean)
}

func (m *moments) variance() any {
	if m.Count < 2 {
		return nil
	}
	return float64(m.M2) / float64(m.Count-1)
}

func (m *moments) stddev() any {
	if m.Count < 2 {
		return nil
	}
	return math.Sqrt(float64(m.M2) / float64(m.Count-1))
}

func openExtreme(sign int) func([]arrow.DataType, []any, *pipeline.Env) state {
	return func(args []arrow.DataType, _ []any, _ *pipeline.Env) state { return &extreme{Sign: sign, typ: args[0]} }
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

// distinct counts distinct values exactly, by 128-bit hashes, as long as the budget
// has room for them.
type distinct struct {
	env    *pipeline.Env
	seen   rows.Set
	taken  int64
	Count  int64 `json:"count"`
	failed bool
}

// keyBytes is what a hash takes in a set, with the map's spare room.
const keyBytes = 40

// keyMetrics are those of distinct values.
var keyMetrics = []metricFunc{
	{
		MetricFunc: fn("distinct", int64Result, expr.RowExpr), state: "distinct",
		open: func(_ []arrow.DataType, _ []any, env *pipeline.Env) state { return newDistinct(env) },
		read: func(s state, _ []any) reading { return exactly(s.(*distinct).value()) },
	},
}

func newDistinct(env *pipeline.Env) *distinct {
	return &distinct{env: env}
}

var errNoMemory = &pipeline.Error{
	Kind: pipeline.Memory, Msg: "the distinct values do not fit in the memory budget",
	Evidence: []string{"give the run more with --memory, or work on smaller partitions"},
}

func (d *distinct) update(values arrow.Array, n int64) error {
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: values.DataType(), Nullable: true}}, nil)
	b := array.NewRecordBatch(schema, []arrow.Array{values}, n)
	defer b.Release()
	for i, h := range rows.Keys(nil, b, []int{0}) {
		if values.IsValid(i) {
			d.add(h)
		}
	}
	return nil
}

func (d *distinct) add(h xxh3.Uint128) {
	if d.failed || d.seen.Has(h) {
		return
	}
	if !d.env.Memory.Take(keyBytes) {
		d.failed = true
		return
	}
	d.taken += keyBytes
	d.seen.Add(h)
	d.Count = int64(d.seen.Len())
}

func (d *distinct) merge(other state) error {
	o := other.(*distinct)
	for h := range o.seen.All() {
		d.add(h)
	}
	d.failed = d.failed || o.failed
	o.release()
	return nil
}

func (d *distinct) release() {
	d.env.Memory.Give(d.taken)
	d.taken, d.seen = 0, rows.Set{}
}

func (d *distinct) value() any {
	if d.failed {
		return errNoMemory
	}
	return d.Count
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
