package pipeline

import (
	"context"
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
}

// Split is a share of an input that can be read on its own.
type Split struct {
	// Name says where the rows are, for messages: "a.parquet: row group 3".
	Name string
	// Rows and Bytes are what the split holds, or -1 where that is not known.
	Rows, Bytes int64
	// Facts tells what is known of a column of its rows; nil knows nothing. It is called
	// by one goroutine at a time. A split that has facts knows its rows.
	Facts func(column string) Facts
	// Open reads the named columns, in the order of the input's schema. Nil means
	// all; an empty list means the rows without any column. The
	// batches have exactly these columns. Splits are opened concurrently.
	Open func(ctx context.Context, env *Env, columns []string) (Reader, error)
}

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
	// Modified is when the file was last changed, for inputs.
	Modified time.Time `json:"modified,omitzero"`
}
