package gates

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

func TestLimits(t *testing.T) {
	for text, want := range map[string]string{
		"rows() > 5":                                   "rows() > 5",
		"5 >= rows()":                                  "rows() <= 5",
		"-2.5 < mean(amount)":                          "mean(amount) > -2.5",
		"mean(amount) < 3":                             "mean(amount) < 3.0",
		"null_share(email) <= 0.25":                    "null_share(email) <= 0.25",
		"rows() > 5 && rows() < 9":                     "",
		"rows() * 2 > 5":                               "",
		"rows() > count(email)":                        "",
		"history(2).mean(rows()) > 5.0":                "",
		"rows() == 5":                                  "",
		"max(day) > timestamp('2026-01-01T00:00:00Z')": "",
	} {
		l, ok := Rule{Check: Expect(text)}.Limit(testSchema, pipeline.Surroundings{Published: true})
		if got := l.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %s, %t", text, got, ok)
		}
	}
	for want, r := range map[string]Rule{
		"at_most: 0": {Check: NotNull("id")}, "at_most: 7": {Check: Unique("id"), AtMost: Count(7)}, "at_most: 1.5%": {Check: Rows("id > 1"), AtMost: Share(0.015)},
	} {
		if l, ok := r.Limit(testSchema, pipeline.Surroundings{}); !ok || l.String() != want {
			t.Errorf("got %s, want %s", l, want)
		}
	}
	if _, ok := (Rule{Check: NotNull("id"), By: []string{"country"}}).Limit(testSchema, pipeline.Surroundings{}); ok {
		t.Error("a rule with groups has a limit")
	}
}

// A limit stops as many as it may and never more; the next one that is not stopped would be
// one too many, or is equal to others.
func TestLimitsStopAShare(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := Limit{Metric: "m()", Op: []string{"<", "<=", ">", ">="}[r.IntN(4)], whole: r.IntN(2) == 0}
		if r.IntN(4) == 0 {
			l = Limit{Op: "<=", Share: true}
		}
		values := make([]float64, 1+r.IntN(9))
		for i := range values {
			values[i] = float64(r.IntN(8))
			if !l.whole {
				values[i] /= 7
			}
		}
		k := r.IntN(len(values) + 1)
		if l.Share && k == len(values) && slices.Contains(values, 0) {
			k-- // no share stops what did not fail at all
		}
		at := l.Stopping(values, k)
		stopped := 0
		var passes []float64
		for _, v := range values {
			if at.Holds(v) {
				passes = append(passes, v)
			} else {
				stopped++
			}
		}
		what := fmt.Sprintf("seed %d: %v: %s stops %d of at most %d", seed, values, at, stopped, k)
		if stopped > k {
			t.Error(what)
			continue
		}
		if stopped == k || len(passes) == 0 {
			continue
		}
		next := slices.Max(passes)
		if l.least() {
			next = slices.Min(passes)
		}
		same := 0
		for _, v := range passes {
			if v == next {
				same++
			}
		}
		if stopped+same <= k {
			t.Errorf("%s, and %d of %v more could be", what, same, next)
		}
	}
}
