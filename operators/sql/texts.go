package sql

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/sqltree"
)

// withTexts puts beside each item of the select lists of a statement how DuckDB writes it. It is
// for people: what can't be written stays without.
func withTexts(s *session, statement []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(statement))
	dec.UseNumber() // a large constant is to stay what it is
	var tree any
	if dec.Decode(&tree) != nil {
		return statement
	}
	items := selected(tree, nil)
	var alone []string
	for _, item := range items {
		bare := maps.Clone(item)
		bare["alias"] = ""
		text, err := json.Marshal(bare)
		if err != nil {
			return statement
		}
		alone = append(alone, strings.ReplaceAll(selectOf(text), "'", "''"))
	}
	for i, text := range s.written(alone) {
		items[i][sqltree.TextOfItem] = text
	}
	annotated, err := json.Marshal(tree)
	if err != nil {
		return statement
	}
	return annotated
}

// maxItems bounds how many items are written.
const maxItems = 1000

// selected gathers the items of all select lists of a tree.
func selected(tree any, all []map[string]any) []map[string]any {
	switch n := tree.(type) {
	case []any:
		for _, child := range n {
			all = selected(child, all)
		}
	case map[string]any:
		list, _ := n["select_list"].([]any)
		for _, item := range list {
			if item, ok := item.(map[string]any); ok && len(all) < maxItems {
				all = append(all, item)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(n)) {
			all = selected(n[key], all)
		}
	}
	return all
}

// selectOf is the tree of SELECT with one item.
func selectOf(item []byte) string {
	return `{"error":false,"statements":[{"node":{"type":"SELECT_NODE","modifiers":[],"cte_map":{"map":[]},"select_list":[` + string(item) +
		`],"from_table":{"type":"EMPTY","alias":"","sample":null,"query_location":0},"where_clause":null,"group_expressions":[],` +
		`"group_sets":[],"aggregate_handling":"STANDARD_HANDLING","having":null,"sample":null,"qualify":null},"named_param_map":[]}]}`
}

// written has DuckDB write trees of SELECT: all at once or, where it can't, each alone.
func (s *session) written(trees []string) []string {
	var texts []string
	err := s.each(context.Background(), "SELECT json_deserialize_sql(x::JSON) FROM (SELECT unnest(['"+strings.Join(trees, "', '")+"']) AS x)", func(text string) {
		texts = append(texts, strings.TrimPrefix(text, "SELECT "))
	})
	if err == nil && len(texts) == len(trees) || len(trees) == 0 {
		return texts
	}
	if len(trees) == 1 {
		return []string{""}
	}
	half := len(trees) / 2
	return append(s.written(trees[:half]), s.written(trees[half:])...)
}
