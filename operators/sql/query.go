package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sqltree"
	"github.com/penstock-data/penstock/pipeline"
)

// Query names the stage's inputs, in order, as tables. The text is a single SELECT, or
// WITH … SELECT, in DuckDB's dialect. It is run by one thread: with several, rows that are
// equal in its ORDER BY, sums of floats, and much else would come out otherwise each time.
// Types: a HUGEINT, such as
// a sum of integers, is given as decimal(38, 0); cast it with ::BIGINT.
//
//	Query(t, …, text) → the result of one SELECT over the inputs
func Query(text string, inputs ...string) pipeline.Operator {
	return query{strings.TrimRight(strings.TrimSpace(text), "; \n\t"), inputs}
}

type query struct {
	text   string
	inputs []string
}

func (q query) String() string {
	return fmt.Sprintf("sql over %s:\n%s", strings.Join(q.inputs, ", "), q.text)
}

func (q query) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	if len(in) != len(q.inputs) {
		return nil, pipeline.Errorf(pipeline.Invalid, "sql names %d inputs, the stage has %d", len(q.inputs), len(in))
	}
	tree, err := parsed.get(q.text, func() (*syntax, error) { return parse(q.text) })
	if err != nil {
		return nil, err
	}
	st := &statement{query: q.text, inputs: q.inputs, schema: in}
	b, err := st.bind(tree.reads(in))
	if err != nil {
		return nil, err
	}
	if b.Origins, err = q.origins(tree, in, b.Schema); err != nil {
		return nil, err
	}
	b.Follows = func() { st.follow(tree, b) }
	for _, f := range b.Schema.Fields() {
		if d, ok := f.Type.(*arrow.Decimal128Type); ok && d.Precision == 38 && d.Scale == 0 {
			b.Notes = append(b.Notes, fmt.Sprintf("column %s is a decimal(38, 0), as sums of integers are; cast it with ::BIGINT if it fits", f.Name))
		}
	}
	return b, nil
}

// Unsure implements pipeline.Unsure.
func (q query) Unsure() string {
	tree, err := parsed.get(q.text, func() (*syntax, error) { return parse(q.text) })
	if err != nil {
		return "" // it does not run either
	}
	return tree.unsure()
}

// syntax is what is known of a query from its parse.
type syntax struct {
	names   []string // of columns that stand in it anywhere, in lower case
	all     bool     // it may read columns that it does not name
	ordered bool
	tree    sqltree.Query
	// statement is the tree as DuckDB gives it.
	statement []byte
	doubts
}

// parsed remembers what is known of queries, by their text.
var parsed remembered[*syntax]

// parse has DuckDB parse the text, which must be one SELECT.
func parse(text string) (*syntax, error) {
	known, err := catalog.get("", askFunctions)
	if err != nil {
		return nil, err
	}
	s, err := openSession(nil, 1)
	if err != nil {
		return nil, err
	}
	x, err := s.parse(text, known)
	return x, firstOf(err, s.close())
}

func (s *session) parse(text string, known *functions) (*syntax, error) {
	var tree string
	err := s.each(context.Background(), "SELECT json_serialize_sql("+literal(text)+")::VARCHAR", func(t string) { tree = t })
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error      bool              `json:"error"`
		Message    string            `json:"error_message"`
		Statements []json.RawMessage `json:"statements"`
	}
	if err := json.Unmarshal([]byte(tree), &answer); err != nil {
		return nil, err
	}
	if answer.Error {
		return nil, notSelect(answer.Message)
	}
	if len(answer.Statements) != 1 {
		return nil, pipeline.Errorf(pipeline.Invalid, "sql takes one SELECT, found %d statements", len(answer.Statements))
	}
	var statement struct {
		Node map[string]any `json:"node"`
	}
	if err := json.Unmarshal(answer.Statements[0], &statement); err != nil {
		return nil, err
	}
	x := &syntax{statement: answer.Statements[0], doubts: doubts{volatile: known.volatile}}
	x.walk(statement.Node)
	if modifiers, ok := statement.Node["modifiers"].([]any); ok {
		for _, m := range modifiers {
			if m, ok := m.(map[string]any); ok && m["type"] == "ORDER_MODIFIER" {
				x.ordered = true
			}
		}
	}
	x.tree, err = sqltree.Parse(withTexts(s, answer.Statements[0]))
	return x, err
}

func notSelect(msg string) error {
	if strings.Contains(msg, "Only SELECT statements") {
		return pipeline.Errorf(pipeline.Invalid, "sql takes a SELECT, and nothing else").
			With("writing is done by the stage's output, reading by its sources")
	}
	return pipeline.Errorf(pipeline.Invalid, "%s", lowerFirst(firstLine(msg)))
}

// walk collects the names of columns. Whatever may stand for columns without naming
// them makes the query read all.
func (x *syntax) walk(node any) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			x.walk(child)
		}
	case map[string]any:
		switch n["class"] {
		case "STAR", "POSITIONAL_REFERENCE":
			x.all = true
		case "COLUMN_REF":
			x.add(n["column_names"])
		}
		x.doubt(n)
		if n["ref_type"] == "NATURAL" || n["type"] == "PIVOT" || n["type"] == "SHOW_REF" {
			x.all = true
		}
		x.add(n["using_columns"])
		for _, child := range n {
			x.walk(child)
		}
	}
}

func (x *syntax) add(names any) {
	list, _ := names.([]any)
	for _, name := range list {
		if s, ok := name.(string); ok {
			x.names = append(x.names, strings.ToLower(s))
		}
	}
}

// reads are the columns that the query may read; nil means all. A column is counted
// if its name stands anywhere, and all are if a table's name is used as a value.
func (x *syntax) reads(in []*arrow.Schema) []pipeline.Column {
	if x.all {
		return nil
	}
	reads := []pipeline.Column{}
	known := map[string]bool{}
	for i, schema := range in {
		for j, f := range schema.Fields() {
			known[strings.ToLower(f.Name)] = true
			if slices.Contains(x.names, strings.ToLower(f.Name)) {
				reads = append(reads, pipeline.Column{Input: i, Index: j})
			}
		}
	}
	return reads
}
