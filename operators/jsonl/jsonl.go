// Package jsonl reads and writes JSON lines: a JSON object a line.
//
// The columns of a declared schema are read; without one they are inferred from the
// first 10,000 lines: int64, float64 where some number is not whole, bool, string, and
// lists of these. A field that is missing is null. A field that no column is for is an
// error in files with a declared schema, as it is after the lines that a schema was
// inferred from: nothing is left out without a word. Source.Lines leaves lines out by their
// text, whatever is in them.
package jsonl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Source reads a set of files; each file is a split.
type Source struct {
	files.Set
	// Schema declares the columns; nil: they are inferred.
	Schema *arrow.Schema
	// Lines chooses among the lines.
	Lines files.Lines
}

// Files is the source of the files at the paths, templates or globs.
func Files(paths ...string) Source { return Source{Set: files.Set{Paths: paths}} }

// String implements pipeline.Source.
func (s Source) String() string {
	text := "jsonl " + s.Set.String()
	if s.Schema != nil {
		var cols []string
		for _, f := range s.Schema.Fields() {
			cols = append(cols, f.Name+" "+pipeline.TypeName(f.Type))
		}
		text += " schema " + strings.Join(cols, ", ")
	}
	return text + s.Lines.String()
}

// Resolve implements pipeline.Source.
func (s Source) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	return s.Set.Resolve(ctx, env, s.inspect)
}

func (s Source) inspect(ctx context.Context, _ *pipeline.Env, f files.File) (*files.Inspected, error) {
	if _, err := s.Lines.Chooser(); err != nil {
		return nil, err
	}
	path, name := f.Abs, f.Path
	schema := s.Schema
	if schema == nil {
		l, err := s.open(path, name)
		if err != nil {
			return nil, err
		}
		schema, err = infer(ctx, l)
		if err = errors.Join(err, l.file.Close()); err != nil {
			return nil, err
		}
	}
	in := &files.Inspected{}
	in.Schema = schema
	in.Splits = []pipeline.Split{{
		Name: name, Rows: -1, Bytes: -1, AtMost: s.Lines != files.Lines{},
		Open: func(_ context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			l, err := s.open(path, name)
			if err != nil {
				return nil, err
			}
			return newReader(env, l, schema, columns), nil
		},
	}}
	return in, nil
}

// lines reads a file line by line.
type lines struct {
	file io.ReadCloser
	scan *bufio.Scanner
	name string
	line int
	// takes says whether a line is taken; nil takes all.
	takes func([]byte) bool
}

// maxLine bounds the length of a line, in bytes.
const maxLine = 16 << 20

func (s Source) open(path, name string) (*lines, error) {
	takes, err := s.Lines.Chooser()
	if err != nil {
		return nil, err
	}
	f, err := files.Reader(path)
	if err != nil {
		return nil, err
	}
	l := &lines{file: f, scan: bufio.NewScanner(f), name: name, takes: takes}
	l.scan.Buffer(make([]byte, 64<<10), maxLine)
	return l, nil
}

// next gives the next object's fields, or io.EOF. Empty lines are passed over.
func (l *lines) next() (map[string]json.RawMessage, error) {
	for l.scan.Scan() {
		l.line++
		text := bytes.TrimSpace(l.scan.Bytes())
		if len(text) == 0 || l.takes != nil && !l.takes(l.scan.Bytes()) {
			continue
		}
		if !utf8.Valid(text) {
			return nil, l.bad("not UTF-8")
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
			return nil, l.bad("not a JSON object: %s", jsonProblem(err))
		}
		return fields, nil
	}
	if err := l.scan.Err(); err != nil {
		l.line++
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, l.bad("longer than %d MiB", maxLine>>20)
		}
		return nil, l.bad("%v", err)
	}
	return nil, io.EOF
}

func jsonProblem(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d", strings.TrimPrefix(syntax.Error(), "json: "), syntax.Offset)
	case errors.As(err, &kind):
		return "found " + kind.Value
	case err == nil:
		return "found null"
	}
	return err.Error()
}

func (l *lines) bad(format string, args ...any) *pipeline.Error {
	return &pipeline.Error{
		Kind: pipeline.BadInput, Where: fmt.Sprintf("%s: line %d", l.name, l.line), Msg: fmt.Sprintf(format, args...),
	}
}

// batchRows is how many rows make a batch.
const batchRows = 32 << 10

type reader struct {
	lines  *lines
	all    *arrow.Schema
	schema *arrow.Schema
	build  *array.RecordBuilder
	closed bool
}

func newReader(env *pipeline.Env, l *lines, schema *arrow.Schema, columns []string) *reader {
	r := &reader{lines: l, all: schema}
	var fields []arrow.Field
	for _, f := range schema.Fields() {
		if columns == nil || slices.Contains(columns, f.Name) {
			fields = append(fields, f)
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
		fields, err := r.lines.next()
		if err == io.EOF { //nolint:errorlint // identity: next gives it bare
			break
		}
		if err != nil {
			return nil, err
		}
		if err := r.append(fields); err != nil {
			return nil, err
		}
	}
	switch {
	case rows == 0:
		return nil, io.EOF
	case r.schema.NumFields() == 0:
		return array.NewRecordBatch(r.schema, nil, int64(rows)), nil
	}
	return r.build.NewRecordBatch(), nil
}

func (r *reader) append(fields map[string]json.RawMessage) error {
	for name := range fields {
		if !r.all.HasField(name) {
			return r.lines.bad("%s", pipeline.Unknown("field", name, pipeline.ColumnNames(r.all))).
				With("declare it in the source's schema")
		}
	}
	for i, f := range r.schema.Fields() {
		raw, ok := fields[f.Name]
		b := r.build.Field(i)
		if !ok || string(raw) == "null" {
			b.AppendNull()
			continue
		}
		if err := appendJSON(b, raw); err != nil || !files.Exact(f.Type, strings.Trim(string(raw), `"`)) {
			return r.lines.bad("column %q: the value is no %s", f.Name, pipeline.TypeName(f.Type))
		}
	}
	return nil
}

// appendJSON guards against builders that panic on values of another kind.
func appendJSON(b array.Builder, raw json.RawMessage) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return b.UnmarshalJSON(slices.Concat([]byte{'['}, raw, []byte{']'}))
}

// Close implements pipeline.Reader.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.build.Release()
	return r.lines.file.Close()
}
