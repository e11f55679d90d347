package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// spool keeps the rows of a stage without output in private files, because more
// than one stage reads them.
func (r *run) spool(ctx context.Context, c *chain, name string, a *account, tr *tracer) (*Input, error) {
	s, err := r.spoolRows(ctx, c.f.reader(), tr.wide(c))
	r.kept = append(r.kept, s)
	if err != nil {
		return nil, err
	}
	rows := s.all()
	a.spooled = &rows
	if tr != nil {
		r.spools[name] = tr
	}
	return s.input(c.schema, "stage "+name), nil
}

// dropSpools removes the private files of stages.
func (r *run) dropSpools() {
	for _, s := range r.kept {
		_ = s.drop() // Temp goes as a whole anyway
	}
}

// spooled are rows in private files, each of which can be read on its own.
type spooled struct {
	paths []string
	rows  []int64 // by file
}

// spoolRows writes the rows of a reader, which it closes, into files of about as many rows as a
// unit has. What was written is returned also where something fails.
func (r *run) spoolRows(ctx context.Context, from Reader, schema *arrow.Schema) (_ *spooled, err error) {
	s := &spooled{}
	w := &spoolWriter{}
	err = Each(ctx, from, func(b arrow.RecordBatch) error {
		last := len(s.rows) - 1
		if last < 0 || s.rows[last] >= unitRows {
			if err := w.close(); err != nil {
				return err
			}
			s.paths = append(s.paths, filepath.Join(r.env.Temp, fmt.Sprintf("spool-%d.arrows", r.spooledFiles.Add(1))))
			if err := w.create(s.paths[last+1], schema, r.env); err != nil {
				return err
			}
			s.rows = append(s.rows, 0)
			last++
		}
		s.rows[last] += b.NumRows()
		return w.write(b)
	})
	return s, errWith(err, w.close())
}

func (s *spooled) all() (n int64) {
	for _, rows := range s.rows {
		n += rows
	}
	return n
}

// input gives the rows, a split a file. The files may have more columns than the schema.
func (s *spooled) input(schema *arrow.Schema, name string) *Input {
	in := &Input{Schema: schema}
	for i, path := range s.paths {
		in.Splits = append(in.Splits, Split{
			Name: name, Rows: s.rows[i], Bytes: -1,
			Open: func(_ context.Context, env *Env, columns []string) (Reader, error) {
				return openSpool(env, path, columns)
			},
		})
	}
	return in
}

// drop removes the files.
func (s *spooled) drop() (err error) {
	for _, path := range s.paths {
		if rerr := os.Remove(path); !errors.Is(rerr, fs.ErrNotExist) {
			err = errWith(err, rerr)
		}
	}
	s.paths = nil
	return err
}

// spoolWriter writes one file after the other.
type spoolWriter struct {
	*ipc.Writer
	file   *os.File
	schema *arrow.Schema
}

func (w *spoolWriter) create(path string, schema *arrow.Schema, env *Env) (err error) {
	if w.file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	w.schema = schema
	w.Writer = ipc.NewWriter(w.file, ipc.WithSchema(schema), ipc.WithAllocator(env.Alloc))
	return nil
}

// write takes the columns of the schema: where nobody wants any, a fragment may hand on some.
func (w *spoolWriter) write(b arrow.RecordBatch) error {
	if int(b.NumCols()) != w.schema.NumFields() {
		var indexes []int
		for _, f := range w.schema.Fields() {
			indexes = append(indexes, b.Schema().FieldIndices(f.Name)[0])
		}
		b = pick(b, w.schema, indexes)
		defer b.Release()
	}
	return w.Write(b)
}

func (w *spoolWriter) close() (err error) {
	if w.Writer != nil {
		err = errWith(w.Writer.Close(), w.file.Close())
	}
	w.Writer, w.file = nil, nil
	return err
}

type spoolReader struct {
	file    *os.File
	r       *ipc.Reader
	schema  *arrow.Schema
	indexes []int
}

func openSpool(env *Env, path string, columns []string) (Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(file, ipc.WithAllocator(env.Alloc))
	if err != nil {
		return nil, errWith(err, file.Close())
	}
	s := &spoolReader{file: file, r: r, schema: r.Schema()}
	if columns != nil {
		s.schema = project(r.Schema(), columns)
	}
	for _, f := range s.schema.Fields() {
		s.indexes = append(s.indexes, r.Schema().FieldIndices(f.Name)[0])
	}
	return s, nil
}

func (s *spoolReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !s.r.Next() {
		if err := s.r.Err(); err != nil && !isEOF(err) {
			return nil, err
		}
		return nil, io.EOF
	}
	return pick(s.r.RecordBatch(), s.schema, s.indexes), nil
}

func (s *spoolReader) Close() error {
	if s.r != nil {
		s.r.Release()
		s.r = nil
		return s.file.Close()
	}
	return nil
}
