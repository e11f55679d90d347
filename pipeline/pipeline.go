package pipeline

// A Pipeline is a graph of stages over one partition scheme.
type Pipeline struct {
	// Name identifies the pipeline in its project: letters, digits, "_" and "-".
	Name string
	// Partitions says how its datasets are cut. The zero value: not at all.
	Partitions Scheme
	// Lookback is how many of the newest partitions late data open again; 0: all.
	Lookback int
	// Params are named values with their defaults, used as ${name} in YAML.
	Params map[string]string
	// Sources are the inputs from outside, in order.
	Sources []NamedSource
	// Stages are in any order; the graph decides which is run first.
	Stages []Stage
	// Night is what is reported of a reconciliation, and who is told. Nil: nothing, nobody. It makes
	// nothing stale.
	Night *Night
	// File is where the pipeline was read, or empty.
	File string
	// Texts are what it was read from: File, and then files that it names.
	Texts []Text
}

// Text is a file that a pipeline was read from: its path as it is named, and what was in it.
type Text struct {
	Path string
	Text []byte
}

// Depth is how deep lineage goes. Datasets, partitions, files and columns are always on record.
type Depth string

// The depths that can be chosen.
const (
	// UsualDepth records nothing beyond that.
	UsualDepth Depth = ""
	// RowDepth records of each row of the output which rows of the inputs it came from.
	RowDepth Depth = "rows"
)

// NamedSource is a source with the name by which stages refer to it.
type NamedSource struct {
	Name   string
	Source Source
	// Columns are tags of its columns, by their names; may be nil.
	Columns map[string]ColumnTags
	// At is where it is written, if it is.
	At Pos
}

// Reads says what the source reads of a partition, as it stands on record: by other clocks than
// UTC the same words mean other rows.
func (s NamedSource) Reads(p Partition) string {
	text := s.Source.String()
	if zone := orUTC(p.zone).String(); zone != "UTC" {
		text += " in " + zone
	}
	return text
}

// A Stage carries its inputs through a chain of operators and has the result
// judged, and published if it has an output.
type Stage struct {
	// Name identifies the stage in its pipeline.
	Name string
	// From names the inputs, sources or stages, in the order in which the first
	// operator takes them.
	From []string
	// Operators are applied in order.
	Operators []Operator
	// Gates judge what leaves the last operator. Nil: nothing is judged.
	Gates Judge
	// Key are the columns that name a row, for messages; may be empty.
	Key []string
	// Output is where the result is published. Nil: it only feeds other stages.
	Output *Output
	// Lineage is how deep it is recorded what the rows of the output came from.
	Lineage Depth
	// Description, Owner and Tags are for people and for selection.
	Description string
	Owner       string
	Tags        []string
	// Columns are tags of the columns that leave the stage, by their names; may be nil.
	Columns map[string]ColumnTags
	// At is where the stage is written; OperatorsAt has a place for each operator.
	At          Pos
	OperatorsAt []Pos
}
