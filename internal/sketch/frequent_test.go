package sketch

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestFrequentBoundsHoldForEverySplit(t *testing.T) {
	r := seeded(t)
	for range 60 {
		zipf := rand.NewZipf(r, 1.01+r.Float64(), 1+10*r.Float64(), 1<<r.IntN(16))
		values, truth := make([]string, r.IntN(30_000)), map[string]int64{}
		for i := range values {
			values[i] = fmt.Sprint("v", zipf.Uint64())
			truth[values[i]]++
		}
		capacity := 1 + r.IntN(100)
		var parts []*Frequent
		for _, part := range cut(r, values) {
			s := NewFrequent(capacity)
			for _, v := range part {
				s.Add(v)
			}
			parts = append(parts, s)
		}
		s := tree(r, parts, func(a, b *Frequent) *Frequent {
			a = again(t, a, new(Frequent))
			if err := a.Merge(b); err != nil {
				t.Fatal(err)
			}
			return a
		})
		if most := int64(len(values) / (capacity + 1)); s.Missed() > most || len(s.items) > 2*capacity {
			t.Fatalf("missed %d, %d items; at most %d and %d expected", s.Missed(), len(s.items), most, 2*capacity)
		}
		checkFrequent(t, s, truth, capacity)
		s.Compact(capacity / 2)
		checkFrequent(t, again(t, s, new(Frequent)), truth, capacity/2)
	}
}

func checkFrequent(t *testing.T, s *Frequent, truth map[string]int64, k int) {
	t.Helper()
	kept, _, _ := s.Top(1 << 20)
	in := map[string]bool{}
	for _, it := range kept {
		in[it.Value] = true
		if n := truth[it.Value]; n < it.Low || n > it.High {
			t.Fatalf("%s came %d times, bounds %d to %d", it.Value, n, it.Low, it.High)
		}
	}
	for v, n := range truth {
		if !in[v] && n > s.Missed() {
			t.Fatalf("%s came %d times and is not kept, at most %d expected", v, n, s.Missed())
		}
	}
	top, setCertain, orderCertain := s.Top(k)
	in = map[string]bool{}
	for i, it := range top {
		in[it.Value] = true
		if orderCertain && i > 0 && truth[it.Value] >= truth[top[i-1].Value] {
			t.Fatalf("the order of %v is not certain", top)
		}
	}
	if setCertain && len(top) > 0 {
		least := truth[top[0].Value]
		for _, it := range top {
			least = min(least, truth[it.Value])
		}
		for v, n := range truth {
			if !in[v] && n >= least {
				t.Fatalf("%s came %d times and is not in the set that is certain", v, n)
			}
		}
	}
}

func TestFrequentTop(t *testing.T) {
	s := NewFrequent(2)
	s.AddN("a", 5)
	s.AddN("b", 3)
	s.AddN("c", 3)
	s.AddN("a", -1)
	top, setCertain, orderCertain := s.Top(1)
	if len(top) != 1 || top[0] != (Item{"a", false, 5, 5}) || !setCertain || !orderCertain {
		t.Errorf("top 1 is %v, %v, %v", top, setCertain, orderCertain)
	}
	if _, setCertain, _ := s.Top(2); setCertain {
		t.Error("b and c are tied")
	}
	if _, setCertain, orderCertain := s.Top(3); !setCertain || orderCertain {
		t.Error("all values are in the set, b and c in no order")
	}
	if s.Merge(NewFrequent(3)) == nil {
		t.Error("states of different capacities merged")
	}
}

func TestTextsAreCut(t *testing.T) {
	s := NewFrequent(10)
	long := strings.Repeat("é", 119) + "x€"
	s.Add(long + strings.Repeat("y", 1000))
	s.Add(long + strings.Repeat("z", 1000))
	s.Add("\xff")
	s = again(t, s, new(Frequent))
	top, _, _ := s.Top(10)
	if len(top) != 3 || top[0].Value != long[:239] || !top[0].Cut || top[2].Value != "\xff" {
		t.Errorf("items are %+v", top)
	}
}

// What is written does not depend on the order of a map.
func TestFrequentIsWrittenInOneWay(t *testing.T) {
	build := func() []byte {
		s := NewFrequent(30)
		for i := range 5000 {
			s.Add(fmt.Sprint(i % 97))
		}
		return marshal(t, s)
	}
	if a, b := build(), build(); !bytes.Equal(a, b) {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestFrequentRefuses(t *testing.T) {
	refused(t, new(Frequent), `{"capacity":0,"count":0,"missed":0,"items":[]}`,
		`{"capacity":1,"count":1,"missed":0,"items":[{"value":"a","seen":2,"missed":0}]}`,
		`{"capacity":1,"count":2,"missed":0,"items":[{"value":"a","seen":1,"missed":0},{"value":"a","seen":1,"missed":0}]}`,
		`{"capacity":1,"count":9,"missed":0,"items":[{"value":"a","seen":1,"missed":1}]}`,
		`{"capacity":1,"count":9,"missed":2,"items":[{"value":"a","seen":1,"missed":0}]}`,
		`{"capacity":1,"count":3,"missed":0,"items":[{"value":"a","seen":1,"missed":0},{"value":"b","seen":1,"missed":0},{"value":"c","seen":1,"missed":0}]}`)
}

func FuzzFrequent(f *testing.F) {
	s := NewFrequent(3)
	for i := range 20 {
		s.Add(fmt.Sprint(i % 8))
	}
	fuzzJSON(f, func() *Frequent { return new(Frequent) }, func(s, twin *Frequent) {
		_ = s.Merge(twin)
		o := NewFrequent(s.capacity)
		o.AddN("x", 3)
		_ = s.Merge(o)
		s.Top(2)
	}, NewFrequent(1), s)
}

func BenchmarkFrequentAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 2, 1<<20)
	values := make([]string, 1<<16)
	for i := range values {
		values[i] = fmt.Sprint("value ", zipf.Uint64())
	}
	s, i := NewFrequent(256), 0
	for b.Loop() {
		s.Add(values[i%len(values)])
		i++
	}
}
