package sql

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/penstock-data/penstock/internal/sqltree"
)

// placed is a query that gives the places of its rows as well; reason says why there is none.
type placed struct {
	placing string // the query
	from    []int  // of its columns behind those of the result: the inputs that they are rows of
	many    bool   // they are lists of rows
	reason  string
}

// place changes the query, in the tree that DuckDB parses it to, so that it gives the rows of its
// inputs that each row of its result comes from.
func (s *session) place(x *syntax, tables []sqltree.Table, kinds sqltree.Functions) (placed, error) {
	p, reason := sqltree.Place(x.statement, tables, kinds)
	if reason == "" && len(x.calls) > 0 {
		text, verbs := called(x.calls)
		reason = "it calls " + text + ", which " + verbs[0] + " something else each time"
	}
	if reason == "" && len(x.loose) > 0 {
		text, verbs := called(x.loose)
		reason = "it calls " + text + ", which " + verbs[1] + " on the order of the rows it is given, and has no ORDER BY in its brackets"
	}
	if reason != "" {
		return placed{reason: reason}, nil
	}
	same, err := s.returns(x.statement)
	if err != nil {
		return placed{}, err
	}
	if !same {
		return placed{reason: "DuckDB does not write it as it was read"}, nil
	}
	text, err := s.write(p.Statement)
	return placed{placing: text, from: p.Inputs, many: p.Gathers}, err
}

// write has DuckDB write a parsed statement.
func (s *session) write(statement []byte) (text string, err error) {
	tree := `{"error":false,"statements":[` + string(statement) + `]}`
	err = s.each(context.Background(), "SELECT json_deserialize_sql("+literal(tree)+"::JSON)", func(t string) { text = t })
	return text, err
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// returns reports whether a statement that is written, and read again, is the same.
func (s *session) returns(statement []byte) (bool, error) {
	text, err := s.write(statement)
	if err != nil {
		return false, err
	}
	var again string
	if err := s.each(context.Background(), "SELECT json_serialize_sql("+literal(text)+")::VARCHAR", func(t string) { again = t }); err != nil {
		return false, err
	}
	var was any
	var is struct {
		Statements []any `json:"statements"`
	}
	if err := json.Unmarshal(statement, &was); err != nil {
		return false, err
	}
	if err := json.Unmarshal([]byte(again), &is); err != nil {
		return false, err
	}
	return len(is.Statements) == 1 && reflect.DeepEqual(meant(was), meant(is.Statements[0])), nil
}

// meant is a tree without what says how it was written: where, and that functions are DuckDB's.
func meant(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = meant(v[i])
		}
	case map[string]any:
		delete(v, "query_location")
		delete(v, "is_operator")
		if v["schema"] == "main" {
			v["schema"] = ""
		}
		for k := range v {
			v[k] = meant(v[k])
		}
	}
	return v
}
