package sketch

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

func TestDistinctIsTheSameForEveryOrder(t *testing.T) {
	r := seeded(t)
	for _, n := range []int{0, 1, 50, 3000, 100_000} {
		hashes := make([]uint64, n)
		for i := range hashes {
			hashes[i] = r.Uint64()
		}
		var whole Distinct
		for _, h := range hashes {
			whole.Add(h)
		}
		want := marshal(t, &whole)
		for range 5 {
			r.Shuffle(n, func(i, j int) { hashes[i], hashes[j] = hashes[j], hashes[i] })
			var parts []*Distinct
			for _, part := range cut(r, hashes) {
				s := new(Distinct)
				for _, h := range part {
					s.Add(h)
					s.Add(hashes[r.IntN(n)])
				}
				parts = append(parts, again(t, s, new(Distinct)))
			}
			got := tree(r, parts, func(a, b *Distinct) *Distinct { a.Merge(b); return a })
			if text := marshal(t, got); !bytes.Equal(text, want) {
				t.Fatalf("%d values give another state in another order", n)
			}
		}
	}
}

func TestDistinctEstimates(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 1_000_000; n += 1 + n/2 {
		var s Distinct
		for range n {
			s.Add(r.Uint64())
		}
		e, low, high := s.Estimate()
		if float64(n) < low || float64(n) > high || low > e || e > high {
			t.Errorf("%d values are estimated as %v, from %v to %v", n, e, low, high)
		}
		if n < 1000 && math.Abs(e-float64(n)) > 0.01*float64(n)+1 {
			t.Errorf("%d values are estimated as %v", n, e)
		}
	}
}

// The errors of many estimates are as large as they are said to be.
func TestDistinctStandardError(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{20_000, 60_000} {
		var bias, square float64
		const rounds = 60
		for range rounds {
			var s Distinct
			for range n {
				s.Add(r.Uint64())
			}
			e, _, _ := s.Estimate()
			bias += (e/float64(n) - 1) / rounds
			square += (e/float64(n) - 1) * (e/float64(n) - 1) / rounds
		}
		if rms := math.Sqrt(square); rms > 1.25*standardError || math.Abs(bias) > standardError/2 {
			t.Errorf("%d values: error %g, bias %g, want %g", n, rms, bias, standardError)
		}
	}
}

func TestDistinctExtremes(t *testing.T) {
	var s Distinct
	for i := range uint64(registers) {
		s.Add(i << (64 - registerBits)) // the greatest value in every register
	}
	if e, _, _ := s.Estimate(); e < 1e18 {
		t.Errorf("estimate is %v", e)
	}
	again(t, &s, new(Distinct))
}

func TestDistinctRefuses(t *testing.T) {
	refused(t, new(Distinct), `{}`, `{"form":"dense","registers":"AAAA"}`, `{"form":"sparse","registers":"AAE="}`,
		`{"form":"sparse","registers":"AQ=="}`, `{"form":"sparse","registers":"Af8="}`, `{"form":"x","registers":""}`)
}

func FuzzDistinct(f *testing.F) {
	few, many := new(Distinct), new(Distinct)
	few.Add(7)
	for i := range uint64(20_000) {
		many.Add(i * 0x9e3779b97f4a7c15)
	}
	fuzzJSON(f, func() *Distinct { return new(Distinct) }, func(s, twin *Distinct) {
		s.Merge(twin)
		s.Estimate()
		s.Merge(few)
	}, new(Distinct), few, many)
}

func BenchmarkDistinctAdd(b *testing.B) {
	var s Distinct
	h := uint64(1)
	for b.Loop() {
		s.Add(h)
		h += 0x9e3779b97f4a7c15
	}
}
