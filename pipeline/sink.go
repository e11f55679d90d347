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
	// other way round; all other types stay as they were.
	Source(schema *arrow.Schema, paths ...string) Source
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

// Output says where a stage's rows are published.
type Output struct {
	// Path is the dataset's directory, relative to the project. It holds one
	// directory for each partition ("month=2001-01"), or, in a pipeline without
	// partitions, the files themselves.
	Path string
	// Format writes the files.
	Format Format
}
