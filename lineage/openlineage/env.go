package openlineage

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// nestedPrefix begins variables that name a place in the config, each part after two underscores:
// OPENLINEAGE__TRANSPORT__TYPE.
const nestedPrefix = "OPENLINEAGE__"

// nested is the config that such variables make. Of two that don't go together the shorter one
// holds.
func nested(env map[string]string) map[string]any {
	all := map[string]any{}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(env))) {
		place, ok := strings.CutPrefix(name, nestedPrefix)
		if !ok {
			continue
		}
		parts := strings.Split(strings.ToLower(place), "__")
		at := all
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = valueOf(env[name])
	}
	return all
}

// valueOf is JSON, or the text itself.
func valueOf(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

// merge puts one mapping over another.
func merge(under, over map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, under)
	for key, v := range over {
		for old := range all {
			if old != key && plain(old) == plain(key) {
				key = old
			}
		}
		a, isMap := all[key].(map[string]any)
		b, overMap := v.(map[string]any)
		if isMap && overMap {
			v = merge(a, b)
		}
		all[key] = v
	}
	return all
}
