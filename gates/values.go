package gates

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

var (
	texts   = arrow.ListOf(arrow.BinaryTypes.String)
	doubles = arrow.ListOf(arrow.PrimitiveTypes.Float64)
)

// maxValues bounds the distinct values that are told apart by name; maxFrequent those that
// are kept in search of the most frequent.
const (
	maxValues   = 10_000
	maxFrequent = 1024
)

// errValues says that a column has too many values to be named.
var errValues = errors.New("there are more than 10,000 distinct values: too many to name them; count them with distinct(x)")

// valueMetrics are those of which values there are.
var valueMetrics = []metricFunc{
	{MetricFunc: fn("values", always(texts), expr.RowExpr), state: "values", open: openValues, read: ofValues(func(counts map[string]int64) any { return namesOf(counts) })},
	{MetricFunc: fn("entropy", float64Result, expr.RowExpr), state: "values", open: openValues, read: ofValues(func(counts map[string]int64) any { return known(sketch.Entropy(counts)) })},
	{
		MetricFunc: fn("top", always(texts), expr.RowExpr, expr.Number), state: "frequent", open: openFrequent, exact: exactFrequent,
		read: readTop,
	},
	{
		MetricFunc: fn("approx_distinct", int64Result, expr.RowExpr), state: "approx_distinct", open: openApprox, exact: openDistinct,
		read: readDistinct,
	},
	{
		MetricFunc: fn("histogram", always(doubles), expr.RowExpr, expr.Numbers), state: "histogram", keyed: true, open: openHistogram,
		read: func(s state, _ []any) reading { return exactly(s.(*histogram).shares()) },
	},
	{MetricFunc: fn("cramers_v", float64Result, expr.RowExpr, expr.RowExpr), state: "pairs", open: openPairs, read: ofPairs(sketch.CramersV)},
	{MetricFunc: fn("mutual_information", float64Result, expr.RowExpr, expr.RowExpr), state: "pairs", open: openPairs, read: ofPairs(sketch.MutualInformation)},
	{
		MetricFunc: optional(fn("rows_hash", always(arrow.BinaryTypes.String), slices.Repeat([]expr.Param{expr.RowExpr}, maxKey)...), maxKey-1),
		state:      "rows_hash", open: openRowsHash,
		read: says(func(m *sketch.Multiset, _ []any) any { return m.String() }),
	},
}

// maxKey is how many expressions a key may have.
const maxKey = 32

func optional(f expr.MetricFunc, n int) expr.MetricFunc {
	f.Optional = n
	return f
}

// eachText calls f with each value, as text, that is not null.
func eachText(values arrow.Array, f func(string)) {
	for i := range values.Len() {
		if values.IsValid(i) {
			f(values.ValueStr(i))
		}
	}
}

var openValues = sketchOpener(func() *sketch.Set { return sketch.NewSet(maxValues) }, tryJoins, func(s *sketch.Set, values []arrow.Array) error {
	eachText(values[0], func(v string) { s.Add(v) })
	return nil
})

func ofValues(f func(map[string]int64) any) func(state, []any) reading {
	return says(func(s *sketch.Set, _ []any) any {
		if s.Over() {
			return errValues
		}
		return f(s.Counts())
	})
}

func namesOf(counts map[string]int64) []string {
	names := []string{}
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func openFrequent([]arrow.DataType, []any, means) state { return frequentOf(maxFrequent) }

// frequentOf keeps so many values; what is written of them is less.
func frequentOf(n int) state {
	s := sketchOf(sketch.NewFrequent(n), tryJoins, func(s *sketch.Frequent, values []arrow.Array) error {
		eachText(values[0], s.Add)
		return nil
	})
	s.small = func(of *sketch.Frequent) *sketch.Frequent {
		small := sketch.NewFrequent(n)
		if small.Merge(of) == nil {
			small.Compact(storedItems)
		}
		return small
	}
	return s
}

// exactFrequent keeps as many values as can be named.
func exactFrequent([]arrow.DataType, []any, means) state { return frequentOf(65_536) }

func readTop(s state, consts []any) reading {
	k, _ := asNumber(consts[0])
	of := s.(*sketched[*sketch.Frequent]).of
	items, certain, _ := of.Top(int(k))
	certain = certain || of.Missed() == 0 // all are counted exactly: of equals the first in order
	names := []string{}
	for _, it := range items {
		names = append(names, it.Value)
	}
	return reading{value: names, unsure: !certain}
}

func openApprox([]arrow.DataType, []any, means) state {
	return sketchOf(new(sketch.Distinct), joins, func(s *sketch.Distinct, values []arrow.Array) error {
		b := batchOf(values)
		defer b.Release()
		for i, h := range rows.Keys(nil, b, []int{0}) {
			if values[0].IsValid(i) {
				s.Add(h.Lo)
			}
		}
		return nil
	})
}

func readDistinct(s state, _ []any) reading {
	if d, ok := s.(*distinct); ok {
		return exactly(d.Distinct)
	}
	v, low, high := s.(*sketched[*sketch.Distinct]).of.Estimate()
	r := reading{value: int64(v + 0.5)}
	if low < high {
		r.within = &expr.Range{Low: max(0, low), High: high + 1}
	}
	return r
}

// histogram has the shares of numbers between edges.
type histogram struct{ sketched[*sketch.Histogram] }

func openHistogram(_ []arrow.DataType, consts []any, _ means) state {
	h, err := sketch.NewHistogram(consts[0].([]float64)...)
	if err != nil {
		return &broken{err}
	}
	return &histogram{*sketchOf(h, tryJoins, func(s *sketch.Histogram, values []arrow.Array) error {
		for _, v := range numbersOf(values[0]) {
			s.Add(v)
		}
		return nil
	})}
}

func (h *histogram) merge(other state) error { return h.join(h.of, other.(*histogram).of) }

// shares are those of all numbers, also of the ones outside.
func (h *histogram) shares() any {
	below, above, nan := h.of.Outside()
	total := below + above + nan
	bins := h.of.Bins()
	for _, b := range bins {
		total += b.Count
	}
	if total == 0 {
		return nil
	}
	shares := make([]float64, len(bins))
	for i, b := range bins {
		shares[i] = float64(b.Count) / float64(total)
	}
	return shares
}

func (h *histogram) bins() (all []pipeline.Bin) {
	for _, b := range h.of.Bins() {
		all = append(all, pipeline.Bin{Low: b.Low, High: b.High, Count: b.Count})
	}
	return all
}

// pairSign stands between the values of a pair; texts have no such byte.
const pairSign = "\xff"

func openPairs([]arrow.DataType, []any, means) state {
	return sketchOf(sketch.NewSet(maxValues), tryJoins, func(s *sketch.Set, values []arrow.Array) error {
		x, y := values[0], values[1]
		for i := range x.Len() {
			if x.IsValid(i) && y.IsValid(i) {
				s.Add(x.ValueStr(i) + pairSign + y.ValueStr(i))
			}
		}
		return nil
	})
}

func ofPairs(f func(map[sketch.Pair]int64) float64) func(state, []any) reading {
	return says(func(s *sketch.Set, _ []any) any {
		if s.Over() {
			return errValues
		}
		counts := map[sketch.Pair]int64{}
		for pair, n := range s.Counts() {
			x, y, _ := strings.Cut(pair, pairSign)
			counts[sketch.Pair{x, y}] = n
		}
		return known(f(counts))
	})
}

var openRowsHash = sketchOpener(func() *sketch.Multiset { return new(sketch.Multiset) }, joins, func(m *sketch.Multiset, values []arrow.Array) error {
	columns := make([]int, len(values))
	for i := range columns {
		columns[i] = i
	}
	b := batchOf(values)
	defer b.Release()
	for _, h := range rows.Keys(nil, b, columns) {
		m.Add(h.Hi, h.Lo)
	}
	return nil
})

// broken is a state that can't be, of constants that make no sense.
type broken struct{ err error }

func (b *broken) update(arrow.Array, int64) error { return nil }
func (b *broken) merge(state) error               { return nil }

// MarshalJSON gives the error.
func (b *broken) MarshalJSON() ([]byte, error) { return nil, fmt.Errorf("%w", b.err) }
