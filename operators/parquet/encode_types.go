package parquet

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// valueOrder is the order that bounds of a column are made by.
type valueOrder int

const (
	noOrder     valueOrder = iota
	boolOrder              // bytes of 0 and 1
	signed                 // numbers of the column's size
	unsigned               // numbers of the column's size
	floating               // numbers of the column's size, NaN left out
	byteOrder              // texts and bytes, without sign
	bigEndian2s            // big-endian two's complement
)

// elementOf is how values of a type that is not nested are kept.
func elementOf(t arrow.DataType) (e format.SchemaElement, order valueOrder, ok bool) {
	leaf := func(physical format.Type, order valueOrder, logical format.LogicalTypeValue) (format.SchemaElement, valueOrder, bool) {
		e := format.SchemaElement{Type: thrift.New(physical), LogicalType: format.LogicalType{Value: logical}, ConvertedType: convertedOf(logical)}
		return e, order, true
	}
	whole := func(physical format.Type, order valueOrder, bits int8) (format.SchemaElement, valueOrder, bool) {
		return leaf(physical, order, &format.IntType{BitWidth: bits, IsSigned: order == signed})
	}
	fixed := func(size int, order valueOrder, logical format.LogicalTypeValue) (format.SchemaElement, valueOrder, bool) {
		e, _, _ := leaf(format.FixedLenByteArray, order, logical)
		e.TypeLength = thrift.New(int32(size))
		return e, order, true
	}
	switch t := t.(type) {
	case *arrow.NullType:
		return leaf(format.Int32, noOrder, &format.NullType{})
	case *arrow.BooleanType:
		return leaf(format.Boolean, boolOrder, nil)
	case *arrow.Int8Type:
		return whole(format.Int32, signed, 8)
	case *arrow.Int16Type:
		return whole(format.Int32, signed, 16)
	case *arrow.Int32Type:
		return whole(format.Int32, signed, 32)
	case *arrow.Int64Type:
		return whole(format.Int64, signed, 64)
	case *arrow.Uint8Type:
		return whole(format.Int32, unsigned, 8)
	case *arrow.Uint16Type:
		return whole(format.Int32, unsigned, 16)
	case *arrow.Uint32Type:
		return whole(format.Int32, unsigned, 32)
	case *arrow.Uint64Type:
		return whole(format.Int64, unsigned, 64)
	case *arrow.Float16Type:
		return fixed(2, floating, &format.Float16Type{})
	case *arrow.Float32Type:
		return leaf(format.Float, floating, nil)
	case *arrow.Float64Type:
		return leaf(format.Double, floating, nil)
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return leaf(format.ByteArray, byteOrder, &format.StringType{})
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType:
		return leaf(format.ByteArray, byteOrder, nil)
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth > 0 {
			return fixed(t.ByteWidth, byteOrder, nil)
		}
	case *arrow.Date32Type, *arrow.Date64Type:
		return leaf(format.Int32, signed, &format.DateType{})
	case *arrow.Time32Type:
		return leaf(format.Int32, signed, &format.TimeType{Unit: unitFor(t.Unit)})
	case *arrow.Time64Type:
		return leaf(format.Int64, signed, &format.TimeType{Unit: unitFor(t.Unit)})
	case *arrow.TimestampType:
		return leaf(format.Int64, signed, &format.TimestampType{IsAdjustedToUTC: t.TimeZone != "", Unit: unitFor(t.Unit)})
	case arrow.DecimalType:
		return decimalElement(t, leaf, fixed)
	}
	return e, noOrder, false
}

type leafMaker[T any] func(T, valueOrder, format.LogicalTypeValue) (format.SchemaElement, valueOrder, bool)

// decimalElement keeps decimals of up to 9 and 18 digits as whole numbers, as DuckDB and
// Spark do, and others in all their bytes.
func decimalElement(t arrow.DecimalType, leaf leafMaker[format.Type], fixed leafMaker[int]) (e format.SchemaElement, order valueOrder, ok bool) {
	precision, scale := t.GetPrecision(), t.GetScale()
	if scale < 0 || scale > precision {
		return e, noOrder, false
	}
	logical := &format.DecimalType{Scale: scale, Precision: precision}
	switch {
	case precision <= 9:
		e, order, ok = leaf(format.Int32, signed, logical)
	case precision <= 18:
		e, order, ok = leaf(format.Int64, signed, logical)
	case precision <= 38:
		e, order, ok = fixed(16, bigEndian2s, logical)
	default:
		e, order, ok = fixed(32, bigEndian2s, logical)
	}
	e.Precision, e.Scale = thrift.New(precision), thrift.New(scale)
	return e, order, ok
}

// unitFor is the unit that times are kept in. Parquet has no seconds.
func unitFor(u arrow.TimeUnit) format.TimeUnit {
	switch u {
	case arrow.Second, arrow.Millisecond:
		return format.TimeUnit{Value: &format.MilliSeconds{}}
	case arrow.Nanosecond:
		return format.TimeUnit{Value: &format.NanoSeconds{}}
	}
	return format.TimeUnit{Value: &format.MicroSeconds{}}
}

// convertedOf is what old readers know a logical type by.
func convertedOf(logical format.LogicalTypeValue) (c thrift.Null[deprecated.ConvertedType]) {
	switch l := logical.(type) {
	case *format.StringType:
		return thrift.New(deprecated.UTF8)
	case *format.ListType:
		return thrift.New(deprecated.List)
	case *format.MapType:
		return thrift.New(deprecated.Map)
	case *format.DateType:
		return thrift.New(deprecated.Date)
	case *format.DecimalType:
		return thrift.New(deprecated.Decimal)
	case *format.IntType:
		return thrift.New(convertedInts[intKind{int(l.BitWidth), l.IsSigned}])
	case *format.TimestampType:
		// The old types are instants of UTC.
		switch unit := unitOf(l.Unit); {
		case l.IsAdjustedToUTC && unit == arrow.Millisecond:
			return thrift.New(deprecated.TimestampMillis)
		case l.IsAdjustedToUTC && unit == arrow.Microsecond:
			return thrift.New(deprecated.TimestampMicros)
		}
	}
	return c
}

var convertedInts = map[intKind]deprecated.ConvertedType{
	{8, true}: deprecated.Int8, {16, true}: deprecated.Int16, {32, true}: deprecated.Int32, {64, true}: deprecated.Int64,
	{8, false}: deprecated.Uint8, {16, false}: deprecated.Uint16, {32, false}: deprecated.Uint32, {64, false}: deprecated.Uint64,
}
