package parquet

import (
	"reflect"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/pipeline"
)

// group is a parquet.Group that keeps its fields in order.
type group struct {
	parquet.Group
	fields []parquet.Field
}

// Fields implements parquet.Node.
func (g *group) Fields() []parquet.Field { return g.fields }

// namedNode is a named column.
type namedNode struct {
	parquet.Node
	name string
}

// Name implements parquet.Field.
func (l *namedNode) Name() string { return l.name }

// Value implements parquet.Field; rows are never written as Go values.
func (l *namedNode) Value(reflect.Value) reflect.Value { return reflect.Value{} }

// nodeOf is how a column is kept in Parquet.
func nodeOf(f arrow.Field) (parquet.Node, error) {
	t := pipeline.ValueType(f.Type)
	node := plainNode(t)
	if node == nil {
		return nil, pipeline.Errorf(pipeline.Invalid, "column %s is %s, which Parquet has no type for", f.Name, pipeline.TypeName(t)).
			With("cast it, or choose another output format, like ipc")
	}
	switch t.ID() {
	case arrow.STRING, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32,
		arrow.DATE32, arrow.TIMESTAMP:
		node = parquet.Encoded(node, &parquet.RLEDictionary)
	}
	if f.Nullable {
		return parquet.Optional(node), nil
	}
	return parquet.Required(node), nil
}

func plainNode(t arrow.DataType) parquet.Node {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return parquet.Leaf(parquet.BooleanType)
	case *arrow.Int8Type:
		return parquet.Int(8)
	case *arrow.Int16Type:
		return parquet.Int(16)
	case *arrow.Int32Type:
		return parquet.Int(32)
	case *arrow.Int64Type:
		return parquet.Int(64)
	case *arrow.Uint8Type:
		return parquet.Uint(8)
	case *arrow.Uint16Type:
		return parquet.Uint(16)
	case *arrow.Uint32Type:
		return parquet.Uint(32)
	case *arrow.Uint64Type:
		return parquet.Uint(64)
	case *arrow.Float32Type:
		return parquet.Leaf(parquet.FloatType)
	case *arrow.Float64Type:
		return parquet.Leaf(parquet.DoubleType)
	case *arrow.StringType:
		return parquet.String()
	case *arrow.BinaryType:
		return parquet.Leaf(parquet.ByteArrayType)
	case *arrow.FixedSizeBinaryType:
		return parquet.Leaf(parquet.FixedLenByteArrayType(t.ByteWidth))
	case *arrow.Date32Type:
		return parquet.Date()
	case *arrow.Time32Type:
		if t.Unit == arrow.Millisecond {
			return parquet.TimeAdjusted(parquet.Millisecond, false)
		}
	case *arrow.Time64Type:
		return parquet.TimeAdjusted(unitNode(t.Unit), false)
	case *arrow.TimestampType:
		if t.Unit != arrow.Second && (t.TimeZone == "" || t.TimeZone == "UTC") {
			return parquet.TimestampAdjusted(unitNode(t.Unit), t.TimeZone == "UTC")
		}
	case *arrow.Decimal128Type:
		return parquet.Decimal(int(t.Scale), int(t.Precision), parquet.FixedLenByteArrayType(decimalBytes))
	}
	return nil
}

// decimalBytes is the size of a decimal in Parquet, big-endian.
const decimalBytes = 16

func unitNode(u arrow.TimeUnit) parquet.TimeUnit {
	switch u {
	case arrow.Millisecond:
		return parquet.Millisecond
	case arrow.Nanosecond:
		return parquet.Nanosecond
	}
	return parquet.Microsecond
}
