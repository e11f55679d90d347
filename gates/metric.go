package gates

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// A state is what a metric has gathered of some rows. States of the same metric merge:
// that of all rows is the same however the rows were split, if they are merged in the
// order of the rows. A state is written to the manifest as JSON.
type state interface {
	// update takes in the values of the metric's argument; nil for rows().
	update(values arrow.Array, rows int64) error
	// merge takes in the state of the rows that follow.
	merge(other state) error
	// value is the metric: int64, uint64, float64, string, time.Time, or nil for null.
	value() any
}

// metricFunc is a metric that expect statements may call.
type metricFunc struct {
	expr.MetricFunc
	// open begins a state for an argument of the type.
	open func(t arrow.DataType, env *pipeline.Env) state
}

var metricFuncs = []metricFunc{
	{fn("rows", int64Result), func(arrow.DataType, *pipeline.Env) state { return &counter{what: allRows} }},
	{fn("count", int64Result, expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &counter{what: valid} }},
	{fn("count_if", int64Result, expr.RowPredicate), func(arrow.DataType, *pipeline.Env) state { return &counter{what: trues} }},
	{fn("nulls", int64Result, expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &counter{what: nulls} }},
	{fn("null_share", float64Result, expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &counter{what: nullShare} }},
	{fn("min", orderedResult("min"), expr.RowExpr), func(t arrow.DataType, _ *pipeline.Env) state { return &extreme{Sign: -1, typ: t} }},
	{fn("max", orderedResult("max"), expr.RowExpr), func(t arrow.DataType, _ *pipeline.Env) state { return &extreme{Sign: 1, typ: t} }},
	{fn("sum", numberResult("sum"), expr.RowExpr), openSum},
	{fn("mean", meanResult("mean"), expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &moments{what: mean} }},
	{fn("variance", meanResult("variance"), expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &moments{what: variance} }},
	{fn("stddev", meanResult("stddev"), expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &moments{what: stddev} }},
	{fn("distinct", int64Result, expr.RowExpr), func(arrow.DataType, *pipeline.Env) state { return &distinct{} }},
}

// exprFuncs are the metrics as package expr types them.
func exprFuncs() []expr.MetricFunc {
	all := make([]expr.MetricFunc, len(metricFuncs))
	for i, f := range metricFuncs {
		all[i] = f.MetricFunc
		if f.Name == "rows" {
			all[i].Params, all[i].Optional = []expr.Param{expr.Text}, 1
		}
	}
	return all
}

type resultFunc = func([]arrow.DataType) (arrow.DataType, error)

func fn(name string, result resultFunc, params ...expr.Param) expr.MetricFunc {
	return expr.MetricFunc{Name: name, Params: params, Result: result}
}

func int64Result([]arrow.DataType) (arrow.DataType, error) { return arrow.PrimitiveTypes.Int64, nil }

func float64Result([]arrow.DataType) (arrow.DataType, error) {
	return arrow.PrimitiveTypes.Float64, nil
}

func numberResult(name string) resultFunc {
	return func(args []arrow.DataType) (arrow.DataType, error) {
		switch args[0].ID() {
		case arrow.INT64, arrow.UINT64, arrow.FLOAT64:
			return args[0], nil
		}
		return nil, fmt.Errorf("%s is of numbers, the argument is a %s", name, pipeline.TypeName(args[0]))
	}
}

func meanResult(name string) resultFunc {
	number := numberResult(name)
	return func(args []arrow.DataType) (arrow.DataType, error) {
		if _, err := number(args); err != nil {
			return nil, err
		}
		return arrow.PrimitiveTypes.Float64, nil
	}
}

func orderedResult(name string) resultFunc {
	return func(args []arrow.DataType) (arrow.DataType, error) {
		switch args[0].ID() {
		case arrow.INT64, arrow.UINT64, arrow.FLOAT64, arrow.STRING, arrow.TIMESTAMP:
			return args[0], nil
		}
		return nil, fmt.Errorf("%s is of numbers, strings or times, the argument is a %s", name, pipeline.TypeName(args[0]))
	}
}

// counting is what a counter counts.
type counting int

const (
	allRows counting = iota
	valid
	trues
	nulls
	nullShare
)

// counter counts rows.
type counter struct {
	what  counting
	Rows  int64 `json:"rows"`
	Count int64 `json:"count"`
}

func (c *counter) update(values arrow.Array, rows int64) error {
	c.Rows += rows
	switch c.what {
	case allRows:
		c.Count += rows
	case valid:
		c.Count += rows - int64(values.NullN())
	case nulls, nullShare:
		c.Count += int64(values.NullN())
	case trues:
		truth := values.(*array.Boolean)
		for i := range truth.Len() {
			if truth.IsValid(i) && truth.Value(i) {
				c.Count++
			}
		}
	}
	return nil
}

func (c *counter) merge(other state) error {
	o := other.(*counter)
	c.Rows += o.Rows
	c.Count += o.Count
	return nil
}

func (c *counter) value() any {
	if c.what != nullShare {
		return c.Count
	}
	if c.Rows == 0 {
		return nil
	}
	return float64(c.Count) / float64(c.Rows)
}
