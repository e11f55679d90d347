package expr

import (
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// null stands for a null value: cel-go's unknown has just the meaning we give null.
var null ref.Val = types.NewUnknown(1, nil)

// getter gives the CEL value of a row of an array.
type getter func(row int) ref.Val

// values gives the getter of a column, which has a type that celType knows.
func values(a arrow.Array) getter {
	get := valid(a)
	if a.NullN() == 0 {
		return get
	}
	return func(row int) ref.Val {
		if a.IsNull(row) {
			return null
		}
		return get(row)
	}
}

func valid(a arrow.Array) getter {
	switch a := a.(type) {
	case *array.Dictionary:
		get := values(a.Dictionary())
		return func(row int) ref.Val { return get(a.GetValueIndex(row)) }
	case *array.Int8:
		return ints(a.Value)
	case *array.Int16:
		return ints(a.Value)
	case *array.Int32:
		return ints(a.Value)
	case *array.Int64:
		return ints(a.Value)
	case *array.Uint8:
		return uints(a.Value)
	case *array.Uint16:
		return uints(a.Value)
	case *array.Uint32:
		return uints(a.Value)
	case *array.Uint64:
		return uints(a.Value)
	case *array.Float32:
		return func(row int) ref.Val { return types.Double(a.Value(row)) }
	case *array.Float64:
		return func(row int) ref.Val { return types.Double(a.Value(row)) }
	case *array.Boolean:
		return func(row int) ref.Val { return types.Bool(a.Value(row)) }
	case array.StringLike:
		return func(row int) ref.Val { return types.String(a.Value(row)) }
	case array.BinaryLike:
		return func(row int) ref.Val { return types.Bytes(a.ValueBytes()[a.ValueOffset64(row):a.ValueOffset64(row+1)]) }
	}
	return times(a)
}

func ints[T int8 | int16 | int32 | int64](value func(int) T) getter {
	return func(row int) ref.Val { return types.Int(value(row)) }
}

func uints[T uint8 | uint16 | uint32 | uint64](value func(int) T) getter {
	return func(row int) ref.Val { return types.Uint(value(row)) }
}

func times(a arrow.Array) getter {
	at := func(t time.Time) ref.Val { return types.Timestamp{Time: t} }
	lasts := func(d time.Duration) ref.Val { return types.Duration{Duration: d} }
	switch a := a.(type) {
	case *array.Date32:
		return func(row int) ref.Val { return at(a.Value(row).ToTime()) }
	case *array.Date64:
		return func(row int) ref.Val { return at(a.Value(row).ToTime()) }
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return func(row int) ref.Val { return at(a.Value(row).ToTime(unit)) }
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit.Multiplier()
		return func(row int) ref.Val { return lasts(time.Duration(a.Value(row)) * unit) }
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit.Multiplier()
		return func(row int) ref.Val { return lasts(time.Duration(a.Value(row)) * unit) }
	case *array.Duration:
		unit := a.DataType().(*arrow.DurationType).Unit.Multiplier()
		return func(row int) ref.Val { return lasts(time.Duration(a.Value(row)) * unit) }
	}
	panic("a column of type " + a.DataType().String() + " got past celType")
}

// appender gives the function that appends a CEL value to the builder of the
// result; a value that does not fit is an error, and null is appended.
func appender(b array.Builder) func(ref.Val) error {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return func(v ref.Val) error { b.Append(bool(v.(types.Bool))); return nil }
	case *array.Int64Builder:
		return func(v ref.Val) error { b.Append(int64(v.(types.Int))); return nil }
	case *array.Uint64Builder:
		return func(v ref.Val) error { b.Append(uint64(v.(types.Uint))); return nil }
	case *array.Float64Builder:
		return func(v ref.Val) error { b.Append(float64(v.(types.Double))); return nil }
	case *array.StringBuilder:
		return func(v ref.Val) error { b.Append(string(v.(types.String))); return nil }
	case *array.BinaryBuilder:
		return func(v ref.Val) error { b.Append(v.(types.Bytes)); return nil }
	case *array.TimestampBuilder:
		return func(v ref.Val) error { b.Append(arrow.Timestamp(v.(types.Timestamp).UnixMicro())); return nil }
	case *array.DurationBuilder:
		return func(v ref.Val) error { b.Append(arrow.Duration(v.(types.Duration).Microseconds())); return nil }
	}
	panic("a result of type " + b.Type().String() + " got past arrowType")
}
