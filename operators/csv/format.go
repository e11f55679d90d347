package csv

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Format writes CSV files with a header.
type Format struct{}

// String implements pipeline.Format.
func (Format) String() string { return "csv" }

// Ext implements pipeline.Format.
func (Format) Ext() string { return ".csv" }

// Source implements pipeline.Format: the types are declared to be those written.
func (Format) Source(schema *arrow.Schema, written ...pipeline.File) pipeline.Source {
	fields := append([]arrow.Field{}, schema.Fields()...)
	for i := range fields {
		fields[i].Type = pipeline.ValueType(fields[i].Type)
	}
	return Source{Set: files.Set{Written: written}, Schema: arrow.NewSchema(fields, nil)}
}

// Create implements pipeline.Format. Nested columns are refused.
func (Format) Create(w io.Writer, schema *arrow.Schema) (pipeline.Encoder, error) {
	for _, f := range schema.Fields() {
		if _, nested := pipeline.ValueType(f.Type).(arrow.NestedType); nested {
			return nil, pipeline.Errorf(pipeline.Invalid, "column %s is %s, which CSV has no form for", f.Name, pipeline.TypeName(f.Type)).
				With("drop it, or choose another output format, like jsonl")
		}
	}
	e := &encoder{w: w}
	head, err := e.lines([][]string{pipeline.ColumnNames(schema)})
	if err != nil {
		return nil, err
	}
	return e, e.Append(head)
}

type encoder struct{ w io.Writer }

func (e *encoder) lines(rows [][]string) ([]byte, error) {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	for _, row := range rows {
		if len(row) == 1 && row[0] == "" { // an empty line is no row to readers
			w.Flush()
			buf.WriteString("\"\"\n")
			continue
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return buf.Bytes(), w.Error()
}

// Encode implements pipeline.Encoder.
func (e *encoder) Encode(ctx context.Context, batches []arrow.RecordBatch) (pipeline.Chunk, error) {
	var rows [][]string
	for _, b := range batches {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range int(b.NumRows()) {
			row := make([]string, b.NumCols())
			for j, col := range b.Columns() {
				row[j] = text(col, i)
			}
			rows = append(rows, row)
		}
	}
	return e.lines(rows)
}

// text is a value as this package reads it.
func text(col arrow.Array, i int) string {
	if col.IsNull(i) {
		return ""
	}
	switch a := col.(type) {
	case *array.Dictionary:
		return text(a.Dictionary(), a.GetValueIndex(i))
	case *array.Timestamp:
		t := a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
		if a.DataType().(*arrow.TimestampType).TimeZone != "" {
			return t.Format(time.RFC3339Nano)
		}
		return t.Format(timeLayouts[0])
	}
	return col.ValueStr(i)
}

// Append implements pipeline.Encoder.
func (e *encoder) Append(c pipeline.Chunk) error {
	_, err := e.w.Write(c.([]byte))
	return err
}

// Close implements pipeline.Encoder.
func (e *encoder) Close() error { return nil }
