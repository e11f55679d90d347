package gates

import (
	"slices"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/reconcile/words"
)

// breakMetrics are those of the breaks in a ledger: see package reconcile, which has its columns and
// the states of a break.
var breakMetrics = []metricFunc{
	breaksIf("new", `state in ["new", "reopened"]`, false),
	breaksIf("open", openBreaks, false),
	// An age that is not known counts: else a rule about old breaks would pass where none has one.
	breaksIf("older_than", openBreaks+` && (age_days == null || age_days > {n})`, false, expr.MetricColumn{Name: "age_days"}),
	breaksIf("cleared", `state == "cleared" && cleared == partition_name()`, false, expr.MetricColumn{Name: "cleared", Text: true}),
	breaksIf("accepted", `state == "accepted"`, false),
	breaksIf("sum", openBreaks, true),
}

const openBreaks = `state in ["new", "open", "changed", "reopened"]`

// breaksIf is a metric of the breaks for which a condition holds: how many there are, or, of a
// value, their sum, which is 0 of none.
func breaksIf(name, of string, sum bool, columns ...expr.MetricColumn) metricFunc {
	f := fn("breaks."+name, int64Result, expr.RowPredicate)
	f.Of, f.Optional, f.Whose = of, 1, "a ledger of breaks"
	f.Words = map[string][]string{words.ColState: words.States, words.ColCause: words.Causes}
	f.Columns = append([]expr.MetricColumn{{Name: "state", Text: true}}, columns...)
	if sum {
		f.Params, f.Result = []expr.Param{expr.RowExpr, expr.RowPredicate}, numberResult(f.Name)
		return metricFunc{MetricFunc: f, state: "sum", open: openSum, read: readBreaksSum}
	}
	if slices.ContainsFunc(columns, func(c expr.MetricColumn) bool { return !c.Text }) {
		f.Params = []expr.Param{expr.Number, expr.RowPredicate}
	}
	count := countMetrics[slices.IndexFunc(countMetrics, func(c metricFunc) bool { return c.Name == "count_if" })]
	count.MetricFunc = f
	return count
}

// readBreaksSum is readSum, but 0 where there was nothing to add.
func readBreaksSum(s state, _ []any) reading {
	if v := readSum(s, nil); v.value != nil {
		return v
	}
	if w, ok := s.(*wholeSum); ok {
		return exactly(w.number())
	}
	return exactly(0.0)
}
