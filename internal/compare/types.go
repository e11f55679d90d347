package compare

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Comparable reports whether values of two types can be the same: both are whole numbers, say, of
// whatever width, or times of one unit.
func Comparable(a, b arrow.DataType) bool { return sort(a) == sort(b) }

// sort is the same for types whose values can be.
func sort(t arrow.DataType) string {
	t = pipeline.ValueType(t)
	switch id := t.ID(); {
	case arrow.IsInteger(id):
		return "whole number"
	case arrow.IsFloating(id):
		return "float"
	case id == arrow.STRING || id == arrow.LARGE_STRING || id == arrow.STRING_VIEW:
		return "text"
	case id == arrow.BINARY || id == arrow.LARGE_BINARY || id == arrow.BINARY_VIEW || id == arrow.FIXED_SIZE_BINARY:
		return "bytes"
	}
	switch t := t.(type) {
	case arrow.ExtensionType:
		return sort(t.StorageType())
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal of scale %d", t.Scale)
	case *arrow.StructType:
		var fields []string
		for _, f := range t.Fields() {
			fields = append(fields, fmt.Sprintf("%q %s", f.Name, sort(f.Type)))
		}
		return "struct of " + strings.Join(fields, ", ")
	case *arrow.MapType:
		return "map of " + sort(t.KeyType()) + " to " + sort(t.ItemType())
	case arrow.ListLikeType:
		return "list of " + sort(t.Elem())
	}
	return pipeline.TypeName(t)
}
