package pipeline

import "cmp"

// ColumnLineage says which input columns a column of an output comes from.
type ColumnLineage struct {
	Column string `json:"column"`
	// From are the input columns that decide its values, sorted by input, column and way. It
	// is empty for a constant, and where Unknown is set.
	From []ColumnOrigin `json:"from,omitempty"`
	// Unknown says why it can't be told what the column comes from; empty where it can.
	Unknown string `json:"unknown,omitempty"`
	// By are the operators that made it of them, first to last; empty where none did more than
	// hand it on.
	By []ColumnStep `json:"by,omitempty"`
	// Tags are those of the column itself, and of the columns whose values it has.
	Tags []string `json:"tags,omitempty"`
	// Untagged are tags that such columns have and it has not: a stage took them off.
	Untagged []Untagged `json:"untagged,omitempty"`
}

// ColumnStep is an operator that made a column, and how: "mean_delay = mean(delay)".
type ColumnStep struct {
	Stage string `json:"stage"`
	How   string `json:"how"`
}

// Untagged is a tag that a stage, or a source, took off a column, and why.
type Untagged struct {
	Tag    string `json:"tag"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// ColumnTags are what a source or a stage says of the tags of one of its columns.
type ColumnTags struct {
	// Tags are put on the column, beside those that come with its values.
	Tags []string
	// Untag takes tags off that came with its values, and says of each why.
	Untag map[string]string
}

// Lineage is what is known of the columns that leave a stage.
type Lineage struct {
	// Columns has an entry for each column.
	Columns []ColumnLineage
	// RowsBy are the columns that decide which rows there are, and in which order, and
	// RowsUnknown says why some of them may be missing; empty where none is.
	RowsBy      []ColumnOrigin
	RowsUnknown string
}

// ColumnOrigin is a column of an input, and what it does to the output.
type ColumnOrigin struct {
	// Input is the name of a source or stage, as InputRecord has it.
	Input  string `json:"input"`
	Column string `json:"column"`
	How    Way    `json:"how"`
}

// Compare orders origins by input, column and way.
func (o ColumnOrigin) Compare(other ColumnOrigin) int {
	return cmp.Or(cmp.Compare(o.Input, other.Input), cmp.Compare(o.Column, other.Column), cmp.Compare(o.How, other.How))
}

// Way is how an input column has to do with the output.
type Way string

// The ways. The first four hand values on; a column of the others has no value in the output,
// but decides which rows there are, in which order, or which value is taken.
const (
	Copied      Way = "copied"
	Renamed     Way = "renamed"
	Computed    Way = "computed"
	Aggregated  Way = "aggregated"
	Filtered    Way = "filter"
	Joined      Way = "join"
	GroupedBy   Way = "group_by"
	SortedBy    Way = "sort"
	Windowed    Way = "window"
	Conditional Way = "conditional"
)

// Direct reports whether values of the column are in the output, as they are or computed with.
func (w Way) Direct() bool {
	return w == Copied || w == Renamed || w == Computed || w == Aggregated
}

// Origins is what an operator says of the columns that leave it.
type Origins struct {
	// Columns has an entry for each column of Bound.Schema.
	Columns []Origin
	// Rows are the columns that decide which rows leave, and in which order.
	Rows Origin
}

// Origin is where the values of a column come from, or by what the rows are chosen.
type Origin struct {
	// From is empty for a constant, and for what is only counted.
	From []Use
	// Text is how the operator writes the column: "late = delay > 15". Empty: as it writes
	// itself.
	Text string
	// Unknown says why it can't be told; empty where it can.
	Unknown string
}

// Use is an input column of an operator, and what it does to what leaves it.
type Use struct {
	Column
	How Way
}
