package pipeline

import (
	"context"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// work is a unit with the way to read its rows.
type work struct {
	Unit
	open func(context.Context) (Reader, error)
	// skipped rows are not read, for none of them would leave the first operator.
	skipped int64
}

// A fragment is a chain of stateless steps over units of work: what one worker
// does in one go. It may cross stages; blocking operators and materialised stages
// end one fragment and begin the next.
type fragment struct {
	env   *Env
	next  func(context.Context) (*work, error)
	close func() error
	steps []step
	// ofSplits says that the units are splits of a source; skips, that the first
	// operator wants none of the rows of one.
	ofSplits bool
	skips    func(Split) bool
}

// A step is one operator, the gates or a counter of one stage.
type step interface {
	open(Unit) (stepRun, error)
	// merge takes in, in the order of the units, what a run of the step gathered.
	merge(stepRun) error
}

// A stepRun is a step at work on one unit.
type stepRun interface {
	// apply borrows in and gives a batch that the caller releases.
	apply(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error)
	// drop releases what was gathered and will not be merged.
	drop()
}

// carried is what came of one unit.
type carried struct {
	batches []arrow.RecordBatch
	chunks  []encoded // set instead of batches where they were encoded
	runs    []stepRun
}

type encoded struct {
	chunk Chunk
	rows  int64
}

func (c *carried) drop() {
	for _, b := range c.batches {
		b.Release()
	}
	c.batches = nil
	for _, run := range c.runs {
		run.drop()
	}
	c.runs = nil
}

func (c *carried) rows() (n int64) {
	for _, b := range c.batches {
		n += b.NumRows()
	}
	return n
}

func (c *carried) bytes() (n int64) {
	for _, b := range c.batches {
		for _, col := range b.Columns() {
			n += sizeOf(col.Data())
		}
	}
	return n
}

// sizeOf is the bytes of an array's buffers. Shared dictionaries are not counted.
func sizeOf(d arrow.ArrayData) (n int64) {
	for _, buf := range d.Buffers() {
		if buf != nil {
			n += int64(buf.Len())
		}
	}
	for _, child := range d.Children() {
		n += sizeOf(child)
	}
	return n
}

// carry takes one unit through all steps.
func (f *fragment) carry(ctx context.Context, w *work) (c *carried, err error) {
	c = &carried{}
	defer func() {
		if err != nil {
			c.drop()
		}
	}()
	for _, s := range f.steps {
		run, err := s.open(w.Unit)
		if err != nil {
			return nil, err
		}
		c.runs = append(c.runs, run)
	}
	if w.skipped > 0 {
		c.countSkipped(w.skipped)
		return c, nil
	}
	r, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	err = Each(ctx, r, func(b arrow.RecordBatch) error {
		out, err := applyAll(ctx, c.runs, b)
		if err != nil {
			return err
		}
		if out.NumRows() == 0 {
			out.Release()
			return nil
		}
		c.batches = append(c.batches, out)
		return nil
	})
	return c, err
}

// countSkipped counts rows that were not read where those that are read are counted
// before the first operator.
func (c *carried) countSkipped(rows int64) {
	for _, run := range c.runs {
		count, ok := run.(*countRun)
		if !ok {
			return
		}
		count.rows += rows
	}
}

func applyAll(ctx context.Context, runs []stepRun, b arrow.RecordBatch) (arrow.RecordBatch, error) {
	b.Retain()
	for _, run := range runs {
		if err := ctx.Err(); err != nil {
			b.Release()
			return nil, err
		}
		out, err := run.apply(ctx, b)
		b.Release()
		if err != nil {
			return nil, err
		}
		b = out
	}
	return b, nil
}

func (f *fragment) merge(c *carried) error {
	for i, run := range c.runs {
		if err := f.steps[i].merge(run); err != nil {
			for _, rest := range c.runs[i:] {
				rest.drop()
			}
			c.runs = nil
			return err
		}
	}
	c.runs = nil
	return nil
}

// reader runs the fragment and gives its rows as one stream, in order.
func (f *fragment) reader() Reader { return &fragmentReader{f: f} }

type fragmentReader struct {
	f       *fragment
	x       *exchange[*carried]
	pending []arrow.RecordBatch
	closed  bool
}

func (r *fragmentReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.closed {
		return nil, io.EOF
	}
	if r.x == nil {
		r.x = startExchange(ctx, r.f.env, r.f.next, func(ctx context.Context, w *work) (*carried, int64, error) {
			c, err := r.f.carry(ctx, w)
			if err != nil {
				return nil, 0, err
			}
			return c, c.bytes(), nil
		})
	}
	for len(r.pending) == 0 {
		c, err := r.x.Next(ctx)
		if err != nil {
			return nil, err
		}
		if err := r.f.merge(c); err != nil {
			c.drop()
			return nil, err
		}
		r.pending = c.batches
	}
	b := r.pending[0]
	r.pending = r.pending[1:]
	return b, nil
}

func (r *fragmentReader) Close() (err error) {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.x != nil {
		err = r.x.Close((*carried).drop)
	}
	for _, b := range r.pending {
		b.Release()
	}
	r.pending = nil
	if cerr := r.f.close(); err == nil {
		err = cerr
	}
	return err
}

// splitUnits gives each split of an input as a unit, reading only the columns.
func splitUnits(env *Env, in *Input, columns []string) *fragment {
	seq := 0
	f := &fragment{env: env, close: func() error { return nil }, ofSplits: true}
	f.next = func(ctx context.Context) (*work, error) {
		if seq == len(in.Splits) {
			return nil, io.EOF
		}
		s := in.Splits[seq]
		w := &work{
			Unit: Unit{Seq: seq, Name: s.Name, Env: env},
			open: func(ctx context.Context) (Reader, error) { return s.Open(ctx, env, columns) },
		}
		if f.skips != nil && s.Facts != nil && f.skips(s) {
			w.skipped = s.Rows
		}
		seq++
		return w, nil
	}
	return f
}

// skipBy lets the first operator of the fragment say which splits it wants no row of.
func (f *fragment) skipBy(b *Bound) {
	first := !slices.ContainsFunc(f.steps, func(s step) bool { _, counts := s.(*countStep); return !counts })
	if b.Skips != nil && f.ofSplits && first {
		f.skips = func(s Split) bool { return b.Skips(s.Rows, s.Facts) }
	}
}

func (in *Input) rows() (n int64) {
	for _, s := range in.Splits {
		if s.Rows < 0 {
			return -1
		}
		n += s.Rows
	}
	return n
}

// unitRows is how many rows of a stream make a unit, and how many rows at least go
// into one chunk of an output file.
const unitRows = 122_880

// streamUnits cuts a stream into units. Where it cuts depends on the rows alone,
// so that results are the same for any number of workers.
func streamUnits(env *Env, r Reader, name string) *fragment {
	seq, ended := 0, false
	return &fragment{
		env:   env,
		close: r.Close,
		next: func(ctx context.Context) (*work, error) {
			if ended {
				return nil, io.EOF
			}
			var batches []arrow.RecordBatch
			var rows int64
			for rows < unitRows {
				b, err := r.Next(ctx)
				if isEOF(err) {
					ended = true
					break
				}
				if err != nil {
					return nil, errWith(err, Batches(batches...).Close())
				}
				batches = append(batches, b)
				rows += b.NumRows()
			}
			if len(batches) == 0 {
				return nil, io.EOF
			}
			w := &work{
				Unit: Unit{Seq: seq, Name: name, Env: env},
				open: func(context.Context) (Reader, error) { return Batches(batches...), nil },
			}
			seq++
			return w, nil
		},
	}
}

// errWith gives the first of two errors that is one.
func errWith(err, second error) error {
	if err != nil {
		return err
	}
	return second
}
