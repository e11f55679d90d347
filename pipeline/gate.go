package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Verdict is the outcome of one rule. Only Pass and Warn let a partition through.
type Verdict string

// The verdicts.
const (
	Pass                Verdict = "pass"
	Warn                Verdict = "warn"
	Fail                Verdict = "fail"
	ErrorVerdict        Verdict = "error" // the rule could not be evaluated
	NoData              Verdict = "no_data"
	InsufficientHistory Verdict = "insufficient_history"
	Skipped             Verdict = "skipped"
)

// Passes reports whether a blocking rule with this verdict lets data through. It
// is the only place that decides so.
func (v Verdict) Passes() bool { return v == Pass || v == Warn }

// Severity says what a rule that does not pass does.
type Severity string

// The severities.
const (
	Block        Severity = "block"
	SeverityWarn Severity = "warn"
)

// A Finding is the outcome of one rule on one partition, as data.
type Finding struct {
	Stage    string   `json:"stage"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Verdict  Verdict  `json:"verdict"`
	// DecidedBy is the highest rung of the evidence ladder that was needed: "schema",
	// "stored states", "footer", "dictionary", "page index" or "scan"; "counts" of
	// Conservation.
	DecidedBy string `json:"decided_by"`
	// Of Groups units that were known before they were read (row groups), the rule had to
	// read GroupsRead; BytesRead is about what its columns take of the rows that were read,
	// in the files, and what was read of indexes and dictionaries.
	Groups     int64 `json:"groups,omitempty"`
	GroupsRead int64 `json:"groups_read,omitempty"`
	BytesRead  int64 `json:"bytes_read,omitempty"`
	// Rows the rule tested, rows that broke it, rows whose outcome was null.
	RowsTested int64 `json:"rows_tested"`
	RowsFailed int64 `json:"rows_failed"`
	RowsNull   int64 `json:"rows_null"`
	// RowsQuarantined are those of the failed rows that were put aside.
	RowsQuarantined int64 `json:"rows_quarantined,omitempty"`
	// Observed and Expected are for people: "6 rows", "at least 1000".
	Observed string `json:"observed"`
	Expected string `json:"expected"`
	// Rule is the text of the rule, At its place in the pipeline file.
	Rule string `json:"rule"`
	At   Pos    `json:"at,omitzero"`
	// Kind is the check's name in a pipeline file: "rows", "expect", "not_null".
	Kind        string   `json:"kind,omitempty"`
	Description string   `json:"description,omitempty"`
	Owner       string   `json:"owner,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	// Detail is the reason of an error, and the like.
	Detail []string `json:"detail,omitempty"`
	// Samples are the first rows that failed, Blame the files that the failures come
	// from, the worst first, ByGroup the groups that failed; each is bounded.
	Samples []RowSample    `json:"samples,omitempty"`
	Blame   []Blame        `json:"blame,omitempty"`
	ByGroup []GroupFinding `json:"by_group,omitempty"`
	// Groups that were judged, and those of them that failed, of a rule with `by`.
	GroupsJudged int64 `json:"groups_judged,omitempty"`
	GroupsFailed int64 `json:"groups_failed,omitempty"`
	// Measures are the metrics the rule is about, by their texts in RunRecord.Measures.
	Measures []string `json:"measures,omitempty"`
	// Approved says who let the partition through in spite of the verdict; may be nil.
	Approved *Approval `json:"approved,omitempty"`
}

// Blocks reports whether the finding keeps its partition from being published, unless
// somebody approved of it.
func (f Finding) Blocks() bool { return f.Severity != SeverityWarn && !f.Verdict.Passes() }

// A Judge is the gates of one stage, as a description; package gates has the one
// that ships. Its String is canonical and goes into the gate fingerprint.
type Judge interface {
	fmt.Stringer
	// Inputs names the sources and stages the rules look things up in.
	Inputs() []string
	// Bind types every rule against the schema of what the gates see. All problems
	// are reported at once.
	Bind(schema *arrow.Schema, around Surroundings) (*BoundJudge, error)
}

// Surroundings are what a judge is told of the pipeline when it is bound. The zero value
// is a pipeline of which nothing is known.
type Surroundings struct {
	// Inputs gives the schema of another source or stage, or nil.
	Inputs func(name string) *arrow.Schema
	// Partition is the one that is judged, Now the time of the run.
	Partition Partition
	Now       time.Time
	// Key are the columns that name a row of the stage, as the user says; may be empty.
	Key []string
	// Published says that the stage has an output, beside which states are kept.
	Published bool
}

// BoundJudge is a judge typed against a schema.
type BoundJudge struct {
	// Reads are the columns (by index) the rules need. Where Quarantines is set,
	// every column is needed.
	Reads []int
	// Coded are those of Reads that a witness may be given as dictionaries of their type.
	Coded []int
	// Key are the columns that name a row: those of Surroundings, or those that the rules want
	// unique; may be empty.
	Key []string
	// Quarantines says that failing rows are put aside: with all their columns, the
	// reasons, and where they came from.
	Quarantines bool
	// Aside are the columns of the rules that put rows aside, by index.
	Aside []int
	// Inputs are the sources or stages whose rows the rules refer to. They become
	// edges of the graph.
	Inputs []JudgeInput
	// Open starts the gates of one partition.
	Open func(ctx context.Context, h Hearing) (Court, error)
	// Rules has a line for each rule, for explain.
	Rules []string
	// Notes are remarks for explain and validate.
	Notes []string
	// Slow are remarks for explain alone: what falls back to a slow path, and why.
	Slow []string
}

// JudgeInput is a source or stage that rules refer to, with the columns they read of it.
type JudgeInput struct {
	Input   string
	Columns []string
}

// Hearing is what the gates of one partition are opened with.
type Hearing struct {
	Env *Env
	// Lookups has, for each of BoundJudge.Inputs, its rows and files.
	Lookups []Lookup
	// Stored, if not nil, are the states by name that Court.Judge gave when it saw just the
	// rows that will come; every witness is asked what it knows then.
	Stored map[string]json.RawMessage
	// Past gives what was published of the partitions before this one, the latest first;
	// nil where nothing is.
	Past iter.Seq2[*Manifest, error]
	// Accepted gives what was published last of the dataset, whatever the partition, or nil.
	// Nil is nothing. To find it takes time: it is asked only where a rule needs it.
	Accepted func() (*Manifest, error)
	// Again says that Court.Judge may read the rows again.
	Again bool
}

// Lookup is a source or stage that rules refer to. Reader is closed by who opened it.
type Lookup struct {
	Reader Reader
	Files  []File
}

// Judgement is what a court says of a partition.
type Judgement struct {
	Findings []Finding
	// States are what rules and metrics found of the rows that stay, by name, for the
	// manifest; Measures the same for people.
	States   map[string]json.RawMessage
	Measures []Measure
}

// A Court judges one partition at one stage. If it is an io.Closer it is closed at the end of
// the run, whether it came to judge or not.
type Court interface {
	// Unit starts the state of one unit of work. It is called concurrently.
	Unit(Unit) Witness
	// Merge takes in the state of a unit that is done. It is called in the order
	// of the units, by one goroutine.
	Merge(Witness) error
	// Judge gives a finding for each rule. again reads columns (by index) of the rows that
	// stay a second time; nil where that can't be done.
	Judge(ctx context.Context, again func(ctx context.Context, columns []int) (Reader, error)) (*Judgement, error)
}

// A Witness sees the rows of one unit.
type Witness interface {
	// Know takes in what is known of the rows before any is read, at most once and before
	// Observe, and says what has to be read all the same. Without it, everything has to.
	Know(ctx context.Context, k *Known) Doubt
	// Observe looks at a batch, which it borrows, and says which rows are put aside. Of
	// the batch only the columns in doubt, and only rows in doubt, are there: the others
	// may not be looked at. at says where in the unit each row stands; nil if that is not
	// known.
	Observe(ctx context.Context, in arrow.RecordBatch, at []int32) (*Sifted, error)
}

// Sifted is what a witness says of the rows of a batch; nil: all go on.
type Sifted struct {
	// Keep has an entry for each row.
	Keep []bool
	// Why has the reasons, for each row that does not go on.
	Why []string
}

// Known is what is known of the rows of a unit before they are read. Columns are named by
// their index in the schema the judge was bound to. Facts of a column that is computed are
// the zero Facts.
type Known struct {
	// Rows is how many there are, or -1 if some of them may not come.
	Rows int64
	// Facts are what the metadata in memory says, ByDictionary with what a dictionary says.
	// It gives the bytes that had to be read for it, 0 if they were before.
	Facts        func(column int) Facts
	ByDictionary func(column int) (f Facts, read int64)
	// Pages cuts the rows into parts, about each of which more is known of the columns; nil
	// where rows can't be read one without the other.
	Pages func(columns []int) (parts []KnownPart, read int64)
	// Bytes is how many bytes of the file a column takes.
	Bytes func(column int) int64
}

// KnownPart is some consecutive rows, with what is known of them.
type KnownPart struct {
	Rows  int64
	Facts func(column int) Facts
}

// Doubt is what a witness can't say without reading. The zero Doubt is none.
type Doubt struct {
	// Any says that there is a doubt: some rule, perhaps of no column, has to see the rows.
	Any bool
	// Columns are what has to be read.
	Columns []int
	// Rows marks the rows in doubt; nil: all. Every other row goes on.
	Rows []bool
	// Sifts says that rows in doubt may be put aside.
	Sifts bool
}
