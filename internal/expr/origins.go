package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Origins are the columns, by their indexes, whose values go into the result, and those that
// stand in the condition of a ternary, of which the macro filter makes one too: they decide
// which value is taken. A column may be among both.
func (p *Program) Origins() (values, conditions []int) {
	for _, i := range p.columns {
		if p.values[i] {
			values = append(values, i)
		}
		if p.conditions[i] {
			conditions = append(conditions, i)
		}
	}
	return values, conditions
}

// originFinder tells what columns do in an expression.
type originFinder struct {
	byVariable         map[string]int
	values, conditions map[int]bool
}

// visit looks at a part of the expression. hidden are the variables of macros around it, which
// may be called as columns are.
func (f *originFinder) visit(e ast.Expr, condition bool, hidden []string) {
	switch e.Kind() {
	case ast.IdentKind:
		i, ok := f.byVariable[e.AsIdent()]
		switch {
		case !ok || slices.Contains(hidden, e.AsIdent()):
		case condition:
			f.conditions[i] = true
		default:
			f.values[i] = true
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		f.visit(c.IterRange(), condition, hidden)
		f.visit(c.AccuInit(), condition, hidden)
		inside := append(slices.Clone(hidden), c.IterVar(), c.IterVar2(), c.AccuVar())
		for _, part := range []ast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()} {
			f.visit(part, condition, inside)
		}
	default:
		for i, child := range children(e) {
			f.visit(child, condition || i == 0 && isTernary(e), hidden)
		}
	}
}

func isTernary(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional
}
