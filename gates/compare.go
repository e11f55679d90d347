package gates

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

// compareMetrics hold rows against a reference: another input, past partitions, or shares.
var compareMetrics = []metricFunc{
	categories("psi", sketch.PSI), categories("kl", sketch.KL), categories("jeffreys", sketch.Jeffreys), categories("l_infinity", sketch.LInfinity),
	{
		MetricFunc: comparing(fn("chi_square", float64Result, expr.RowExpr, expr.Shares)), state: "values", open: openValues,
		compare: func(rows, of state, shares map[string]float64) reading {
			return countsOf(rows, of, shares, func(a, b map[string]int64) any {
				test := sketch.ChiSquareTwo
				if of == nil {
					test = sketch.ChiSquare
				}
				_, _, p := test(a, b)
				return known(p)
			})
		},
	},
	{
		MetricFunc: withoutShares(fn("ks", doubleResult("ks"), expr.RowExpr)), state: "quantiles", open: openQuantiles,
		compare: func(rows, of state, _ map[string]float64) reading {
			a, b := asSketch(rows), asSketch(of)
			if a == nil || b == nil || a.Count() == 0 || b.Count() == 0 {
				return exactly(nil)
			}
			return within(sketch.KolmogorovSmirnov(a, b))
		},
	},
	{
		MetricFunc: withoutShares(fn("welch_test", doubleResult("welch_test"), expr.RowExpr)), state: "moments", open: openMoments,
		compare: func(rows, of state, _ map[string]float64) reading {
			_, _, p := sketch.Welch(rows.(*sketched[*sketch.Moments]).of, of.(*sketched[*sketch.Moments]).of)
			return exactly(known(p))
		},
	},
}

func comparing(f expr.MetricFunc) expr.MetricFunc {
	f.Compares, f.Optional = true, 1
	return f
}

func withoutShares(f expr.MetricFunc) expr.MetricFunc {
	f.Compares = true
	return f
}

// categories compares how often values come.
func categories(name string, f func(a, b map[string]int64) float64) metricFunc {
	return metricFunc{
		MetricFunc: comparing(fn(name, float64Result, expr.RowExpr, expr.Shares)), state: "values", open: openValues,
		compare: func(rows, of state, shares map[string]float64) reading {
			return countsOf(rows, of, shares, func(a, b map[string]int64) any { return known(f(a, b)) })
		},
	}
}

// shareUnit is how many rows stand for a share of 1, where shares stand for counts.
const shareUnit = 1_000_000

func countsOf(rows, of state, shares map[string]float64, f func(a, b map[string]int64) any) reading {
	own := rows.(*sketched[*sketch.Set]).of
	reference := map[string]int64{}
	switch {
	case own.Over():
		return exactly(errValues)
	case of != nil && of.(*sketched[*sketch.Set]).of.Over():
		return exactly(errValues)
	case of != nil:
		reference = of.(*sketched[*sketch.Set]).of.Counts()
	}
	for name, share := range shares {
		reference[name] = int64(share*shareUnit + 0.5)
	}
	if own.Count() == 0 || len(reference) == 0 {
		return exactly(nil)
	}
	return exactly(f(own.Counts(), reference))
}

// asSketch is the sketch of a state of numbers.
func asSketch(s state) *sketch.Quantiles {
	switch s := s.(type) {
	case *quantiles:
		return &s.Quantiles
	case *sorted:
		q := &sketch.Quantiles{}
		q.AddAll(s.values)
		return q
	}
	return nil
}

// compareDigits orders decimals of the same scale; nil first.
func compareDigits(a, b any) int {
	x, xIs := a.(*big.Int)
	y, yIs := b.(*big.Int)
	switch {
	case xIs && yIs:
		return x.Cmp(y)
	case xIs:
		return 1
	case yIs:
		return -1
	}
	return 0
}

// schemaMetrics are those of the columns.
var schemaMetrics = []metricFunc{
	{MetricFunc: withInputs(fn("columns", int64Result)), columns: func(s *arrow.Schema) any { return int64(s.NumFields()) }},
	{MetricFunc: withInputs(fn("column_names", always(texts))), columns: columnsAs(func(f arrow.Field) string { return f.Name })},
	{MetricFunc: withInputs(fn("column_types", always(texts))), columns: columnsAs(columnType)},
}

func columnsAs(f func(arrow.Field) string) func(*arrow.Schema) any {
	return func(s *arrow.Schema) any {
		all := []string{}
		for _, field := range s.Fields() {
			all = append(all, f(field))
		}
		return all
	}
}

func columnType(f arrow.Field) string {
	text := f.Name + " " + pipeline.TypeName(f.Type)
	if !f.Nullable {
		text += " not null"
	}
	return text
}
