package expr

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow-go/v18/arrow"
)

// celType is the CEL type of a column, or nil if expressions can't read it.
func celType(t arrow.DataType) *cel.Type {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return celType(t.ValueType)
	case *arrow.RunEndEncodedType:
		return celType(t.Encoded())
	case arrow.DecimalType:
		return decimalType
	case *arrow.StructType:
		return cel.ObjectType(structName(t))
	case *arrow.MapType:
		if key, item := celType(t.KeyType()), celType(t.ItemType()); key != nil && item != nil {
			return cel.MapType(key, item)
		}
		return nil
	case arrow.ListLikeType:
		if elem := celType(t.Elem()); elem != nil {
			return cel.ListType(elem)
		}
		return nil
	case *arrow.NullType:
		return cel.NullType
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64:
		return cel.IntType
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return cel.UintType
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return cel.DoubleType
	case arrow.BOOL:
		return cel.BoolType
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return cel.StringType
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return cel.BytesType
	case arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP:
		return cel.TimestampType
	case arrow.TIME32, arrow.TIME64, arrow.DURATION:
		return cel.DurationType
	}
	return nil
}

var utcMicros = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// arrowType is the type of the array an expression of a CEL type gives.
func arrowType(t *cel.Type) (arrow.DataType, error) {
	switch t.Kind() {
	case types.BoolKind:
		return arrow.FixedWidthTypes.Boolean, nil
	case types.IntKind:
		return arrow.PrimitiveTypes.Int64, nil
	case types.UintKind:
		return arrow.PrimitiveTypes.Uint64, nil
	case types.DoubleKind:
		return arrow.PrimitiveTypes.Float64, nil
	case types.StringKind:
		return arrow.BinaryTypes.String, nil
	case types.BytesKind:
		return arrow.BinaryTypes.Binary, nil
	case types.TimestampKind:
		return utcMicros, nil
	case types.DurationKind:
		return arrow.FixedWidthTypes.Duration_us, nil
	}
	return nil, fmt.Errorf("the expression gives a %s, which is no column type", cel.FormatCELType(t))
}

// resultType is the type of the array that a checked expression gives.
func (c *compiler) resultType(checked *ast.AST) (arrow.DataType, error) {
	root := checked.Expr()
	t := checked.GetType(root.ID())
	if i, ok := c.byVariable[identOf(root)]; ok && t.IsExactType(decimalType) {
		return c.schema.Field(i).Type, nil
	}
	if !t.IsExactType(decimalType) {
		return arrowType(t)
	}
	scale, ok := c.scale(root)
	if !ok || scale > 38 {
		return nil, errors.New("how many places the result has is not known; say it: round(x, 2)")
	}
	return &arrow.Decimal128Type{Precision: 38, Scale: scale}, nil
}

func identOf(e ast.Expr) string {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent()
	}
	return ""
}

// scale is how many places the decimals of an expression have at most.
func (c *compiler) scale(e ast.Expr) (int32, bool) {
	if i, ok := c.byVariable[identOf(e)]; ok {
		return scaleOf(c.schema.Field(i).Type)
	}
	if e.Kind() != ast.CallKind {
		return 0, false
	}
	args := e.AsCall().Args()
	if e.AsCall().FunctionName() == operators.Conditional {
		args = args[1:]
	}
	var scales []int32
	for _, arg := range args {
		if s, ok := c.scale(arg); ok {
			scales = append(scales, s)
		}
	}
	all := len(scales) == len(args) && len(args) > 0
	switch e.AsCall().FunctionName() {
	case operators.Add, operators.Subtract, operators.Negate, operators.Conditional, "coalesce", "abs":
		return slices.Max(append(scales, 0)), all
	case operators.Multiply:
		if all {
			return scales[0] + scales[1], true
		}
	case "round":
		if n, ok := args[1].AsLiteral().(types.Int); args[1].Kind() == ast.LiteralKind && ok {
			return int32(n), true
		}
	case "decimal":
		return c.literalScale(args[0])
	}
	return 0, false
}

// literalScale is that of decimal(x).
func (c *compiler) literalScale(arg ast.Expr) (int32, bool) {
	if i, ok := c.byVariable[identOf(arg)]; ok {
		t := celType(c.schema.Field(i).Type)
		return 0, t == cel.IntType || t == cel.UintType
	}
	if arg.Kind() != ast.LiteralKind {
		return 0, false
	}
	if text, ok := arg.AsLiteral().(types.String); ok {
		d, ok := parseDecimal(string(text)).(decimalVal)
		return max(-d.Exponent(), 0), ok
	}
	return 0, true
}

// typeName is how messages call a column's type.
func typeName(t arrow.DataType) string {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return typeName(d.ValueType)
	}
	return t.String()
}
