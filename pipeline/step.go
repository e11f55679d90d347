package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/rows"
)

// A step is one operator, the gates or a counter of one stage.
type step interface {
	open(Unit) (stepRun, error)
	// merge takes in, in the order of the units, what a run of the step gathered.
	merge(stepRun) error
}

// A stepRun is a step at work on one unit.
type stepRun interface {
	// apply puts in place of the batch what leaves the step.
	apply(ctx context.Context, f *flow) error
	// drop releases what was gathered and will not be merged.
	drop()
}

// A flow is a batch on its way through the steps. It owns the batch.
type flow struct {
	env   *Env
	batch arrow.RecordBatch
	// at is where in the unit each row stands; nil once an operator may have moved them.
	at []int32
}

// become replaces the batch by one that f takes over.
func (f *flow) become(b arrow.RecordBatch) {
	f.batch.Release()
	f.batch = b
}

// keep leaves out the rows that are not marked. What is left out is returned if wanted.
func (f *flow) keep(ctx context.Context, keep []bool, wanted bool) (out *flow, err error) {
	if wanted {
		drop := make([]bool, len(keep))
		for i, k := range keep {
			drop[i] = !k
		}
		out = &flow{env: f.env, at: pickAt(f.at, drop)}
		if out.batch, err = rows.Filter(ctx, f.batch, drop, f.env.Alloc); err != nil {
			return nil, err
		}
	}
	kept, err := rows.Filter(ctx, f.batch, keep, f.env.Alloc)
	if err != nil {
		if out != nil {
			out.batch.Release()
		}
		return nil, err
	}
	f.become(kept)
	f.at = pickAt(f.at, keep)
	return out, nil
}

func pickAt(at []int32, keep []bool) []int32 {
	if at == nil {
		return nil
	}
	picked := make([]int32, 0, len(at))
	for i, k := range keep {
		if k {
			picked = append(picked, at[i])
		}
	}
	return picked
}

// operatorStep is a stateless operator in a fragment.
type operatorStep struct {
	stage *Stage
	op    Operator
	at    Pos
	bound *Bound
}

func (s *operatorStep) open(u Unit) (_ stepRun, err error) {
	r := &operatorRun{step: s}
	if s.bound.Keep != nil {
		r.keep, err = s.bound.Keep(u)
	} else {
		r.each, err = s.bound.Each(u)
	}
	if err != nil {
		return nil, inStage(err, s.stage.Name, s.at)
	}
	return r, nil
}

func (s *operatorStep) merge(stepRun) error { return nil }

type operatorRun struct {
	step *operatorStep
	each BatchFunc
	keep KeepFunc
}

func (r *operatorRun) apply(ctx context.Context, f *flow) (err error) {
	defer func() {
		if err != nil {
			err = inStage(err, r.step.stage.Name, r.step.at)
		}
	}()
	defer recovered(&err)
	if r.keep != nil {
		keep, err := r.keep(ctx, f.batch)
		if err == nil && keep != nil {
			_, err = f.keep(ctx, keep, false)
		}
		return err
	}
	out, err := r.each(ctx, f.batch)
	if err != nil {
		return err
	}
	if r.step.bound.Same == nil {
		f.at = nil
	} else if out.NumRows() != f.batch.NumRows() {
		defer out.Release()
		return Errorf(Internal, "%s took %d rows and gave %d, and said it would give each", r.step.op, f.batch.NumRows(), out.NumRows())
	}
	f.become(out)
	return nil
}

func (r *operatorRun) drop() {}

// countStep counts the rows that pass a point of a stage.
type countStep struct {
	total *int64
	told  func(seq int, rows int64) // after each unit; may be nil
}

func (s *countStep) open(u Unit) (stepRun, error) { return &countRun{seq: u.Seq}, nil }

func (s *countStep) merge(run stepRun) error {
	r := run.(*countRun)
	atomic.AddInt64(s.total, r.rows) // inputs of an operator are merged side by side
	if s.told != nil {
		s.told(r.seq, r.rows)
	}
	return nil
}

// countRun counts the rows of the unit that is the seq-th of its fragment.
type countRun struct {
	seq  int
	rows int64
}

func (r *countRun) apply(_ context.Context, f *flow) error {
	r.rows += f.batch.NumRows()
	return nil
}

func (r *countRun) drop() {}

// judgeStep is the gates of a stage in a fragment. Rows put aside are handed to
// aside in order.
type judgeStep struct {
	stage  *Stage
	schema *arrow.Schema // that the judge was bound to
	judge  *BoundJudge
	court  Court
	aside  func(arrow.RecordBatch) error
}

func (s *judgeStep) open(u Unit) (stepRun, error) {
	return &judgeRun{step: s, unit: u, witness: s.court.Unit(u)}, nil
}

func (s *judgeStep) merge(run stepRun) (err error) {
	defer recovered(&err)
	r := run.(*judgeRun)
	defer r.drop()
	if err := s.court.Merge(r.witness); err != nil {
		return inStage(err, s.stage.Name, s.stage.At)
	}
	for _, f := range r.asides {
		if err := s.aside(f.batch); err != nil {
			return inStage(err, s.stage.Name, s.stage.At)
		}
	}
	return nil
}

type judgeRun struct {
	step    *judgeStep
	unit    Unit
	witness Witness
	asides  []*flow
}

// know asks the witness what it has to see. A panic leaves everything in doubt.
func (r *judgeRun) know(ctx context.Context, k *Known) (d Doubt, err error) {
	defer func() {
		if err != nil {
			err = inStage(err, r.step.stage.Name, r.step.stage.At)
		}
	}()
	defer recovered(&err)
	return r.witness.Know(ctx, k), nil
}

func (r *judgeRun) apply(ctx context.Context, f *flow) (err error) {
	defer func() {
		if err != nil {
			err = inStage(err, r.step.stage.Name, r.step.stage.At)
		}
	}()
	defer recovered(&err)
	seen := widen(r.step.schema, f.batch)
	sifted, err := r.witness.Observe(ctx, seen, f.at)
	if err != nil || sifted == nil {
		return err
	}
	out, err := f.keep(ctx, sifted.Keep, true)
	if err != nil {
		return err
	}
	if err := out.explain(sifted.Why, r.unit); err != nil {
		out.batch.Release()
		return err
	}
	r.asides = append(r.asides, out)
	return nil
}

func (r *judgeRun) drop() {
	for _, f := range r.asides {
		f.batch.Release()
	}
	r.asides = nil
}

// The columns that quarantined rows have beside their own: why, and where they came from.
const (
	RulesColumn  = "_rules"
	SourceColumn = "_source"
	RowColumn    = "_row"
)

// QuarantineSchema is that of rows of a schema that were put aside.
func QuarantineSchema(s *arrow.Schema) *arrow.Schema {
	fields := append([]arrow.Field{}, s.Fields()...)
	return arrow.NewSchema(append(fields,
		arrow.Field{Name: RulesColumn, Type: arrow.BinaryTypes.String},
		arrow.Field{Name: SourceColumn, Type: arrow.BinaryTypes.String},
		arrow.Field{Name: RowColumn, Type: arrow.PrimitiveTypes.Int64, Nullable: true}), nil)
}

// explain adds to rows that were put aside why, and where they came from.
func (f *flow) explain(why []string, u Unit) error {
	if int64(len(why)) != f.batch.NumRows() {
		return fmt.Errorf("%d rows are put aside, for %d reasons", f.batch.NumRows(), len(why))
	}
	reasons, places := array.NewStringBuilder(f.env.Alloc), array.NewStringBuilder(f.env.Alloc)
	rows := array.NewInt64Builder(f.env.Alloc)
	defer reasons.Release()
	defer places.Release()
	defer rows.Release()
	for i, w := range why {
		source, row := u.Origin(f.at, i)
		reasons.Append(w)
		places.Append(source)
		if row >= 0 {
			rows.Append(row)
		} else {
			rows.AppendNull()
		}
	}
	added := []arrow.Array{reasons.NewArray(), places.NewArray(), rows.NewArray()}
	for _, a := range added {
		defer a.Release()
	}
	cols := append(append([]arrow.Array{}, f.batch.Columns()...), added...)
	f.become(array.NewRecordBatch(QuarantineSchema(f.batch.Schema()), cols, f.batch.NumRows()))
	return nil
}

// inStage names the stage an error belongs to, and the place in the pipeline file
// if the error has none of its own. Cancelling is nobody's fault and stays bare.
func inStage(err error, stage string, at Pos) error {
	if err == nil || isCanceled(err) {
		return err
	}
	if all, ok := err.(Errors); ok { //nolint:errorlint // each has a line of its own, which wants its place
		named := make(Errors, len(all))
		for i, e := range all {
			named[i] = inStage(e, stage, at)
		}
		return named
	}
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Kind: KindOf(err), At: at, Stage: stage, Err: err}
	}
	if e != err || e.Stage != "" { //nolint:errorlint // identity: is the outermost error ours?
		return err
	}
	named := *e
	named.Stage = stage
	if named.At == (Pos{}) && named.Kind == Invalid {
		named.At = at
	}
	return &named
}
