package pipeline

// ColumnLineage says which input columns a column of an output comes from.
type ColumnLineage struct {
	Column string `json:"column"`
	// From are the input columns that decide its values, sorted by input, column and way. It
	// is empty for a constant, and where Unknown is set.
	From []ColumnOrigin `json:"from,omitempty"`
	// Unknown says why it can't be told what the column comes from; empty where it can.
	Unknown string `json:"unknown,omitempty"`
	// Tags are those of the column itself, and of the columns whose values it has.
	Tags []string `json:"tags,omitempty"`
}

// ColumnOrigin is a column of an input, and what it does to the output.
type ColumnOrigin struct {
	// Input is the name of a source or stage, as InputRecord has it.
	Input  string `json:"input"`
	Column string `json:"column"`
	How    Way    `json:"how"`
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
