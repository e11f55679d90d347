package sql

import (
	"context"
	"encoding/json"
	"strings"
)

// itemTexts writes the items of the query's select list as DuckDB does; none for a query that
// is not one SELECT. They are for people, and an item that can't be written has no text.
func itemTexts(s *session, statement []byte) (texts []string) {
	var parsed struct {
		Node struct {
			Type  string            `json:"type"`
			Items []json.RawMessage `json:"select_list"`
		} `json:"node"`
	}
	if json.Unmarshal(statement, &parsed) != nil || parsed.Node.Type != "SELECT_NODE" {
		return nil
	}
	var alone []string
	for _, item := range parsed.Node.Items {
		text := `{"error":false,"statements":[{"node":{"type":"SELECT_NODE","modifiers":[],"cte_map":{"map":[]},"select_list":[` + string(item) +
			`],"from_table":{"type":"EMPTY","alias":"","sample":null,"query_location":0},"where_clause":null,"group_expressions":[],` +
			`"group_sets":[],"aggregate_handling":"STANDARD_HANDLING","having":null,"sample":null,"qualify":null},"named_param_map":[]}]}`
		alone = append(alone, "'"+strings.ReplaceAll(text, "'", "''")+"'")
	}
	err := s.each(context.Background(), "SELECT json_deserialize_sql(x::JSON) FROM (SELECT unnest(["+strings.Join(alone, ", ")+"]) AS x)", func(text string) {
		texts = append(texts, strings.TrimPrefix(text, "SELECT "))
	})
	if err != nil || len(texts) != len(alone) {
		return nil
	}
	return texts
}
