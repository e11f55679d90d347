package jsonl

import (
	"bytes"
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Format writes JSON lines.
type Format struct{}

// String implements pipeline.Format.
func (Format) String() string { return "jsonl" }

// Ext implements pipeline.Format.
func (Format) Ext() string { return ".jsonl" }

// Source implements pipeline.Format: the types are declared to be those written.
func (Format) Source(schema *arrow.Schema, written ...pipeline.File) pipeline.Source {
	fields := append([]arrow.Field{}, schema.Fields()...)
	for i := range fields {
		fields[i].Type = pipeline.ValueType(fields[i].Type)
	}
	return Source{Set: files.Set{Written: written}, Schema: arrow.NewSchema(fields, nil)}
}

// Create implements pipeline.Format.
func (Format) Create(w io.Writer, _ *arrow.Schema) (pipeline.Encoder, error) { return &encoder{w}, nil }

type encoder struct{ w io.Writer }

// Encode implements pipeline.Encoder.
func (e *encoder) Encode(ctx context.Context, batches []arrow.RecordBatch) (pipeline.Chunk, error) {
	var buf bytes.Buffer
	for _, b := range batches {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := array.RecordToJSON(b, &buf); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}

// Append implements pipeline.Encoder.
func (e *encoder) Append(c pipeline.Chunk) error {
	_, err := e.w.Write(c.([]byte))
	return err
}

// Close implements pipeline.Encoder.
func (e *encoder) Close() error { return nil }
