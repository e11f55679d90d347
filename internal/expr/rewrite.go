package expr

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

var factory = ast.NewExprFactory()

// rewrite brings a parsed expression into the form that CEL checks and evaluates
// with our meaning of null, of odd column names and of dates.
func (c *compiler) rewrite(root ast.Expr) {
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			c.read(e.AsIdent())
		case ast.CallKind:
			c.rewriteCall(e)
		}
	}))
}

func (c *compiler) rewriteCall(e ast.Expr) {
	if c.statement {
		c.mixNumbers(e)
	}
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case "col":
		if len(args) == 1 && args[0].Kind() == ast.LiteralKind {
			if name, ok := args[0].AsLiteral().(types.String); ok {
				e.SetKindCase(factory.NewIdent(e.ID(), c.variable(string(name))))
				c.read(e.AsIdent())
			}
		}
	case "now", "partition_start", "partition_end", "partition_name":
		if len(args) == 0 && !call.IsMemberFunction() {
			c.moment(e, c.moments[call.FunctionName()])
		}
	case operators.Equals, operators.NotEquals:
		if !c.nullTest(e, args[0], args[1]) && !c.nullTest(e, args[1], args[0]) {
			c.dateLiterals(args)
		}
		c.decimalLiterals(args)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		c.dateLiterals(args)
		c.decimalLiterals(args)
	case operators.Add, operators.Subtract, operators.Multiply, "coalesce":
		c.decimalLiterals(args)
	case operators.Conditional:
		c.decimalLiterals(args[1:])
	}
}

// moment puts an instant, or a text, in the place of the call that names it; nil is not known here.
func (c *compiler) moment(e ast.Expr, v any) {
	switch v := v.(type) {
	case time.Time:
		iso := types.String(v.UTC().Format(time.RFC3339Nano))
		e.SetKindCase(factory.NewCall(c.id(), "timestamp", factory.NewLiteral(c.id(), iso)))
	case string:
		e.SetKindCase(factory.NewLiteral(c.id(), types.String(v)))
	default:
		return
	}
	c.timed = true
}

// decimalLiterals makes a number a decimal that stands beside one, as it is written.
func (c *compiler) decimalLiterals(args []ast.Expr) {
	if !slices.ContainsFunc(args, c.isDecimal) {
		return
	}
	for _, arg := range args {
		if arg.Kind() != ast.LiteralKind {
			continue
		}
		var text string
		switch v := arg.AsLiteral().(type) {
		case types.Int:
			text = strconv.FormatInt(int64(v), 10)
		case types.Double:
			text = c.written(arg, float64(v))
		default:
			continue
		}
		arg.SetKindCase(factory.NewCall(c.id(), "decimal", factory.NewLiteral(c.id(), types.String(text))))
	}
}

// written is a number as it stands in the source, for a double may not hold it.
func (c *compiler) written(e ast.Expr, v float64) string {
	if at, ok := c.info.GetOffsetRange(e.ID()); ok {
		source := []rune(c.src)
		for end := at.Start; int(end) < len(source); end++ {
			if !strings.ContainsRune("0123456789.eE+-", source[end]) {
				source = source[:end]
			}
		}
		if text := string(source[at.Start:]); parsesAs(text, v) {
			return text
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func parsesAs(text string, v float64) bool {
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && f == v
}

// isDecimal reports whether an expression is seen to be a decimal before it is typed.
func (c *compiler) isDecimal(e ast.Expr) bool {
	if i, ok := c.byVariable[identOf(e)]; ok {
		return celType(c.schema.Field(i).Type) == decimalType
	}
	if e.Kind() != ast.CallKind {
		return false
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case "decimal":
		return true
	case operators.Add, operators.Subtract, operators.Multiply, operators.Negate, operators.Conditional, "coalesce", "abs", "round":
		return slices.ContainsFunc(args, c.isDecimal)
	}
	return false
}

// nullTest turns x == null into a test that is exact.
func (c *compiler) nullTest(e, x, null ast.Expr) bool {
	if null.Kind() != ast.LiteralKind || null.AsLiteral().Type() != types.NullType {
		return false
	}
	test := factory.NewCall(c.id(), isNull, x)
	if e.AsCall().FunctionName() == operators.NotEquals {
		test = factory.NewCall(c.id(), operators.LogicalNot, test)
	}
	e.SetKindCase(test)
	return true
}

// dateLayouts are the ways in which a date may be written in an expression.
var dateLayouts = []string{time.RFC3339Nano, time.DateTime, time.DateOnly}

// dateLiterals turns a string that a date is compared with into a timestamp.
func (c *compiler) dateLiterals(args []ast.Expr) {
	for i, arg := range args {
		if arg.Kind() != ast.LiteralKind || !c.isDate(args[1-i]) {
			continue
		}
		text, ok := arg.AsLiteral().(types.String)
		if !ok {
			continue
		}
		for _, layout := range dateLayouts {
			if t, err := time.Parse(layout, string(text)); err == nil {
				iso := types.String(t.UTC().Format(time.RFC3339Nano))
				arg.SetKindCase(factory.NewCall(c.id(), "timestamp", factory.NewLiteral(c.id(), iso)))
				break
			}
		}
	}
}

// isDate reports whether an expression is seen to be a timestamp before it is typed: it
// is a column, a metric, or made of one by what gives a timestamp.
func (c *compiler) isDate(e ast.Expr) bool {
	switch e.Kind() {
	case ast.IdentKind:
		if i, ok := c.byVariable[e.AsIdent()]; ok {
			return celType(c.schema.Field(i).Type) == cel.TimestampType
		}
		return false
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case "timestamp", "date_trunc", "parse_date":
			return true
		case "coalesce", operators.Add, operators.Subtract:
			return len(args) > 0 && c.isDate(args[0])
		case operators.Conditional:
			return c.isDate(args[1]) || c.isDate(args[2])
		}
	}
	return false
}

// id gives an expression id that nothing else has.
func (c *compiler) id() int64 {
	c.nextID++
	return c.nextID
}

// variable is the CEL variable for a column: its name, if that is an identifier.
func (c *compiler) variable(column string) string {
	if i := c.schema.FieldIndices(column); len(i) > 0 && !isIdent(column) {
		return "@c" + strconv.Itoa(i[0])
	}
	return column
}

// read notes that the expression reads a variable.
func (c *compiler) read(variable string) {
	if i, ok := c.byVariable[variable]; ok && !slices.Contains(c.columns, i) {
		c.columns = append(c.columns, i)
	}
}

func isIdent(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != "" && !slices.Contains(reserved, s)
}

// reserved are the words that CEL keeps for itself.
var reserved = []string{
	"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
	"import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
}
