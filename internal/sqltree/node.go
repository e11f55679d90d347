package sqltree

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// node is a part of the tree. A nil one is a part that is not there.
type node map[string]any

func (n node) text(key string) string {
	s, _ := n[key].(string)
	return s
}

func (n node) flag(key string) bool {
	b, _ := n[key].(bool)
	return b
}

func (n node) child(key string) node {
	m, _ := n[key].(map[string]any)
	return m
}

func (n node) children(key string) []node {
	list, _ := n[key].([]any)
	all := make([]node, len(list))
	for i, c := range list {
		all[i], _ = c.(map[string]any)
	}
	return all
}

func (n node) texts(key string) []string {
	list, _ := n[key].([]any)
	all := make([]string, len(list))
	for i, c := range list {
		all[i], _ = c.(string)
	}
	return all
}

// integer is the value of a constant that is a whole number.
func (n node) integer() (int, bool) {
	if n.text("class") != "CONSTANT" {
		return 0, false
	}
	f, ok := n.child("value")["value"].(float64)
	return int(f), ok && f == float64(int(f))
}

// always are fields that any part may have and that say nothing of columns.
var always = []string{"class", "type", "alias", "query_location", TextOfItem}

// odd says that the part has a field that is not among those known; empty if it has none.
// What is false, empty or 0 is as if it were not there.
func (n node) odd(known ...string) string {
	for _, key := range slices.Sorted(maps.Keys(n)) {
		if v := n[key]; !empty(v) && !slices.Contains(known, key) && !slices.Contains(always, key) {
			return fmt.Sprintf("what %s means in %s is not known here", key, n.kind())
		}
	}
	return ""
}

// misshapen says that one of the fields is something else than a part of the tree; empty if
// none is.
func (n node) misshapen(fields ...string) string {
	for _, key := range fields {
		if n.child(key) == nil && !empty(n[key]) {
			return fmt.Sprintf("%s in %s is not as it is known here", key, n.kind())
		}
	}
	return ""
}

// kind is what the part is, for messages.
func (n node) kind() string {
	for _, key := range []string{"type", "class", "subquery_type"} {
		if s := n.text(key); s != "" {
			return s
		}
	}
	return "a part of the query"
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case float64:
		return v == 0
	case json.Number:
		return v == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	}
	return false
}
