package pipeline

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
)

// operatorStep is a stateless operator in a fragment.
type operatorStep struct {
	stage *Stage
	at    Pos
	bound *Bound
}

func (s *operatorStep) open(u Unit) (stepRun, error) {
	f, err := s.bound.Each(u)
	if err != nil {
		return nil, inStage(err, s.stage.Name, s.at)
	}
	return &operatorRun{s, f}, nil
}

func (s *operatorStep) merge(stepRun) error { return nil }

type operatorRun struct {
	step *operatorStep
	f    BatchFunc
}

func (r *operatorRun) apply(ctx context.Context, in arrow.RecordBatch) (out arrow.RecordBatch, err error) {
	defer func() {
		if err != nil {
			err = inStage(err, r.step.stage.Name, r.step.at)
		}
	}()
	defer recovered(&err)
	return r.f(ctx, in)
}

func (r *operatorRun) drop() {}

// countStep counts the rows that pass a point of a stage.
type countStep struct {
	total *int64
	told  func() // after each unit; may be nil
}

func (s *countStep) open(Unit) (stepRun, error) { return &countRun{}, nil }

func (s *countStep) merge(run stepRun) error {
	*s.total += run.(*countRun).rows
	if s.told != nil {
		s.told()
	}
	return nil
}

type countRun struct{ rows int64 }

func (r *countRun) apply(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	r.rows += in.NumRows()
	in.Retain()
	return in, nil
}

func (r *countRun) drop() {}

// judgeStep is the gates of a stage in a fragment. Rows put aside are handed to
// aside in order.
type judgeStep struct {
	stage *Stage
	court Court
	aside func(arrow.RecordBatch) error
}

func (s *judgeStep) open(u Unit) (stepRun, error) {
	return &judgeRun{step: s, witness: s.court.Unit(u)}, nil
}

func (s *judgeStep) merge(run stepRun) error {
	r := run.(*judgeRun)
	defer r.drop()
	if err := s.court.Merge(r.witness); err != nil {
		return inStage(err, s.stage.Name, s.stage.At)
	}
	for _, b := range r.asides {
		if err := s.aside(b); err != nil {
			return inStage(err, s.stage.Name, s.stage.At)
		}
	}
	return nil
}

type judgeRun struct {
	step    *judgeStep
	witness Witness
	asides  []arrow.RecordBatch
}

func (r *judgeRun) apply(ctx context.Context, in arrow.RecordBatch) (keep arrow.RecordBatch, err error) {
	defer func() {
		if err != nil {
			err = inStage(err, r.step.stage.Name, r.step.stage.At)
		}
	}()
	defer recovered(&err)
	keep, aside, err := r.witness.Observe(ctx, in)
	if err != nil {
		return nil, err
	}
	if aside != nil {
		r.asides = append(r.asides, aside)
	}
	return keep, nil
}

func (r *judgeRun) drop() {
	for _, b := range r.asides {
		b.Release()
	}
	r.asides = nil
}

// inStage names the stage an error belongs to, and the place in the pipeline file
// if the error has none of its own. Cancelling is nobody's fault and stays bare.
func inStage(err error, stage string, at Pos) error {
	if err == nil || isCanceled(err) {
		return err
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
