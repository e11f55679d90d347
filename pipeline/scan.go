package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/penstock-data/penstock/internal/figures"
)

// A Finder is a reader, given by Stream or Scan, that knows at its end whether what it gave
// adds up. Findings is asked once, after io.EOF. What it returns joins the findings of the
// stage, which the reader need not name, under names that no rule can have: see Balance.
type Finder interface {
	Reader
	Findings() []Finding
}

// A Reporter is a reader, given by Stream or Scan, that has something to say of its work at its
// end: a JSON object, small, which goes on record with the stage. Report is asked once, after
// io.EOF; nil says nothing.
type Reporter interface {
	Reader
	Report() json.RawMessage
}

// Balance is the name of the finding of an operator that reckons up what it read against what
// it gave. No rule of a user can have this name.
const Balance = "balance"

// finding is what a Finder is asked for.
type finding struct {
	op    string
	all   []Finding
	ended bool
}

// findings are what the operators of a stage found. One that was not read to its end can't say
// that anything adds up.
func (sr *stageRun) findings() (all []Finding) {
	for _, f := range sr.finders {
		if f.ended {
			all = append(all, f.all...)
			continue
		}
		all = append(all, Finding{
			Name: Balance, Kind: Balance, Severity: Block, Verdict: ErrorVerdict, DecidedBy: "counts", Rule: "what it gives adds up to what it read",
			Observed: f.op + " was not read to its end", Expected: "all its rows",
			Detail: []string{"leave out what stops reading before the end, limit for one, or give the stage an output and read that"},
		})
	}
	for i := range all {
		if all[i].Severity == "" {
			all[i].Severity = Block
		}
		all[i].At = sr.plan.At
	}
	return all
}

// scan starts an operator that reads its inputs as often as it likes.
func (r *run) scan(ctx context.Context, s *operatorStep, ins []*chain, sr *stageRun, flow *opflow) (_ Reader, err error) {
	var spools []*spooled
	defer func() {
		if err != nil {
			err = errWith(err, dropAll(spools))
		}
	}()
	inputs := make([]*Input, len(ins))
	for i, in := range ins {
		sc := &scanned{count: &r.counting, from: sr.account.before(i), name: "what comes to it"}
		if len(sr.account.operators) == 1 {
			sc.name = "input " + sr.account.inputs[i].name
		}
		flow.scanned = append(flow.scanned, sc)
		if in.f.plain() {
			sc.tell = in.f.tell
			inputs[i] = sc.of(in.f.schema, in.f.input)
			continue
		}
		spool, err := r.spoolRows(ctx, in.f.reader(), in.f.out)
		spools = append(spools, spool)
		if err != nil {
			return nil, err
		}
		inputs[i] = sc.of(in.f.out, spool.input(in.f.out, "stage "+s.stage.Name))
	}
	out, err := s.bound.Scan(ctx, r.env, inputs...)
	if err != nil {
		return nil, err
	}
	return &scanReader{sr.named(s, out), spools}, nil
}

// scanReader is what an operator gave whose inputs may lie in private files, which go with it.
type scanReader struct {
	Reader
	spools []*spooled
}

// Close implements Reader.
func (r *scanReader) Close() error {
	err := r.Reader.Close()
	return errWith(err, dropAll(r.spools))
}

func dropAll(spools []*spooled) (err error) {
	for _, s := range spools {
		err = errWith(err, s.drop())
	}
	return err
}

// plain reports whether nothing is done to the rows but to count them.
func (f *fragment) plain() bool {
	return f.input != nil && f.follows == nil && !slices.ContainsFunc(f.steps, func(s step) bool {
		_, counts := s.(*countStep)
		return !counts
	})
}

// tell counts the rows of a unit of a plain fragment that was read elsewhere.
func (f *fragment) tell(seq int, rows int64) error {
	for _, s := range f.steps {
		if err := s.merge(&countRun{seq: seq, rows: rows}); err != nil {
			return err
		}
	}
	return nil
}

// scanned counts what an operator with Scan reads of an input: of each split its first reading
// as a whole.
type scanned struct {
	name  string
	from  *int64 // rows that were counted before
	count *sync.Mutex
	tell  func(seq int, rows int64) error // may be nil
	read  []int64                         // rows by split; -1 until it was read
	told  int                             // splits, in their order
	rows  int64
}

// of gives an input, or those of its columns that the schema has.
func (sc *scanned) of(schema *arrow.Schema, whole *Input) *Input {
	one := *whole
	in := &one
	in.Schema, in.Whole = schema, whole.Whole && schema.NumFields() == whole.Schema.NumFields()
	in.Splits = slices.Clone(whole.Splits)
	sc.read = slices.Repeat([]int64{-1}, len(in.Splits))
	for i := range in.Splits {
		sc.wrap(i, &in.Splits[i], schema)
	}
	return in
}

// wrap has a split count what is read of it.
func (sc *scanned) wrap(seq int, s *Split, schema *arrow.Schema) {
	open, some, coded, was := s.Open, s.OpenSome, s.OpenCoded, *s
	columns := func(asked []string) []string {
		if asked == nil {
			return ColumnNames(schema)
		}
		return asked
	}
	whole := func(r Reader, err error) (Reader, error) {
		if err != nil {
			return nil, err
		}
		c := &countedReader{Reader: r, scanned: sc, seq: seq, split: &was}
		if p, is := r.(Placer); is {
			return &countedPlacer{c, p}, nil
		}
		return c, nil
	}
	s.Open = func(ctx context.Context, env *Env, asked []string) (Reader, error) {
		return whole(open(ctx, env, columns(asked)))
	}
	if some != nil {
		s.OpenSome = func(ctx context.Context, env *Env, asked []string, keep []bool) (Reader, error) {
			return some(ctx, env, columns(asked), keep)
		}
	}
	if coded != nil {
		s.OpenCoded = func(ctx context.Context, env *Env, asked []string, keep []bool, codes []string) (Reader, error) {
			r, err := coded(ctx, env, columns(asked), keep, codes)
			if keep != nil {
				return r, err
			}
			return whole(r, err)
		}
	}
}

// take counts a split that was read whole. What is counted is told in the order of the splits,
// so that it is the same for any number of workers.
func (sc *scanned) take(seq int, rows int64) error {
	sc.count.Lock()
	defer sc.count.Unlock()
	if sc.read[seq] >= 0 {
		return nil
	}
	sc.read[seq] = rows
	sc.rows += rows
	for ; sc.tell != nil && sc.told < len(sc.read) && sc.read[sc.told] >= 0; sc.told++ {
		if err := sc.tell(sc.told, sc.read[sc.told]); err != nil {
			return err
		}
	}
	return nil
}

// leaks are parts that were not read, and rows that are not those which were counted before.
func (sc *scanned) leaks(operator string) (all []leak) {
	missed := 0
	for _, n := range sc.read {
		if n < 0 {
			missed++
		}
	}
	switch {
	case missed > 0:
		all = append(all, leak{
			fmt.Sprintf("%s did not read %s of the %s parts of %s", operator, figures.Count(int64(missed)), figures.Count(int64(len(sc.read))), sc.name), "each at least once",
			"an operator that reads its inputs as often as it likes has to read each whole at least once; correct it",
		})
	case sc.rows != *sc.from:
		all = append(all, leak{
			fmt.Sprintf("%s was handed %s", operator, countRows(sc.rows)), figures.Count(*sc.from), "this is a bug in penstock; keep the input, and report it",
		})
	}
	return all
}

// countedReader counts the rows of a split that is read whole.
type countedReader struct {
	Reader
	scanned *scanned
	seq     int
	split   *Split
	rows    int64
	ended   atomic.Bool
}

// Next implements Reader.
func (r *countedReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err == nil {
		r.rows += b.NumRows()
		return b, nil
	}
	if !isEOF(err) || r.ended.Swap(true) {
		return b, err
	}
	if s := r.split; s.Facts != nil && s.Rows >= 0 && r.rows != s.Rows {
		return nil, &Error{Kind: BadInput, Where: s.Name, Msg: fmt.Sprintf("%d rows were read, and there are %d", r.rows, s.Rows)}
	}
	if terr := r.scanned.take(r.seq, r.rows); terr != nil {
		return nil, terr
	}
	return b, err
}

type countedPlacer struct {
	*countedReader
	placer Placer
}

// Places implements Placer.
func (r *countedPlacer) Places() []int32 { return r.placer.Places() }
