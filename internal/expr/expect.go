package expr

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
	"github.com/apache/arrow-go/v18/arrow"

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
)

// MetricFunc is a metric that expect statements may call.
type MetricFunc struct {
	Name   string
	Params []Param
	// Optional is how many of the last parameters may be left out.
	Optional int
	// Result gives the type of the metric from those of its row expressions, or
	// says why it can't be computed of them.
	Result func(args []arrow.DataType) (arrow.DataType, error)
}

// Call is a metric that a statement needs.
type Call struct {
	// Func is the metric's name, Text the whole call in canonical form.
	Func, Text string
	// Args are its row expressions, Consts its constants: float64, int64 or string.
	Args   []*Program
	Consts []any
	// Type is that of its value.
	Type arrow.DataType
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

// CompileExpect types a statement whose metrics are calls of funcs, with arguments
// over the schema. The error is an *Error.
func CompileExpect(src string, schema *arrow.Schema, funcs []MetricFunc) (*Expect, error) {
	c := newCompiler(src, arrow.NewSchema(nil, nil))
	parsed, err := c.parse()
	if err != nil {
		return nil, err
	}
	m := &metricFinder{compiler: c, rows: schema, funcs: funcs, info: parsed.NativeRep().SourceInfo(), expect: &Expect{}}
	c.metrics = map[string]*cel.Type{}
	if err := m.find(parsed.NativeRep().Expr()); err != nil {
		return nil, err
	}
	if m.expect.program, err = c.program(parsed); err != nil {
		return nil, m.hint(err)
	}
	if m.expect.program.typ.ID() != arrow.BOOL {
		return nil, &Error{Msg: "the statement gives a " + m.expect.program.typ.String() + ", not a bool", Line: 1, Col: 1}
	}
	return m.expect, nil
}

// metricFinder takes the calls of metrics out of a statement.
type metricFinder struct {
	*compiler
	rows   *arrow.Schema
	funcs  []MetricFunc
	info   *ast.SourceInfo
	expect *Expect
}

// find replaces each outermost call of a metric by a variable.
func (m *metricFinder) find(e ast.Expr) error {
	if e.Kind() == ast.CallKind && !e.AsCall().IsMemberFunction() {
		name := e.AsCall().FunctionName()
		i := slices.IndexFunc(m.funcs, func(f MetricFunc) bool { return f.Name == name })
		if i >= 0 {
			return m.take(e, m.funcs[i])
		}
	}
	for _, child := range children(e) {
		if err := m.find(child); err != nil {
			return err
		}
	}
	return nil
}

func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.MapKind:
		var all []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			all = append(all, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return all
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	}
	return nil
}

func (m *metricFinder) take(e ast.Expr, f MetricFunc) error {
	text, err := parser.Unparse(e, m.info)
	if err != nil {
		return m.at(e, "%v", err)
	}
	call := Call{Func: f.Name, Text: text}
	args := e.AsCall().Args()
	if len(args) > len(f.Params) || len(args) < len(f.Params)-f.Optional {
		return m.at(e, "%s takes %s, found %d", f.Name, arity(f), len(args))
	}
	var argTypes []arrow.DataType
	for i, arg := range args {
		if err := m.argument(&call, f.Params[i], arg); err != nil {
			return err
		}
	}
	for _, a := range call.Args {
		argTypes = append(argTypes, a.typ)
	}
	if call.Type, err = f.Result(argTypes); err != nil {
		return m.at(e, "%v", err)
	}
	i := slices.IndexFunc(m.expect.Calls, func(c Call) bool { return c.Text == text })
	if i < 0 {
		i = len(m.expect.Calls)
		m.expect.Calls = append(m.expect.Calls, call)
		m.metrics[metricVar(i)] = celType(call.Type)
	}
	e.SetKindCase(factory.NewIdent(e.ID(), metricVar(i)))
	return nil
}

func metricVar(i int) string { return "@m" + strconv.Itoa(i) }

func arity(f MetricFunc) string {
	n := len(f.Params)
	switch {
	case f.Optional > 0:
		return fmt.Sprintf("%d to %d arguments", n-f.Optional, n)
	case n == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// argument compiles or reads one argument of a metric.
func (m *metricFinder) argument(call *Call, kind Param, arg ast.Expr) error {
	switch kind {
	case Number, Text:
		v, ok := constant(arg)
		_, isText := v.(string)
		if !ok || isText != (kind == Text) {
			want := "a number"
			if kind == Text {
				want = "a string"
			}
			return m.at(arg, "%s wants %s here, written out", call.Func, want)
		}
		call.Consts = append(call.Consts, v)
		return nil
	}
	text, err := parser.Unparse(arg, m.info)
	if err != nil {
		return m.at(arg, "%v", err)
	}
	p, err := Compile(text, m.rows)
	if err != nil {
		inner := err.(*Error) //nolint:errorlint,forcetypeassert // Compile says so
		outer := m.at(arg, "%s", inner.Msg)
		outer.Snippet = append(outer.Snippet, inner.Snippet[min(2, len(inner.Snippet)):]...)
		return outer
	}
	if kind == RowPredicate && p.typ.ID() != arrow.BOOL {
		return m.at(arg, "%s wants a condition, %s is a %s", call.Func, text, typeName(p.typ))
	}
	call.Args = append(call.Args, p)
	return nil
}

func constant(e ast.Expr) (any, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "-_" && len(e.AsCall().Args()) == 1 {
		switch v, _ := constant(e.AsCall().Args()[0]); v := v.(type) {
		case int64:
			return -v, true
		case float64:
			return -v, true
		}
		return nil, false
	}
	if e.Kind() != ast.LiteralKind {
		return nil, false
	}
	switch v := e.AsLiteral().(type) {
	case types.Int:
		return int64(v), true
	case types.Uint:
		return int64(v), true
	case types.Double:
		return float64(v), true
	case types.String:
		return string(v), true
	}
	return nil, false
}

// at is a problem at the place of a subexpression.
func (m *metricFinder) at(e ast.Expr, format string, args ...any) *Error {
	loc := m.info.GetStartLocation(e.ID())
	return &Error{
		Msg: fmt.Sprintf(format, args...), Line: max(loc.Line(), 1), Col: loc.Column() + 1,
		Snippet: m.caret(loc),
	}
}

// hint adds to an unknown name in a statement that columns stand inside metrics.
func (m *metricFinder) hint(err error) error {
	e, ok := err.(*Error) //nolint:errorlint // program gives no other
	if !ok {
		return err
	}
	var names []string
	for _, f := range m.funcs {
		names = append(names, f.Name)
	}
	word := undeclaredName(e.Msg)
	switch {
	case word == "":
		return e
	case len(m.rows.FieldIndices(word)) > 0:
		e.Msg = fmt.Sprintf("column %q stands outside of a metric; an expect statement is about metrics, like max(%s)", word, word)
		e.Snippet = e.Snippet[:min(2, len(e.Snippet))]
	default:
		e.Snippet = append(e.Snippet[:min(2, len(e.Snippet))], "metrics are "+strings.Join(names, ", "))
		e.Msg = fmt.Sprintf("unknown name %q", word)
		if near := pipeline.Nearest(word, names); near != "" {
			e.Msg = fmt.Sprintf("unknown metric %q; did you mean %q?", word, near)
		}
	}
	return e
}

func undeclaredName(msg string) string {
	var name string
	if _, err := fmt.Sscanf(msg, "unknown name %q", &name); err == nil {
		return name
	}
	return ""
}

// Eval says whether the statement holds of the values, one for each call: int64,
// uint64, float64, string, bool, time.Time, time.Duration, nil for null, or an error.
func (e *Expect) Eval(vals []any) (Outcome, error) {
	vars := map[string]any{}
	for i, v := range vals {
		vars[metricVar(i)] = metricValue(v)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), maxTime, errTooSlow)
	defer cancel()
	out, _, err := e.program.program.ContextEval(ctx, vars)
	switch {
	case err != nil:
		return Null, err
	case types.IsUnknown(out):
		return Null, nil
	case out == types.True:
		return True, nil
	}
	return False, nil
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
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// ConstantCalls gives the arguments of the calls of a function in an expression that
// have one argument or more, all constant. It types nothing; of a text that does not
// parse it gives none.
func ConstantCalls(src, function string) (calls [][]any) {
	parsed, issues := baseEnv().Parse(src)
	if issues.Err() != nil {
		return nil
	}
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function || len(e.AsCall().Args()) == 0 {
			return
		}
		var args []any
		for _, arg := range e.AsCall().Args() {
			v, ok := constant(arg)
			if !ok {
				return
			}
			args = append(args, v)
		}
		calls = append(calls, args)
	}))
	return calls
}
