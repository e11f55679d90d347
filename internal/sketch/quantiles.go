package sketch

import (
	"math"
	"math/bits"
	"slices"
)

const (
	firstCapacity = 4096 // of level 0
	capacity      = 2048 // of the others
)

// Quantiles tells ranks and quantiles of float64 values within bounds that are certain. It is
// exact up to 4,095 values; of ten million the rank of a value is known to 0.3% of the count.
// The zero value is the state of no values.
//
// It is a stack of compactors as in KLL (Karnin, Lang and Liberty 2016): an item on level h
// stands for 2^h values, and a full level hands every other of its items, sorted, to the next.
// Where KLL tosses a coin which half to keep, the half is kept whose error is the lesser so far:
// to keep the lower item of each pair makes ranks too high by 2^h at most, to keep the upper
// one makes them too low. The sums of what was added either way are the bounds. Pairs of
// equal items add nothing.
//
// NaN is counted aside and has no rank. The infinities are values like others, -0 is 0.
type Quantiles struct {
	count, nan  int64
	min, max    uint64     // keys, if count > 0
	over, under int64      // ranks are at most so much too high or too low
	levels      [][]uint64 // keys, sorted but for level 0
	run, spare  []uint64   // room for work
	view        []step     // what queries read; nil after a change
}

// keyOf gives an integer with the order of the float: NaN aside, and 0 for -0.
func keyOf(v float64) uint64 {
	b := math.Float64bits(v + 0)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

func valueOf(key uint64) float64 {
	return math.Float64frombits(key ^ (key>>63 - 1 | 1<<63))
}

// Add takes in a value.
func (s *Quantiles) Add(v float64) {
	one := [1]float64{v}
	s.AddAll(one[:])
}

// AddAll takes in values; it is the same as to add each.
func (s *Quantiles) AddAll(values []float64) {
	s.grow(0)
	s.view = nil
	for len(values) > 0 {
		n := min(firstCapacity-len(s.levels[0]), len(values))
		s.take(values[:n])
		if len(s.levels[0]) == firstCapacity {
			s.spare = sortKeys(s.levels[0], s.spare)
			s.compact(0)
		}
		values = values[n:]
	}
}

// take puts values on level 0, which has room for them.
func (s *Quantiles) take(values []float64) {
	level := slices.Grow(s.levels[0], len(values))
	if s.count == 0 {
		s.min, s.max = math.MaxUint64, 0
	}
	low, high := s.min, s.max
	for _, v := range values {
		if v != v {
			s.nan++
			continue
		}
		k := keyOf(v)
		low, high = min(low, k), max(high, k)
		level = append(level, k)
	}
	s.min, s.max = low, high
	s.count += int64(len(level) - len(s.levels[0]))
	s.levels[0] = level
}

func (s *Quantiles) grow(h int) {
	for len(s.levels) <= h {
		s.levels = append(s.levels, nil)
	}
}

// compact hands every other item of a sorted level to the next.
func (s *Quantiles) compact(h int) {
	level := s.levels[h]
	pairs := len(level) / 2
	if pairs == 0 {
		return
	}
	upper := 0
	if s.over > s.under {
		upper = 1
	}
	s.run = s.run[:0]
	var differ uint64
	for i := 0; i+1 < len(level); i += 2 {
		differ |= level[i] ^ level[i+1]
		s.run = append(s.run, level[i+upper])
	}
	if differ != 0 {
		s.blur(upper, h)
	}
	s.levels[h] = append(level[:0], level[2*pairs:]...)
	s.insert(h+1, s.run)
}

// blur widens the bounds for a compaction of a level.
func (s *Quantiles) blur(upper, h int) {
	if upper == 0 {
		s.over = min(s.over+1<<h, s.count)
	} else {
		s.under = min(s.under+1<<h, s.count)
	}
}

// insert merges a sorted run into a level above the first.
func (s *Quantiles) insert(h int, run []uint64) {
	s.grow(h)
	i, j := len(s.levels[h]), len(run)
	level := append(s.levels[h], run...)
	for i > 0 && j > 0 {
		a, b := level[i-1], run[j-1]
		_, less := bits.Sub64(b, a, 0) // 1 if b < a
		level[i+j-1] = max(a, b)
		i, j = i-int(less), j-int(1-less)
	}
	copy(level, run[:j])
	s.levels[h] = level
	if len(level) >= capacity {
		s.compact(h)
	}
}

// Merge takes in the values of another state.
func (s *Quantiles) Merge(o *Quantiles) {
	s.nan += o.nan
	if o.count == 0 {
		return
	}
	s.view = nil
	if s.count == 0 {
		s.min, s.max = o.min, o.max
	}
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	s.count += o.count
	s.over, s.under = s.over+o.over, s.under+o.under
	s.grow(len(o.levels) - 1)
	for h := len(o.levels) - 1; h > 0; h-- {
		s.insert(h, o.levels[h])
	}
	s.mergeFirst(o.levels[0])
}

// mergeFirst takes in another's level 0, whose items are counted already.
func (s *Quantiles) mergeFirst(keys []uint64) {
	for len(keys) > 0 {
		n := min(firstCapacity-len(s.levels[0]), len(keys))
		s.levels[0] = append(s.levels[0], keys[:n]...)
		if len(s.levels[0]) == firstCapacity {
			s.spare = sortKeys(s.levels[0], s.spare)
			s.compact(0)
		}
		keys = keys[n:]
	}
}

// Compact shrinks the state to about n items, at least 64, and widens its bounds by what that
// blurs, 1/n of the count at most: for keeping. It can be added to and merged as before.
func (s *Quantiles) Compact(n int) {
	if len(s.levels) == 0 {
		return
	}
	s.view = nil
	s.spare = sortKeys(s.levels[0], s.spare)
	for h := 0; h < len(s.levels) && s.items() > max(n, 64); h++ {
		s.compact(h)
	}
	s.run, s.spare = nil, nil
}

func (s *Quantiles) items() int {
	n := 0
	for _, level := range s.levels {
		n += len(level)
	}
	return n
}
