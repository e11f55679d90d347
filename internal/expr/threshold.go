package expr

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/penstock-data/penstock/pipeline"
)

// Threshold is a statement that holds a metric against a constant: `metric Op Limit`, where
// Op is <, <=, > or >=.
type Threshold struct {
	Op    string
	Limit float64
}

// turned are the comparisons, and what they are with their sides changed.
var turned = map[string]struct{ op, back string }{
	operators.Less: {"<", ">"}, operators.LessEquals: {"<=", ">="},
	operators.Greater: {">", "<"}, operators.GreaterEquals: {">=", "<="},
}

// Threshold is the statement as one metric of the rows that are judged beside a number, if
// it is nothing else.
func (e *Expect) Threshold() (Threshold, bool) {
	if len(e.Calls) != 1 || e.Calls[0].Past != nil || e.Calls[0].Input != "" {
		return Threshold{}, false
	}
	parsed, issues := baseEnv().Parse(e.program.source)
	if issues.Err() != nil || parsed.NativeRep().Expr().Kind() != ast.CallKind {
		return Threshold{}, false
	}
	root := parsed.NativeRep().Expr().AsCall()
	op, compares := turned[root.FunctionName()]
	if !compares {
		return Threshold{}, false
	}
	left, right := root.Args()[0], root.Args()[1]
	if limit, ok := constantNumber(right); ok && e.calls(left) {
		return Threshold{op.op, limit}, true
	}
	limit, ok := constantNumber(left)
	return Threshold{op.back, limit}, ok && e.calls(right)
}

// Prove says what is certain of the statement where something is known of its metrics, by
// the index of the call.
func (e *Expect) Prove(known map[int]pipeline.Facts) Proof { return e.program.Prove(1, known) }

// calls reports whether an expression is the statement's first metric.
func (e *Expect) calls(x ast.Expr) bool {
	return x.Kind() == ast.CallKind && !x.AsCall().IsMemberFunction() && x.AsCall().FunctionName() == e.Calls[0].Func
}
