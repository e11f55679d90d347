package gates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/pipeline"
)

// A state is what a metric has gathered of some rows. States of the same metric merge:
// that of all rows is the same however the rows were split, if they are merged in the
// order of the rows. A state is written to the manifest as JSON.
type state interface {
	// update takes in the values of the metric's argument; nil if it has none.
	update(values arrow.Array, rows int64) error
	// merge takes in the state of the rows that follow.
	merge(other state) error
}

// means are what states work with. The zero means is for states that need none.
type means struct {
	*pipeline.Env
	keys *keys.Store
}

// A wideState is of several arguments.
type wideState interface {
	state
	updateAll(values []arrow.Array, rows int64) error
}

// reading is what a state says: int64, uint64, float64, string, time.Time,
// expr.Decimal, []string, nil for null, or an error.
type reading struct {
	value any
	// within, if not nil, is where the true value is, where value is only near it.
	within *expr.Range
	// unsure says that a list may not be the right one.
	unsure bool
}

func exactly(v any) reading { return reading{value: v} }

// metricFunc is a metric that expect statements may call.
type metricFunc struct {
	expr.MetricFunc
	// state names the kind of state it reads; metrics of one kind and the same arguments
	// share it. keyed says that it depends on the constants too.
	state string
	keyed bool
	// open begins a state for arguments of the types.
	open func(args []arrow.DataType, consts []any, with means) state
	// read is what the state says.
	read func(s state, consts []any) reading
	// exact begins a state that is read alike, and exactly; nil where open does.
	exact func(args []arrow.DataType, consts []any, with means) state
	// compare, in place of read, holds the rows against a reference: the state of others,
	// or the shares that a statement gives (of is nil then).
	compare func(rows, of state, shares map[string]float64) reading
	// files and columns, in place of all that, ask the files of an input, or a schema.
	files   func([]pipeline.File) any
	columns func(*arrow.Schema) any
	// past asks, of a source whose files are given, those of the past.
	past func(past *history, source string, files []pipeline.File) any
}

// metricFuncs are all metrics, in the order in which people are told of them.
var metricFuncs = slices.Concat(
	countMetrics, numberMetrics, breakMetrics, momentMetrics, quantileMetrics, keyMetrics, valueMetrics, orderMetrics, compareMetrics, schemaMetrics, fileMetrics,
)

// exprFuncs are the metrics as package expr types them.
func exprFuncs() []expr.MetricFunc {
	all := make([]expr.MetricFunc, len(metricFuncs))
	for i, f := range metricFuncs {
		all[i] = f.MetricFunc
	}
	return all
}

func metricNamed(name string) metricFunc {
	for _, f := range metricFuncs {
		if f.Name == name {
			return f
		}
	}
	return metricFunc{}
}

// stateName names a state in manifests.
func (f metricFunc) stateName(args []*expr.Program, consts []any) string {
	var parts []string
	for _, a := range args {
		parts = append(parts, a.Source())
	}
	if f.keyed {
		for _, c := range consts {
			parts = append(parts, fmt.Sprint(c))
		}
	}
	return f.state + "(" + strings.Join(parts, ", ") + ")"
}

type resultFunc = func([]arrow.DataType) (arrow.DataType, error)

func fn(name string, result resultFunc, params ...expr.Param) expr.MetricFunc {
	return expr.MetricFunc{Name: name, Params: params, Result: result}
}

func always(t arrow.DataType) resultFunc {
	return func([]arrow.DataType) (arrow.DataType, error) { return t, nil }
}

var (
	int64Result   = always(arrow.PrimitiveTypes.Int64)
	float64Result = always(arrow.PrimitiveTypes.Float64)
)

// numberResult is that of a metric which has the type of its argument, a number.
func numberResult(name string) resultFunc {
	return func(args []arrow.DataType) (arrow.DataType, error) {
		switch args[0].ID() {
		case arrow.INT64, arrow.UINT64, arrow.FLOAT64:
			return args[0], nil
		case arrow.DECIMAL32, arrow.DECIMAL64, arrow.DECIMAL128, arrow.DECIMAL256:
			return &arrow.Decimal128Type{Precision: 38, Scale: args[0].(arrow.DecimalType).GetScale()}, nil
		}
		return nil, fmt.Errorf("%s is of numbers, the argument is a %s", name, pipeline.TypeName(args[0]))
	}
}

// doubleResult is a double, of arguments that are numbers.
func doubleResult(name string) resultFunc {
	number := numberResult(name)
	return func(args []arrow.DataType) (arrow.DataType, error) {
		for _, arg := range args {
			if _, err := number([]arrow.DataType{arg}); err != nil {
				return nil, err
			}
		}
		return arrow.PrimitiveTypes.Float64, nil
	}
}

func orderedResult(name string) resultFunc {
	number := numberResult(name)
	return func(args []arrow.DataType) (arrow.DataType, error) {
		switch args[0].ID() {
		case arrow.STRING, arrow.TIMESTAMP:
			return args[0], nil
		}
		if t, err := number(args); err == nil {
			return t, nil
		}
		return nil, fmt.Errorf("%s is of numbers, strings or times, the argument is a %s", name, pipeline.TypeName(args[0]))
	}
}
