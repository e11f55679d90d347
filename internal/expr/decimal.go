package expr

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/shopspring/decimal"
)

// decimalType is the type of decimal columns, an extension of CEL. Its operators and
// functions are exact, on up to maxDigits digits.
var decimalType = cel.ObjectType("decimal", traits.AdderType, traits.SubtractorType, traits.MultiplierType, traits.NegatorType, traits.ComparerType)

// maxDigits are the digits of a decimal: what decimal256 holds.
const maxDigits = 76

var (
	errDecimal  = fmt.Errorf("decimal overflow: more than %d digits", maxDigits)
	errDecimals = errors.New("decimal overflow: more than 38 digits")
)

// decimalVal is a CEL value.
type decimalVal struct{ decimal.Decimal }

// newDecimal is a value, or an error if it has too many digits.
func newDecimal(d decimal.Decimal) ref.Val {
	if d.NumDigits() > maxDigits || d.Exponent() > maxDigits || d.Exponent() < -maxDigits {
		return types.WrapErr(errDecimal)
	}
	return decimalVal{d}
}

// ConvertToNative implements ref.Val.
func (d decimalVal) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a decimal can't be made a %v", t)
}

// ConvertToType implements ref.Val.
func (d decimalVal) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.StringType:
		return types.String(d.Decimal.String())
	case types.DoubleType:
		return types.Double(d.InexactFloat64())
	case types.IntType:
		whole := d.Truncate(0).BigInt()
		if !whole.IsInt64() {
			return types.NewErr("integer overflow")
		}
		return types.Int(whole.Int64())
	}
	return types.NewErr("type conversion error from 'decimal' to '%s'", t)
}

// Equal implements ref.Val.
func (d decimalVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(decimalVal)
	return types.Bool(ok && d.Decimal.Equal(o.Decimal))
}

// Type implements ref.Val.
func (d decimalVal) Type() ref.Type { return decimalType }

// Value implements ref.Val.
func (d decimalVal) Value() any { return d.Decimal }

// Compare implements traits.Comparer.
func (d decimalVal) Compare(other ref.Val) ref.Val {
	o, ok := other.(decimalVal)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return types.Int(d.Cmp(o.Decimal))
}

// Add implements traits.Adder.
func (d decimalVal) Add(other ref.Val) ref.Val { return d.with(other, decimal.Decimal.Add) }

// Subtract implements traits.Subtractor.
func (d decimalVal) Subtract(other ref.Val) ref.Val { return d.with(other, decimal.Decimal.Sub) }

// Multiply implements traits.Multiplier.
func (d decimalVal) Multiply(other ref.Val) ref.Val { return d.with(other, decimal.Decimal.Mul) }

// Negate implements traits.Negater.
func (d decimalVal) Negate() ref.Val { return decimalVal{d.Neg()} }

func (d decimalVal) with(other ref.Val, op func(a, b decimal.Decimal) decimal.Decimal) ref.Val {
	o, ok := other.(decimalVal)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return newDecimal(op(d.Decimal, o.Decimal))
}

// decimals declares the functions on decimals.
func decimals() []cel.EnvOption {
	d := decimalType
	two := []*cel.Type{d, d}
	var opts []cel.EnvOption
	for id, name := range map[string]string{"add": operators.Add, "subtract": operators.Subtract, "multiply": operators.Multiply} {
		opts = append(opts, cel.Function(name, cel.Overload(id+"_decimal", two, d)))
	}
	for id, name := range map[string]string{
		"less": operators.Less, "less_equals": operators.LessEquals, "greater": operators.Greater, "greater_equals": operators.GreaterEquals,
	} {
		opts = append(opts, cel.Function(name, cel.Overload(id+"_decimal", two, cel.BoolType)))
	}
	convert := func(name string, to *cel.Type) cel.EnvOption {
		return cel.Function(name, cel.Overload("decimal_to_"+name, []*cel.Type{d}, to,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return v.ConvertToType(to) })))
	}
	return append(opts,
		cel.Function(operators.Negate, cel.Overload("negate_decimal", []*cel.Type{d}, d)),
		convert("string", cel.StringType), convert("double", cel.DoubleType), convert("int", cel.IntType),
		cel.Function("abs", cel.Overload("abs_decimal", []*cel.Type{d}, d,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return decimalVal{v.(decimalVal).Abs()} }))),
		cel.Function("round", cel.Overload("round_decimal", []*cel.Type{d, cel.IntType}, d, cel.BinaryBinding(roundDecimal))),
		cel.Function("decimal",
			cel.Overload("string_to_decimal", []*cel.Type{cel.StringType}, d, cel.UnaryBinding(func(v ref.Val) ref.Val { return parseDecimal(string(v.(types.String))) })),
			cel.Overload("int_to_decimal", []*cel.Type{cel.IntType}, d, cel.UnaryBinding(func(v ref.Val) ref.Val { return decimalVal{decimal.NewFromInt(int64(v.(types.Int)))} })),
			cel.Overload("uint_to_decimal", []*cel.Type{cel.UintType}, d, cel.UnaryBinding(func(v ref.Val) ref.Val { return decimalVal{decimal.NewFromUint64(uint64(v.(types.Uint)))} })),
			cel.Overload("decimal_to_decimal", []*cel.Type{d}, d, cel.UnaryBinding(func(v ref.Val) ref.Val { return v }))),
	)
}

func roundDecimal(v, places ref.Val) ref.Val {
	n := places.(types.Int)
	if n < 0 || n > maxDigits {
		return types.NewErr("round: %d places; 0 to %d are possible", n, maxDigits)
	}
	return newDecimal(v.(decimalVal).Round(int32(n)))
}

func parseDecimal(text string) ref.Val {
	if len(text) <= 2*maxDigits {
		if d, err := decimal.NewFromString(text); err == nil {
			return newDecimal(d)
		}
	}
	return types.NewErr("%q is no decimal", shorten(text))
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// scaleOf is the scale of a decimal type, and whether it is one.
func scaleOf(t arrow.DataType) (int32, bool) {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return scaleOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return scaleOf(t.Encoded())
	case arrow.DecimalType:
		return t.GetScale(), true
	}
	return 0, false
}

// decimalOf gives the value of a row of a decimal array.
func decimalOf(a arrow.Array, row int) ref.Val {
	scale, _ := scaleOf(a.DataType())
	var unscaled *big.Int
	switch a := a.(type) {
	case *array.Decimal32:
		unscaled = big.NewInt(int64(a.Value(row)))
	case *array.Decimal64:
		unscaled = big.NewInt(int64(a.Value(row)))
	case *array.Decimal128:
		unscaled = a.Value(row).BigInt()
	case *array.Decimal256:
		unscaled = a.Value(row).BigInt()
	}
	return decimalVal{decimal.NewFromBigInt(unscaled, -scale)}
}

// unscaled is the decimal as a whole number of a scale, downwards, and whether that is
// exact.
func (d decimalVal) unscaled(scale int32) (n *big.Int, exact bool) {
	shifted := d.Shift(scale)
	floor := shifted.Floor()
	return floor.BigInt(), floor.Equal(shifted)
}
