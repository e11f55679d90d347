package report

import (
	"math"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// sparkWidth is how many values a sparkline shows, the latest.
const sparkWidth = 30

// spark draws values as a line of bars, scaled from the least to the greatest.
func spark(values []float64) string {
	values = values[max(0, len(values)-sparkWidth):]
	low, high := bounds(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case high <= low:
			b.WriteRune('▄')
		default:
			b.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(math.Round(7*unit(v, low, high)))])
		}
	}
	return b.String()
}

// Bars draws counts as a line of bars from nothing up; where there is nothing is a blank.
func Bars(counts []int64) string {
	var most int64
	for _, n := range counts {
		most = max(most, n)
	}
	var b strings.Builder
	for _, n := range counts {
		if n <= 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(math.Round(7*float64(n)/float64(most)))])
	}
	return b.String()
}

// bounds are the least and greatest of the values that are finite; 0 and 0 if none is.
func bounds(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return 0, 0
	}
	return low, high
}

// unit is where v lies between low and high, from 0 to 1; in the middle if that can't be
// told. Halves keep differences of huge values from overflowing.
func unit(v, low, high float64) float64 {
	at := (v/2 - low/2) / (high/2 - low/2)
	if high <= low || math.IsNaN(at) {
		return 0.5
	}
	return min(max(at, 0), 1)
}

// trend are the values of a metric in order, and last that of this run if it has one.
func trend(m pipeline.Measure) []float64 {
	var values []float64
	for _, p := range m.Past {
		values = append(values, p.Value)
	}
	if m.Number != nil {
		values = append(values, *m.Number)
	}
	return values
}
