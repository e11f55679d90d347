package pipeline

import "strings"

// RowsRule says what an operator does to the number of rows. It is held to it: see
// Conservation.
type RowsRule string

// The rules.
const (
	// RowsSame gives as many rows as come in, of all inputs together. It is what an operator
	// does that says nothing.
	RowsSame RowsRule = ""
	// RowsFewer may leave rows out; they are counted as filtered.
	RowsFewer RowsRule = "fewer"
	// RowsOther gives another number by nature: a join, an aggregate.
	RowsOther RowsRule = "other"
)

// rowsRule is what a bound operator does to the number of rows.
func (b *Bound) rowsRule() RowsRule {
	switch {
	case b.Keep != nil:
		return RowsFewer
	case b.Same != nil:
		return RowsSame
	}
	return b.Rows
}

// OperatorRecord is what an operator, or filters one after the other, did to the number of
// rows in a run.
type OperatorRecord struct {
	// Name is the text, cut to a line.
	Name string `json:"name"`
	// Rows is what it may do to the number of rows; empty: nothing.
	Rows    RowsRule `json:"rows,omitempty"`
	RowsIn  int64    `json:"rows_in"`
	RowsOut int64    `json:"rows_out"`
}

// Short is the first word of the name: join, sql.
func (o OperatorRecord) Short() string {
	if words := strings.Fields(o.Name); len(words) > 0 {
		return words[0]
	}
	return "an operator"
}
