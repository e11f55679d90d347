package sql

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sqltree"
	"github.com/penstock-data/penstock/pipeline"
)

// functions remembers what DuckDB says of its functions.
var functions remembered[sqltree.Functions]

// askFunctions lists the functions that may be called, and tells those that make one value of
// many rows. A macro is what its definition is.
func askFunctions() (sqltree.Functions, error) {
	s, err := openSession(nil, 1)
	if err != nil {
		return nil, err
	}
	known := sqltree.Functions{}
	note := func(text string) {
		kind, name, _ := strings.Cut(text, " ")
		k := sqltree.Scalar
		if kind == "aggregate" {
			k = sqltree.Aggregate
		}
		known[strings.ToLower(name)] = max(known[strings.ToLower(name)], k)
	}
	macro := func(text string) {
		name, tree, _ := strings.Cut(text, " ")
		var answer struct {
			Statements []json.RawMessage `json:"statements"`
		}
		if json.Unmarshal([]byte(tree), &answer) != nil || len(answer.Statements) != 1 {
			return // it stays unknown
		}
		q, err := sqltree.Parse(answer.Statements[0])
		switch {
		case err != nil:
		case q.Aggregates(known):
			note("aggregate " + name)
		default:
			note("scalar " + name)
		}
	}
	ctx := context.Background()
	err = firstOf(
		s.each(ctx, "SELECT DISTINCT function_type || ' ' || function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate')", note),
		s.each(ctx, `SELECT function_name || ' ' || json_serialize_sql('SELECT ' || macro_definition)::VARCHAR
			FROM duckdb_functions() WHERE function_type = 'macro' AND schema_name = 'main'`, macro),
	)
	known["count_star"] = sqltree.Aggregate
	return known, firstOf(err, s.close())
}

// origins says where the columns of the result come from.
func (q query) origins(x *syntax, in []*arrow.Schema, out *arrow.Schema) (*pipeline.Origins, error) {
	known, err := functions.get("", askFunctions)
	if err != nil {
		return nil, err
	}
	tables := make([]sqltree.Table, len(in))
	for i, name := range q.inputs {
		tables[i] = sqltree.Table{Name: name, Schema: in[i]}
	}
	return x.tree.Origins(tables, known, pipeline.ColumnNames(out)), nil
}
