package sketch

import (
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// allKinds are a state of each kind with some values, and what asks it everything.
func allKinds() map[string]struct {
	state, other jsonState
	use          func(s jsonState)
} {
	type kind = struct {
		state, other jsonState
		use          func(s jsonState)
	}
	q, d, f, set := new(Quantiles), new(Distinct), NewFrequent(3), NewSet(20)
	h, _ := NewHistogram(0, 5, 10)
	ms, fs, is, m, c := new(Multiset), new(FloatSum), new(IntSum), new(Moments), new(CoMoments)
	for i := range 20_000 {
		v := float64(i) * 1.25
		q.Add(v)
		h.Add(v)
		m.Add(v)
		c.Add(v, 2-v*v)
		fs.Add(v - 1000)
		is.AddInt64(-int64(i))
		ms.Add(uint64(i), uint64(i*i))
		f.Add(fmt.Sprint(i % 7))
		set.Add(fmt.Sprint(i % 7))
		if i < 30 {
			d.Add(uint64(i) * 0x9e3779b97f4a7c15)
		}
	}
	q.Compact(64)
	return map[string]kind{
		"quantiles": {q, new(Quantiles), func(s jsonState) {
			x := s.(*Quantiles)
			x.Merge(q)
			x.Add(3)
			x.Quantile(0.4)
			x.CDF(5)
			x.Bins(7)
			KolmogorovSmirnov(x, q)
			x.Compact(64)
		}},
		"distinct": {d, new(Distinct), func(s jsonState) { s.(*Distinct).Merge(d); s.(*Distinct).Estimate() }},
		"frequent": {f, new(Frequent), func(s jsonState) {
			_ = s.(*Frequent).Merge(f)
			s.(*Frequent).Add("x")
			s.(*Frequent).Top(3)
		}},
		"set":       {set, new(Set), func(s jsonState) { _ = s.(*Set).Merge(set); s.(*Set).Items() }},
		"histogram": {h, new(Histogram), func(s jsonState) { _ = s.(*Histogram).Merge(h); s.(*Histogram).Add(1); s.(*Histogram).Bins() }},
		"multiset":  {ms, new(Multiset), func(s jsonState) { s.(*Multiset).Merge(ms) }},
		"floatsum":  {fs, new(FloatSum), func(s jsonState) { s.(*FloatSum).Merge(fs); s.(*FloatSum).Add(1); s.(*FloatSum).Sum() }},
		"intsum":    {is, new(IntSum), func(s jsonState) { s.(*IntSum).Merge(is); s.(*IntSum).Int64() }},
		"moments":   {m, new(Moments), func(s jsonState) { s.(*Moments).Merge(m); Welch(s.(*Moments), m); s.(*Moments).Kurtosis() }},
		"comoments": {c, new(CoMoments), func(s jsonState) { s.(*CoMoments).Merge(c); s.(*CoMoments).Correlation() }},
	}
}

var tokens = regexp.MustCompile(`-?[0-9][0-9.e+-]*|"[^"]*"|true|false`)

// States in which tokens were changed are refused, or are states that can be used and written.
func TestDamagedStatesDoNoHarm(t *testing.T) {
	r := seeded(t)
	instead := []string{
		"0", "1", "-1", "2", "9007199254740992", "9007199254740993", "4611686018427387904", "1e308", "-5e-324", "null", "[]", "{}",
		`""`, `"x"`, `"NaN"`, `"+Inf"`, `"-Inf"`, "true", "[1]", "[[1]]", `"AAAA"`, "1.5", "-0",
	}
	for name, k := range allKinds() {
		text := string(marshal(t, k.state))
		places := tokens.FindAllStringIndex(text, -1)
		read := 0
		for range 3000 {
			p := places[r.IntN(len(places))]
			damaged := text[:p[0]] + instead[r.IntN(len(instead))] + text[p[1]:]
			before := marshal(t, k.other)
			if json.Unmarshal([]byte(damaged), k.other) != nil {
				if after := marshal(t, k.other); string(after) != string(before) {
					t.Fatalf("%s: an error left a changed state", name)
				}
				continue
			}
			read++
			again(t, k.other, k.other)
			k.use(k.other)
			marshal(t, k.other)
		}
		t.Logf("%s: %d of 3000 were read", name, read)
	}
}

// What is allocated is in proportion to the text.
func TestHostileTextsAllocateLittle(t *testing.T) {
	texts := []string{
		`{"count":0,"nan":0,"min":0,"max":0,"over":0,"under":0,"levels":[` + strings.Repeat("[],", 30_000) + `[]]}`,
		`{"limit":1048576,"count":9,"over":true,"values":[` + strings.Repeat("{},", 30_000) + `{}]}`,
		`{"capacity":65536,"count":9007199254740992,"missed":0,"items":[]}`,
		`{"limit":1048576,"count":0,"over":false,"values":[]}`,
		`{"edges":[` + strings.Repeat("1,", 30_000) + `1],"counts":[],"nan":0}`,
		`{"form":"sparse","registers":"` + strings.Repeat("AQEB", 30_000) + `"}`,
		`{"count":1,"sum":"` + strings.Repeat("9", 100_000) + `"}`,
		`{"count":1,"nan":0,"up":0,"down":0,"negative":false,"chunks":[` + strings.Repeat("[],", 30_000) + `[]]}`,
	}
	for name, k := range allKinds() {
		for _, text := range texts {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_ = json.Unmarshal([]byte(text), k.other)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 100*uint64(len(text))+1<<17 {
				t.Errorf("%s: %d bytes are allocated for %d of text: %.60s", name, got, len(text), text)
			}
		}
	}
}
