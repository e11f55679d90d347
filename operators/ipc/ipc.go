// Package ipc reads and writes Arrow IPC: files and, for reading, streams. Every Arrow
// type survives.
package ipc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Source reads a set of files or streams; each is a split.
type Source struct{ files.Set }

// Files is the source of the files at the paths, templates or globs.
func Files(paths ...string) Source { return Source{files.Set{Paths: paths}} }

// String implements pipeline.Source.
func (s Source) String() string { return "ipc " + s.Set.String() }

// Resolve implements pipeline.Source.
func (s Source) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	return s.Set.Resolve(ctx, env, inspect)
}

func inspect(_ context.Context, env *pipeline.Env, f files.File) (*files.Inspected, error) {
	path, name := f.Abs, f.Path
	r, err := open(env, path, name)
	if err != nil {
		return nil, err
	}
	in := &files.Inspected{}
	in.Schema = arrow.NewSchema(r.schema.Fields(), nil)
	in.Splits = []pipeline.Split{{
		Name: name, Rows: -1, Bytes: -1,
		Open: func(_ context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			r, err := open(env, path, name)
			if err != nil {
				return nil, err
			}
			r.choose(columns)
			return r, nil
		},
	}}
	return in, r.Close()
}

// fileMagic begins a file; a stream has none.
const fileMagic = "ARROW1"

type reader struct {
	file   *os.File
	name   string
	schema *arrow.Schema
	places []int // nil: all columns
	next   func() (arrow.RecordBatch, error)
	free   func() error
}

func open(env *pipeline.Env, path, name string) (r *reader, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r = &reader{file: f, name: name}
	defer func() {
		if p := recover(); p != nil {
			err = r.bad("is damaged: %v", p)
		}
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	head := make([]byte, len(fileMagic))
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, r.bad("is not Arrow IPC: it has fewer than %d bytes", len(fileMagic))
	}
	if string(head) == fileMagic {
		return r, r.openFile(env)
	}
	return r, r.openStream(env)
}

func (r *reader) openFile(env *pipeline.Env) error {
	fr, err := ipc.NewFileReader(r.file, ipc.WithAllocator(env.Alloc))
	if err != nil {
		return r.bad("is damaged: %v", err)
	}
	r.schema, r.free = fr.Schema(), fr.Close
	i := 0
	r.next = func() (arrow.RecordBatch, error) {
		if i == fr.NumRecords() {
			return nil, io.EOF
		}
		b, err := fr.RecordBatchAt(i)
		i++
		if err != nil {
			return nil, r.bad("batch %d is damaged: %v", i-1, err)
		}
		return b, nil
	}
	return nil
}

func (r *reader) openStream(env *pipeline.Env) error {
	sr, err := ipc.NewReader(r.file, ipc.WithAllocator(env.Alloc))
	if err != nil {
		return r.bad("is not Arrow IPC: %v", err)
	}
	r.schema, r.free = sr.Schema(), func() error { sr.Release(); return nil }
	r.next = func() (arrow.RecordBatch, error) {
		if sr.Next() {
			b := sr.RecordBatch()
			b.Retain()
			return b, nil
		}
		if err := sr.Err(); err != nil {
			return nil, r.bad("is damaged or cut short: %v", err)
		}
		return nil, io.EOF
	}
	return nil
}

func (r *reader) bad(format string, args ...any) error {
	return &pipeline.Error{Kind: pipeline.BadInput, Where: r.name, Msg: fmt.Sprintf(format, args...)}
}

func (r *reader) choose(columns []string) {
	if columns == nil {
		return
	}
	r.places = []int{}
	for i, f := range r.schema.Fields() {
		if slices.Contains(columns, f.Name) {
			r.places = append(r.places, i)
		}
	}
}

// Next implements pipeline.Reader.
func (r *reader) Next(ctx context.Context) (out arrow.RecordBatch, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, r.bad("is damaged: %v", p)
		}
	}()
	b, err := r.next()
	if err != nil {
		return nil, err
	}
	defer b.Release()
	if r.places == nil {
		return array.NewRecordBatch(arrow.NewSchema(b.Schema().Fields(), nil), b.Columns(), b.NumRows()), nil
	}
	var fields []arrow.Field
	var cols []arrow.Array
	for _, i := range r.places {
		fields, cols = append(fields, b.Schema().Field(i)), append(cols, b.Column(i))
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows()), nil
}

// Close implements pipeline.Reader.
func (r *reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.free(), r.file.Close())
	r.file = nil
	return err
}

// Format writes Arrow IPC files. Dictionaries are written as their values: the format
// has one dictionary a column, and batches come with their own.
type Format struct{}

// String implements pipeline.Format.
func (Format) String() string { return "ipc" }

// Ext implements pipeline.Format.
func (Format) Ext() string { return ".arrow" }

// Source implements pipeline.Format.
func (Format) Source(_ *arrow.Schema, written ...pipeline.File) pipeline.Source {
	return Source{files.Set{Written: written}}
}

// Create implements pipeline.Format.
func (Format) Create(w io.Writer, schema *arrow.Schema) (pipeline.Encoder, error) {
	fields := append([]arrow.Field{}, schema.Fields()...)
	for i := range fields {
		fields[i].Type = pipeline.ValueType(fields[i].Type)
	}
	e := &encoder{out: w, schema: arrow.NewSchema(fields, nil)}
	fw, err := ipc.NewFileWriter(&e.buf, ipc.WithSchema(e.schema))
	e.w = fw
	return e, err
}

// encoder writes through a buffer: the library wants to seek, and never does.
type encoder struct {
	out    io.Writer
	buf    bytes.Buffer
	w      *ipc.FileWriter
	schema *arrow.Schema
}

// Encode implements pipeline.Encoder.
func (e *encoder) Encode(ctx context.Context, batches []arrow.RecordBatch) (pipeline.Chunk, error) {
	var plain []arrow.RecordBatch
	for _, b := range batches {
		p, err := e.plain(ctx, b)
		if err != nil {
			return nil, errors.Join(err, pipeline.Batches(plain...).Close())
		}
		plain = append(plain, p)
	}
	return plain, nil
}

func (e *encoder) plain(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
	cols := append([]arrow.Array{}, b.Columns()...)
	for i, f := range e.schema.Fields() {
		if !arrow.TypeEqual(cols[i].DataType(), f.Type) {
			col, err := compute.CastArray(ctx, cols[i], compute.SafeCastOptions(f.Type))
			if err != nil {
				return nil, err
			}
			defer col.Release()
			cols[i] = col
		}
		col, err := canonical(cols[i])
		if err != nil {
			return nil, err
		}
		defer col.Release()
		cols[i] = col
	}
	return array.NewRecordBatch(e.schema, cols, b.NumRows()), nil
}

// Append implements pipeline.Encoder.
func (e *encoder) Append(c pipeline.Chunk) (err error) {
	for _, b := range c.([]arrow.RecordBatch) {
		if err == nil {
			err = e.w.Write(b)
		}
		b.Release()
	}
	if err != nil {
		return err
	}
	return e.flush()
}

func (e *encoder) flush() error {
	_, err := e.buf.WriteTo(e.out)
	return err
}

// Close implements pipeline.Encoder.
func (e *encoder) Close() error {
	if err := e.w.Close(); err != nil {
		return err
	}
	return e.flush()
}
