package parquet

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// column is a leaf of a file that can be read as an Arrow column.
type column struct {
	field    arrow.Field
	index    int // of the leaf among all leaves
	optional bool
	uuid     bool
}

var dictionaryOfStrings = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// columnsOf lists the columns that can be read, and names those that can't.
func columnsOf(pf *parquet.File) (cols []column, refused map[string]string) {
	refused = map[string]string{}
	for _, c := range pf.Root().Columns() {
		if !c.Leaf() || c.Repeated() {
			refused[c.Name()] = "a nested column"
			continue
		}
		t := arrowType(c.Type())
		if t == nil {
			refused[c.Name()] = c.Type().String()
			continue
		}
		if codec, ok := unboundedCodec(pf, c.Index()); ok {
			refused[c.Name()] = "compressed with " + codec
			continue
		}
		col := column{index: c.Index(), optional: c.Optional(), uuid: isUUID(c.Type())}
		if t.ID() == arrow.STRING && !col.uuid && alwaysDictionary(pf, c.Index()) {
			t = dictionaryOfStrings
		}
		col.field = arrow.Field{Name: c.Name(), Type: t, Nullable: c.Optional()}
		cols = append(cols, col)
	}
	return cols, refused
}

// alwaysDictionary reports whether every row group has a dictionary for the column. It
// goes by the encodings: some writers leave the dictionary's offset out.
func alwaysDictionary(pf *parquet.File, index int) bool {
	groups := pf.Metadata().RowGroups
	for i := range groups {
		if index >= len(groups[i].Columns) {
			return false
		}
		encodings := groups[i].Columns[index].MetaData.Encoding
		if !slices.Contains(encodings, format.RLEDictionary) && !slices.Contains(encodings, format.PlainDictionary) {
			return false
		}
	}
	return len(groups) > 0
}

// unboundedCodec names the codec of a column that is not read: the decoder of LZ4
// doubles its buffer until the machine has no memory left, if the data is damaged.
func unboundedCodec(pf *parquet.File, index int) (string, bool) {
	groups := pf.Metadata().RowGroups
	for i := range groups {
		if index < len(groups[i].Columns) {
			switch codec := groups[i].Columns[index].MetaData.Codec; codec {
			case format.Lz4Raw, format.Lz4, format.LZO:
				return codec.String(), true
			}
		}
	}
	return "", false
}

func isUUID(t parquet.Type) bool {
	lt := t.LogicalType()
	if lt == nil {
		return false
	}
	_, ok := lt.Value.(*format.UUIDType)
	return ok
}

// arrowType is what a leaf is read as, or nil.
func arrowType(t parquet.Type) arrow.DataType {
	if lt := t.LogicalType(); lt != nil {
		if at, known := logicalType(lt, t); known {
			return at
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case parquet.Int32:
		return arrow.PrimitiveTypes.Int32
	case parquet.Int64:
		return arrow.PrimitiveTypes.Int64
	case parquet.Int96:
		return &arrow.TimestampType{Unit: arrow.Nanosecond}
	case parquet.Float:
		return arrow.PrimitiveTypes.Float32
	case parquet.Double:
		return arrow.PrimitiveTypes.Float64
	case parquet.ByteArray:
		return arrow.BinaryTypes.Binary
	case parquet.FixedLenByteArray:
		return &arrow.FixedSizeBinaryType{ByteWidth: t.Length()}
	}
	return nil
}

func logicalType(lt *format.LogicalType, t parquet.Type) (at arrow.DataType, known bool) {
	switch v := lt.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType, *format.UUIDType:
		return arrow.BinaryTypes.String, true
	case *format.DateType:
		return arrow.FixedWidthTypes.Date32, true
	case *format.IntType:
		return integers[intKind{int(v.BitWidth), v.IsSigned}], true
	case *format.DecimalType:
		if v.Precision < 1 || v.Precision > 38 {
			return nil, true
		}
		return &arrow.Decimal128Type{Precision: v.Precision, Scale: v.Scale}, true
	case *format.TimestampType:
		ts := &arrow.TimestampType{Unit: unitOf(v.Unit)}
		if v.IsAdjustedToUTC {
			ts.TimeZone = "UTC"
		}
		return ts, true
	case *format.TimeType:
		if u := unitOf(v.Unit); u == arrow.Millisecond {
			return arrow.FixedWidthTypes.Time32ms, true
		} else {
			return &arrow.Time64Type{Unit: u}, true
		}
	}
	return nil, false
}

type intKind struct {
	bits   int
	signed bool
}

var integers = map[intKind]arrow.DataType{
	{8, true}: arrow.PrimitiveTypes.Int8, {16, true}: arrow.PrimitiveTypes.Int16,
	{32, true}: arrow.PrimitiveTypes.Int32, {64, true}: arrow.PrimitiveTypes.Int64,
	{8, false}: arrow.PrimitiveTypes.Uint8, {16, false}: arrow.PrimitiveTypes.Uint16,
	{32, false}: arrow.PrimitiveTypes.Uint32, {64, false}: arrow.PrimitiveTypes.Uint64,
}

func unitOf(u format.TimeUnit) arrow.TimeUnit {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return arrow.Millisecond
	case *format.NanoSeconds:
		return arrow.Nanosecond
	}
	return arrow.Microsecond
}
