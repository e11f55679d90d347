package gates

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// The distance from a distribution is that of the definition, computed exactly, and between
// the bounds where it is not; also of numbers that repeat, and of one number alone.
func TestDistanceFromADistribution(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	env := testEnv(t)
	for n := 1; n < 200_000; n = n*3 + 1 {
		for _, draw := range []func() float64{r.NormFloat64, r.Float64, func() float64 { return math.Round(r.NormFloat64() * 2) }, func() float64 { return 3 }} {
			numbers := make([]float64, n)
			for i := range numbers {
				numbers[i] = draw()
			}
			exact, near := exactQuantiles(nil, nil, means{Env: env}).(*sorted), openQuantiles(nil, nil, means{}).(*quantiles)
			b := array.NewFloat64Builder(env.Alloc)
			b.AppendValues(numbers, nil)
			values := b.NewArray()
			for _, s := range []state{exact, near} {
				if err := s.update(values, int64(n)); err != nil {
					t.Fatal(err)
				}
			}
			for _, cdf := range []func(float64) float64{normal(0, 1), uniform(0, 1), normal(3, 0.1)} {
				want := distanceOf(numbers, cdf)
				got, bounds := fits(exact, cdf), fits(near, cdf)
				if v, _ := asNumber(got.value); got.within != nil || math.Abs(v-want) > 1e-12 {
					t.Errorf("%d numbers: exactly %v (%v), want %v", n, got.value, got.within, want)
				}
				if bounds.low() > want+1e-12 || bounds.high() < want-1e-12 || bounds.high()-bounds.low() > 0.02 && n > 1000 && len(slices.Compact(slices.Sorted(slices.Values(numbers)))) > 1000 {
					t.Errorf("%d numbers: %v is not within %v to %v, or these are far apart", n, want, bounds.low(), bounds.high())
				}
			}
			exact.release()
			values.Release()
			b.Release()
		}
	}
	for _, f := range []string{"ks_normal", "ks_uniform"} {
		s := exactQuantiles([]arrow.DataType{arrow.PrimitiveTypes.Float64}, nil, means{Env: env}).(*sorted)
		if err := s.add([]float64{1, 2}); err != nil {
			t.Fatal(err)
		}
		if _, isErr := metricNamed(f).read(s, []any{1.0, -1.0}).value.(error); !isErr {
			t.Errorf("%s of a distribution that is none is no error", f)
		}
		s.release()
	}
}

// distanceOf is the definition.
func distanceOf(numbers []float64, cdf func(float64) float64) (d float64) {
	sorted := slices.Sorted(slices.Values(numbers))
	n := float64(len(sorted))
	for i, x := range sorted {
		d = max(d, math.Abs(cdf(x)-float64(i)/n), math.Abs(float64(i+1)/n-cdf(x)))
	}
	return d
}
