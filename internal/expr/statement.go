package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// ratio is what / is rewritten to in statements. It can't be written by users.
const ratio = "@ratio"

// ratioFunction divides doubles; by zero gives null, for there is no share of nothing.
func ratioFunction() cel.EnvOption {
	return cel.Function(ratio, cel.Overload("ratio_double", []*cel.Type{cel.DoubleType, cel.DoubleType}, cel.DoubleType,
		cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			if b.(types.Double) == 0 {
				return null
			}
			return a.(types.Double) / b.(types.Double)
		})))
}

// mixNumbers makes numbers of different types that a statement calculates with doubles,
// and every division one of doubles: metrics are of many types, and nulls(x) / rows() is a
// share, not 0.
func (c *compiler) mixNumbers(e ast.Expr) {
	name, args := e.AsCall().FunctionName(), e.AsCall().Args()
	if len(args) != 2 || !calculates(name) && !compares(name) {
		return
	}
	a, b := c.numberType(args[0]), c.numberType(args[1])
	if name == operators.Divide {
		// Whatever the sides are: where it is not seen, a division could be one of integers.
		e.SetKindCase(factory.NewCall(c.id(), ratio, c.asDouble(args[0], a), c.asDouble(args[1], b)))
		return
	}
	decimals := a == decimalType || b == decimalType
	switch {
	case a == nil || b == nil || a == b:
		return
	case decimals && (isLiteral(args[0]) || isLiteral(args[1])):
		return // decimalLiterals makes it one
	case isOrder(name) && !decimals:
		return // CEL orders numbers of different types
	}
	e.SetKindCase(factory.NewCall(c.id(), name, c.asDouble(args[0], a), c.asDouble(args[1], b)))
}

// isOrder reports whether a comparison is one of order, and not of equality.
func isOrder(name string) bool {
	return compares(name) && name != operators.Equals && name != operators.NotEquals
}

func isLiteral(e ast.Expr) bool { return e.Kind() == ast.LiteralKind }

func calculates(name string) bool {
	switch name {
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide:
		return true
	}
	return false
}

func compares(name string) bool {
	switch name {
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals, operators.NotEquals:
		return true
	}
	return false
}

func (c *compiler) asDouble(e ast.Expr, t *cel.Type) ast.Expr {
	if t == cel.DoubleType {
		return e
	}
	return factory.NewCall(c.id(), "double", e)
}

// numberType is the type of a number, as far as it is seen before the statement is typed;
// else nil.
func (c *compiler) numberType(e ast.Expr) *cel.Type {
	switch e.Kind() {
	case ast.IdentKind:
		if i, ok := c.byVariable[e.AsIdent()]; ok {
			return number(celType(c.schema.Field(i).Type))
		}
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Int:
			return cel.IntType
		case types.Uint:
			return cel.UintType
		case types.Double:
			return cel.DoubleType
		}
	case ast.CallKind:
		return c.numberOfCall(e.AsCall())
	}
	return nil
}

func (c *compiler) numberOfCall(call ast.CallExpr) *cel.Type {
	args := call.Args()
	switch call.FunctionName() {
	case "double", ratio, operators.Divide:
		return cel.DoubleType
	case "int", "size":
		return cel.IntType
	case "decimal":
		return decimalType
	case "abs", "round", operators.Negate, "coalesce":
		return c.numberType(args[0])
	case operators.Conditional:
		return c.numberType(args[1])
	case operators.Add, operators.Subtract, operators.Multiply:
		a, b := c.numberType(args[0]), c.numberType(args[1])
		if a == decimalType || b == decimalType {
			return decimalType
		}
		if a == b {
			return a
		}
	}
	return nil
}

func number(t *cel.Type) *cel.Type {
	switch t {
	case cel.IntType, cel.UintType, cel.DoubleType, decimalType:
		return t
	}
	return nil
}
