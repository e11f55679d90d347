package expr

import (
	"fmt"
	"math"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/shopspring/decimal"
)

// The oracle asks cel-go for every row, with values that it reads from Arrow in its own
// simple way.

// oracle gives the outcome of a program on a row: a value, null or an error.
type oracle struct {
	p         *Program
	variables map[string]int
	batch     arrow.RecordBatch
	row       int
}

func newOracle(p *Program, batch arrow.RecordBatch) *oracle {
	return &oracle{p: p, variables: newCompiler("", p.schema).byVariable, batch: batch}
}

func (o *oracle) eval(row int) ref.Val {
	o.row = row
	v, _, err := o.p.program.Eval(o)
	if err != nil {
		return types.WrapErr(err)
	}
	return v
}

func (o *oracle) ResolveName(name string) (any, bool) {
	i, ok := o.variables[name]
	if !ok {
		return nil, false
	}
	return celValue(o.batch.Column(i), o.row), true
}

func (o *oracle) Parent() cel.Activation { return nil }

func celValue(a arrow.Array, row int) ref.Val {
	if a.IsNull(row) {
		return null
	}
	at := func(t time.Time) ref.Val {
		if sec := t.Unix(); sec > (math.MaxInt64/1_000_000-400*86400) || sec < -(math.MaxInt64/1_000_000-400*86400) {
			return types.NewErr("timestamp out of range")
		}
		return types.Timestamp{Time: t.UTC()}
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return celValue(a.Dictionary(), a.GetValueIndex(row))
	case *array.RunEndEncoded:
		return celValue(a.Values(), a.GetPhysicalIndex(row))
	case *array.Boolean:
		return types.Bool(a.Value(row))
	case *array.Int8:
		return types.Int(a.Value(row))
	case *array.Int16:
		return types.Int(a.Value(row))
	case *array.Int32:
		return types.Int(a.Value(row))
	case *array.Int64:
		return types.Int(a.Value(row))
	case *array.Uint8:
		return types.Uint(a.Value(row))
	case *array.Uint16:
		return types.Uint(a.Value(row))
	case *array.Uint32:
		return types.Uint(a.Value(row))
	case *array.Uint64:
		return types.Uint(a.Value(row))
	case *array.Float16:
		return types.Double(a.Value(row).Float32())
	case *array.Float32:
		return types.Double(a.Value(row))
	case *array.Float64:
		return types.Double(a.Value(row))
	case *array.String:
		return types.String(a.Value(row))
	case *array.LargeString:
		return types.String(a.Value(row))
	case *array.StringView:
		return types.String(a.Value(row))
	case *array.Binary:
		return types.Bytes(a.Value(row))
	case *array.LargeBinary:
		return types.Bytes(a.Value(row))
	case *array.BinaryView:
		return types.Bytes(a.Value(row))
	case *array.FixedSizeBinary:
		return types.Bytes(a.Value(row))
	case *array.Date32:
		return at(time.Unix(int64(a.Value(row))*86400, 0))
	case *array.Date64:
		return at(time.UnixMilli(int64(a.Value(row))))
	case *array.Timestamp:
		switch v := int64(a.Value(row)); a.DataType().(*arrow.TimestampType).Unit {
		case arrow.Second:
			return at(time.Unix(v, 0))
		case arrow.Millisecond:
			return at(time.UnixMilli(v))
		case arrow.Microsecond:
			return at(time.UnixMicro(v))
		default:
			return at(time.Unix(0, v))
		}
	case *array.Time32:
		return lasting(int64(a.Value(row)), a.DataType().(*arrow.Time32Type).Unit)
	case *array.Time64:
		return lasting(int64(a.Value(row)), a.DataType().(*arrow.Time64Type).Unit)
	case *array.Duration:
		return lasting(int64(a.Value(row)), a.DataType().(*arrow.DurationType).Unit)
	}
	if _, ok := scaleOf(a.DataType()); ok {
		d, err := decimal.NewFromString(a.ValueStr(row))
		if err != nil {
			panic(err)
		}
		return decimalVal{d}
	}
	panic("the oracle can't read " + a.DataType().String())
}

func lasting(n int64, unit arrow.TimeUnit) ref.Val {
	d := unit.Multiplier()
	if n > math.MaxInt64/int64(d) || n < -(math.MaxInt64/int64(d)) {
		return types.NewErr("duration out of range")
	}
	return types.Duration{Duration: time.Duration(n) * d}
}

// shown is an outcome as text, in the precision of result columns.
func shown(v ref.Val) string {
	switch v := v.(type) {
	case *types.Unknown:
		return "null"
	case *types.Err:
		return "error: " + v.Error()
	case types.Double:
		if math.IsNaN(float64(v)) {
			return "NaN"
		}
		return fmt.Sprintf("%x", float64(v))
	case types.Timestamp:
		if sec := v.Unix(); sec > math.MaxInt64/1_000_000-1 || sec < math.MinInt64/1_000_000+1 {
			return "error: timestamp out of range"
		}
		return fmt.Sprint(v.UnixMicro())
	case types.Duration:
		return fmt.Sprint(v.Microseconds())
	case types.String:
		return fmt.Sprintf("%q", string(v))
	case decimalVal:
		return v.Decimal.String()
	case types.Bytes:
		return fmt.Sprintf("%q", string(v))
	}
	return fmt.Sprint(v.Value())
}

// outcome is what a result says of a row, as text.
func outcome(r *Result, errs map[int]error, row int) string {
	if err := errs[row]; err != nil {
		return "error: " + err.Error()
	}
	if r.Values.IsNull(row) {
		return "null"
	}
	switch a := r.Values.(type) {
	case *array.Timestamp:
		return fmt.Sprint(int64(a.Value(row)))
	case *array.Duration:
		if a.DataType().(*arrow.DurationType).Unit != arrow.Microsecond {
			panic("a duration of another unit")
		}
		return fmt.Sprint(int64(a.Value(row)))
	}
	return shown(celValue(r.Values, row))
}
