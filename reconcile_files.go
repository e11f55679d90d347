package penstock

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/night"
	"github.com/penstock-data/penstock/reconcile/totals"
)

// Files are two sides to reconcile: data files, by their ending, relative to Dir.
type Files struct {
	Dir         string
	Left, Right []string
	// Reconcile gives how, when the columns of both sides are known.
	Reconcile func(left, right *arrow.Schema) (reconcile.Options, error)
	// Shown is how many breaks each list names; 0: 20.
	Shown int
}

// ReconcileFiles reconciles two sides without a project, and without a ledger: nothing is kept. The
// night is that of a run that was blocked if what was given does not add up to what was read.
func ReconcileFiles(ctx context.Context, f Files, o Options) (_ *night.Night, err error) {
	o = o.withDefaults()
	temp, err := os.MkdirTemp("", "penstock-reconcile-")
	if err != nil {
		return nil, &pipeline.Error{Kind: pipeline.IO, Err: err}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	env := &pipeline.Env{
		Dir: f.Dir, Temp: temp, Workers: o.Workers, Memory: pipeline.NewBudget(o.Memory), Now: faults.SystemClock().Now, Alloc: memory.DefaultAllocator,
	}
	pl := &pipeline.Pipeline{Name: "files"}
	var schemas [2]*arrow.Schema
	for i, paths := range [][]string{f.Left, f.Right} {
		source, err := fileSource(nil, paths...)
		if err != nil {
			return nil, err
		}
		in, err := source.Resolve(ctx, env)
		if err != nil {
			return nil, err
		}
		schemas[i] = in.Schema
		pl.Sources = append(pl.Sources, pipeline.NamedSource{Name: []string{"left", "right"}[i], Source: source})
	}
	how, err := f.Reconcile(schemas[0], schemas[1])
	if err != nil {
		return nil, err
	}
	if how.Names == [2]string{} {
		how.Names = [2]string{filepath.Base(f.Left[0]), filepath.Base(f.Right[0])}
	}
	tap := &nightTap{record: &pipeline.RunRecord{Pipeline: how.Names[0] + " and " + how.Names[1], Status: pipeline.Published, Penstock: Version(), Actor: o.Actor}}
	tap.builder = night.NewBuilder(tap.record, nil, night.Options{Shown: f.Shown})
	pl.Stages = []pipeline.Stage{{Name: "compare", From: []string{"left", "right"}, Operators: []pipeline.Operator{reconcile.Sides(how), tap}}}
	plan, err := pipeline.Bind(ctx, pl, env)
	if err != nil {
		return nil, stageless(err)
	}
	out, err := plan.Run(ctx, nil, o.Listener)
	if err != nil {
		return nil, err
	}
	return tap.night(out)
}

// stageless is what Bind finds without the name of the stage, which nobody wrote.
func stageless(err error) error {
	switch e := err.(type) { //nolint:errorlint // only the outermost errors name it
	case pipeline.Errors:
		all := make(pipeline.Errors, len(e))
		for i, one := range e {
			all[i] = stageless(one)
		}
		return all
	case *pipeline.Error:
		named := *e
		named.Stage = ""
		return &named
	}
	return err
}

// nightTap takes in the breaks that go through it, without a ledger.
type nightTap struct {
	record  *pipeline.RunRecord
	builder *night.Builder
}

func (t *nightTap) String() string { return "tell of the breaks" }

// Bind implements pipeline.Operator.
func (t *nightTap) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	return &pipeline.Bound{
		Schema: in[0], Rows: pipeline.RowsSame, Opaque: "nothing is published",
		Stream: func(_ context.Context, _ *pipeline.Env, r ...pipeline.Reader) (pipeline.Reader, error) {
			t.builder.Sides(totals.New(in[0], [2]string{}, "").Summary()) // the units of the columns
			return tapped{r[0], t.builder}, nil
		},
	}, nil
}

type tapped struct {
	pipeline.Reader
	builder *night.Builder
}

// Next implements pipeline.Reader.
func (t tapped) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := t.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.builder.Relation(b); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// night is what came of the run.
func (t *nightTap) night(out *pipeline.Outcome) (*night.Night, error) {
	for _, s := range out.Stages {
		for _, report := range s.Record.Reports {
			summary, err := totals.ParseSummary(report)
			if err != nil {
				return nil, err
			}
			t.builder.Sides(summary)
		}
		t.builder.Gates(s.Findings)
	}
	if out.Blocked {
		t.builder.Ended(pipeline.Blocked)
	}
	return t.builder.Night(), nil
}
