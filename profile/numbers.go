package profile

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/sketch"
)

// numbers is what is known of numbers, as doubles. Integers beyond 2^53 are rounded, but
// for their bounds and how many are distinct.
type numbers struct {
	whole, unsigned, decimal bool

	bits     tally[uint64] // of the bits of integers and doubles
	digits   tally[string] // of decimals
	order    order[float64]
	min, max json.Number
	minInt   int64 // of integers; of unsigned ones their bits
	maxInt   int64
	any      bool

	zeros, negatives, nan, infinite int64

	moments sketch.Moments
	ranks   sketch.Quantiles
	buffer  []float64
}

func newNumbers(t arrow.DataType) *numbers {
	s := &numbers{
		bits: newTally(hashBits), whole: arrow.IsInteger(t.ID()), unsigned: arrow.IsUnsignedInteger(t.ID()), decimal: arrow.IsDecimal(t.ID()),
		digits: newTally(hashText),
	}
	if d, ok := t.(arrow.DecimalType); ok {
		s.whole = d.GetScale() <= 0
	}
	return s
}

// intOf reads an integer; of an unsigned one its bits.
func intOf(a arrow.Array, i int) int64 {
	switch a := a.(type) {
	case *array.Int64:
		return a.Value(i)
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int8:
		return int64(a.Value(i))
	case *array.Uint64:
		return int64(a.Value(i))
	case *array.Uint32:
		return int64(a.Value(i))
	case *array.Uint16:
		return int64(a.Value(i))
	default:
		return int64(a.(*array.Uint8).Value(i))
	}
}

// floatOf reads a number as a double.
func floatOf(a arrow.Array, i int) float64 {
	switch a := a.(type) {
	case *array.Float64:
		return a.Value(i)
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Float16:
		return float64(a.Value(i).Float32())
	case *array.Uint64:
		return float64(a.Value(i))
	}
	if arrow.IsDecimal(a.DataType().ID()) {
		v, _ := strconv.ParseFloat(a.ValueStr(i), 64) // digits and a point
		return v
	}
	return float64(intOf(a, i))
}

func (s *numbers) add(batch arrow.RecordBatch, at int) {
	s.buffer = s.buffer[:0]
	eachValue(batch.Column(at), func(a arrow.Array, i int, _ int64) {
		switch {
		case s.decimal:
			s.takeDecimal(a.ValueStr(i), floatOf(a, i))
		case s.whole:
			s.takeInt(intOf(a, i))
		default:
			s.takeFloat(floatOf(a, i))
		}
	})
	s.ranks.AddAll(s.buffer)
}

func (s *numbers) takeDecimal(text string, v float64) {
	s.digits.add(text, 1)
	if s.min == "" || v < numberOf(s.min) {
		s.min = json.Number(text)
	}
	if s.max == "" || v > numberOf(s.max) {
		s.max = json.Number(text)
	}
	s.take(v)
}

func numberOf(n json.Number) float64 {
	v, _ := n.Float64() // one that was made of a number
	return v
}

func (s *numbers) takeInt(v int64) {
	s.bits.add(uint64(v), 1)
	s.bound(v, v)
	if s.unsigned {
		s.take(float64(uint64(v)))
		return
	}
	s.take(float64(v))
}

// bound takes in the bounds of integers.
func (s *numbers) bound(low, high int64) {
	if !s.any {
		s.any, s.minInt, s.maxInt = true, low, high
	}
	if s.unsigned {
		s.minInt, s.maxInt = int64(min(uint64(s.minInt), uint64(low))), int64(max(uint64(s.maxInt), uint64(high)))
		return
	}
	s.minInt, s.maxInt = min(s.minInt, low), max(s.maxInt, high)
}

func (s *numbers) takeFloat(v float64) {
	if v == 0 {
		v = 0 // also -0
	}
	if math.IsNaN(v) {
		s.nan++
		s.bits.add(math.Float64bits(math.NaN()), 1)
		return
	}
	s.bits.add(math.Float64bits(v), 1)
	s.take(v)
}

func (s *numbers) take(v float64) {
	switch {
	case v == 0:
		s.zeros++
	case v < 0:
		s.negatives++
	}
	if math.IsInf(v, 0) {
		s.infinite++
		return
	}
	s.order.add(v)
	s.moments.Add(v)
	s.buffer = append(s.buffer, v)
}

func (s *numbers) end() { s.buffer = nil }

func (s *numbers) follow(next state) {
	o := next.(*numbers)
	if o.any {
		s.bound(o.minInt, o.maxInt)
	}
	if o.min != "" && (s.min == "" || numberOf(o.min) < numberOf(s.min)) {
		s.min = o.min
	}
	if o.max != "" && (s.max == "" || numberOf(o.max) > numberOf(s.max)) {
		s.max = o.max
	}
	s.bits.merge(&o.bits)
	s.digits.merge(&o.digits)
	s.order.follow(&o.order)
	s.moments.Merge(&o.moments)
	s.ranks.Merge(&o.ranks)
	s.zeros, s.negatives, s.nan, s.infinite = s.zeros+o.zeros, s.negatives+o.negatives, s.nan+o.nan, s.infinite+o.infinite
}

// shares are those of the quantiles of a profile.
var shares = [5]float64{0.01, 0.25, 0.5, 0.75, 0.99}

func (s *numbers) tell(c *Column, n int64) {
	if s.decimal {
		c.Distinct, c.Values = s.digits.count(n), s.digits.values(func(k string) string { return k })
	} else {
		c.Distinct, c.Values = s.bits.count(n), s.bits.values(s.text)
	}
	t := &Numbers{
		Zeros: s.zeros, Negatives: s.negatives, NaN: s.nan, Infinite: s.infinite,
		Whole: s.whole, Falls: s.order.falls,
	}
	c.Numbers = t
	t.below, t.atMost = s.below, s.above
	if s.moments.Count() == 0 {
		return
	}
	t.Min, t.Max = s.bounds()
	t.Mean, t.Stddev = defined(s.moments.Mean()), defined(s.moments.Stddev())
	t.RankError = s.ranks.Error()
	for i, q := range shares {
		t.Quantiles[i], _, _ = s.ranks.Quantile(q)
	}
	c.Bins = binsOf(&s.ranks, s.whole)
}

// defined is a number, or 0 where it is none.
func defined(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// text writes a number by its bits.
func (s *numbers) text(bits uint64) string {
	switch {
	case s.unsigned:
		return strconv.FormatUint(bits, 10)
	case s.whole:
		return strconv.FormatInt(int64(bits), 10)
	}
	return strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64)
}

func (s *numbers) bounds() (low, high json.Number) {
	switch {
	case s.decimal:
		return s.min, s.max
	case s.whole:
		return json.Number(s.text(uint64(s.minInt))), json.Number(s.text(uint64(s.maxInt)))
	}
	write := func(v float64) json.Number { return json.Number(strconv.FormatFloat(v, 'g', -1, 64)) }
	return write(s.ranks.Min()), write(s.ranks.Max())
}

// below is how many finite values are less than x, at most.
func (s *numbers) below(x float64) int64 {
	if x <= s.ranks.Min() || s.ranks.Count() == 0 {
		return 0
	}
	_, high := s.ranks.Rank(math.Nextafter(x, math.Inf(-1)))
	return high
}

// above is how many finite values are greater than x, at most.
func (s *numbers) above(x float64) int64 {
	if x >= s.ranks.Max() || s.ranks.Count() == 0 {
		return 0
	}
	low, _ := s.ranks.Rank(x)
	return s.ranks.Count() - low
}
