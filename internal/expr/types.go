package expr

import (
	"fmt"

	"cel.dev/cel-go/cel"
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

// typeName is how messages call a column's type.
func typeName(t arrow.DataType) string {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return typeName(d.ValueType)
	}
	return t.String()
}
