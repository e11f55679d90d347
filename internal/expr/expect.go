package expr

import (
	"context"
	"math/big"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/shopspring/decimal"

	"github.com/penstock-data/penstock/pipeline"
)

// Param is a kind of argument of a metric.
type Param int

// The kinds of arguments.
const (
	RowExpr      Param = iota // an expression over the columns
	RowPredicate              // one that gives a bool
	Number                    // a constant number
	Text                      // a constant string
	Numbers                   // a constant list of numbers
	Shares                    // a constant map of strings to numbers
)

// MetricFunc is a metric that statements may call. One that has row expressions may be
// asked of another input too, whose name is the first argument then: sum("ledger", amount).
type MetricFunc struct {
	Name   string
	Params []Param
	// Optional is how many of the last parameters may be left out.
	Optional int
	// Result gives the type of the metric from those of its row expressions, or
	// says why it can't be computed of them.
	Result func(args []arrow.DataType) (arrow.DataType, error)
	// Compares says that it compares the rows with a reference: those of another input, of
	// past partitions (history(6).psi(status)), or Shares.
	Compares bool
	// Inputs says that it may be asked of another input although it has no row expressions.
	Inputs bool
	// Of, if not empty, is a condition: the metric is of the rows for which it is true, and
	// means one of a row expression that it makes of that. {n} stands for the number among its
	// arguments; a predicate chooses among the rows; any other expression is 0 of other rows.
	// Columns are those that the rows must have, Whose says of what they are rows.
	Of      string
	Columns []MetricColumn
	Whose   string
	// Words are, by column, all the texts that it may hold: no other may be asked for.
	Words map[string][]string
}

// MetricColumn is a column that a metric looks at by its name: of text, or of whole numbers.
type MetricColumn struct {
	Name string
	Text bool
}

// Summary is what a statement may ask of the values of a metric on past partitions:
// history(6).mean(rows()).
type Summary struct {
	Name string
	// Params are its constants, which follow the metric; Optional of the last may be left out.
	Params   []Param
	Optional int
	// Result gives the type from that of the metric, or says why there is none.
	Result func(metric arrow.DataType) (arrow.DataType, error)
}

// Vocabulary is what a statement may speak of.
type Vocabulary struct {
	// Schema is that of the rows that are judged; Inputs gives that of another input by its
	// name, or nil.
	Schema    *arrow.Schema
	Inputs    func(name string) *arrow.Schema
	Metrics   []MetricFunc
	Summaries []Summary
	Moments   Moments
}

// Call is a metric that a statement needs.
type Call struct {
	// Func is the metric's name, Text the whole call in canonical form.
	Func, Text string
	// Input is whose rows it is computed of; empty: those that are judged.
	Input string
	// Args are its row expressions, Consts its constants: float64, int64, string,
	// []float64 or map[string]float64.
	Args   []*Program
	Consts []any
	// Past, if not nil, asks for past partitions.
	Past *Past
	// Type is that of its value.
	Type arrow.DataType
}

// Past is which past partitions a call asks for, and what of them.
type Past struct {
	// N is how many, Cohort which: empty, "weekday", "month_end", "month_day", "month".
	N      int
	Cohort string
	// Summary is what is asked of the metric's values on them, with its constants; empty:
	// the call compares with their rows. Metric is the text of the metric.
	Summary string
	Consts  []any
	Metric  string
}

// Expect is a statement about metrics. It is safe for concurrent use.
type Expect struct {
	// Calls are the metrics it needs, each once, in order of appearance.
	Calls   []Call
	program *Program
}

// Outcome is what a statement says.
type Outcome int

// The outcomes.
const (
	False Outcome = iota
	True
	Null
)

// CompileExpect types a statement. The error is an *Error.
func CompileExpect(src string, v Vocabulary) (*Expect, error) {
	c := newCompiler(src, arrow.NewSchema(nil, nil))
	parsed, err := c.parse()
	if err != nil {
		return nil, err
	}
	c.moments = v.Moments
	m := &metricFinder{compiler: c, words: v, info: parsed.NativeRep().SourceInfo(), expect: &Expect{}}
	if err := m.find(parsed.NativeRep().Expr()); err != nil {
		return nil, err
	}
	c.takeMetrics(m.expect.Calls)
	if m.expect.program = known.get(programKey{c.src, c.calls}, c.schema); m.expect.program != nil {
		return m.expect, nil
	}
	if m.expect.program, err = c.program(parsed); err != nil {
		return nil, m.hint(err)
	}
	if m.expect.program.typ.ID() != arrow.BOOL {
		return nil, &Error{Msg: "the statement gives a " + m.expect.program.typ.String() + ", not a bool", Line: 1, Col: 1}
	}
	return m.expect, nil
}

// takeMetrics makes the metrics the columns of a table, of which the statement's one row
// is: what is proved of rows can be proved of it.
func (c *compiler) takeMetrics(calls []Call) {
	fields := make([]arrow.Field, len(calls))
	for i, call := range calls {
		fields[i] = arrow.Field{Name: metricVar(i), Type: call.Type, Nullable: true}
		c.byVariable[metricVar(i)] = i
		c.calls += "\n" + call.Text
	}
	c.calls += "\n" // a statement without metrics is no expression either
	c.schema, c.statement = arrow.NewSchema(fields, nil), true
}

// Decimal is the value of a metric of decimals: Digits / 10^Scale.
type Decimal struct {
	Digits *big.Int
	Scale  int32
}

// String writes the decimal with all its digits, and no zeros at its end.
func (d Decimal) String() string { return decimal.NewFromBigInt(d.Digits, -d.Scale).String() }

// Float64 is the nearest double.
func (d Decimal) Float64() float64 { return decimal.NewFromBigInt(d.Digits, -d.Scale).InexactFloat64() }

// maxExact is up to where a double is every whole number.
const maxExact = 1 << 53

// Range bounds a value that is not exactly known.
type Range struct{ Low, High float64 }

// Eval says whether the statement holds of the values, one for each call: int64,
// uint64, float64, string, bool, time.Time, time.Duration, Decimal, []string, nil
// for null, or an error. An error of the statement itself is given before those of values.
// NaN is an error, of a value or of what the statement makes of
// them: it compares to nothing, so that the negation of what it says would hold.
func (e *Expect) Eval(vals []any) (Outcome, error) {
	problems := &broken{}
	vars := map[string]any{brokenName: problems}
	for i, v := range vals {
		if n, ok := v.(float64); ok && n != n {
			v = &notNumber{e.Calls[i].Text}
		}
		if err, is := v.(error); is {
			problems.given = append(problems.given, err)
		}
		vars[metricVar(i)] = metricValue(v)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), maxTime, errTooSlow)
	defer cancel()
	out, _, err := e.program.program.ContextEval(ctx, vars)
	switch {
	case err != nil:
		if problems.first != nil {
			err = problems.first
		}
		return Null, err
	case types.IsUnknown(out):
		return Null, nil
	case out == types.True:
		return True, nil
	}
	return False, nil
}

// Certain reports whether Eval would give the same for all values in the ranges, by the
// index of the call; the other values are as they are. It never errs in saying so.
func (e *Expect) Certain(vals []any, ranges map[int]Range) bool {
	known := map[int]pipeline.Facts{}
	for i, v := range vals {
		known[i] = factsOf(v)
		if r, ok := ranges[i]; ok {
			known[i] = factsWithin(r, e.Calls[i].Type)
		}
	}
	p := e.program.Prove(1, known)
	return !p.MayFail && !p.MayNull && p.MayTrue != p.MayFalse
}

// factsOf is what a value says of the column it stands for.
func factsOf(v any) pipeline.Facts {
	switch v := v.(type) {
	case int64, uint64, string, bool:
		return pipeline.Facts{Min: v, Max: v, HasNulls: true}
	case float64:
		return pipeline.Facts{Min: v, Max: v, HasNulls: true, NoNaN: v == v}
	}
	return pipeline.Facts{}
}

func factsWithin(r Range, t arrow.DataType) pipeline.Facts {
	if !(r.Low <= r.High) {
		return pipeline.Facts{}
	}
	if t.ID() == arrow.INT64 {
		if r.Low < -maxExact || r.High > maxExact {
			return pipeline.Facts{} // what a double may round
		}
		return pipeline.Facts{Min: int64(r.Low), Max: int64(r.High), HasNulls: true}
	}
	return pipeline.Facts{Min: r.Low, Max: r.High, HasNulls: true, NoNaN: r.Low == r.Low && r.High == r.High}
}

func metricValue(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return null
	case error:
		return types.WrapErr(v)
	case time.Time:
		return types.Timestamp{Time: v}
	case time.Duration:
		return types.Duration{Duration: v}
	case Decimal:
		return newDecimal(decimal.NewFromBigInt(v.Digits, -v.Scale))
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// InputsOf are the other inputs that a statement names, before it is typed: what stands
// as a string at the beginning of a call of a metric. Of a text that does not parse it
// gives none. They are in no certain order.
func InputsOf(src string, metrics []MetricFunc) []string {
	parsed, issues := baseEnv().Parse(src)
	if issues.Err() != nil {
		return nil
	}
	var found []string
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) == 0 {
			return
		}
		i := slices.IndexFunc(metrics, func(f MetricFunc) bool { return f.Name == calledName(e.AsCall()) })
		if i < 0 {
			return
		}
		if name, ok := metrics[i].input(e.AsCall().Args()); ok && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}))
	return found
}

// input is the name of the input that a call begins with, if it does.
func (f MetricFunc) input(args []ast.Expr) (string, bool) {
	if len(args) == 0 || f.Of == "" && !f.Inputs && (len(f.Params) == 0 || f.Params[0] != RowExpr && f.Params[0] != RowPredicate) {
		return "", false
	}
	v, _ := constant(args[0])
	name, ok := v.(string)
	return name, ok && (len(args) > 1 || f.Inputs || f.Of != "")
}
