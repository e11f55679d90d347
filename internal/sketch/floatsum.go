package sketch

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
)

// FloatSum is the exact sum of float64 values, rounded once when it is asked for. The zero value
// is the state of no values. It is the same for any order and split of the values.
//
// It is the small superaccumulator of Neal (2015): an integer in units of 2^-1075, in chunks that
// are 32 bits apart and have 64 bits, so that carries wait for 2,047 values.
type FloatSum struct {
	count, nan, up, down int64
	pending              int // values added since carries were propagated
	chunks               [chunkCount]int64
}

const (
	chunkCount = 67
	mostTerms  = 2047
	lowestUnit = -1075
)

// Add takes in a value.
func (s *FloatSum) Add(v float64) {
	one := [1]float64{v}
	s.AddAll(one[:])
}

// AddAll takes in values; it is the same as to add each.
func (s *FloatSum) AddAll(values []float64) {
	for len(values) > 0 {
		if s.pending == mostTerms {
			s.propagate()
		}
		n := min(mostTerms-s.pending, len(values))
		s.take(values[:n])
		s.pending += n
		values = values[n:]
	}
}

// take adds values to the chunks, which have room for them.
func (s *FloatSum) take(values []float64) {
	s.count += int64(len(values))
	for _, v := range values {
		b := math.Float64bits(v)
		exp, m := b>>52&0x7ff, b&(1<<52-1)
		switch exp {
		case 0:
			exp = 1
		case 0x7ff:
			s.notFinite(v)
			continue
		default:
			m |= 1 << 52
		}
		sign := int64(b) >> 63
		low, high := int64(m<<(exp&31)&math.MaxUint32), int64(m>>(32-exp&31))
		two := s.chunks[exp>>5:][:2]
		two[0] += low ^ sign - sign
		two[1] += high ^ sign - sign
	}
}

func (s *FloatSum) notFinite(v float64) {
	switch {
	case v > 0:
		s.up++
	case v < 0:
		s.down++
	default:
		s.nan++
	}
}

// propagate leaves 32 bits in each chunk but the last, which has the sign.
func (s *FloatSum) propagate() {
	for i := range chunkCount - 1 {
		s.chunks[i+1] += s.chunks[i] >> 32
		s.chunks[i] &= math.MaxUint32
	}
	s.pending = 0
}

// Merge takes in the values of another state.
func (s *FloatSum) Merge(o *FloatSum) {
	other := *o
	other.propagate()
	s.propagate()
	for i, c := range other.chunks {
		s.chunks[i] += c
	}
	s.propagate()
	s.count, s.nan = plus(s.count, o.count), plus(s.nan, o.nan)
	s.up, s.down = plus(s.up, o.up), plus(s.down, o.down)
}

// Subtract takes values out again that were taken in: those of another state.
func (s *FloatSum) Subtract(o *FloatSum) {
	other := *o
	other.propagate()
	s.propagate()
	for i, c := range other.chunks {
		s.chunks[i] -= c
	}
	s.propagate()
	s.count -= o.count
	s.nan, s.up, s.down = s.nan-o.nan, s.up-o.up, s.down-o.down
}

// Count is the number of values, finite or not.
func (s *FloatSum) Count() int64 { return s.count }

// NotFinite is how often NaN, +Inf and -Inf were among the values.
func (s *FloatSum) NotFinite() (nan, up, down int64) { return s.nan, s.up, s.down }

// Sum is the sum, rounded to the nearest float64, to even if two are as near; 0 of no values. As
// IEEE 754 has it, it is NaN if there is NaN or both infinities, else infinite if there is one,
// or if the sum is too large.
func (s *FloatSum) Sum() float64 {
	switch {
	case s.nan > 0, s.up > 0 && s.down > 0:
		return math.NaN()
	case s.up > 0:
		return math.Inf(1)
	case s.down > 0:
		return math.Inf(-1)
	}
	sum, _ := s.Exact().Float64()
	return sum
}

// Exact is the sum of the finite values, not rounded.
func (s *FloatSum) Exact() *big.Float {
	negative, chunks := s.magnitude()
	all := new(big.Int)
	for i := chunkCount - 1; i >= 0; i-- {
		all.Lsh(all, 32)
		all.Add(all, big.NewInt(chunks[i]))
	}
	if negative {
		all.Neg(all)
	}
	f := new(big.Float).SetInt(all)
	return f.SetMantExp(f, lowestUnit)
}

// magnitude gives the chunks of the sum without its sign.
func (s *FloatSum) magnitude() (negative bool, chunks [chunkCount]int64) {
	c := *s
	c.propagate()
	if negative = c.chunks[chunkCount-1] < 0; negative {
		for i := range c.chunks {
			c.chunks[i] = -c.chunks[i]
		}
		c.propagate()
	}
	return negative, c.chunks
}

type storedFloatSum struct {
	Count    int64     `json:"count"`
	NaN      int64     `json:"nan"`
	Up       int64     `json:"up"`
	Down     int64     `json:"down"`
	Negative bool      `json:"negative"`
	Chunks   [][]int64 `json:"chunks"`
}

// MarshalJSON writes the state: of the sum's magnitude each chunk of 32 bits that is not zero,
// with its place from the lowest.
func (s *FloatSum) MarshalJSON() ([]byte, error) {
	out := storedFloatSum{Count: s.count, NaN: s.nan, Up: s.up, Down: s.down, Chunks: [][]int64{}}
	negative, chunks := s.magnitude()
	out.Negative = negative
	for i, c := range chunks {
		if c != 0 {
			out.Chunks = append(out.Chunks, []int64{int64(i), c})
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *FloatSum) UnmarshalJSON(text []byte) error {
	var in storedFloatSum
	if err := strict(text, &in, "count", "nan", "up", "down", "negative", "chunks"); err != nil {
		return err
	}
	finite := in.Count - in.NaN - in.Up - in.Down
	if !validCounts(in.Count, in.NaN, in.Up, in.Down, finite) || len(in.Chunks) > chunkCount || finite == 0 && len(in.Chunks) > 0 {
		return errCount
	}
	r := FloatSum{count: in.Count, nan: in.NaN, up: in.Up, down: in.Down}
	last := int64(-1)
	for _, c := range in.Chunks {
		if len(c) != 2 || c[0] <= last || c[0] >= chunkCount || c[1] <= 0 || c[1] > math.MaxUint32 {
			return errors.New("chunks of a sum are damaged")
		}
		last = c[0]
		r.chunks[last] = c[1]
		if in.Negative {
			r.chunks[last] = -c[1]
		}
	}
	if len(in.Chunks) == 0 && in.Negative || !r.possible(finite) {
		return errors.New("the sum is more than so many values have")
	}
	r.propagate()
	*s = r
	return nil
}

// possible reports whether n values may have the sum.
func (s *FloatSum) possible(n int64) bool {
	most := new(big.Float).SetPrec(200).SetInt64(n)
	most.Mul(most, big.NewFloat(math.MaxFloat64))
	return s.Exact().MantExp(nil) <= most.MantExp(nil)
}
