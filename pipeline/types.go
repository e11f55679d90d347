package pipeline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// plainTypes are the types without parameters, by the names people write.
var plainTypes = map[string]arrow.DataType{
	"bool": arrow.FixedWidthTypes.Boolean,
	"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16,
	"int32": arrow.PrimitiveTypes.Int32, "int64": arrow.PrimitiveTypes.Int64, "int": arrow.PrimitiveTypes.Int64,
	"uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16,
	"uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64,
	"float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
	"float": arrow.PrimitiveTypes.Float64, "double": arrow.PrimitiveTypes.Float64,
	"string": arrow.BinaryTypes.String, "utf8": arrow.BinaryTypes.String, "binary": arrow.BinaryTypes.Binary,
	"date": arrow.FixedWidthTypes.Date32, "time": arrow.FixedWidthTypes.Time64us,
	"timestamp": &arrow.TimestampType{Unit: arrow.Microsecond}, "duration": arrow.FixedWidthTypes.Duration_us,
}

var (
	timestampForm = regexp.MustCompile(`^timestamp\[(s|ms|us|ns)(?:, *([A-Za-z0-9_+:/-]+))?\]$`)
	durationForm  = regexp.MustCompile(`^duration\[(s|ms|us|ns)\]$`)
	decimalForm   = regexp.MustCompile(`^decimal\((\d{1,2}), *(\d{1,2})\)$`)
	listForm      = regexp.MustCompile(`^list<(.+)>$`)
)

var timeUnits = map[string]arrow.TimeUnit{
	"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond,
}

// ParseType reads the name of a column type: a name without parameters like int64,
// string or date, or timestamp[ms], timestamp[us, UTC], duration[s], decimal(10, 2),
// list<int64>.
func ParseType(name string) (arrow.DataType, error) {
	if t, ok := plainTypes[name]; ok {
		return t, nil
	}
	if m := timestampForm.FindStringSubmatch(name); m != nil {
		return &arrow.TimestampType{Unit: timeUnits[m[1]], TimeZone: m[2]}, nil
	}
	if m := durationForm.FindStringSubmatch(name); m != nil {
		return &arrow.DurationType{Unit: timeUnits[m[1]]}, nil
	}
	if m := decimalForm.FindStringSubmatch(name); m != nil {
		precision, _ := strconv.Atoi(m[1]) // two digits
		scale, _ := strconv.Atoi(m[2])
		if precision < 1 || precision > 38 || scale > precision {
			return nil, Errorf(Invalid, "%s: a decimal has 1 to 38 digits, of which at most all are decimals", name)
		}
		return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}, nil
	}
	if m := listForm.FindStringSubmatch(name); m != nil {
		t, err := ParseType(m[1])
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(t), nil
	}
	known := slices.Sorted(maps.Keys(plainTypes))
	if near := Nearest(name, known); near != "" {
		return nil, Errorf(Invalid, "unknown type %q; did you mean %q?", name, near)
	}
	return nil, Errorf(Invalid, "unknown type %q; known are %s, timestamp[us, UTC], duration[us], decimal(10, 2), list<int64>",
		name, strings.Join(known, ", "))
}

// ATypeName is a type's name with its article: an int64, a utf8.
func ATypeName(t arrow.DataType) string {
	name := TypeName(t)
	if strings.ContainsRune("aeio", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// TypeName is what ParseType reads as t. A dictionary has the name of its values:
// that is how they are kept, not what they are.
func TypeName(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return TypeName(t.ValueType)
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return "string"
	case *arrow.Date32Type:
		return "date"
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return fmt.Sprintf("timestamp[%s, %s]", t.Unit, t.TimeZone)
		}
		return fmt.Sprintf("timestamp[%s]", t.Unit)
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal(%d, %d)", t.Precision, t.Scale)
	case *arrow.ListType:
		return "list<" + TypeName(t.Elem()) + ">"
	case *arrow.Time64Type:
		if t.Unit == arrow.Microsecond {
			return "time"
		}
	}
	return t.String()
}

// ValueType is the type of a column's values: that of its dictionary, if it has one.
func ValueType(t arrow.DataType) arrow.DataType {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}
