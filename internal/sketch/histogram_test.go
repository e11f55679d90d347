package sketch

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

func TestHistogram(t *testing.T) {
	s, err := NewHistogram(0, 1, 2.5)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{-1, math.Inf(-1), 0, math.Copysign(0, -1), 0.99, 1, 2.5, 2.6, math.Inf(1), math.NaN()} {
		s.Add(v)
	}
	if got := s.Bins(); !slices.Equal(got, []Bin{{0, 1, 3}, {1, 2.5, 2}}) {
		t.Errorf("bins are %v", got)
	}
	if below, above, nan := s.Outside(); below != 2 || above != 2 || nan != 1 {
		t.Errorf("outside are %d, %d, %d", below, above, nan)
	}
	again(t, s, new(Histogram))
}

func TestHistogramIsTheSameForEverySplit(t *testing.T) {
	r := seeded(t)
	edges := []float64{math.Inf(-1), -1, 0, 0.5, 2}
	values := shaped(r, "normal", 5000)
	whole, _ := NewHistogram(edges...)
	for _, v := range values {
		whole.Add(v)
	}
	var parts []*Histogram
	for _, part := range cut(r, values) {
		s, _ := NewHistogram(edges...)
		for _, v := range part {
			s.Add(v)
		}
		parts = append(parts, s)
	}
	got := tree(r, parts, func(a, b *Histogram) *Histogram {
		if err := b.Merge(a); err != nil {
			t.Fatal(err)
		}
		return b
	})
	if !bytes.Equal(marshal(t, got), marshal(t, whole)) {
		t.Error("the split changes the histogram")
	}
	other, _ := NewHistogram(1, 2)
	if got.Merge(other) == nil {
		t.Error("histograms with different edges merged")
	}
}

func TestHistogramEdges(t *testing.T) {
	for _, edges := range [][]float64{nil, {1}, {1, 1}, {2, 1}, {math.NaN(), 1}, {1, math.NaN()}, make([]float64, 10_001)} {
		if _, err := NewHistogram(edges...); err == nil {
			t.Errorf("%v are no edges", edges)
		}
	}
	refused(t, new(Histogram), `{"edges":[1,2],"counts":[1,2],"nan":0}`, `{"edges":[1,2],"counts":[1,-2,0],"nan":0}`,
		`{"edges":[2,1],"counts":[1,2,3],"nan":0}`, `{"edges":[2,1e999],"counts":[1,2,3],"nan":0}`)
}

func FuzzHistogram(f *testing.F) {
	s, _ := NewHistogram(0, 1, math.Inf(1))
	s.Add(0.5)
	fuzzJSON(f, func() *Histogram { return new(Histogram) }, func(s, twin *Histogram) {
		s.Add(1)
		_ = s.Merge(twin)
		s.Bins()
	}, s)
}

func BenchmarkHistogramAdd(b *testing.B) {
	edges := make([]float64, 20)
	for i := range edges {
		edges[i] = float64(i)
	}
	s, _ := NewHistogram(edges...)
	x := 0.0
	for b.Loop() {
		s.Add(x)
		if x += 0.37; x > 20 {
			x = 0
		}
	}
}
