package sketch

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

var shapes = map[string]func(r *rand.Rand, i, n int) float64{
	"random":   func(r *rand.Rand, _, _ int) float64 { return r.Float64() },
	"normal":   func(r *rand.Rand, _, _ int) float64 { return r.NormFloat64() },
	"sorted":   func(_ *rand.Rand, i, _ int) float64 { return float64(i) },
	"reversed": func(_ *rand.Rand, i, n int) float64 { return float64(n - i) },
	"skewed":   func(r *rand.Rand, _, _ int) float64 { return math.Exp(20 * r.NormFloat64()) },
	"constant": func(*rand.Rand, int, int) float64 { return -3 },
	"few":      func(r *rand.Rand, _, _ int) float64 { return float64(r.IntN(5)) },
	"special": func(r *rand.Rand, _, _ int) float64 {
		return []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), r.Float64(), math.MaxFloat64, -5e-324}[r.IntN(8)]
	},
}

func shaped(r *rand.Rand, shape string, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = shapes[shape](r, i, n)
	}
	return values
}

func TestQuantilesBoundsHoldForEverySplit(t *testing.T) {
	r := seeded(t)
	for shape := range shapes {
		for range 12 {
			values := shaped(r, shape, r.IntN(1<<(6+r.IntN(12))))
			var states []*Quantiles
			for _, part := range cut(r, values) {
				s := new(Quantiles)
				s.AddAll(part)
				states = append(states, s)
			}
			s := tree(r, states, func(a, b *Quantiles) *Quantiles {
				switch r.IntN(12) {
				case 0:
					a.Compact(64 + r.IntN(500))
				case 1:
					a = again(t, a, new(Quantiles))
				}
				before := b.Error()
				a.Merge(b)
				if b.Error() != before {
					t.Fatal("Merge changed its argument")
				}
				return a
			})
			checkQuantiles(t, r, shape, s, values)
			e := s.Error()
			s.Compact(200)
			if s.items() > 220 && s.count > 220 || s.Error() > e+1/100.0 {
				t.Errorf("%s: %d items after Compact(200), error %g, before %g", shape, s.items(), s.Error(), e)
			}
			checkQuantiles(t, r, shape, s, values)
		}
	}
}

func checkQuantiles(t *testing.T, r *rand.Rand, shape string, s *Quantiles, values []float64) {
	t.Helper()
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(sorted)
	n := len(sorted)
	if s.Count() != int64(n) || s.NaN() != int64(len(values)-n) {
		t.Fatalf("%s: %d values and %d NaN, want %d of %d", shape, s.Count(), s.NaN(), n, len(values))
	}
	if n == 0 {
		return
	}
	if s.Min() != sorted[0] || s.Max() != sorted[n-1] {
		t.Fatalf("%s: from %v to %v, want %v, %v", shape, s.Min(), s.Max(), sorted[0], sorted[n-1])
	}
	for range 50 {
		x := sorted[r.IntN(n)]
		if r.IntN(3) == 0 {
			x = (x + sorted[r.IntN(n)]) / 2
		}
		if x != x {
			continue
		}
		rank := int64(sort.Search(n, func(i int) bool { return sorted[i] > x }))
		low, high := s.Rank(x)
		if rank < low || rank > high || n < firstCapacity && s.Error() == 0 && low != high {
			t.Fatalf("%s: rank of %v is %d of %d, bounds %d to %d", shape, x, rank, n, low, high)
		}
		place := 1 + r.IntN(n)
		e, l, h := s.Quantile(float64(place) / float64(n))
		if v := sorted[place-1]; v < l || v > h || e < l || e > h {
			t.Fatalf("%s: value %d of %d is %v, estimate %v, bounds %v to %v", shape, place, n, v, e, l, h)
		}
	}
	var sum int64
	for _, b := range s.Bins(10) {
		sum += b.Count
	}
	if bins := s.Bins(10); bins != nil && sum != int64(n) {
		t.Fatalf("%s: bins of %d values, want %d", shape, sum, n)
	}
}

func TestQuantilesErrorOfMany(t *testing.T) {
	if testing.Short() {
		t.Skip("ten million values")
	}
	r := seeded(t)
	var s Quantiles
	part := make([]float64, 100_000)
	for range 100 {
		for i := range part {
			part[i] = r.Float64()
		}
		s.AddAll(part)
	}
	if e := s.Error(); e > 0.004 {
		t.Errorf("error is %g", e)
	}
	memory := s.Error()
	s.Compact(256)
	if e := s.Error(); e > memory+2/256.0 || s.items() > 256 {
		t.Errorf("error is %g with %d items, in memory %g", e, s.items(), memory)
	}
	t.Logf("error %g, %g with %d items, %d bytes", memory, s.Error(), s.items(), len(marshal(t, &s)))
}

// The same values, split and merged in the same way, give the same state.
func TestQuantilesAreDeterministic(t *testing.T) {
	r := seeded(t)
	values := shaped(r, "normal", 50_000)
	build := func(one bool) []byte {
		s := new(Quantiles)
		for i := 0; i < len(values); i += 7_000 {
			part := new(Quantiles)
			for _, v := range values[i:min(i+7_000, len(values))] {
				if one {
					part.Add(v)
				}
			}
			if !one {
				part.AddAll(values[i:min(i+7_000, len(values))])
			}
			part.Rank(0.5)
			s.Merge(part)
		}
		return marshal(t, s)
	}
	if !bytes.Equal(build(false), build(true)) {
		t.Error("AddAll is not the same as to add each")
	}
}

func TestQuantilesOfSmallInputsAreExact(t *testing.T) {
	var s Quantiles
	if e, _, _ := s.Quantile(0.5); e == e || s.Bins(3) != nil || s.Min() == s.Min() {
		t.Error("no values have a median")
	}
	s.AddAll([]float64{3, 1, 2, math.Inf(1), math.NaN(), math.Copysign(0, -1)})
	for q, want := range map[float64]float64{0: 0, 0.2: 0, 0.21: 1, 0.4: 1, 0.5: 2, 0.8: 3, 0.9: math.Inf(1), 1: math.Inf(1)} {
		if e, l, h := s.Quantile(q); e != want || l != want || h != want {
			t.Errorf("quantile %v is %v in %v to %v, want %v", q, e, l, h, want)
		}
	}
	if e, l, h := s.CDF(2.5); e != 0.6 || l != e || h != e {
		t.Errorf("CDF(2.5) is %v, %v, %v", e, l, h)
	}
	if got := s.Bins(3); len(got) != 3 || got[0] != (Bin{0, 1, 2}) || got[2] != (Bin{2, 3, 2}) {
		t.Errorf("bins are %v", got)
	}
}

func TestSortKeys(t *testing.T) {
	r := seeded(t)
	var spare []uint64
	for range 300 {
		keys := make([]uint64, r.IntN(firstCapacity))
		hide, place := uint64(1)<<r.IntN(64)-1, r.IntN(64)
		for i := range keys {
			keys[i] = r.Uint64() & hide << place
			if r.IntN(50) == 0 {
				keys[i] = r.Uint64()
			}
		}
		want := slices.Clone(keys)
		slices.Sort(want)
		if spare = sortKeys(keys, spare); !slices.Equal(keys, want) {
			t.Fatalf("%d keys are not sorted", len(keys))
		}
	}
}

func TestQuantilesRefuses(t *testing.T) {
	refused(t, new(Quantiles), `null`, `{}`, `[]`,
		`{"count":2,"nan":0,"min":0,"max":1,"over":0,"under":0,"levels":[[1]]}`,
		`{"count":1,"nan":-1,"min":1,"max":1,"over":0,"under":0,"levels":[[1]]}`,
		`{"count":1,"nan":0,"min":2,"max":2,"over":0,"under":0,"levels":[[1]]}`,
		`{"count":1,"nan":0,"min":1,"max":1,"over":2,"under":0,"levels":[[1]]}`,
		`{"count":1,"nan":0,"min":1,"max":"NaN","over":0,"under":0,"levels":[[1]]}`,
		`{"count":2,"nan":0,"min":1,"max":2,"over":0,"under":0,"levels":[[2,1]]}`,
		`{"count":1,"nan":0,"min":1,"max":1,"over":0,"under":0,"levels":[[1]],"x":1}`)
}

func FuzzQuantiles(f *testing.F) {
	small, large := new(Quantiles), new(Quantiles)
	small.AddAll([]float64{1, 2, math.Inf(-1), math.NaN()})
	for i := range 50_000 {
		large.Add(float64(i))
	}
	large.Compact(64)
	fuzzJSON(f, func() *Quantiles { return new(Quantiles) }, func(s, twin *Quantiles) {
		s.Merge(twin)
		s.Bins(4)
		s.Quantile(0.3)
		s.CDF(2)
		KolmogorovSmirnov(s, large)
		s.Add(1)
		s.Merge(small)
		s.Merge(large)
		s.Compact(64)
	}, new(Quantiles), small, large)
}

func BenchmarkQuantiles(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, shape := range []string{"random", "normal", "sorted", "reversed", "skewed", "few"} {
		values := shaped(r, shape, 1<<20)
		b.Run(shape, func(b *testing.B) {
			var s Quantiles
			for b.Loop() {
				s.AddAll(values)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(values)), "ns/value")
		})
	}
}
