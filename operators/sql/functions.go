package sql

import (
	"context"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sqltree"
	"github.com/penstock-data/penstock/pipeline"
)

// functions are what DuckDB says of its functions.
type functions struct {
	// kinds tells those that make one value of many rows from the others.
	kinds sqltree.Functions
	// volatile are those that give something else each time or, as a clock, in each run. Some
	// are written like columns, and are not among DuckDB's.
	volatile []string
}

// catalog remembers them.
var catalog remembered[*functions]

// askFunctions lists the functions. It takes DuckDB some 20 ms, so that it is asked once.
func askFunctions() (*functions, error) {
	s, err := openSession(nil, 1)
	if err != nil {
		return nil, err
	}
	f := &functions{
		kinds:    sqltree.Functions{"count_star": sqltree.Aggregate},
		volatile: []string{"current_timestamp", "current_time", "localtime", "localtimestamp", "current_localtime", "current_localtimestamp"},
	}
	macros := map[string]string{} // what they are short for
	err = s.each(context.Background(), `SELECT concat_ws(chr(31), function_type, lower(function_name),
			stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY'), replace(macro_definition, chr(31), ' '))
		FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro') AND schema_name = 'main'`, func(text string) {
		parts := append(strings.Split(text, "\x1f"), "", "", "")
		kind, name := parts[0], parts[1]
		if parts[2] == "true" {
			f.volatile = append(f.volatile, name)
		}
		switch kind {
		case "aggregate":
			f.kinds[name] = sqltree.Aggregate
		case "macro":
			macros[name] += parts[2] + " " + parts[3] + "\n" // there is no stability of a macro
		default:
			f.kinds[name] = max(f.kinds[name], sqltree.Scalar)
		}
	})
	f.follow(macros)
	return f, firstOf(err, s.close())
}

// follow tells what macros are, of which one may be short for another.
func (f *functions) follow(macros map[string]string) {
	for again := true; again; {
		again = false
		for name, text := range macros {
			if k := f.macro(text); k > f.kinds[name] {
				f.kinds[name], again = k, true
			}
		}
	}
}

var calledName = regexp.MustCompile(`([a-z_0-9]+)"?\(`)

// macro tells what a macro of DuckDB's own is by the functions that it is short for; of one that
// asks a table nothing is known.
func (f *functions) macro(text string) (kind sqltree.Kind) {
	text = strings.ToLower(text)
	if strings.Contains(text, "select ") {
		return 0
	}
	kind = sqltree.Scalar
	for _, m := range calledName.FindAllStringSubmatch(text, -1) {
		kind = max(kind, f.kinds[m[1]])
	}
	return kind
}

// origins says where the columns of the result come from.
func (q query) origins(x *syntax, in []*arrow.Schema, out *arrow.Schema) (*pipeline.Origins, error) {
	known, err := catalog.get("", askFunctions)
	if err != nil {
		return nil, err
	}
	tables := make([]sqltree.Table, len(in))
	for i, name := range q.inputs {
		tables[i] = sqltree.Table{Name: name, Schema: in[i]}
	}
	return x.tree.Origins(tables, known.kinds, pipeline.ColumnNames(out)), nil
}
