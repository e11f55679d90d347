package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/parser"
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// calledName is the name of the metric that a call would be of: breaks.open of breaks.open(x).
func calledName(call ast.CallExpr) string {
	if !call.IsMemberFunction() {
		return call.FunctionName()
	}
	if group := identOf(call.Target()); group != "" {
		return group + "." + call.FunctionName()
	}
	return ""
}

// group gives the names of the metrics that begin with a word and a dot; none where there are no
// such.
func (m *metricFinder) group(word string) (names []string) {
	for _, f := range m.words.Metrics {
		if of, _, ok := strings.Cut(f.Name, "."); ok && of == word {
			names = append(names, f.Name)
		}
	}
	return names
}

// strange is the error of what begins like a metric of a group and is none; nil of anything else.
func (m *metricFinder) strange(e ast.Expr) error {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if !call.IsMemberFunction() {
			return nil
		}
		group := identOf(call.Target())
		if names := m.group(group); len(names) > 0 {
			return m.at(e, "%s", unknownOf(group, call.FunctionName(), names))
		}
	case ast.SelectKind:
		group := identOf(e.AsSelect().Operand())
		if names := m.group(group); len(names) > 0 {
			name := group + "." + e.AsSelect().FieldName()
			if slices.Contains(names, name) {
				return m.at(e, "%s is a metric, and is called: %s()", name, name)
			}
			return m.at(e, "%s", unknownOf(group, e.AsSelect().FieldName(), names))
		}
	}
	return nil
}

// unknownOf says that a group has no metric of a name. What they have in common makes none near.
func unknownOf(group, name string, known []string) string {
	short := make([]string, len(known))
	for i, k := range known {
		short[i] = strings.TrimPrefix(k, group+".")
	}
	full := group + "." + name
	if near := pipeline.Nearest(name, short); near != "" {
		return fmt.Sprintf("unknown metric %q; did you mean %q?", full, group+"."+near)
	}
	return fmt.Sprintf("unknown metric %q; known are %s", full, pipeline.Several(known))
}

// rowsOf reads the arguments of a metric that is of some rows, and makes what it means of them: a
// condition, or a value that is 0 of other rows.
func (m *metricFinder) rowsOf(call *Call, f MetricFunc, e ast.Expr, args []ast.Expr, schema *arrow.Schema) error {
	if err := m.hasColumns(f, e, schema); err != nil {
		return err
	}
	rows, value := f.Of, ""
	var typ arrow.DataType
	for i, arg := range args {
		if f.Params[i] == Number {
			v, ok := constant(arg)
			n, whole := v.(int64)
			if !ok || !whole || n < 0 {
				return m.at(arg, "%s wants a whole number here, written out", f.Name)
			}
			rows = strings.ReplaceAll(rows, "{n}", fmt.Sprint(n))
			continue
		}
		if err := m.misspelt(f, arg); err != nil {
			return err
		}
		typed := Call{Func: f.Name}
		if err := m.argument(&typed, f.Params[i], arg, schema); err != nil {
			return err
		}
		text := typed.Args[0].source
		if f.Params[i] == RowPredicate {
			rows = fmt.Sprintf("(%s) && (%s)", rows, text)
			continue
		}
		value, typ = text, typed.Args[0].typ
	}
	if value != "" {
		zero, ok := zeroOf(typ)
		if !ok {
			return m.at(args[0], "%s wants a number, %s is a %s", f.Name, value, typeName(typ))
		}
		rows = fmt.Sprintf("(%s) ? (%s) : %s", rows, value, zero)
	}
	parsed, issues := baseEnv().Parse(rows)
	if issues.Err() != nil {
		return m.at(e, "%v", issues.Err())
	}
	tree := parsed.NativeRep()
	text, err := parser.Unparse(tree.Expr(), tree.SourceInfo())
	if err != nil {
		return m.at(e, "%v", err)
	}
	p, err := CompileAt(text, schema, m.words.Moments)
	if err != nil {
		return m.at(e, "%s: %v", f.Name, err)
	}
	call.Args = []*Program{p}
	return nil
}

// hasColumns is an error if the rows are none of those that a metric is of.
func (m *metricFinder) hasColumns(f MetricFunc, e ast.Expr, schema *arrow.Schema) error {
	for _, c := range f.Columns {
		i := schema.FieldIndices(c.Name)
		if len(i) == 0 {
			return m.at(e, "%s is of the rows of %s, and there is no column %q here; put the rule on the stage that makes them, or name that: %s(\"STAGE\")",
				f.Name, f.Whose, c.Name, f.Name)
		}
		want, name := cel.IntType, "whole number"
		if c.Text {
			want, name = cel.StringType, "text"
		}
		if t := schema.Field(i[0]).Type; celType(t) != want {
			return m.at(e, "%s is of the rows of %s, and column %q is a %s here, not a %s", f.Name, f.Whose, c.Name, pipeline.TypeName(t), name)
		}
	}
	return nil
}

// zeroOf is how 0 of a type is written, if it is one of numbers.
func zeroOf(t arrow.DataType) (string, bool) {
	switch celType(t) {
	case cel.IntType:
		return "0", true
	case cel.UintType:
		return "0u", true
	case cel.DoubleType:
		return "0.0", true
	case decimalType:
		return `decimal("0")`, true
	}
	return "", false
}

// misspelt finds a text beside a column of known words that is none of them: it would hold of no row,
// and a rule about such rows would pass for good.
func (m *metricFinder) misspelt(f MetricFunc, e ast.Expr) error {
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		if args := call.Args(); slices.Contains([]string{operators.Equals, operators.NotEquals, operators.In}, call.FunctionName()) && len(args) == 2 {
			for i, arg := range args {
				if arg.Kind() != ast.IdentKind || f.Words[arg.AsIdent()] == nil {
					continue
				}
				if err := m.knownWords(arg.AsIdent(), f.Words[arg.AsIdent()], args[1-i]); err != nil {
					return err
				}
			}
		}
	}
	for _, child := range children(e) {
		if err := m.misspelt(f, child); err != nil {
			return err
		}
	}
	return nil
}

// knownWords finds the first text, of one or of a list, that is not among the words of a column.
func (m *metricFinder) knownWords(column string, words []string, e ast.Expr) error {
	if e.Kind() == ast.ListKind {
		for _, element := range e.AsList().Elements() {
			if err := m.knownWords(column, words, element); err != nil {
				return err
			}
		}
		return nil
	}
	if v, ok := constant(e); ok {
		if text, is := v.(string); is && !slices.Contains(words, text) {
			return m.at(e, "%s", pipeline.Unknown(column, text, words))
		}
	}
	return nil
}
