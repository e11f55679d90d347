package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Source is a description of where rows come from. Its String is canonical.
type Source interface {
	fmt.Stringer
	// Resolve finds the files of one partition and reads their schema: metadata
	// only, never rows beyond those needed to infer a schema.
	Resolve(ctx context.Context, env *Env) (*Input, error)
}

// Input is a source resolved for one partition.
type Input struct {
	// Schema is that of every split.
	Schema *arrow.Schema
	// Splits are read in any order; their order here is the order of the rows.
	Splits []Split
	// Files are what the splits read, for lineage; digests are filled in by the run.
	Files []File
	// Whole says that the splits are all rows, and the schema all columns, of the files.
	Whole bool
	// States are what gates found of just these rows when they were published; may be nil.
	States map[string]json.RawMessage
	// Approved names the gates that the files, where they were published, did not pass, and
	// somebody approved of.
	Approved []string
	// RowsBy are the columns that decide which rows of the files are in the splits, and Tags
	// the tags that its columns have where they were published. Both may be nil.
	RowsBy []string
	Tags   map[string][]string
	// Published are the versions of published partitions that the files are of, and those that
	// are missing, without Name and Source: they go on record in place of the files.
	Published []InputRecord
}

// Split is a share of an input that can be read on its own. What comes after Open is
// optional: nil where the source has no such thing. Its functions are safe for concurrent
// use, but for Facts.
type Split struct {
	// Name says where the rows are, for messages: "a.parquet: row group 3".
	Name string
	// File is the one the rows are in, as an index of the input's files.
	File int
	// RowGroup is which row group of the file the rows are in, counted from 1; 0 where files have
	// none.
	RowGroup int
	// Rows and Bytes are what the split holds, or -1 where that is not known.
	Rows, Bytes int64
	// Before is how many rows of the file lie between the split before it, or the beginning
	// of the file, and this one, and are in no split; -1 where that is not known.
	Before int64
	// AtMost says that Rows is a bound: some rows may be left out while they are read.
	AtMost bool
	// Open reads the named columns, in the order of the input's schema. Nil means
	// all; an empty list means the rows without any column. The
	// batches have exactly these columns. Splits are opened concurrently.
	Open func(ctx context.Context, env *Env, columns []string) (Reader, error)

	// Origin tells where the row at a place of the split came from, where that is not this
	// file: the source, as a split's Name, and the row there, counted from 0, or -1.
	Origin func(at int32) (source string, row int64)
	// Facts tells what is known of a column of its rows from metadata that is in memory;
	// nil knows nothing. It is called by one goroutine at a time. A split that has facts
	// knows its rows.
	Facts func(column string) Facts
	// Pages cuts the split into parts of consecutive rows, about each of which more is
	// known of the columns than about the whole; no parts where nothing is gained. It may
	// read an index of the file, and says how many bytes.
	Pages func(columns []string) (parts []Part, read int64, err error)
	// Dictionary gives facts with Values, where a dictionary has every value of a column,
	// and perhaps some that no row has; else the zero Facts. It may read the dictionary, and says how many bytes.
	Dictionary func(ctx context.Context, env *Env, column string) (f Facts, read int64, err error)
	// OpenSome is Open for the rows that keep marks; it has an entry for each row of the
	// split. What only other rows need is not decoded.
	OpenSome func(ctx context.Context, env *Env, columns []string, keep []bool) (Reader, error)
	// OpenCoded is Open, or OpenSome where keep is not nil, but that the columns coded may
	// come as dictionaries of their type, whatever the schema says: as the file has them.
	OpenCoded func(ctx context.Context, env *Env, columns []string, keep []bool, coded []string) (Reader, error)
	// ColumnBytes is how many bytes of the file a column takes.
	ColumnBytes func(column string) int64
	// Stored is a column as the file keeps it, for a Copier of the same format; nil where
	// it can't be copied.
	Stored func(column string) Stored
}

// Part is some consecutive rows of a split.
type Part struct {
	Rows  int64
	Facts func(column string) Facts
}

// Stored is a column of a split as its file keeps it, encoded and compressed. It is of use
// only to a Copier of the same format.
type Stored any

// File is a file that was read or written.
type File struct {
	// Path is as written in the pipeline, expanded; relative to the project.
	Path string `json:"path"`
	// Bytes is the file's size.
	Bytes int64 `json:"bytes"`
	// SHA256 is the hex digest of the content.
	SHA256 string `json:"sha256,omitempty"`
	// Rows is the number of rows, or -1 where it is not known.
	Rows int64 `json:"rows"`
	// Chunks, where the format has them, are the hex XXH3-64 digests of each column of each
	// row group as it is in the file, and Footer that of what describes them.
	Chunks [][]string `json:"chunks,omitempty"`
	Footer string     `json:"footer,omitempty"`
	// Modified is when the file was last changed, for inputs.
	Modified time.Time `json:"modified,omitzero"`
}
