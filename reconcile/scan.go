package reconcile

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/compare"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// scan loads both sides, or of each what may not be equal, and gives the result.
func (p *plan) scan(ctx context.Context, env *pipeline.Env, in ...*pipeline.Input) (pipeline.Reader, error) {
	narrow, columns, err := p.narrowed()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open(env, p.threads(env))
	if err != nil {
		return nil, err
	}
	out := &result{m: &matcher{plan: narrow, env: env, db: db}}
	if err := out.find(ctx, in, columns); err != nil {
		return nil, firstOf(err, db.Close())
	}
	return out, nil
}

// find loads and matches.
func (r *result) find(ctx context.Context, in []*pipeline.Input, columns [2][]string) error {
	var found *compare.Unmatched
	if !r.m.o.Rows && !r.m.simple {
		var err error
		if found, err = r.m.prove(ctx, in, &r.read); err != nil {
			return err
		}
	}
	for side := range in {
		if err := r.load(ctx, side, in[side], columns[side], found); err != nil {
			return err
		}
	}
	if err := r.m.match(ctx); err != nil {
		return err
	}
	return r.m.judge(ctx)
}

// load takes in a side, or of it the rows that were found to have to be matched.
func (r *result) load(ctx context.Context, side int, in *pipeline.Input, columns []string, found *compare.Unmatched) error {
	s := &splitReader{env: r.m.env, in: in, columns: columns}
	if found == nil {
		return r.m.load(ctx, side, counted{s, r.m.plan, side, &r.read[side]})
	}
	s.keep = func(i int) []bool {
		if found.Marks[side][i] == nil {
			return nil
		}
		return found.Marks[side][i].Bools(found.Rows[side][i])
	}
	var loaded tally
	if err := r.m.load(ctx, side, counted{s, r.m.plan, side, &loaded}); err != nil {
		return err
	}
	want := int64(0)
	for _, marks := range found.Marks[side] {
		want += marks.Count()
	}
	if loaded.rows != want {
		return pipeline.Errorf(pipeline.BadInput, "reconcile: %s is not what it was when it was read before: %d rows came, %d expected", r.m.o.side(side), loaded.rows, want).
			With("something writes what is read; run it again when that is done")
	}
	r.m.equal[side] = r.read[side].without(&loaded)
	return nil
}

// narrowed is the plan for inputs with the columns that are wanted alone, and their names.
func (p *plan) narrowed() (*plan, [2][]string, error) {
	var columns [2][]string
	var in []*arrow.Schema
	for side, schema := range p.in {
		wanted := map[int]bool{}
		for _, c := range p.pairs() {
			wanted[c.index[side]] = true
		}
		for _, c := range p.carry {
			wanted[c.index[side]] = true
		}
		columns[side] = []string{}
		var fields []arrow.Field
		for i, f := range schema.Fields() {
			if wanted[i] {
				columns[side], fields = append(columns[side], f.Name), append(fields, f)
			}
		}
		in = append(in, arrow.NewSchema(fields, nil))
	}
	narrow, err := newPlan(p.o, in)
	if err == nil {
		narrow.simple = p.simple
	}
	return narrow, columns, err
}

// pairs are all columns that are looked at.
func (p *plan) pairs() []*columnPair {
	all := append(append([]*columnPair{}, p.keys...), p.cols...)
	for _, pass := range p.passes {
		all = append(all, pass.on...)
		if pass.date != nil {
			all = append(all, pass.date)
		}
	}
	if p.late != nil {
		all = append(all, p.late)
	}
	return all
}

// splitReader reads the splits of an input, one after the other, or of each the rows to keep.
type splitReader struct {
	env     *pipeline.Env
	in      *pipeline.Input
	columns []string
	keep    func(split int) []bool // nil: all; it may give nil for none

	next int
	now  pipeline.Reader
	left []bool // of keep, what is left to be taken out of the batches of the split
	due  int64  // how many rows of it are wanted yet, or -1 where that is not known
	all  bool
}

// Next implements pipeline.Reader.
func (r *splitReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		if r.now == nil {
			if r.next == len(r.in.Splits) {
				return nil, io.EOF
			}
			if err := r.open(ctx, r.next); err != nil {
				return nil, err
			}
			r.next++
			continue
		}
		b, err := r.now.Next(ctx)
		if err == io.EOF { //nolint:errorlint // a Reader gives io.EOF itself
			err = r.Close()
			if err == nil && r.due > 0 {
				err = r.changed("fewer")
			}
			if err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if r.all {
			r.due -= min(r.due, b.NumRows())
			return b, nil
		}
		defer b.Release()
		if int64(len(r.left)) < b.NumRows() {
			return nil, r.changed("more")
		}
		keep := r.left[:b.NumRows()]
		r.left = r.left[b.NumRows():]
		b, err = rows.Filter(ctx, b, keep, r.env.Alloc)
		if err == nil {
			r.due -= b.NumRows()
		}
		return b, err
	}
}

// changed is the error of a split that is not what it was.
func (r *splitReader) changed(how string) error {
	return pipeline.Errorf(pipeline.BadInput, "reconcile: %s has %s rows than when it was read before", r.in.Splits[r.next-1].Name, how).
		With("leave the inputs alone while they are read, and run it again")
}

// open begins a split; one of which nothing is kept it passes by.
func (r *splitReader) open(ctx context.Context, i int) (err error) {
	s := &r.in.Splits[i]
	r.all, r.due = r.keep == nil, -1
	if r.all {
		r.now, err = s.Open(ctx, r.env, r.columns)
		return err
	}
	keep := r.keep(i)
	if keep == nil {
		return nil
	}
	r.due = 0
	for _, k := range keep {
		if k {
			r.due++
		}
	}
	if s.OpenSome != nil {
		r.all = true
		r.now, err = s.OpenSome(ctx, r.env, r.columns, keep)
		return err
	}
	r.left = keep
	r.now, err = s.Open(ctx, r.env, r.columns)
	return err
}

// Close implements pipeline.Reader.
func (r *splitReader) Close() error {
	if r.now == nil {
		return nil
	}
	now := r.now
	r.now = nil
	return now.Close()
}
