package sketch

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestSetIsTheSameForEveryOrder(t *testing.T) {
	r := seeded(t)
	for range 40 {
		limit, distinct := 1+r.IntN(50), 1+r.IntN(60)
		values, truth := make([]string, r.IntN(300)), map[string]int64{}
		whole := NewSet(limit)
		for i := range values {
			values[i] = strings.Repeat("x", 250) + fmt.Sprint(1_000*r.IntN(distinct))
			truth[keyText(values[i])]++
			whole.Add(values[i])
		}
		if whole.Over() != (len(truth) > limit) || !whole.Over() && !maps.Equal(whole.Counts(), truth) {
			t.Fatalf("counts are %v", whole.Counts())
		}
		r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		var parts []*Set
		for _, part := range cut(r, values) {
			s := NewSet(limit)
			for _, v := range part {
				s.Add(v)
			}
			parts = append(parts, again(t, s, new(Set)))
		}
		got := tree(r, parts, func(a, b *Set) *Set {
			if err := a.Merge(b); err != nil {
				t.Fatal(err)
			}
			return a
		})
		if !bytes.Equal(marshal(t, got), marshal(t, whole)) {
			t.Fatalf("the order changes the set: %s, %s", marshal(t, got), marshal(t, whole))
		}
	}
}

func TestSet(t *testing.T) {
	s := NewSet(0)
	s.AddN("b", 2)
	s.Add("a")
	s.AddN("c", 0)
	if s.Count() != 3 || s.Len() != 2 || !s.Has("a") || s.Has("c") {
		t.Errorf("the set is %s", marshal(t, s))
	}
	if got := fmt.Sprint(s.Items()); got != "[{a false 1 1} {b false 2 2}]" {
		t.Errorf("items are %s", got)
	}
	if s.Merge(NewSet(2)) == nil {
		t.Error("sets of different limits merged")
	}
	refused(t, s, `{"limit":1,"count":2,"over":false,"values":[{"value":"a","count":1}]}`,
		`{"limit":9,"count":2,"over":false,"values":[{"value":"a","count":1},{"value":"a","count":1}]}`,
		`{"limit":9,"count":2,"over":true,"values":[{"value":"a","count":2}]}`,
		`{"limit":9,"count":2,"over":true,"values":[]}`,
		`{"limit":0,"count":0,"over":false,"values":[]}`, `{"limit":1,"count":0,"over":false,"values":null}`,
		`{"limit":1,"count":1,"over":false,"values":[{"value":{"bytes":null},"count":1}]}`)
}

func FuzzSet(f *testing.F) {
	s, over := NewSet(3), NewSet(1)
	s.AddN("a\xff", 2)
	over.Add("a")
	over.Add("b")
	fuzzJSON(f, func() *Set { return new(Set) }, func(s, twin *Set) {
		s.Add("x")
		_ = s.Merge(twin)
		s.Items()
	}, s, over)
}

func BenchmarkSetAdd(b *testing.B) {
	values := make([]string, 100)
	for i := range values {
		values[i] = fmt.Sprint("value ", i)
	}
	s, i := NewSet(0), 0
	for b.Loop() {
		s.Add(values[i%len(values)])
		i++
	}
}
