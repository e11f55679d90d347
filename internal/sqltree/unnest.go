package sqltree

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

func isUnnest(n node) bool {
	name := strings.ToLower(n.text("function_name"))
	return n.text("class") == "FUNCTION" && (name == "unnest" || name == "unlist")
}

// lists are functions that give a list of values.
var lists = []string{"list_value", "range", "generate_series", "string_split", "split", "str_split", "string_to_array", "regexp_extract_all", "map_keys", "map_values"}

// isList reports whether unnest is given a list, and gives one column for it.
func (r *resolver) isList(s *scope, unnest node) bool {
	args := unnest.children("children")
	if len(args) == 1 && slices.Contains(lists, strings.ToLower(args[0].text("function_name"))) {
		return true
	}
	t := r.argument(s, unnest)
	return t != nil && slices.Contains([]arrow.Type{arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST}, t.ID())
}

// unnested is the type of a struct that unnest makes columns of, where that is known.
func (r *resolver) unnested(s *scope, item node) *arrow.StructType {
	if !isUnnest(item) {
		return nil
	}
	t, _ := r.argument(s, item).(*arrow.StructType)
	return t
}

// argument is the type of the only argument of a function, if that is a column of which it is
// known.
func (r *resolver) argument(s *scope, n node) arrow.DataType {
	args := n.children("children")
	if len(args) != 1 || args[0].text("class") != "COLUMN_REF" {
		return nil
	}
	c, field, _ := s.resolve(args[0].texts("column_names"))
	if c == nil || field {
		return nil
	}
	return c.typ
}
