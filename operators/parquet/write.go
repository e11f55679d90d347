package parquet

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Format writes Parquet files.
type Format struct {
	// Compression is zstd (the default), snappy, gzip or none.
	Compression string
}

var codecs = map[string]compress.Codec{
	"": &parquet.Zstd, "zstd": &parquet.Zstd, "snappy": &parquet.Snappy, "gzip": &parquet.Gzip, "none": &parquet.Uncompressed,
}

// Compressions are the names Format knows.
func Compressions() []string { return []string{"zstd", "snappy", "gzip", "none"} }

// String implements pipeline.Format.
func (f Format) String() string {
	if f.Compression == "" {
		return "parquet, zstd"
	}
	return "parquet, " + f.Compression
}

// Ext implements pipeline.Format.
func (Format) Ext() string { return ".parquet" }

// Source implements pipeline.Format.
func (Format) Source(_ *arrow.Schema, written ...pipeline.File) pipeline.Source {
	return Source{files.Set{Written: written}}
}

// Create implements pipeline.Format. Types that Parquet lacks are refused.
func (f Format) Create(w io.Writer, schema *arrow.Schema) (pipeline.Encoder, error) {
	codec, ok := codecs[f.Compression]
	if !ok {
		return nil, pipeline.Errorf(pipeline.Invalid, "unknown compression %q; known are zstd, snappy, gzip, none", f.Compression)
	}
	root := &group{}
	for _, field := range schema.Fields() {
		node, err := nodeOf(field)
		if err != nil {
			return nil, err
		}
		root.fields = append(root.fields, &namedNode{Node: node, name: field.Name})
	}
	pw := parquet.NewGenericWriter[any](w, parquet.NewSchema("schema", root),
		parquet.Compression(codec),
		parquet.CreatedBy("penstock", "1", "0"),
		parquet.DataPageStatistics(true),
		parquet.MaxRowsPerRowGroup(1<<40), // the engine cuts row groups
	)
	return &encoder{w: pw, schema: schema}, nil
}

// encoder writes row groups that were encoded beside each other.
type encoder struct {
	w      *parquet.GenericWriter[any]
	schema *arrow.Schema
}

// Encode implements pipeline.Encoder: one chunk is one row group.
func (e *encoder) Encode(ctx context.Context, batches []arrow.RecordBatch) (_ pipeline.Chunk, err error) {
	rg := e.w.BeginRowGroup()
	for i, cw := range rg.ColumnWriters() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, b := range batches {
			if err := writeColumn(cw, b.Column(i), e.schema.Field(i)); err != nil {
				return nil, fmt.Errorf("column %q: %w", e.schema.Field(i).Name, err)
			}
		}
		if err := cw.Flush(); err != nil {
			return nil, err
		}
	}
	return rg, nil
}

// Append implements pipeline.Encoder.
func (e *encoder) Append(c pipeline.Chunk) error {
	_, err := c.(*parquet.ConcurrentRowGroupWriter).Commit()
	return err
}

// Close implements pipeline.Encoder.
func (e *encoder) Close() error { return e.w.Close() }
