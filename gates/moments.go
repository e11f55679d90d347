package gates

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/sketch"
)

// momentMetrics are those of the moments of one or two columns of numbers.
var momentMetrics = []metricFunc{
	ofMoments("mean", (*sketch.Moments).Mean), ofMoments("variance", (*sketch.Moments).Variance), ofMoments("stddev", (*sketch.Moments).Stddev),
	ofMoments("skewness", (*sketch.Moments).Skewness), ofMoments("kurtosis", (*sketch.Moments).Kurtosis),
	{
		MetricFunc: fn("t_test", doubleResult("t_test"), expr.RowExpr, expr.Number), state: "moments", open: openMoments,
		read: says(func(m *sketch.Moments, consts []any) any {
			mu, _ := asNumber(consts[0])
			_, _, p := sketch.TTest(m, mu)
			return known(p)
		}),
	},
	ofCoMoments("correlation", (*sketch.CoMoments).Correlation), ofCoMoments("covariance", (*sketch.CoMoments).Covariance),
}

var (
	openMoments = sketchOpener(func() *sketch.Moments { return new(sketch.Moments) }, joins, func(m *sketch.Moments, values []arrow.Array) error {
		for _, v := range numbersOf(values[0]) {
			m.Add(v)
		}
		return nil
	})
	openCoMoments = sketchOpener(func() *sketch.CoMoments { return new(sketch.CoMoments) }, joins, func(m *sketch.CoMoments, values []arrow.Array) error {
		x, y := values[0], values[1]
		for i := range x.Len() {
			if x.IsValid(i) && y.IsValid(i) {
				m.Add(number(x, i), number(y, i))
			}
		}
		return nil
	})
)

func ofMoments(name string, f func(*sketch.Moments) float64) metricFunc {
	return metricFunc{
		MetricFunc: fn(name, doubleResult(name), expr.RowExpr), state: "moments", open: openMoments,
		read: says(func(m *sketch.Moments, _ []any) any {
			if m.Count() == 0 && m.NotFinite() == 0 {
				return nil
			}
			return statistic(m.NotFinite(), f(m))
		}),
	}
}

// statistic is NaN where a value was not finite, and null where there were too few.
func statistic(notFinite int64, v float64) any {
	if notFinite > 0 {
		return v
	}
	return known(v)
}

func ofCoMoments(name string, f func(*sketch.CoMoments) float64) metricFunc {
	return metricFunc{
		MetricFunc: fn(name, doubleResult(name), expr.RowExpr, expr.RowExpr), state: "comoments", open: openCoMoments,
		read: says(func(m *sketch.CoMoments, _ []any) any { return statistic(m.NotFinite(), f(m)) }),
	}
}
