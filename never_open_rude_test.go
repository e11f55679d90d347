package penstock_test

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// rude is a user's operator that ends badly.
type rude struct {
	fired *atomic.Int64
	do    func(context.Context) error
}

func (r rude) String() string { return "rude" }

func (r rude) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	return &pipeline.Bound{Schema: in[0], Each: func(pipeline.Unit) (pipeline.BatchFunc, error) {
		return func(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
			r.fired.Add(1)
			if err := r.do(ctx); err != nil {
				return nil, err
			}
			b.Retain()
			return b, nil
		}, nil
	}}, nil
}

// rudeJudge is a user's judge that ends badly somewhere: with err or, if that is nil, a panic.
type rudeJudge struct {
	pipeline.Judge
	place string
	fired *atomic.Int64
	err   error
}

func (j *rudeJudge) at(place string) error {
	if place != j.place {
		return nil
	}
	if j.fired.Add(1); j.err == nil {
		panic("a judge at " + place)
	}
	return j.err
}

// Bind implements pipeline.Judge.
func (j *rudeJudge) Bind(s *arrow.Schema, around pipeline.Surroundings) (*pipeline.BoundJudge, error) {
	if err := j.at("bind"); err != nil {
		return nil, err
	}
	b, err := j.Judge.Bind(s, around)
	if err != nil {
		return nil, err
	}
	openCourt := b.Open
	b.Open = func(ctx context.Context, h pipeline.Hearing) (pipeline.Court, error) {
		if err := j.at("open"); err != nil {
			return nil, err
		}
		c, err := openCourt(ctx, h)
		return rudeCourt{c, j}, err
	}
	return b, nil
}

type rudeCourt struct {
	pipeline.Court
	j *rudeJudge
}

func (c rudeCourt) Unit(u pipeline.Unit) pipeline.Witness {
	if c.j.err == nil {
		_ = c.j.at("unit")
	}
	return &rudeWitness{c.Court.Unit(u), c.j}
}

func (c rudeCourt) Merge(w pipeline.Witness) error {
	if err := c.j.at("merge"); err != nil {
		return err
	}
	return c.Court.Merge(w.(*rudeWitness).Witness)
}

func (c rudeCourt) Judge(ctx context.Context, again func(context.Context, []int) (pipeline.Reader, error)) (*pipeline.Judgement, error) {
	if err := c.j.at("judge"); err != nil {
		return nil, err
	}
	if c.j.place == "nothing" {
		c.j.fired.Add(1)
		return nil, nil
	}
	return c.Court.Judge(ctx, again)
}

// Close implements io.Closer.
func (c rudeCourt) Close() error { return c.Court.(io.Closer).Close() }

type rudeWitness struct {
	pipeline.Witness
	j *rudeJudge
}

func (w *rudeWitness) Know(ctx context.Context, k *pipeline.Known) pipeline.Doubt {
	if w.j.err == nil {
		_ = w.j.at("know")
	}
	return w.Witness.Know(ctx, k)
}

func (w *rudeWitness) Observe(ctx context.Context, in arrow.RecordBatch, at []int32) (*pipeline.Sifted, error) {
	if err := w.j.at("observe"); err != nil {
		return nil, err
	}
	return w.Witness.Observe(ctx, in, at)
}

// nothing is an operator that hands on what it is given: what it is given has to be read.
type nothing struct{}

func (nothing) String() string { return "nothing" }

// Bind implements pipeline.Operator.
func (nothing) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	return rude{new(atomic.Int64), func(context.Context) error { return nil }}.Bind(in...)
}
