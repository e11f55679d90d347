package gates

import (
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

// quantileMetrics are those of the order of numbers. They are approximate, within bounds
// that are certain, until a rule needs to know better.
var quantileMetrics = []metricFunc{
	ranked("quantile", func(r ranks, c []float64) reading { return within(r.Quantile(c[0])) }, expr.Number),
	ranked("median", func(r ranks, _ []float64) reading { return within(r.Quantile(0.5)) }),
	ranked("iqr", func(r ranks, _ []float64) reading {
		q3, low3, high3 := r.Quantile(0.75)
		q1, low1, high1 := r.Quantile(0.25)
		return within(q3-q1, max(0, low3-high1), high3-low1)
	}),
	ranked("ks_normal", func(r ranks, c []float64) reading {
		if !(c[1] > 0) {
			return exactly(errText("ks_normal: the standard deviation must be more than 0"))
		}
		return fits(r, normal(c[0], c[1]))
	}, expr.Number, expr.Number),
	ranked("ks_uniform", func(r ranks, c []float64) reading {
		if !(c[0] < c[1]) {
			return exactly(errText("ks_uniform: the least value must be less than the greatest"))
		}
		return fits(r, uniform(c[0], c[1]))
	}, expr.Number, expr.Number),
	{
		MetricFunc: fn("outliers", countOfNumbers("outliers"), expr.RowExpr, expr.Number), state: "spread", open: openSpread, exact: exactSpread,
		read: func(s state, consts []any) reading { return s.(*spread).outside(consts) },
	},
	{
		MetricFunc: fn("iqr_outliers", countOfNumbers("iqr_outliers"), expr.RowExpr, expr.Number), state: "quantiles", open: openQuantiles, exact: exactQuantiles,
		read: func(s state, consts []any) reading { return beyondFences(s.(ranks), consts) },
	},
}

// ranks is what is known of the order of numbers.
type ranks interface {
	state
	// Quantile is an estimate and bounds, NaN of no values.
	Quantile(q float64) (estimate, low, high float64)
	// Rank is from how many to how many values are at most x.
	Rank(x float64) (low, high int64)
	Count() int64
	NaN() int64
	Min() float64
	Max() float64
}

func ranked(name string, f func(ranks, []float64) reading, params ...expr.Param) metricFunc {
	return metricFunc{
		MetricFunc: fn(name, doubleResult(name), append([]expr.Param{expr.RowExpr}, params...)...),
		state:      "quantiles", open: openQuantiles, exact: exactQuantiles,
		read: func(s state, consts []any) reading {
			r := s.(ranks)
			switch {
			case lost(r):
				return exactly(errNoRoom)
			case r.NaN() > 0:
				return exactly(errNotFinite)
			case r.Count() == 0:
				return exactly(nil)
			}
			var numbers []float64
			for _, c := range consts {
				n, _ := asNumber(c)
				numbers = append(numbers, n)
			}
			return f(r, numbers)
		},
	}
}

func countOfNumbers(name string) resultFunc {
	double := doubleResult(name)
	return func(args []arrow.DataType) (arrow.DataType, error) {
		_, err := double(args)
		return arrow.PrimitiveTypes.Int64, err
	}
}

// within is a value between bounds; exact where they meet.
func within(v, low, high float64) reading {
	switch {
	case math.IsNaN(v):
		return exactly(errQuantile)
	case low == high:
		return exactly(v)
	}
	return reading{value: v, within: &expr.Range{Low: low, High: high}}
}

// rowsWithin is a number of rows between bounds.
func rowsWithin(low, high int64) reading {
	low = max(low, 0)
	if low == high {
		return exactly(low)
	}
	return reading{value: (low + high) / 2, within: &expr.Range{Low: float64(low), High: float64(high)}}
}

// quantiles is a sketch of numbers.
type quantiles struct{ sketch.Quantiles }

func openQuantiles([]arrow.DataType, []any, means) state { return &quantiles{} }

func (q *quantiles) update(values arrow.Array, _ int64) error {
	q.AddAll(numbersOf(values))
	return nil
}

func (q *quantiles) merge(other state) error {
	q.Merge(&other.(*quantiles).Quantiles)
	return nil
}

// storedItems is how many numbers of a sketch are written: for bounds of about 0.6%.
const storedItems = 256

// MarshalJSON writes the sketch, made small.
func (q *quantiles) MarshalJSON() ([]byte, error) {
	var small sketch.Quantiles
	small.Merge(&q.Quantiles)
	small.Compact(storedItems)
	return small.MarshalJSON()
}

// bins implements distribution.
func (q *quantiles) bins() (all []pipeline.Bin) {
	for _, b := range q.Bins(20) {
		if math.IsInf(b.Low, 0) || math.IsInf(b.High, 0) {
			return nil
		}
		all = append(all, pipeline.Bin{Low: b.Low, High: b.High, Count: b.Count})
	}
	return all
}

// sorted has all the numbers, as long as the budget has room for them.
type sorted struct {
	with   means
	values []float64
	taken  int64
	nan    int64
	failed bool
	done   bool
}

func exactQuantiles(_ []arrow.DataType, _ []any, with means) state { return &sorted{with: with} }

func (s *sorted) update(values arrow.Array, _ int64) error {
	return s.add(numbersOf(values))
}

func (s *sorted) add(more []float64) error {
	if s.failed || !s.with.Memory.Take(int64(8*len(more))) {
		s.failed = true
		return nil
	}
	s.taken += int64(8 * len(more))
	s.done = false
	for _, v := range more {
		if v != v {
			s.nan++
			continue
		}
		s.values = append(s.values, v)
	}
	return nil
}

// NaN is how many values were not numbers.
func (s *sorted) NaN() int64 { return s.nan }

func (s *sorted) merge(other state) error {
	o := other.(*sorted)
	s.failed = s.failed || o.failed
	s.nan += o.nan
	defer o.release()
	return s.add(o.values)
}

func (s *sorted) release() {
	s.with.Memory.Give(s.taken)
	s.values, s.taken = nil, 0
}

func (s *sorted) sort() []float64 {
	if !s.done {
		slices.Sort(s.values)
		s.done = true
	}
	return s.values
}

// Quantile implements ranks: the least value that a share q of the values is at most, as
// the sketch has it.
func (s *sorted) Quantile(q float64) (estimate, low, high float64) {
	v := s.sort()
	if len(v) == 0 || s.failed || !(q >= 0 && q <= 1) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	at := v[max(0, int(math.Ceil(q*float64(len(v))))-1)]
	return at, at, at
}

// Rank implements ranks.
func (s *sorted) Rank(x float64) (low, high int64) {
	v := s.sort()
	n, _ := slices.BinarySearchFunc(v, x, func(a, x float64) int {
		if a <= x {
			return -1
		}
		return 1
	})
	if s.failed {
		return 0, math.MaxInt64
	}
	return int64(n), int64(n)
}

// Count implements ranks.
func (s *sorted) Count() int64 { return int64(len(s.values)) }

// Min implements ranks.
func (s *sorted) Min() float64 { return s.sort()[0] }

// Max implements ranks.
func (s *sorted) Max() float64 { return s.sort()[len(s.values)-1] }

// MarshalJSON writes what a sketch of the numbers would write.
func (s *sorted) MarshalJSON() ([]byte, error) {
	if s.failed {
		return nil, errNoRoom
	}
	var q quantiles
	q.AddAll(s.values)
	return q.MarshalJSON()
}

// errNoRoom says that exact numbers did not fit.
var errNoRoom = errors.New("the values do not fit in the memory budget; give the run more with --memory")

// errNotFinite says that there is no mean to be far from.
const errNotFinite = errText("there is NaN or an infinity among the values; leave them out with where")

// lost reports whether numbers are missing for want of memory.
func lost(r ranks) bool {
	s, is := r.(*sorted)
	return is && s.failed
}

// spread is the order of numbers, their mean and standard deviation.
type spread struct {
	ranks
	moments state
}

func openSpread(args []arrow.DataType, consts []any, with means) state {
	return &spread{&quantiles{}, openMoments(args, consts, with)}
}

func exactSpread(args []arrow.DataType, consts []any, with means) state {
	return &spread{&sorted{with: with}, openMoments(args, consts, with)}
}

func (s *spread) update(values arrow.Array, n int64) error {
	return errors.Join(s.ranks.update(values, n), s.moments.update(values, n))
}

func (s *spread) merge(other state) error {
	o := other.(*spread)
	return errors.Join(s.ranks.merge(o.ranks), s.moments.merge(o.moments))
}

func (s *spread) release() {
	if r, ok := s.ranks.(releaser); ok {
		r.release()
	}
}

// storedSpread is how a spread is written.
type storedSpread struct {
	Ranks   json.RawMessage `json:"quantiles"`
	Moments json.RawMessage `json:"moments"`
}

// MarshalJSON writes both.
func (s *spread) MarshalJSON() ([]byte, error) {
	ranks, err := json.Marshal(s.ranks)
	if err != nil {
		return nil, err
	}
	moments, err := json.Marshal(s.moments)
	if err != nil {
		return nil, err
	}
	return json.Marshal(storedSpread{ranks, moments})
}

// UnmarshalJSON implements loader.
func (s *spread) UnmarshalJSON(text []byte) error {
	var in storedSpread
	if err := strict(text, &in, 2); err != nil {
		return err
	}
	q, ok := s.ranks.(*quantiles)
	if !ok {
		return errors.New("exact numbers are not stored")
	}
	return errors.Join(q.UnmarshalJSON(in.Ranks), s.moments.(loader).UnmarshalJSON(in.Moments))
}

// outside counts the numbers further from the mean than so many standard deviations.
func (s *spread) outside(consts []any) reading {
	k, _ := asNumber(consts[0])
	m := s.moments.(*sketched[*sketch.Moments]).of
	switch {
	case lost(s.ranks):
		return exactly(errNoRoom)
	case m.NotFinite() > 0:
		return exactly(errNotFinite)
	case m.Count() < 2:
		return exactly(nil)
	}
	low, high := m.Mean()-k*m.Stddev(), m.Mean()+k*m.Stddev()
	return outsideOf(s.ranks, low, high)
}

// beyondFences counts the numbers that are further from the quartiles than k times the
// distance between them.
func beyondFences(r ranks, consts []any) reading {
	k, _ := asNumber(consts[0])
	switch {
	case lost(r):
		return exactly(errNoRoom)
	case r.Count() == 0:
		return exactly(nil)
	}
	q1, low1, high1 := r.Quantile(0.25)
	q3, low3, high3 := r.Quantile(0.75)
	if math.IsNaN(q1) || math.IsNaN(q3) {
		return exactly(errQuantile)
	}
	if math.IsInf(low1, 0) || math.IsInf(high3, 0) {
		return exactly(errNotFinite) // there is no distance between quartiles
	}
	most := outsideOf(r, high1-k*max(0, low3-high1), low3+k*max(0, low3-high1))
	least := outsideOf(r, low1-k*(high3-low1), high3+k*(high3-low1))
	return rowsWithin(int64(least.low()), int64(most.high()))
}

// outsideOf counts the numbers below low or above high.
func outsideOf(r ranks, low, high float64) reading {
	belowLow, belowHigh := r.Rank(math.Nextafter(low, math.Inf(-1)))
	upToLow, upToHigh := r.Rank(high)
	return rowsWithin(belowLow+r.Count()-upToHigh, belowHigh+r.Count()-upToLow)
}

func (r reading) low() float64 {
	if r.within != nil {
		return r.within.Low
	}
	n, _ := asNumber(r.value)
	return n
}

func (r reading) high() float64 {
	if r.within != nil {
		return r.within.High
	}
	n, _ := asNumber(r.value)
	return n
}

func normal(mean, sd float64) func(float64) float64 {
	return func(x float64) float64 { return 0.5 * math.Erfc(-(x-mean)/(sd*math.Sqrt2)) }
}

func uniform(low, high float64) func(float64) float64 {
	return func(x float64) float64 { return min(1, max(0, (x-low)/(high-low))) }
}

// fits is the greatest distance of the numbers' distribution from another (the statistic of
// Kolmogorov and Smirnov), which may jump nowhere. It is looked for at the numbers, or at
// 1,000 of their quantiles: between two of them neither distribution grows by more than the
// step of both.
func fits(r ranks, cdf func(float64) float64) reading {
	n := float64(r.Count())
	least, most := 0.0, 0.0
	was, wasCDF := 0.0, 0.0
	for _, x := range placesIn(r) {
		belowLow, belowHigh := r.Rank(math.Nextafter(x, math.Inf(-1)))
		low, high := r.Rank(x)
		p := cdf(x)
		before, beforeMost, upTo, upToMost := float64(belowLow)/n, float64(belowHigh)/n, float64(low)/n, float64(high)/n
		least = max(least, p-upToMost, upTo-p, p-beforeMost, before-p)
		most = max(most, p-was, beforeMost-wasCDF, upToMost-p, p-upTo)
		was, wasCDF = upTo, p
	}
	return within((least+most)/2, least, max(least, most, 1-wasCDF, 1-was))
}

// placesIn are where the distribution of numbers may be looked at, in order.
func placesIn(r ranks) []float64 {
	if s, ok := r.(*sorted); ok && !s.failed {
		return slices.Compact(slices.Clone(s.sort()))
	}
	const parts = 1000
	var at []float64
	for i := 0; i <= parts; i++ {
		x, _, _ := r.Quantile(float64(i) / parts)
		at = append(at, x)
	}
	return slices.Compact(at)
}
