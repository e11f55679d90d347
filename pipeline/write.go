package pipeline

import (
	"context"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
)

// fileWriter writes one staged file through an encoder. Small batches are
// gathered until they make a chunk.
type fileWriter struct {
	file    StagedFile
	enc     Encoder
	pending []arrow.RecordBatch
	held    int64 // rows in pending
	rows    int64
	closed  bool
}

func (r *run) create(ctx context.Context, s *Stage, quarantine bool, schema *arrow.Schema) (*fileWriter, error) {
	file, err := r.stager.Create(ctx, s, quarantine, "part-0"+s.Output.Format.Ext())
	if err != nil {
		return nil, err
	}
	enc, err := s.Output.Format.Create(file, schema)
	if err != nil {
		return nil, errWith(err, file.Close())
	}
	return &fileWriter{file: file, enc: enc}, nil
}

// write encodes the chain's rows on all workers and appends them in order.
func (r *run) write(ctx context.Context, c *chain, sr *stageRun) (err error) {
	s := sr.plan
	w, err := r.create(ctx, s.Stage, false, c.schema)
	if err != nil {
		return err
	}
	defer w.abandon()
	if copier, ok := w.enc.(Copier); ok {
		c.f.takes = copier.Takes
	}
	x := startExchange(ctx, r.env, c.f.next, func(ctx context.Context, u *work) (*carried, int64, error) {
		done, err := c.f.carry(ctx, u)
		if err != nil {
			return nil, 0, err
		}
		bytes := done.bytes()
		if err := w.encode(ctx, done); err != nil {
			done.drop()
			return nil, 0, err
		}
		return done, bytes, nil
	})
	defer func() { err = errWith(err, x.Close((*carried).drop)) }()
	for {
		done, err := x.Next(ctx)
		if isEOF(err) {
			break
		}
		if err != nil {
			return err
		}
		if err := c.f.merge(done); err != nil {
			done.drop()
			return err
		}
		if err := w.take(ctx, done); err != nil {
			return err
		}
	}
	f, err := w.close()
	if err != nil {
		return err
	}
	sr.files = []File{f}
	r.openAgain(ctx, sr, c.schema, f, w.file.Path())
	f.Path = filepath.ToSlash(w.file.Path())
	sr.written = []File{f}
	return r.reread(ctx, s, c.schema, f)
}

// reread makes what was written the input of the stages that follow: they see the
// bytes that will be published.
func (r *run) reread(ctx context.Context, s *StagePlan, schema *arrow.Schema, written ...File) error {
	if s.consumers == 0 && !s.looked {
		return nil
	}
	in, err := s.Output.Format.Source(schema, written...).Resolve(ctx, r.env)
	if err != nil {
		return err
	}
	r.staged[s.Name] = in
	return nil
}

// encode encodes the batches of a unit, if they are enough for chunks of their own.
func (w *fileWriter) encode(ctx context.Context, c *carried) (err error) {
	defer recovered(&err)
	if c.stored != nil {
		return w.copy(ctx, c)
	}
	if c.rows() < unitRows/2 {
		return nil
	}
	batches := c.batches
	for len(batches) > 0 {
		n, rows := 0, int64(0)
		for n < len(batches) && rows < unitRows {
			rows += batches[n].NumRows()
			n++
		}
		chunk, err := w.enc.Encode(ctx, batches[:n])
		if err != nil {
			return err
		}
		c.chunks = append(c.chunks, encoded{chunk, rows})
		batches = batches[n:]
	}
	for _, b := range c.batches {
		b.Release()
	}
	c.batches = nil
	return nil
}

// copy makes a chunk of a unit of which columns are taken as they are stored.
func (w *fileWriter) copy(ctx context.Context, c *carried) error {
	chunk, err := w.enc.(Copier).EncodeColumns(ctx, c.stored.rows, c.stored.columns)
	if err != nil {
		return err
	}
	c.chunks = []encoded{{chunk, c.stored.rows}}
	c.dropStored()
	return nil
}

// take appends what a unit gave; the writer owns the batches from now on.
func (w *fileWriter) take(ctx context.Context, c *carried) error {
	if len(c.chunks) > 0 {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	for _, chunk := range c.chunks {
		if err := w.enc.Append(chunk.chunk); err != nil {
			return err
		}
		w.rows += chunk.rows
	}
	batches := c.batches
	c.batches = nil
	for i, b := range batches {
		if err := w.add(ctx, b); err != nil {
			return errWith(err, Batches(batches[i+1:]...).Close())
		}
	}
	return nil
}

// add takes over a batch and writes a chunk when there is enough for one.
func (w *fileWriter) add(ctx context.Context, b arrow.RecordBatch) error {
	w.pending = append(w.pending, b)
	w.held += b.NumRows()
	if w.held < unitRows {
		return nil
	}
	return w.flush(ctx)
}

func (w *fileWriter) flush(ctx context.Context) (err error) {
	defer recovered(&err)
	if len(w.pending) == 0 {
		return nil
	}
	chunk, err := w.enc.Encode(ctx, w.pending)
	if err != nil {
		return err
	}
	if err := w.enc.Append(chunk); err != nil {
		return err
	}
	w.rows += w.held
	w.release()
	return nil
}

func (w *fileWriter) release() {
	for _, b := range w.pending {
		b.Release()
	}
	w.pending, w.held = nil, 0
}

// close ends the file and makes it durable.
func (w *fileWriter) close() (File, error) {
	if err := w.flush(context.Background()); err != nil {
		return File{}, err
	}
	if err := w.enc.Close(); err != nil {
		return File{}, err
	}
	w.closed = true
	if err := w.file.Close(); err != nil {
		return File{}, err
	}
	f := w.file.File()
	f.Rows = w.rows
	if d, ok := w.enc.(Describer); ok {
		d.Describe(&f)
	}
	return f, nil
}

// abandon frees what an unfinished file holds; the stager removes the file.
func (w *fileWriter) abandon() {
	w.release()
	if !w.closed {
		w.closed = true
		_ = w.file.Close() // the run has failed already
	}
}

// putAside writes quarantined rows, beginning their file with the first of them.
func (r *run) putAside(ctx context.Context, sr *stageRun, b arrow.RecordBatch) (err error) {
	if sr.quarantine == nil {
		if sr.quarantine, err = r.create(ctx, sr.plan.Stage, true, b.Schema()); err != nil {
			return err
		}
	}
	b.Retain()
	return sr.quarantine.add(ctx, b)
}

// keepAside puts aside once more what was before and stays so.
func (r *run) keepAside(ctx context.Context, sr *stageRun) error {
	if r.env.Aside == nil || sr.plan.Output == nil {
		return nil
	}
	kept, err := r.env.Aside(sr.plan.Stage, QuarantineSchema(sr.schema))
	if err != nil || kept == nil {
		return err
	}
	return Each(ctx, kept, func(b arrow.RecordBatch) error {
		sr.rowsAside += b.NumRows()
		sr.rowsKept += b.NumRows()
		return r.putAside(ctx, sr, b)
	})
}
