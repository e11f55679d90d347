package gates

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/sketch"
)

// summaryFuncs are what can be asked of the past.
var summaryFuncs = []summaryFunc{
	numericSummary("mean", func(v, _ []float64) any { return meanOf(v) }),
	numericSummary("median", func(v, _ []float64) any { return quantileOf(v, 0.5) }),
	numericSummary("min", func(v, _ []float64) any { return slices.Min(v) }),
	numericSummary("max", func(v, _ []float64) any { return slices.Max(v) }),
	numericSummary("sum", func(v, _ []float64) any { return meanOf(v) * float64(len(v)) }),
	numericSummary("stddev", func(v, _ []float64) any { return stddevOf(v) }),
	numericSummary("quantile", func(v, c []float64) any { return quantileOf(v, c[0]) }, expr.Number),
	numericSummary("forecast", func(v, c []float64) any {
		return forecastOf(v, c[0], func(f sketch.Forecast) float64 { return f.Next })
	}, expr.Number),
	numericSummary("forecast_error", func(v, c []float64) any {
		return forecastOf(v, c[0], func(f sketch.Forecast) float64 { return f.StdErr })
	}, expr.Number),
	{
		rises:   true,
		Summary: expr.Summary{Name: "last", Result: func(t arrow.DataType) (arrow.DataType, error) { return t, nil }},
		of:      func(vals, _ []any) any { return vals[0] },
	},
	{
		Summary: expr.Summary{Name: "all", Result: func(t arrow.DataType) (arrow.DataType, error) { return t, nil }},
		of:      func(vals, _ []any) any { return unionOf(vals) },
	},
}

// asNumber is a metric as a double, if it is a number.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	case expr.Decimal:
		return v.Float64(), true
	}
	return 0, false
}

func meanOf(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// stddevOf is that of the sample; null of fewer than two values.
func stddevOf(v []float64) any {
	if len(v) < 2 {
		return nil
	}
	mean, squares := meanOf(v), 0.0
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	return math.Sqrt(squares / float64(len(v)-1))
}

// quantileOf interpolates between the two nearest values, as DuckDB's quantile_cont does.
func quantileOf(v []float64, q float64) any {
	if !(q >= 0 && q <= 1) {
		return errQuantile
	}
	sorted := slices.Sorted(slices.Values(v))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// forecastOf forecasts from values, the latest first.
func forecastOf(v []float64, season float64, f func(sketch.Forecast) float64) any {
	series := slices.Clone(v)
	slices.Reverse(series)
	forecast, err := sketch.HoltWinters(series, int(season))
	if err != nil {
		return err
	}
	return known(f(forecast))
}

const errQuantile = errText("a quantile is from 0 to 1")

// unionOf brings lists together.
func unionOf(vals []any) any {
	all := []string{}
	for _, v := range vals {
		list, ok := v.([]string)
		if !ok {
			return v // an error, or null
		}
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
