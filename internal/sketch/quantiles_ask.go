package sketch

import (
	"cmp"
	"math"
	"slices"
)

// step is a value among the items, and the weight of those up to it.
type step struct {
	key  uint64
	upTo int64
}

// steps gives the items in order, equal ones as one.
func (s *Quantiles) steps() []step {
	if s.view != nil || s.count == 0 {
		return s.view
	}
	all := make([]step, 0, s.items())
	for h, level := range s.levels {
		for _, k := range level {
			all = append(all, step{k, 1 << h})
		}
	}
	slices.SortFunc(all, func(a, b step) int { return cmp.Compare(a.key, b.key) })
	view := all[:0]
	var sum int64
	for i, it := range all {
		sum += it.upTo
		if i+1 == len(all) || all[i+1].key != it.key {
			view = append(view, step{it.key, sum})
		}
	}
	s.view = view
	return view
}

// Count is the number of values, without NaN.
func (s *Quantiles) Count() int64 { return s.count }

// NaN is the number of NaN.
func (s *Quantiles) NaN() int64 { return s.nan }

// Min is the least value, exactly; NaN if there is none.
func (s *Quantiles) Min() float64 { return s.end(s.min) }

// Max is the greatest value, exactly; NaN if there is none.
func (s *Quantiles) Max() float64 { return s.end(s.max) }

func (s *Quantiles) end(key uint64) float64 {
	if s.count == 0 {
		return math.NaN()
	}
	return valueOf(key)
}

// Error is by how much a rank may be wrong, as a share of the count: half the width of the
// bounds that Rank gives at most.
func (s *Quantiles) Error() float64 {
	if s.count == 0 {
		return 0
	}
	return float64(s.over+s.under) / 2 / float64(s.count)
}

// Rank gives bounds, which are certain, of the number of values that are at most x. Of NaN it
// is any number.
func (s *Quantiles) Rank(x float64) (low, high int64) {
	if x != x {
		return 0, s.count
	}
	_, low, high = s.rank(keyOf(x))
	return low, high
}

// rank gives the rank of a key as the items have it, and the bounds.
func (s *Quantiles) rank(k uint64) (estimate, low, high int64) {
	switch {
	case s.count == 0 || k < s.min:
		return 0, 0, 0
	case k >= s.max:
		return s.count, s.count, s.count
	}
	steps := s.steps()
	i, found := slices.BinarySearchFunc(steps, k, func(s step, k uint64) int { return cmp.Compare(s.key, k) })
	if found {
		i++
	}
	if i > 0 {
		estimate = steps[i-1].upTo
	}
	low, high = max(1, estimate-s.over), min(s.count-1, estimate+s.under)
	return max(low, min(estimate, high)), low, high
}

// CDF is the share of the values that are at most x, and its bounds, which are certain; NaN if
// there are no values or x is NaN.
func (s *Quantiles) CDF(x float64) (estimate, low, high float64) {
	if s.count == 0 || x != x {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return s.share(keyOf(x))
}

// Quantile is the least value that has at least the share q of the values up to it (DuckDB's
// quantile_disc), and bounds, which are certain; NaN if there are no values or q is not
// between 0 and 1.
func (s *Quantiles) Quantile(q float64) (estimate, low, high float64) {
	if s.count == 0 || !(q >= 0 && q <= 1) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	t := placeOf(q, s.count)
	steps := s.steps()
	first := func(least int64) int {
		i, _ := slices.BinarySearchFunc(steps, least, func(s step, t int64) int { return cmp.Compare(s.upTo, t) })
		return i
	}
	e, l, h := s.max, s.min, s.max
	if i := first(t); i < len(steps) {
		e = steps[i].key
	}
	if i := first(t + s.over); i < len(steps) {
		h = steps[i].key
	}
	// The last item that has so few items before it that less than t values may be less.
	if i := first(t - s.under); t > s.under && i < len(steps) {
		l = max(l, steps[i].key)
	}
	if t == 1 {
		e, h = s.min, s.min
	}
	if t == s.count {
		e, l = s.max, s.max
	}
	return valueOf(max(l, min(e, h))), valueOf(l), valueOf(h)
}

// placeOf is the place of a quantile among n sorted values, counted from 1: q·n, rounded up
// unless it is an integer but for rounding.
func placeOf(q float64, n int64) int64 {
	t := int64(math.Ceil(q * float64(n) * (1 - 0x1p-50)))
	return max(1, min(t, n))
}

// A Bin is a part of a histogram: the values above Low, or from it in the first bin, to High.
// Count is an estimate within the bounds of Rank.
type Bin struct {
	Low, High float64
	Count     int64
}

// Bins is a histogram with n bins of the same width, 1,000 at most, from the least finite item
// to the greatest. The counts are those of all values: infinite ones are in the first and the
// last bin. It is one bin if all values are the same, none if there is no finite item.
func (s *Quantiles) Bins(n int) []Bin {
	low, high := math.Inf(1), math.Inf(-1)
	for _, st := range s.steps() {
		if v := valueOf(st.key); !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if m := s.Min(); !math.IsInf(m, 0) {
		low = min(low, m)
	}
	if m := s.Max(); !math.IsInf(m, 0) {
		high = max(high, m)
	}
	if s.count == 0 || n < 1 || low > high {
		return nil
	}
	if low == high {
		return []Bin{{low, high, s.count}}
	}
	return s.bins(min(n, 1000), low, high)
}

func (s *Quantiles) bins(n int, low, high float64) []Bin {
	all := make([]Bin, n)
	var before int64
	for i := range all {
		from, to := float64(i)/float64(n), float64(i+1)/float64(n)
		all[i] = Bin{Low: low*(1-from) + high*from, High: low*(1-to) + high*to}
		upTo := s.count
		if i+1 < n {
			upTo, _, _ = s.rank(keyOf(all[i].High))
		}
		all[i].Count = max(0, upTo-before)
		before = max(before, upTo)
	}
	return all
}
