package gates

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Limit is what a rule holds one number against: a metric, the rows that failed or their
// share of those tested.
type Limit struct {
	// Metric is the text of the metric; empty: the rows that failed.
	Metric string
	// Share says that the number is the share of failed rows, from 0 to 1.
	Share bool
	// Op is <, <=, > or >=, Value what stands to its right.
	Op    string
	Value float64
	// whole says that the metric is a whole number.
	whole bool
}

// Limit is what the rule holds one number against; false where that is not all it does.
func (r Rule) Limit(schema *arrow.Schema, around pipeline.Surroundings) (Limit, bool) {
	if len(r.By) > 0 {
		return Limit{}, false
	}
	switch r.Check.kind {
	case rowCheck, uniqueCheck, referenceCheck:
		l := Limit{Op: "<=", Value: float64(r.AtMost.rows), Share: r.AtMost.by, whole: !r.AtMost.by}
		if l.Share {
			l.Value = r.AtMost.share
		}
		return l, true
	case expectCheck:
		return r.threshold(schema, around)
	}
	return Limit{}, false
}

func (r Rule) threshold(schema *arrow.Schema, around pipeline.Surroundings) (Limit, bool) {
	b, err := judge{rules: []Rule{r.withDefaults()}}.bind(schema, around)
	if err != nil {
		return Limit{}, false
	}
	e := b.rules[len(b.rules)-1].expect
	t, ok := e.Threshold()
	if !ok || e.calls[0].own < 0 || e.calls[0].fn.read == nil {
		return Limit{}, false
	}
	return Limit{Metric: e.Calls[0].Text, Op: t.Op, Value: t.Limit, whole: arrow.IsInteger(e.Calls[0].Type.ID())}, true
}

// Of is the number, as it was judged; false where there is none.
func (l Limit) Of(f pipeline.Finding, measures []pipeline.Measure) (float64, bool) {
	switch {
	case f.Verdict == pipeline.ErrorVerdict:
		return 0, false
	case l.Metric == "" && l.Share:
		return float64(f.RowsFailed) / float64(max(f.RowsTested, 1)), true
	case l.Metric == "":
		return float64(f.RowsFailed), true
	}
	for _, m := range measures {
		if m.Metric == l.Metric && m.Number != nil {
			return *m.Number, true
		}
	}
	return 0, false
}

// Margin is how far a number is on the side where the rule holds; negative: how far it is
// on the other.
func (l Limit) Margin(v float64) float64 {
	if l.least() {
		return v - l.Value
	}
	return l.Value - v
}

// least says that numbers may be greater than the limit, and not less.
func (l Limit) least() bool { return strings.HasPrefix(l.Op, ">") }

// Holds reports whether the rule holds of a number.
func (l Limit) Holds(v float64) bool {
	return l.Margin(v) > 0 || v == l.Value && len(l.Op) == 2
}

// Stopping is the limit that stops as many of the numbers as can be stopped without stopping
// more than k: the worst ones, all of those that are equal or none of them.
func (l Limit) Stopping(values []float64, k int) Limit {
	sorted := slices.Sorted(slices.Values(values))
	if !l.least() {
		slices.Reverse(sorted)
	}
	for k > 0 && k < len(sorted) && sorted[k] == sorted[k-1] {
		k--
	}
	if l.Share {
		l.Value = l.shareBetween(sorted, k)
		return l
	}
	strict := len(l.Op) == 1
	switch {
	case len(sorted) == 0:
	case strict && k > 0:
		l.Value = sorted[k-1]
	case strict:
		l.Value = l.beside(sorted[0], !l.least())
	case k < len(sorted):
		l.Value = sorted[k]
	default:
		l.Value = l.beside(sorted[k-1], l.least())
	}
	return l
}

// beside is the next number above or below.
func (l Limit) beside(v float64, above bool) float64 {
	step := -1.0
	if above {
		step = 1
	}
	if l.whole {
		return v + step
	}
	return math.Nextafter(v, math.Inf(int(step)))
}

// shareBetween is a share of few digits, close above the next one that passes, that stops
// just the first k of the sorted shares, the greatest first.
func (l Limit) shareBetween(sorted []float64, k int) float64 {
	pass := 0.0
	if k < len(sorted) {
		pass = sorted[k]
	}
	if pass == 0 {
		return 0
	}
	for unit := math.Pow(10, 1-math.Floor(math.Log10(pass))); unit <= 1e15; unit *= 10 {
		p := math.Ceil(pass*unit) / unit
		if p >= pass && (k == 0 || p < sorted[k-1]) {
			return min(p, 1)
		}
	}
	return pass
}

// String is the rule's text, or that of its tolerance: "rows() > 100", "at_most: 1.5%".
func (l Limit) String() string {
	switch {
	case l.Share:
		return "at_most: " + strconv.FormatFloat(l.Value*100, 'g', 14, 64) + "%"
	case l.Metric == "":
		return "at_most: " + l.number()
	}
	return l.Metric + " " + l.Op + " " + l.number()
}

func (l Limit) number() string {
	if l.Value == math.Trunc(l.Value) && math.Abs(l.Value) < 1<<53 {
		text := strconv.FormatFloat(l.Value, 'f', 0, 64)
		if !l.whole {
			text += ".0"
		}
		return text
	}
	return strconv.FormatFloat(l.Value, 'g', -1, 64)
}
