package pipeline

import (
	"context"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/trace"
)

// work is a unit with the way to read its rows: a split of a source, or batches.
type work struct {
	Unit
	split   *Split // nil for batches
	batches []arrow.RecordBatch
	start   trace.Place // of the first row, where the rows have no place columns
}

// counted reports whether it is known how many rows there are, and not just at most.
func (w *work) counted() bool {
	return w.split != nil && w.split.Facts != nil && w.split.Rows >= 0
}

// again reports whether some of the rows can be read a second time, by their places.
func (w *work) again() bool { return w.counted() && w.split.OpenSome != nil }

// A fragment is a chain of stateless steps over units of work: what one worker
// does in one go. It may cross stages; blocking operators and materialised stages
// end one fragment and begin the next.
type fragment struct {
	env   *Env
	next  func(context.Context) (*work, error)
	close func() error
	steps []step
	// input is what the units are splits of; nil where they are cut from a stream.
	input *Input
	// schema is what comes in, and out what leaves the last step.
	schema, out *arrow.Schema
	// discards says that nobody takes the rows that leave; takes, which columns of a split
	// can be taken as they are stored.
	discards bool
	takes    func(column int, s Stored) bool
	// check looks at the bytes of a split that is taken over unread; may be nil.
	check func(context.Context, *Split) error

	// follows says where the rows that leave came from; nil where nobody wants to know.
	follows *following

	layout    func() *layout // made once
	routes    routes
	factsOnce sync.Mutex // held while a split is asked for facts
}

// carried is what came of one unit.
type carried struct {
	batches []arrow.RecordBatch
	stored  *storedRows // set instead of batches, where columns are taken as they are
	chunks  []encoded   // set instead of both where they were encoded
	places  located     // where the rows came from, where somebody wants to know
	runs    []stepRun
}

// storedRows are all rows of a split, some columns of them as its file keeps them.
type storedRows struct {
	rows    int64
	bytes   int64
	columns []ColumnValues
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
	c.dropStored()
	for _, run := range c.runs {
		if run != nil {
			run.drop()
		}
	}
	c.runs = nil
}

func (c *carried) dropStored() {
	if c.stored == nil {
		return
	}
	for _, col := range c.stored.columns {
		for _, a := range col.Arrays {
			a.Release()
		}
	}
	c.stored = nil
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
	if c.stored != nil {
		n += c.stored.bytes
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

func (f *fragment) merge(c *carried) error {
	for i, run := range c.runs {
		if err := f.steps[i].merge(run); err != nil {
			c.runs = c.runs[i:]
			c.drop()
			return err
		}
	}
	c.runs = nil
	return f.follows.tell(c)
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
	firsts := in.Firsts()
	f := newFragment(env, project(in.Schema, columns))
	f.input = in
	f.close = func() error { return nil }
	f.next = func(context.Context) (*work, error) {
		if seq == len(in.Splits) {
			return nil, io.EOF
		}
		s := &in.Splits[seq]
		w := &work{Unit: Unit{Seq: seq, Name: s.Name, First: firsts[seq], Env: env, origin: s.Origin}, split: s, start: trace.At(int32(seq), 0)}
		if s.File < len(in.Files) {
			w.File = in.Files[s.File].Path
		}
		seq++
		return w, nil
	}
	return f
}

func newFragment(env *Env, schema *arrow.Schema) *fragment {
	f := &fragment{env: env, schema: schema, out: schema}
	f.layout = sync.OnceValue(f.layOut)
	return f
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

// Firsts are the places of the first row of each split in its file; -1 where it is not
// known how many rows come before it.
func (in *Input) Firsts() []int64 {
	all := make([]int64, len(in.Splits))
	for i, s := range in.Splits {
		if i > 0 && in.Splits[i-1].File == s.File {
			if all[i] = -1; all[i-1] >= 0 && in.Splits[i-1].Rows >= 0 {
				all[i] = all[i-1] + in.Splits[i-1].Rows
			}
		}
		if s.Before < 0 {
			all[i] = -1
		}
		if all[i] >= 0 {
			all[i] += s.Before
		}
	}
	return all
}

// unitRows is how many rows of a stream make a unit, and how many rows at least go
// into one chunk of an output file.
const unitRows = 122_880

// streamUnits cuts a stream into units. Where it cuts depends on the rows alone,
// so that results are the same for any number of workers.
func streamUnits(env *Env, r Reader, schema *arrow.Schema, name string) *fragment {
	seq, ended, before := 0, false, int64(0)
	f := newFragment(env, schema)
	f.close = r.Close
	f.next = func(ctx context.Context) (*work, error) {
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
		w := &work{Unit: Unit{Seq: seq, Name: name, First: -1, Env: env}, batches: batches, start: trace.Place(before)}
		seq++
		before += rows
		return w, nil
	}
	return f
}

// errWith gives the first of two errors that is one.
func errWith(err, second error) error {
	if err != nil {
		return err
	}
	return second
}
