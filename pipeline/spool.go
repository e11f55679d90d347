package pipeline

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// spool keeps the rows of a stage without output in a private file, because more
// than one stage reads them.
func (r *run) spool(ctx context.Context, c *chain, name string, a *account, tr *tracer) (_ *Input, err error) {
	path := filepath.Join(r.env.Temp, "spool-"+name+".arrows")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errWith(err, file.Close()) }()
	w := ipc.NewWriter(file, ipc.WithSchema(tr.wide(c)), ipc.WithAllocator(r.env.Alloc))
	var rows int64
	err = Each(ctx, c.f.reader(), func(b arrow.RecordBatch) error {
		rows += b.NumRows()
		return w.Write(b)
	})
	if err = errWith(err, w.Close()); err != nil {
		return nil, err
	}
	a.spooled = &rows
	if tr != nil {
		r.spools[name] = tr
	}
	return &Input{Schema: c.schema, Splits: []Split{{
		Name: "stage " + name, Rows: rows, Bytes: -1,
		Open: func(_ context.Context, env *Env, columns []string) (Reader, error) {
			return openSpool(env, path, columns)
		},
	}}}, nil
}

func (r *run) dropSpools() {
	for name := range r.staged {
		_ = os.Remove(filepath.Join(r.env.Temp, "spool-"+name+".arrows")) // Temp goes as a whole anyway
	}
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
