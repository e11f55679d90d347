package gates

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

var errOverflow = errors.New("the sum does not fit in 64 bits")

func openSum(t arrow.DataType, _ *pipeline.Env) state {
	if t.ID() == arrow.FLOAT64 {
		return &floatSum{}
	}
	return &intSum{unsigned: t.ID() == arrow.UINT64}
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

type statistic int

const (
	mean statistic = iota
	variance
	stddev
)

// moments are the count, mean and sum of squared differences from the mean, updated
// and merged after Chan, Golub and LeVeque (1979).
type moments struct {
	what  statistic
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
	}
	return values.(*array.Float64).Value(i)
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

func (m *moments) value() any {
	switch {
	case m.Count == 0, m.what != mean && m.Count < 2:
		return nil
	case m.what == mean:
		return float64(m.Mean)
	case m.what == variance:
		return float64(m.M2) / float64(m.Count-1)
	}
	return math.Sqrt(float64(m.M2) / float64(m.Count-1))
}

// extreme is the least (Sign -1) or greatest (1) value.
type extreme struct {
	typ  arrow.DataType
	Sign int
	Best any // int64, uint64, float64 or string; nil if there was no value
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
		}
	}
	return nil
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
	if t, ok := e.Best.(int64); ok && e.typ.ID() == arrow.TIMESTAMP {
		return time.UnixMicro(t).UTC()
	}
	return e.Best
}

// distinct counts distinct values exactly, by 128-bit hashes.
type distinct struct {
	log   *keys.Log // the court's; nil where nothing is counted
	Count int64     `json:"count"` // once settled
}

func (d *distinct) update(values arrow.Array, n int64) error {
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: values.DataType(), Nullable: true}}, nil)
	b := array.NewRecordBatch(schema, []arrow.Array{values}, n)
	defer b.Release()
	return d.log.Add(withoutNulls(rows.Keys(nil, b, []int{0}), values))
}

func (d *distinct) merge(other state) error {
	if o := other.(*distinct); o.log != nil {
		return d.log.Merge(o.log)
	}
	return nil
}

// settle counts, when all rows were seen.
func (d *distinct) settle(ctx context.Context) error {
	c, err := d.log.Count(ctx, 0)
	d.Count = c.Distinct
	d.log.Drop()
	return err
}

func (d *distinct) value() any { return d.Count }

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
