package gates

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
)

// countMetrics are those that count rows.
var countMetrics = []metricFunc{
	{MetricFunc: withInputs(fn("rows", int64Result)), state: "rows", open: opens(allRows), read: counted(func(c *counter) any { return c.Rows })},
	{MetricFunc: fn("count", int64Result, expr.RowExpr), state: "nulls", open: opens(nulls), read: counted(func(c *counter) any { return c.Rows - c.Nulls })},
	{MetricFunc: fn("count_if", int64Result, expr.RowPredicate), state: "count_if", open: opens(trues), read: counted(func(c *counter) any { return c.Count })},
	{MetricFunc: fn("share", float64Result, expr.RowPredicate), state: "count_if", open: opens(trues), read: counted(func(c *counter) any { return share(c.Count, c.Rows-c.Nulls) })},
	{MetricFunc: fn("nulls", int64Result, expr.RowExpr), state: "nulls", open: opens(nulls), read: counted(func(c *counter) any { return c.Nulls })},
	{MetricFunc: fn("null_share", float64Result, expr.RowExpr), state: "nulls", open: opens(nulls), read: counted(func(c *counter) any { return share(c.Nulls, c.Rows) })},
}

func withInputs(f expr.MetricFunc) expr.MetricFunc {
	f.Inputs = true
	return f
}

func opens(what counting) func([]arrow.DataType, []any, means) state {
	return func([]arrow.DataType, []any, means) state { return &counter{what: what} }
}

func counted(f func(*counter) any) func(state, []any) reading {
	return func(s state, _ []any) reading { return exactly(f(s.(*counter))) }
}

// share is a part of a whole; of nothing there is none.
func share(part, whole int64) any {
	if whole == 0 {
		return nil
	}
	return float64(part) / float64(whole)
}

// counting is what a counter counts.
type counting int

const (
	allRows counting = iota
	nulls
	trues
)

// counter counts rows, those whose value is null, and those for which it is true.
type counter struct {
	what  counting
	Rows  int64 `json:"rows"`
	Nulls int64 `json:"nulls"`
	Count int64 `json:"count"`
}

func (c *counter) update(values arrow.Array, rows int64) error {
	c.Rows += rows
	if c.what != allRows {
		c.Nulls += int64(values.NullN())
	}
	if c.what == trues {
		n := values.Len()
		isTrue, valid := rowBits(nil).sized(n), rowBits(nil).sized(n)
		loadTruth(values.(*array.Boolean), isTrue, valid)
		for i := range isTrue {
			c.Count += int64(bits.OnesCount64(isTrue[i] & valid[i]))
		}
	}
	return nil
}

func (c *counter) merge(other state) error {
	o := other.(*counter)
	c.Rows += o.Rows
	c.Nulls += o.Nulls
	c.Count += o.Count
	return nil
}

// UnmarshalJSON implements loader.
func (c *counter) UnmarshalJSON(text []byte) error {
	type plain counter
	if err := strict(text, (*plain)(c), 3); err != nil {
		return err
	}
	if c.Nulls < 0 || c.Count < 0 || c.Nulls > c.Rows || c.Count > c.Rows-c.Nulls {
		return errCounts
	}
	return nil
}
