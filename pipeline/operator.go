package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// An Operator is a description of one step: it holds no open file, runs no
// goroutine, and may be bound often. Its String is canonical: two operators that
// do the same have the same text, and it goes into the stage's fingerprint.
type Operator interface {
	fmt.Stringer
	// Bind types the operator against the schemas of its inputs. It does no I/O on
	// data. Only the first operator of a stage may be given more than one input.
	Bind(in ...*arrow.Schema) (*Bound, error)
}

// A Narrower is an operator that names columns it can do without: dropped,
// renamed or derived ones that nobody needs any more.
type Narrower interface {
	Operator
	// Narrow gives the operator for an input from which columns that nobody needs
	// were left out. It is called only after Bind accepted the whole input.
	Narrow(in *arrow.Schema) Operator
}

// Bound is an operator typed against its inputs. Exactly one of Each, Keep, Stream and Scan
// is set.
type Bound struct {
	// Schema is what leaves the operator.
	Schema *arrow.Schema

	// From names, for each column of Schema, the input columns its values come
	// from. Nil means every column may depend on every other.
	From [][]Column
	// Reads are the input columns that decide which rows leave, or in which order:
	// a filter's, a join's or a sort's.
	Reads []Column

	// Origins says where each column of Schema comes from, and what decides which rows leave,
	// for lineage. Nil: it is taken from Same and from From, whose columns then are computed,
	// and unknown where there is neither.
	Origins *Origins

	// Each opens a stateless operator for one unit of work. Calls for different
	// units run concurrently; the function returned is called by one goroutine, in
	// the order of the unit's batches, and keeps no row from one unit for another.
	Each func(Unit) (BatchFunc, error)

	// Same says, of an operator with Each that gives each row that comes in, in its place,
	// for each column of Schema which input column it is, handed on as it came, or -1. Nil
	// says nothing of rows or columns.
	Same []int

	// Keep opens an operator that leaves rows out and changes nothing else, as Each does.
	Keep func(Unit) (KeepFunc, error)
	// Coded says that the columns an operator with Keep reads may come as dictionaries of
	// their type.
	Coded bool
	// Proves reports what is certain, of rows of which something is known, of an operator
	// with Keep: that none of them leaves, or that all do, and that none of them is an error,
	// which goes with either. rows is -1 where it is not known how many. Nil is never certain.
	Proves func(rows int64, facts func(column int) Facts) (none, all, safe bool)

	// Stream consumes its inputs whole, in order, and gives one stream: a blocking
	// operator. It owns the inputs and closes them.
	Stream func(ctx context.Context, env *Env, in ...Reader) (Reader, error)

	// Scan is Stream of an operator that reads its inputs more than once, or several splits at a
	// time: InOrder does that. The schema of each input is what the operator was bound to, and
	// its splits can be opened until the reader that is returned is closed. Each split has to be
	// read whole, all its rows of whatever columns, at least once: see Conservation. Its rows
	// can't be followed.
	Scan func(ctx context.Context, env *Env, in ...*Input) (Reader, error)

	// Carry binds an operator with Stream for inputs that have place columns behind their own:
	// see PlaceField. Its rows leave with those that they came in with. Gather is the same of
	// an operator that makes each row of several. Where both are nil the operator does not tell
	// which rows its rows come from, and Opaque may say why.
	Carry  func(in ...*arrow.Schema) (*Bound, error)
	Gather func(in ...*arrow.Schema) (GatherFunc, error)
	Opaque string
	// Follows, where it is set, sets one of the three. It is called once, and only where rows are to
	// be followed: of an operator for which it takes long to know.
	Follows func()

	// Rows says what the operator does to the number of rows; one with Same or Keep need not.
	// An operator that does something else blocks its stage.
	Rows RowsRule

	// Notes are remarks for explain: what falls back to a slow path, and why.
	Notes []string
}

// A BatchFunc turns one batch into one. It borrows its argument and returns a
// batch that the caller releases; to pass a batch on it retains it.
type BatchFunc func(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error)

// A KeepFunc says which rows of a batch, which it borrows, go on; nil is all.
type KeepFunc func(ctx context.Context, in arrow.RecordBatch) ([]bool, error)

// A GatherFunc is Stream of an operator that makes each row of several. Before it returns it
// calls members with batches of int64 columns: which row that leaves, counted from 0 and never
// less than before, and the place columns of a row that it is made of.
type GatherFunc func(ctx context.Context, env *Env, members func(arrow.RecordBatch) error, in ...Reader) (Reader, error)

// Column is the place of an input column: which input, which column of it.
type Column struct{ Input, Index int }

// Unit is the share of a stage's input that one worker carries through the whole
// chain: a row group, a file, a byte range, or a run of batches of a stream.
type Unit struct {
	// Seq counts the units of a stage from 0, the same for any number of workers.
	Seq int
	// Name says where the rows come from, for messages: "a.parquet: row group 3".
	Name string
	// File is the file the rows are in, and First the place of the first of them there,
	// counted from 0; empty and -1 where that is not known.
	File  string
	First int64
	// Env is what the run offers to all its operators.
	Env *Env

	origin func(at int32) (source string, row int64) // Split.Origin
}

// RowAt is the place in the unit's file of the row that stands at at[i] of the unit; -1
// where it is not known.
func (u Unit) RowAt(at []int32, i int) int64 {
	if at == nil || u.First < 0 {
		return -1
	}
	return u.First + int64(at[i])
}

// Origin is where the row that stands at at[i] of the unit came from: the name of the unit
// and RowAt, or what Split.Origin says.
func (u Unit) Origin(at []int32, i int) (source string, row int64) {
	if u.origin != nil && at != nil {
		return u.origin(at[i])
	}
	return u.Name, u.RowAt(at, i)
}

// RecordedFile is a file of record.
type RecordedFile struct {
	// Digests are the hex SHA-256 of what may be in it.
	Digests []string
	// Stands says that it has to be there; else it was announced, and perhaps never written.
	Stands bool
	// Later says that it came after the run that is made again, which does without it.
	Later bool
}

// Env is what a run offers to sources, operators and sinks.
type Env struct {
	// Partition is the partition that is computed.
	Partition Partition
	// Params are the pipeline's parameters, resolved.
	Params map[string]string
	// Dir is the directory against which relative paths are read.
	Dir string
	// Temp is a private directory for spilling, removed when the run ends.
	Temp string
	// Workers is the number of units carried at once, at least 1.
	Workers int
	// Memory is the budget of the run.
	Memory *Budget
	// Now tells the time, for durations. Correctness never depends on it.
	Now func() time.Time
	// Past gives what the gates of a stage stored when the stage was last published, if it
	// was made by the same code of inputs of the same digests, and nothing was put aside;
	// else nil. Nil is never.
	Past func(s *Stage, inputs []InputRecord) map[string]json.RawMessage
	// History gives what was published of the partitions of a stage's output before this
	// one, the latest first. Nil is nothing.
	History func(s *Stage) iter.Seq2[*Manifest, error]
	// Accepted gives what was published last of a stage's output, of whatever partition, or
	// nil. Nil is nothing.
	Accepted func(s *Stage) (*Manifest, error)
	// Believes reports whether what the gates found of a published dataset, in the directory
	// and with a manifest of this digest, may stand for a look at it. Nil never does.
	Believes func(dir, manifest string) bool
	// Approves gives the approval of a finding that blocks a stage whose files, data and
	// quarantine, are these, if there is one that holds; else nil. Nil gives none.
	Approves func(s *Stage, f Finding, files []File) *Approval
	// Aside gives rows that were put aside of a stage before and stay so, of QuarantineSchema:
	// they are written behind those that are put aside now. Nil, or a nil reader, is none.
	Aside func(s *Stage, schema *arrow.Schema) (Reader, error)
	// Pin gives the version of a published partition that this run reads: its manifest, the
	// manifest's digest, and the absolute directory where its files lie, under the paths that
	// the manifest has, and stay while the run lasts. partitionDir is as Partition.Dir gives
	// it. The error is fs.ErrNotExist where nothing was published. Nil is what is visible now.
	Pin func(dataset, partitionDir string) (m *Manifest, digest, dir string, err error)
	// Recorded gives the decisions about a ledger of breaks that are on record, by the directory of
	// the partition and the name of the file, joined by a slash. Nil believes whatever is there.
	Recorded func(dataset string) (map[string]RecordedFile, error)
	// HashFile gives the hex SHA-256 of a file, by its path; it may remember those of files that
	// have not changed since. Nil is the function of this name.
	HashFile func(ctx context.Context, path string) (string, error)
	// Named is what a trace file calls a file that is read, so that the same rows of a published
	// partition are called the same in whichever version they are. Nil calls files by their paths.
	Named func(path string) string
	// Dirs lists directories for List and may remember what was there; nil is os.ReadDir.
	Dirs func(dir string) ([]fs.DirEntry, error)
	// ForceScan has gates and filters look at every row, whatever is known of them without.
	ForceScan bool
	// ShowValues lets findings show the values of rows that failed, beside their keys.
	ShowValues bool
	// WarnError makes findings that warn block.
	WarnError bool
	// Alloc is where Arrow buffers come from.
	Alloc memory.Allocator
}
