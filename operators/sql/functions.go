package sql

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sqltree"
	"github.com/penstock-data/penstock/pipeline"
)

// library is what DuckDB says of its functions.
type library struct {
	// kinds tells those that may be called, and which make one value of many rows. A macro is
	// what its definition is.
	kinds sqltree.Functions
	// volatile are those that give something else each time or, as a clock, in each run. Some are
	// written like columns, and are not among DuckDB's.
	volatile []string
}

// libraries remembers it.
var libraries remembered[*library]

// askLibrary asks once for everything: to list the functions takes most of the time.
func askLibrary(s *session) (*library, error) {
	lib := &library{kinds: sqltree.Functions{}, volatile: []string{"current_timestamp", "current_time", "localtime", "localtimestamp"}}
	var macros [][2]string
	err := s.each(context.Background(), `SELECT DISTINCT concat_ws(' ', function_type, coalesce(stability, '-'), function_name,
			CASE WHEN function_type = 'macro' AND schema_name = 'main' THEN json_serialize_sql('SELECT ' || macro_definition)::VARCHAR END)
		FROM duckdb_functions()`, func(text string) {
		kind, rest, _ := strings.Cut(text, " ")
		stability, rest, _ := strings.Cut(rest, " ")
		name, tree, isMacro := strings.Cut(rest, " ")
		if stability == "VOLATILE" || stability == "CONSISTENT_WITHIN_QUERY" {
			lib.volatile = append(lib.volatile, name)
		}
		switch {
		case isMacro:
			macros = append(macros, [2]string{name, tree})
		case kind == "scalar":
			lib.note(name, sqltree.Scalar)
		case kind == "aggregate":
			lib.note(name, sqltree.Aggregate)
		}
	})
	slices.SortFunc(macros, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, m := range macros { // all else is known now
		lib.macro(m[0], m[1])
	}
	lib.kinds["count_star"] = sqltree.Aggregate
	return lib, err
}

func (lib *library) note(name string, k sqltree.Kind) {
	name = strings.ToLower(name)
	lib.kinds[name] = max(lib.kinds[name], k)
}

// macro notes what a macro is by its definition, as DuckDB parses it; else it stays unknown.
func (lib *library) macro(name, tree string) {
	var answer struct {
		Statements []json.RawMessage `json:"statements"`
	}
	if json.Unmarshal([]byte(tree), &answer) != nil || len(answer.Statements) != 1 {
		return
	}
	q, err := sqltree.Parse(answer.Statements[0])
	switch {
	case err != nil:
	case q.Aggregates(lib.kinds):
		lib.note(name, sqltree.Aggregate)
	default:
		lib.note(name, sqltree.Scalar)
	}
}

// origins says where the columns of the result come from.
func (q query) origins(x *syntax, in []*arrow.Schema, out *arrow.Schema) *pipeline.Origins {
	tables := make([]sqltree.Table, len(in))
	for i, name := range q.inputs {
		tables[i] = sqltree.Table{Name: name, Schema: in[i]}
	}
	return x.tree.Origins(tables, x.library.kinds, pipeline.ColumnNames(out))
}
