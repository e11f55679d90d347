package csv

import (
	"context"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// batchRows is how many rows make a batch.
const batchRows = 32 << 10

// reader gives the rows of one file.
type reader struct {
	lines  *lines
	schema *arrow.Schema // of the columns asked for
	places []int         // where they stand in a line
	build  *array.RecordBuilder
	null   []string
	closed bool
}

func newReader(env *pipeline.Env, l *lines, schema *arrow.Schema, columns []string, null []string) *reader {
	r := &reader{lines: l, null: null}
	var fields []arrow.Field
	for i, f := range schema.Fields() {
		if columns == nil || slices.Contains(columns, f.Name) {
			fields = append(fields, f)
			r.places = append(r.places, i)
		}
	}
	r.schema = arrow.NewSchema(fields, nil)
	r.build = array.NewRecordBuilder(env.Alloc, r.schema)
	return r
}

// Next implements pipeline.Reader.
func (r *reader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows := 0
	for ; rows < batchRows; rows++ {
		record, err := r.lines.next()
		if err == io.EOF { //nolint:errorlint // identity: next gives it bare
			break
		}
		if err != nil {
			return nil, err
		}
		if err := r.append(record); err != nil {
			return nil, err
		}
	}
	switch {
	case rows == 0:
		return nil, io.EOF
	case len(r.places) == 0:
		return array.NewRecordBatch(r.schema, nil, int64(rows)), nil
	}
	return r.build.NewRecordBatch(), nil
}

func (r *reader) append(record []string) error {
	for i, place := range r.places {
		text, b := record[place], r.build.Field(i)
		if text == "" || slices.Contains(r.null, text) {
			b.AppendNull()
			continue
		}
		f := r.schema.Field(i)
		if err := appendText(b, text); err != nil || !files.Exact(f.Type, text) {
			line, _ := r.lines.csv.FieldPos(place)
			return r.lines.bad(line, "column %q: the field is no %s", f.Name, pipeline.TypeName(f.Type)).
				With("correct the file, or declare the column as string and cast it after a gate")
		}
	}
	return nil
}

func appendText(b array.Builder, text string) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(text)
		return nil
	case *array.TimestampBuilder:
		t, ok := parseTime(text)
		if !ok {
			return b.AppendValueFromString(text)
		}
		v, err := arrow.TimestampFromTime(t, b.Type().(*arrow.TimestampType).Unit)
		if err == nil {
			b.Append(v)
		}
		return err
	}
	return b.AppendValueFromString(text)
}

// Close implements pipeline.Reader.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.build.Release()
	return r.lines.Close()
}
