package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// maxHistory bounds how many past partitions a statement may ask for.
const maxHistory = 400

// Cohorts are the past partitions that a statement may compare with: those of the same
// day of the week, of the last days of months, of the same day of the month, or month of
// the year.
var Cohorts = []string{"weekday", "month_end", "month_day", "month"}

// metricFinder takes the calls of metrics out of a statement.
type metricFinder struct {
	*compiler
	words  Vocabulary
	info   *ast.SourceInfo
	expect *Expect
}

// find replaces each outermost call of a metric by a variable.
func (m *metricFinder) find(e ast.Expr) error {
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		if call.IsMemberFunction() && isHistory(call.Target()) {
			return m.takePast(e)
		}
		if f, ok := m.metric(call); ok {
			return m.take(e, f)
		}
		if isHistory(e) {
			return m.at(e, "what of the history? say history(6).mean(rows()), or another of %s", strings.Join(m.summaries(), ", "))
		}
	}
	if err := m.strange(e); err != nil {
		return err
	}
	for _, child := range children(e) {
		if err := m.find(child); err != nil {
			return err
		}
	}
	return nil
}

func isHistory(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && !e.AsCall().IsMemberFunction() && e.AsCall().FunctionName() == "history"
}

func (m *metricFinder) metric(call ast.CallExpr) (MetricFunc, bool) {
	i := slices.IndexFunc(m.words.Metrics, func(f MetricFunc) bool { return f.Name == calledName(call) })
	if i < 0 {
		return MetricFunc{}, false
	}
	return m.words.Metrics[i], true
}

func (m *metricFinder) summaries() (names []string) {
	for _, s := range m.words.Summaries {
		names = append(names, s.Name)
	}
	return names
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

// take replaces the call of a metric.
func (m *metricFinder) take(e ast.Expr, f MetricFunc) error {
	call, err := m.read(e, f, e.AsCall().Args())
	if err != nil {
		return err
	}
	if f.Compares && call.Input == "" && !hasShares(call) {
		return m.at(e, `%s compares with what? %s("input", x), history(6).%s(x), or %s(x, {"a": 0.5, "b": 0.5})`, f.Name, f.Name, f.Name, f.Name)
	}
	m.replace(e, call)
	return nil
}

func hasShares(c Call) bool {
	return slices.ContainsFunc(c.Consts, func(v any) bool { _, is := v.(map[string]float64); return is })
}

// replace puts a variable in the place of a call.
func (m *metricFinder) replace(e ast.Expr, call Call) {
	i := slices.IndexFunc(m.expect.Calls, func(c Call) bool { return c.Text == call.Text })
	if i < 0 {
		i = len(m.expect.Calls)
		m.expect.Calls = append(m.expect.Calls, call)
	}
	e.SetKindCase(factory.NewIdent(e.ID(), metricVar(i)))
}

// takePast replaces history(n).f(…).
func (m *metricFinder) takePast(e ast.Expr) error {
	past, err := m.past(e.AsCall().Target())
	if err != nil {
		return err
	}
	name, args := e.AsCall().FunctionName(), e.AsCall().Args()
	if i := slices.IndexFunc(m.words.Metrics, func(f MetricFunc) bool { return f.Name == name && f.Compares }); i >= 0 {
		call, err := m.read(e, m.words.Metrics[i], args)
		if err != nil {
			return err
		}
		if call.Input != "" || hasShares(call) {
			return m.at(e, "%s compares with the history here, and with nothing else", name)
		}
		call.Past = past
		m.replace(e, call)
		return nil
	}
	i := slices.IndexFunc(m.words.Summaries, func(s Summary) bool { return s.Name == name })
	if i < 0 {
		return m.at(e, "%s", pipeline.Unknown("summary of history", name, m.summaries()))
	}
	return m.summarize(e, m.words.Summaries[i], past, args)
}

// past reads history(n) or history(n, cohort).
func (m *metricFinder) past(e ast.Expr) (*Past, error) {
	args := e.AsCall().Args()
	p := &Past{}
	if len(args) >= 1 && len(args) <= 2 {
		v, _ := constant(args[0])
		n, ok := v.(int64)
		if !ok || n < 1 || n > maxHistory {
			return nil, m.at(args[0], "history wants a number of past partitions, from 1 to %d, written out", maxHistory)
		}
		p.N = int(n)
		if len(args) == 2 {
			v, _ = constant(args[1])
			if p.Cohort, _ = v.(string); !slices.Contains(Cohorts, p.Cohort) {
				return nil, m.at(args[1], "history takes as cohort one of %s", strings.Join(Cohorts, ", "))
			}
		}
		return p, nil
	}
	return nil, m.at(e, "history takes a number of past partitions, and perhaps a cohort: history(6, \"weekday\")")
}

func (m *metricFinder) summarize(e ast.Expr, s Summary, past *Past, args []ast.Expr) error {
	if len(args) == 0 {
		return m.at(e, "%s of what? say history(%d).%s(rows())", s.Name, past.N, s.Name)
	}
	if args[0].Kind() != ast.CallKind {
		return m.at(args[0], "history(%d).%s wants a metric here, like rows()", past.N, s.Name)
	}
	f, ok := m.metric(args[0].AsCall())
	if !ok || f.Compares {
		return m.at(args[0], "history(%d).%s wants a metric here, like rows()", past.N, s.Name)
	}
	call, err := m.read(args[0], f, args[0].AsCall().Args())
	if err != nil {
		return err
	}
	if call.Input != "" {
		return m.at(args[0], "the history is that of the rows that are judged, not of %q", call.Input)
	}
	past.Metric, past.Summary = call.Text, s.Name
	if len(args)-1 > len(s.Params) || len(args)-1 < len(s.Params)-s.Optional {
		return m.at(e, "history(%d).%s takes a metric and %d to %d numbers, found %d arguments", past.N, s.Name, len(s.Params)-s.Optional, len(s.Params), len(args))
	}
	extra := Call{Func: "history"}
	for i, arg := range args[1:] {
		if err := m.argument(&extra, s.Params[i], arg, m.words.Schema); err != nil {
			return err
		}
	}
	past.Consts = extra.Consts
	if call.Type, err = s.Result(call.Type); err != nil {
		return m.at(e, "history(%d).%s: %v", past.N, s.Name, err)
	}
	if call.Text, err = parser.Unparse(e, m.info); err != nil {
		return m.at(e, "%v", err)
	}
	call.Past = past
	m.replace(e, call)
	return nil
}

// read reads the call of a metric, e as a whole and its arguments.
func (m *metricFinder) read(e ast.Expr, f MetricFunc, args []ast.Expr) (call Call, err error) {
	call = Call{Func: f.Name}
	if call.Text, err = parser.Unparse(e, m.info); err != nil {
		return call, m.at(e, "%v", err)
	}
	schema := m.words.Schema
	if name, ok := f.input(args); ok {
		if m.words.Inputs != nil {
			schema = m.words.Inputs(name)
		}
		if schema == nil || m.words.Inputs == nil {
			return call, m.at(args[0], "%q is no input that can be asked", name)
		}
		call.Input, args = name, args[1:]
	}
	if len(args) > len(f.Params) || len(args) < len(f.Params)-f.Optional {
		return call, m.at(e, "%s takes %s, found %d", f.Name, arity(f), len(args))
	}
	if f.Of != "" {
		err = m.rowsOf(&call, f, e, args, schema)
	}
	for i := 0; f.Of == "" && err == nil && i < len(args); i++ {
		err = m.argument(&call, f.Params[i], args[i], schema)
	}
	if err != nil {
		return call, err
	}
	var argTypes []arrow.DataType
	for _, a := range call.Args {
		argTypes = append(argTypes, a.typ)
	}
	if call.Type, err = f.Result(argTypes); err != nil {
		return call, m.at(e, "%v", err)
	}
	return call, nil
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

// wants says what a constant argument must be.
var wants = map[Param]string{Number: "a number", Text: "a string", Numbers: "a list of numbers", Shares: "a map of strings to numbers"}

// argument compiles or reads one argument of a metric.
func (m *metricFinder) argument(call *Call, kind Param, arg ast.Expr, schema *arrow.Schema) error {
	if want, is := wants[kind]; is {
		v, ok := constantOf(kind, arg)
		if !ok {
			return m.at(arg, "%s wants %s here, written out", call.Func, want)
		}
		call.Consts = append(call.Consts, v)
		return nil
	}
	text, err := parser.Unparse(arg, m.info)
	if err != nil {
		return m.at(arg, "%v", err)
	}
	p, err := CompileAt(text, schema, m.words.Moments)
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

// constantOf reads a constant of a kind.
func constantOf(kind Param, e ast.Expr) (any, bool) {
	switch kind {
	case Numbers:
		return constantNumbers(e)
	case Shares:
		return constantShares(e)
	}
	v, ok := constant(e)
	_, isText := v.(string)
	return v, ok && isText == (kind == Text)
}

func constantNumbers(e ast.Expr) (any, bool) {
	if e.Kind() != ast.ListKind {
		return nil, false
	}
	var all []float64
	for _, el := range e.AsList().Elements() {
		v, ok := constantNumber(el)
		if !ok {
			return nil, false
		}
		all = append(all, v)
	}
	return all, len(all) > 0
}

func constantShares(e ast.Expr) (any, bool) {
	if e.Kind() != ast.MapKind {
		return nil, false
	}
	all := map[string]float64{}
	for _, entry := range e.AsMap().Entries() {
		name, _ := constant(entry.AsMapEntry().Key())
		text, isText := name.(string)
		v, ok := constantNumber(entry.AsMapEntry().Value())
		if !ok || !isText || v < 0 {
			return nil, false
		}
		all[text] = v
	}
	return all, len(all) > 0
}

func constantNumber(e ast.Expr) (float64, bool) {
	v, ok := constant(e)
	switch v := v.(type) {
	case int64:
		return float64(v), ok
	case float64:
		return v, ok
	}
	return 0, false
}

func constant(e ast.Expr) (any, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Negate && len(e.AsCall().Args()) == 1 {
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
	for _, f := range m.words.Metrics {
		names = append(names, f.Name)
	}
	word := undeclaredName(e.Msg)
	switch {
	case word == "":
		return e
	case len(m.words.Schema.FieldIndices(word)) > 0:
		e.Msg = fmt.Sprintf("column %q stands outside of a metric; an expect statement is about metrics, like max(%s)", word, word)
		e.Snippet = e.Snippet[:min(2, len(e.Snippet))]
	default:
		e.Snippet = e.Snippet[:min(2, len(e.Snippet))]
		groups := slices.Clone(names)
		for _, name := range names {
			if group, _, ok := strings.Cut(name, "."); ok && !slices.Contains(groups, group) {
				groups = append(groups, group)
			}
		}
		if near := pipeline.Nearest(word, groups); near != "" {
			e.Msg = fmt.Sprintf("unknown metric %q; did you mean %q?", word, near)
			return e
		}
		e.Msg = fmt.Sprintf("unknown name %q", word)
		e.Snippet = append(e.Snippet, "metrics are "+strings.Join(names, ", "))
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
