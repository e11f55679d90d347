package expr

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// A node is a subexpression of a Program. Nodes are not changed once planned.
type node struct {
	id   int    // in its group
	name string // of the operator or overload
	// key is the same for two nodes only if they compute the same from the same schema.
	key  string
	kind vector.Kind
	unit vector.Unit // of a Time
	// column is the only column it reads: manyColumns if there are several, noColumn if
	// there is none.
	column int
	args   []*node
	op     op
	list   []*node // of "in": the constants
}

const (
	noColumn    = -1
	manyColumns = -2
)

// An op computes a node: it fills out, which is of the node's kind and holds nothing,
// for the rows of the scope's chunk; open are those that somebody asks for, nil all.
type op interface {
	eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error
}

// planner turns a checked expression into nodes. What has no kernel becomes a node that
// asks cel-go row by row.
type planner struct {
	*compiler
	env     *cel.Env
	checked *ast.AST
}

func (p *planner) typeOf(e ast.Expr) *types.Type { return p.checked.GetType(e.ID()) }

// kindOf is the kind of vector for a CEL type.
func kindOf(t *types.Type) vector.Kind {
	switch t.Kind() {
	case types.BoolKind:
		return vector.Bool
	case types.IntKind:
		return vector.Int
	case types.UintKind:
		return vector.Uint
	case types.DoubleKind:
		return vector.Double
	case types.StringKind:
		return vector.Text
	case types.BytesKind:
		return vector.Bytes
	case types.TimestampKind:
		return vector.Time
	case types.DurationKind:
		return vector.Duration
	}
	return vector.Other
}

// plan gives the node of an expression.
func (p *planner) plan(e ast.Expr) (*node, error) {
	if e.Kind() == ast.IdentKind {
		if i, ok := p.byVariable[e.AsIdent()]; ok {
			return p.column(i), nil
		}
	}
	if !p.readsAny(e) {
		return p.constant(e)
	}
	if e.Kind() == ast.CallKind {
		n, err := p.call(e)
		if n != nil || err != nil {
			return n, err
		}
	}
	return p.fallback(e, p.reason(e))
}

func (p *planner) column(i int) *node {
	t := p.schema.Field(i).Type
	n := &node{key: "$" + strconv.Itoa(i), kind: vector.KindOf(t), unit: unitOf(t), column: i, op: columnOp{}}
	if scale, ok := scaleOf(t); ok {
		n.unit = vector.Unit(scale)
	}
	return n
}

// readsAny reports whether an expression reads a column.
func (p *planner) readsAny(e ast.Expr) bool {
	reads := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		_, isColumn := p.byVariable[identOf(e)]
		reads = reads || isColumn
	}))
	return reads
}

// constant evaluates what reads nothing, once.
func (p *planner) constant(e ast.Expr) (*node, error) {
	prg, err := p.rowProgram(e)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	val, _, err := prg.ContextEval(ctx, cel.NoVars())
	if err != nil {
		val = types.WrapErr(err)
	}
	kind := kindOf(p.typeOf(e))
	return constantNode(kind, val, fmt.Sprintf("const %d %s", kind, p.text(e))), nil
}

func constantNode(kind vector.Kind, val ref.Val, key string) *node {
	n := &node{key: key, kind: kind, column: noColumn}
	if kind == vector.Time {
		n.unit = vector.Nanos
		if t, ok := val.(types.Timestamp); ok {
			if _, _, fits := cut(t.Time, n.unit); !fits {
				n.unit = vector.Micros
			}
		}
	}
	c := &constOp{val: val}
	c.vec.Start(kind, vector.Chunk)
	if err := put(&c.vec, 0, vector.Chunk, val, n.unit); err != nil {
		c.vec.Fault(0, vector.Chunk, err)
	}
	c.vec.Unit = n.unit
	c.vec.Fill(vector.Chunk)
	n.op = c
	return n
}

// rowProgram plans a subexpression in cel-go.
func (p *planner) rowProgram(e ast.Expr) (cel.Program, error) {
	sub := ast.NewCheckedAST(ast.NewAST(e, p.checked.SourceInfo()), p.checked.TypeMap(), p.checked.ReferenceMap())
	return p.env.PlanProgram(sub, programOptions()...)
}

// text is a subexpression in canonical form: the same for two only if they are the same.
func (p *planner) text(e ast.Expr) string {
	text, err := parser.Unparse(e, p.checked.SourceInfo())
	if err != nil {
		return fmt.Sprintf("#%d of %s", e.ID(), p.src)
	}
	return text
}

// call gives the node of a call, or nil if it has no kernel.
func (p *planner) call(e ast.Expr) (*node, error) {
	call := e.AsCall()
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		return p.junction(call.FunctionName() == operators.LogicalOr, args)
	case operators.Conditional:
		return p.choice("if", &ifOp{}, e, args[0], args[1:]...)
	case "coalesce":
		return p.choice("coalesce", &coalesceOp{}, e, nil, args...)
	case isNull:
		arg, err := p.plan(args[0])
		if err != nil {
			return nil, err
		}
		return join(isNull, vector.Bool, isNullOp{}, arg), nil
	case operators.In, operators.OldIn, "in_list":
		return p.membership(args[0], args[1])
	}
	overloads := p.checked.GetOverloadIDs(e.ID())
	if len(overloads) != 1 {
		return nil, nil
	}
	return p.overload(overloads[0], e, args)
}

func (p *planner) plans(args []ast.Expr) ([]*node, error) {
	nodes := make([]*node, len(args))
	for i, arg := range args {
		var err error
		if nodes[i], err = p.plan(arg); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// join makes a node of others.
func join(name string, kind vector.Kind, op op, args ...*node) *node {
	n := &node{name: name, key: name + "(", kind: kind, column: noColumn, args: args, op: op}
	for i, arg := range args {
		if i > 0 {
			n.key += ","
		}
		n.key += arg.key
		switch {
		case arg.column == noColumn || arg.column == n.column:
		case n.column == noColumn:
			n.column = arg.column
		default:
			n.column = manyColumns
		}
	}
	n.key += ")"
	return n
}

func (p *planner) junction(or bool, args []ast.Expr) (*node, error) {
	nodes, err := p.plans(args)
	if err != nil {
		return nil, err
	}
	name := "&&"
	if or {
		name = "||"
	}
	n := nodes[0]
	for _, right := range nodes[1:] {
		n = join(name, vector.Bool, &junctionOp{or: or}, n, right)
	}
	return n, nil
}

// choice is the node of what takes each row from one of its branches.
func (p *planner) choice(name string, op op, e ast.Expr, cond ast.Expr, branches ...ast.Expr) (*node, error) {
	kind := kindOf(p.typeOf(e))
	if kind == vector.Other {
		return nil, nil
	}
	all := branches
	if cond != nil {
		all = append([]ast.Expr{cond}, branches...)
	}
	nodes, err := p.plans(all)
	if err != nil {
		return nil, err
	}
	if cond != nil && nodes[0].kind != vector.Bool {
		return nil, nil
	}
	if madeTimes(nodes) {
		return nil, nil
	}
	unit, ok := sameUnit(nodes[len(nodes)-len(branches):])
	for _, b := range nodes[len(nodes)-len(branches):] {
		ok = ok && b.kind == kind
	}
	if !ok {
		return nil, nil
	}
	n := join(name, kind, op, nodes...)
	n.unit = unit
	return n, nil
}

// madeTimes reports whether instants that cel-go makes are among the nodes: they are of
// no unit, and can be the outcome of a program but the argument of no kernel.
func madeTimes(nodes []*node) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool { return n.kind == vector.Time && n.unit == 0 })
}

// sameUnit brings the times among the nodes to one unit; constants are converted. It
// reports false where that can't be done exactly.
func sameUnit(nodes []*node) (vector.Unit, bool) {
	var unit vector.Unit
	for _, n := range nodes {
		if c, isConst := n.op.(*constOp); n.kind != vector.Time || isConst && !c.isValue() {
			continue
		} else if !isConst {
			if unit != 0 && unit != n.unit {
				return 0, false
			}
			unit = n.unit
		}
	}
	if unit == 0 {
		unit = vector.Nanos
	}
	for i, n := range nodes {
		if n.kind != vector.Time || n.unit == unit {
			continue
		}
		converted, exact := inUnit(n, unit)
		if !exact {
			return 0, false
		}
		nodes[i] = converted
	}
	return unit, true
}

// inUnit gives a constant instant in a unit, if that can hold it.
func inUnit(n *node, unit vector.Unit) (*node, bool) {
	c, ok := n.op.(*constOp)
	if !ok {
		return nil, false
	}
	if t, isTime := c.val.(types.Timestamp); isTime {
		_, exact, fits := cut(t.Time, unit)
		if !exact || !fits {
			return nil, false
		}
	}
	vec := &constOp{val: c.val}
	vec.vec.Start(vector.Time, vector.Chunk)
	if err := put(&vec.vec, 0, vector.Chunk, c.val, unit); err != nil {
		vec.vec.Fault(0, vector.Chunk, err)
	}
	vec.vec.Unit = unit
	vec.vec.Fill(vector.Chunk)
	return &node{key: n.key + "/" + strconv.FormatInt(int64(unit), 10), kind: vector.Time, unit: unit, column: noColumn, op: vec}, true
}

// cut gives how many whole units have passed at an instant since 1970, whether there is
// no rest, and whether an int64 can hold it.
func cut(t time.Time, unit vector.Unit) (count int64, exact, fits bool) {
	sec, nsec := t.Unix(), int64(t.Nanosecond())
	if unit <= vector.Seconds {
		per := int64(vector.Seconds / unit)
		count = sec / per
		if sec%per < 0 {
			count--
		}
		return count, nsec == 0 && count*per == sec, true
	}
	per := int64(unit / vector.Seconds) // units in a second
	rest := nsec / (1e9 / per)
	exact = rest*(1e9/per) == nsec
	if sec > math.MaxInt64/per-1 || sec < math.MinInt64/per+1 {
		return 0, exact, false
	}
	return sec*per + rest, exact, true
}

// instant is the other way: the instant of a count of units.
func instant(count int64, unit vector.Unit) time.Time {
	if unit <= vector.Seconds {
		return time.Unix(count*int64(vector.Seconds/unit), 0).UTC()
	}
	per := int64(unit / vector.Seconds)
	sec, rest := count/per, count%per
	if rest < 0 {
		sec, rest = sec-1, rest+per
	}
	return time.Unix(sec, rest*(1e9/per)).UTC()
}
