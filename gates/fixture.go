package gates

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// Fixture is made-up rows, and whether a rule has to pass or to fail on them. A column that
// a row leaves out is null.
//
// Values are nil, bool, string, integers, floats, time.Time, and []any for lists. Dates and
// times may be texts, as "2001-01-31" and "2001-01-31T09:00:00Z".
type Fixture struct {
	// Name is what messages call it; empty: its place among the rule's fixtures.
	Name string
	Fail bool
	Rows []map[string]any
	// Inputs are the rows of other sources and stages that the rule refers to, by name; one
	// that is not named has no row.
	Inputs map[string][]map[string]any
	// Past are the rows of past partitions, the oldest first, for rules with history.
	Past [][]map[string]any
	// Partition is the one that is judged; empty: that of the surroundings.
	Partition string
	// At is where the fixture is written, Places where its values are, as far as known.
	At     pipeline.Pos
	Places map[Place]pipeline.Pos
}

// Place names a value of a fixture: its row, counted from 0, and column. Of the rows of an
// input, Input is the name; of those of past partition i, counted from 0, Past is i+1.
type Place struct {
	Input  string
	Past   int
	Row    int
	Column string
}

// table is rows of a fixture on their way to be a batch.
type table struct {
	fixture *Fixture
	of      Place // with Row and Column left out
	rows    []map[string]any
}

// batch makes the rows a batch of the schema, which holds no dictionary. All values that do
// not fit are reported at once.
func (t table) batch(schema *arrow.Schema, alloc memory.Allocator) (arrow.RecordBatch, error) {
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	var errs pipeline.Errors
	for i, row := range t.rows {
		for name := range row {
			if !schema.HasField(name) {
				errs = append(errs, t.bad(i, name, pipeline.Unknown("column", name, pipeline.ColumnNames(schema))))
			}
		}
		for c, f := range schema.Fields() {
			if err := appendValue(b.Field(c), f.Type, row[f.Name]); err != nil {
				errs = append(errs, t.bad(i, f.Name, fmt.Sprintf("column %s: %v", f.Name, err)))
			}
		}
	}
	if len(errs) > 0 {
		return nil, errs.Err()
	}
	cols := make([]arrow.Array, schema.NumFields())
	for c := range cols {
		cols[c] = b.Field(c).NewArray()
		defer cols[c].Release()
	}
	return array.NewRecordBatch(schema, cols, int64(len(t.rows))), nil
}

func (t table) bad(row int, column, what string) error {
	at := t.of
	at.Row, at.Column = row, column
	e := &pipeline.Error{Kind: pipeline.Invalid, At: t.fixture.Places[at], Msg: fmt.Sprintf("fixture %q: row %d: %s", t.fixture.Name, row+1, what)}
	if e.At == (pipeline.Pos{}) {
		e.At = t.fixture.At
	}
	return e
}

// plainSchema is the schema without dictionaries: how values are kept does not matter here.
func plainSchema(s *arrow.Schema) *arrow.Schema {
	if s == nil {
		return nil
	}
	fields := s.Fields()
	plain := make([]arrow.Field, len(fields))
	for i, f := range fields {
		plain[i] = f
		plain[i].Type = pipeline.ValueType(f.Type)
	}
	return arrow.NewSchema(plain, nil)
}
