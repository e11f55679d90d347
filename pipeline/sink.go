package pipeline

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Format writes record batches as a file, and reads that file back.
type Format interface {
	fmt.Stringer
	// Ext is the ending of file names, with its dot: ".parquet".
	Ext() string
	// Create starts a file of the given schema on w. It must refuse a schema that
	// the format can't hold.
	Create(w io.Writer, schema *arrow.Schema) (Encoder, error)
	// Source reads files that Create wrote with this schema, for the stages that
	// follow. The paths are absolute. It may give strings as dictionaries, and the
	// other way round; all other types stay as they were. Digests that a file has are
	// checked.
	Source(schema *arrow.Schema, written ...File) Source
}

// An Encoder writes one file. Encode is the expensive half and is called by many
// goroutines at once; Append is cheap and is called in order.
type Encoder interface {
	// Encode turns batches into a chunk of the file. It borrows the batches.
	Encode(ctx context.Context, batches []arrow.RecordBatch) (Chunk, error)
	// Append writes a chunk at the end of the file.
	Append(Chunk) error
	// Close writes what ends the file; it doesn't close the writer below.
	Close() error
}

// A Chunk is an encoded part of a file, only of use to its Encoder.
type Chunk any

// A Describer is an Encoder that knows more of its file than how many bytes it has.
type Describer interface {
	Encoder
	// Describe adds what the format knows of the file, once it is closed: digests of its
	// parts.
	Describe(*File)
}

// A Copier is an Encoder that takes columns as they are kept in a file of its format.
type Copier interface {
	Encoder
	// Takes reports whether a stored column can be the column of the file's schema.
	Takes(column int, stored Stored) bool
	// EncodeColumns is Encode for rows whose columns come one by one. It borrows the
	// arrays; what is stored was taken.
	EncodeColumns(ctx context.Context, rows int64, columns []ColumnValues) (Chunk, error)
}

// An Adopter is a Format that knows a file which needs no encoding: it may be published as
// it is.
type Adopter interface {
	Format
	// Adopts gives a check of the bytes of one split, if the files of an input, whose rows are
	// all there with all their columns, may be files of this format as they are; else nil. It
	// may be called by many goroutines at once.
	Adopts(in *Input) (check func(context.Context, *Split) error)
}

// ColumnValues are the values of a column in some rows: arrays, one after the other, or a
// stored column.
type ColumnValues struct {
	Arrays []arrow.Array
	Stored Stored
}

// Output says where a stage's rows are published.
type Output struct {
	// Path is the dataset's directory, relative to the project. It holds one
	// directory for each partition ("month=2001-01"), or, in a pipeline without
	// partitions, the files themselves.
	Path string
	// Format writes the files.
	Format Format
	// Always makes it a record of what was found: it is published also where a rule blocks the
	// run, if that is a rule of a stage that it is not made of, at any distance. Its own rules,
	// and those of what it is made of, hold it back as they do others. What it is made of within
	// the pipeline must be published always too, where it has an output.
	Always bool
}
