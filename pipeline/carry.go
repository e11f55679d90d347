package pipeline

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/trace"
)

// trip is one unit on its way through a fragment.
type trip struct {
	*fragment
	work    *work
	reading *reading
	route   *route
	carried *carried
	pieces  []*flow         // what left the last step
	seen    int64           // rows that were read
	lanes   [][]trace.Place // the place columns of the unit
}

// carry takes one unit through all steps.
func (f *fragment) carry(ctx context.Context, w *work) (c *carried, err error) {
	t := &trip{fragment: f, work: w, carried: &carried{runs: make([]stepRun, len(f.steps))}}
	batches := Batches(w.batches...)
	defer func() {
		err = errWith(err, batches.Close())
		for _, p := range t.pieces {
			p.batch.Release()
		}
		if err != nil {
			t.carried.drop()
			c = nil
		}
	}()
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	if !t.reading.none {
		if err := t.read(ctx, batches); err != nil {
			return nil, err
		}
	}
	if f.check != nil {
		if err := f.check(ctx, w.split); err != nil {
			return nil, err
		}
	}
	t.countUnread()
	t.locate()
	if err := t.finish(ctx); err != nil {
		return nil, err
	}
	return t.carried, t.widen()
}

// open begins the steps, those of operators once it is known what they are given.
func (t *trip) open(ctx context.Context) (err error) {
	runs := t.carried.runs
	for i, s := range t.steps {
		if _, is := s.(*operatorStep); is {
			continue
		}
		if runs[i], err = s.open(t.work.Unit); err != nil {
			return err
		}
	}
	if t.reading, err = t.weigh(ctx, t.work, runs); err != nil || t.reading.none {
		return err
	}
	if t.route, err = t.fragment.route(t.reading); err != nil {
		return err
	}
	for i, s := range t.route.steps {
		if _, is := s.(*operatorStep); !is || !t.reading.active[i] {
			continue
		}
		if runs[i], err = s.open(t.work.Unit); err != nil {
			return err
		}
	}
	return nil
}

// read carries the rows that have to be read through the steps that have to see them.
func (t *trip) read(ctx context.Context, batches Reader) (err error) {
	r := batches
	var places []int32
	if s := t.work.split; s != nil {
		if t.reading.rows != nil {
			places = marked(t.reading.rows)
		}
		switch {
		case t.route.coded != nil && s.OpenCoded != nil:
			r, err = s.OpenCoded(ctx, t.env, t.route.columns, t.reading.rows, t.route.coded)
		case t.reading.rows == nil:
			r, err = s.Open(ctx, t.env, t.follows.columns(t.route.columns))
		default:
			r, err = s.OpenSome(ctx, t.env, t.route.columns, t.reading.rows)
		}
		if err != nil {
			return err
		}
	}
	err = Each(ctx, r, func(b arrow.RecordBatch) error {
		b = t.strip(b)
		f := &flow{env: t.env, batch: b, at: t.places(r, places, b.NumRows())}
		if err := t.pass(ctx, f); err != nil {
			f.batch.Release()
			return err
		}
		if f.batch.NumRows() == 0 || t.discards {
			f.batch.Release()
			return nil
		}
		t.pieces = append(t.pieces, f)
		return nil
	})
	if err != nil || !t.work.counted() {
		return err
	}
	if want := t.work.split.Rows - t.unread(); t.seen != want {
		return &Error{Kind: BadInput, Where: t.work.Name, Msg: fmt.Sprintf("%d rows were read, and there are %d", t.seen, want)}
	}
	return nil
}

// places says where in the unit the next n rows, which r gave, stand.
func (t *trip) places(r Reader, marked []int32, n int64) []int32 {
	from := t.seen
	t.seen += n
	if t.work.split == nil && t.follows == nil {
		return nil
	}
	if p, ok := r.(Placer); ok && marked == nil {
		return p.Places()
	}
	if marked != nil {
		return marked[min(from, int64(len(marked))):min(t.seen, int64(len(marked)))]
	}
	at := make([]int32, n)
	for i := range at {
		at[i] = int32(from) + int32(i)
	}
	return at
}

func marked(rows []bool) []int32 {
	at := []int32{}
	for i, m := range rows {
		if m {
			at = append(at, int32(i))
		}
	}
	return at
}

func (t *trip) pass(ctx context.Context, f *flow) error {
	for i, run := range t.carried.runs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if run == nil || !t.reading.active[i] {
			continue
		}
		if err := run.apply(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// unread is how many rows were not read.
func (t *trip) unread() int64 {
	switch {
	case t.work.split == nil || t.reading.rows == nil && !t.reading.none:
		return 0
	case t.reading.none:
		return t.work.split.Rows
	}
	n := int64(0)
	for _, read := range t.reading.rows {
		if !read {
			n++
		}
	}
	return n
}

// countUnread counts the rows that were not read as far as they would have come.
func (t *trip) countUnread() {
	n := t.unread()
	for _, run := range t.carried.runs[:t.reading.ends] {
		if count, ok := run.(*countRun); ok {
			count.rows += n
		}
	}
}
