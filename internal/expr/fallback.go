package expr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// rowsOp asks cel-go for the outcome of each row. Its node's arguments are the columns
// it reads.
type rowsOp struct {
	program cel.Program
	names   []string // of the variables of the arguments
	text    string
	reason  string
	loops   bool // it has a comprehension, which can be interrupted
}

// fallback gives the node that asks cel-go.
func (p *planner) fallback(e ast.Expr, reason string) (*node, error) {
	program, err := p.rowProgram(e)
	if err != nil {
		return nil, err
	}
	op := &rowsOp{program: program, text: p.text(e), reason: reason}
	var args []*node
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		op.loops = op.loops || e.Kind() == ast.ComprehensionKind
		if e.Kind() != ast.IdentKind || slices.Contains(op.names, e.AsIdent()) {
			return
		}
		if i, ok := p.byVariable[e.AsIdent()]; ok {
			op.names = append(op.names, e.AsIdent())
			args = append(args, p.column(i))
		}
	}))
	return join("cel "+op.text, kindOf(p.typeOf(e)), op, args...), nil
}

// Fallbacks says which parts of the expression are evaluated by cel-go row by row, and
// why; nil if all of it is over columns.
func (p *Program) Fallbacks() []string {
	var all []string
	for _, n := range p.alone.nodes {
		if op, ok := n.op.(*rowsOp); ok && op.reason != "" {
			all = append(all, fmt.Sprintf("%s is evaluated row by row: %s", op.text, op.reason))
		}
	}
	return all
}

// reason says why an expression has no kernel.
func (p *planner) reason(e ast.Expr) string {
	switch e.Kind() {
	case ast.ComprehensionKind:
		return "macros have no kernel"
	case ast.ListKind, ast.MapKind, ast.StructKind:
		return "lists and maps have no kernel"
	case ast.SelectKind:
		return "fields of structs have no kernel"
	case ast.CallKind:
		call := e.AsCall()
		args := call.Args()
		if call.IsMemberFunction() {
			args = append([]ast.Expr{call.Target()}, args...)
		}
		var of []string
		for _, arg := range args {
			of = append(of, cel.FormatCELType(p.typeOf(arg)))
		}
		name := call.FunctionName()
		if display, ok := operators.FindReverse(name); ok && display != "" {
			name = display
		}
		return fmt.Sprintf("%s of %s has no kernel", name, strings.Join(of, ", "))
	}
	return "it has no kernel"
}

func (r *rowsOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	args, err := s.args(n, n.args, open)
	if err != nil {
		return err
	}
	out.Start(n.kind, s.n)
	out.Clear()
	unit := n.unit
	if n.kind == vector.Time && unit == 0 {
		unit = vector.Micros
	}
	out.Unit = unit
	if s.memos[n.id] == nil {
		s.memos[n.id] = newMemo(args)
	}
	memo := s.memos[n.id]
	memo.use(args)
	act := &rowActivation{names: r.names, args: args}
	out.Live(open, s.n, func(row int) {
		if err != nil || s.meter.Over() {
			return
		}
		slot := memo.find(row)
		var v ref.Val
		if slot != nil && slot.val != nil {
			v = slot.val
		} else {
			act.row, act.spent = row, spending{}
			v = r.evalRow(s.ctx, act)
			if slot != nil {
				slot.val = v
			}
		}
		if putErr := put(out, row, s.n, v, unit); putErr != nil {
			out.Fault(row, s.n, putErr)
		}
	})
	return err
}

// evalRow gives the outcome of one row: a value, null, or an error as a value.
func (r *rowsOp) evalRow(ctx context.Context, act *rowActivation) (v ref.Val) {
	defer func() {
		if p := recover(); p != nil {
			v = types.NewErr("%v", p)
		}
	}()
	var err error
	if r.loops {
		v, _, err = r.program.ContextEval(ctx, act)
	} else {
		v, _, err = r.program.Eval(act)
	}
	if err != nil {
		return types.WrapErr(err)
	}
	return v
}

// rowActivation gives an expression the values of one row.
type rowActivation struct {
	names []string
	args  []*vector.Vector
	row   int
	spent spending
}

// ResolveName implements cel.Activation.
func (a *rowActivation) ResolveName(name string) (any, bool) {
	if name == spendingName {
		return &a.spent, true
	}
	for i, n := range a.names {
		if n == name {
			return get(a.args[i], a.row), true
		}
	}
	return nil, false
}

// Parent implements cel.Activation.
func (a *rowActivation) Parent() cel.Activation { return nil }

// String shows no row values.
func (a *rowActivation) String() string { return fmt.Sprintf("row of %v", a.names) }
