package gates

import (
	"context"
	"math/bits"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/pipeline"
)

// witness has seen the rows of one unit.
type witness struct {
	court   *court
	unit    pipeline.Unit
	tallies []tally                // by rule
	states  []state                // by metric
	errs    []error                // of metrics
	keys    []*keys.Log            // by rule; nil where there were none
	groups  []map[string]*tally    // by rule, of those with `by`
	samples [][]pipeline.RowSample // by rule: the first rows that failed
	marks   marks

	// What was known without reading: rules whose tallies are complete, those that are
	// certain to hold of every row that is seen, and metrics whose states are complete.
	known, saw     bool
	settled, holds []bool
	measured       []bool
	climbs         []climb // by rule
	metricRungs    []rung
}

// tally is what a rule found of some rows.
type tally struct {
	tested, failed, null, aside int64
	err                         string // of the first row that gave one
	errs                        int64
}

func (t *tally) add(o tally) {
	t.tested += o.tested
	t.failed += o.failed
	t.null += o.null
	t.aside += o.aside
	t.errs += o.errs
	if t.err == "" {
		t.err = o.err
	}
}

// Observe implements pipeline.Witness.
func (w *witness) Observe(ctx context.Context, in arrow.RecordBatch, at []int32) (sifted *pipeline.Sifted, err error) {
	w.saw = true
	if sifted, err = w.quarantine(ctx, in, at); err != nil {
		return nil, err
	}
	kept := in
	if sifted != nil {
		if kept, err = pipeline.Filter(ctx, in, sifted.Keep, w.unit.Env.Alloc); err != nil {
			return nil, err
		}
		defer kept.Release()
		at = placesOf(at, sifted.Keep)
	}
	v := w.view(kept, at, false)
	defer v.release()
	for i, r := range w.court.rules {
		switch {
		case r.Else == Quarantine || w.settled[i]:
		case w.holds[i]:
			w.tallies[i].tested += kept.NumRows()
		default:
			if err := w.observe(ctx, i, r, v); err != nil {
				return nil, err
			}
		}
	}
	for i, m := range w.court.metrics {
		if w.measured[i] {
			continue
		}
		if err := w.measure(ctx, i, m, v); err != nil {
			return nil, err
		}
	}
	return sifted, nil
}

// placesOf leaves out the places of rows that are not kept.
func placesOf(at []int32, keep []bool) []int32 {
	if at == nil {
		return nil
	}
	var kept []int32
	for i, k := range keep {
		if k {
			kept = append(kept, at[i])
		}
	}
	return kept
}

// quarantine finds the rows that are put aside.
func (w *witness) quarantine(ctx context.Context, in arrow.RecordBatch, at []int32) (*pipeline.Sifted, error) {
	var broken [][]string
	v := w.view(in, at, true)
	defer v.release()
	for i, r := range w.court.rules {
		if r.Else != Quarantine || w.settled[i] {
			continue
		}
		if w.holds[i] {
			w.tallies[i].tested += in.NumRows()
			continue
		}
		fails, err := w.judgeRows(ctx, i, r, v)
		if err != nil {
			return nil, err
		}
		for _, row := range fails {
			if broken == nil {
				broken = make([][]string, in.NumRows())
			}
			broken[row] = append(broken[row], r.Name)
			w.tallies[i].aside++
		}
	}
	if broken == nil {
		return nil, nil
	}
	sifted := &pipeline.Sifted{Keep: make([]bool, len(broken))}
	for i, names := range broken {
		if sifted.Keep[i] = names == nil; names != nil {
			sifted.Why = append(sifted.Why, strings.Join(names, ","))
		}
	}
	return sifted, nil
}

// observe judges the batch by one rule.
func (w *witness) observe(ctx context.Context, i int, r *boundRule, v *view) error {
	switch r.Check.kind {
	case rowCheck:
		_, err := w.judgeRows(ctx, i, r, v)
		return err
	case uniqueCheck, referenceCheck:
		return w.judgeKeys(ctx, i, r, v)
	}
	return nil
}

// judgeRows evaluates a row rule. It gives the rows that fail it if they are put aside.
func (w *witness) judgeRows(ctx context.Context, i int, r *boundRule, v *view) (fails []int, err error) {
	res, release, err := r.outcomes(ctx, v)
	if err != nil {
		return nil, err
	}
	defer release()
	t := &w.tallies[i]
	in, err := v.where(ctx, r.where, t)
	if err != nil {
		return nil, err
	}
	n := res.Values.Len()
	m := &w.marks
	m.tested, m.valid, m.failed = m.tested.sized(n), m.valid.sized(n), m.failed.sized(n)
	loadTruth(res.Values.(*array.Boolean), m.failed, m.valid)
	if copy(m.tested, in) == 0 {
		m.tested.fill(n)
	}
	for _, e := range res.Errs {
		if m.tested.has(e.Row) {
			m.tested.drop(e.Row)
			w.rowError(t, r.source(), e.Err)
		}
	}
	for k, truth := range m.failed {
		null := m.tested[k] &^ m.valid[k]
		if r.Nulls != NullsFail {
			m.tested[k] &= m.valid[k]
		}
		m.failed[k] = m.tested[k] &^ (truth & m.valid[k])
		t.null += int64(bits.OnesCount64(null))
	}
	failed := m.failed.count()
	t.tested, t.failed = t.tested+m.tested.count(), t.failed+failed
	w.groupTally(i, r, v).countAll(m.tested, m.failed)
	if failed == 0 {
		return nil, nil
	}
	w.sample(i, r, v, m.failed)
	if r.Else != Quarantine {
		return nil, nil
	}
	return m.failed.rows(-1), nil
}

// marks are rows, in room that is used again from batch to batch.
type marks struct{ tested, valid, failed rowBits }

func (w *witness) rowError(t *tally, source string, err error) {
	t.errs++
	if t.err == "" {
		t.err = source + ": " + err.Error() + " (first in " + w.unit.Name + ")"
	}
}

// measure updates the state of a metric.
func (w *witness) measure(ctx context.Context, i int, m *boundMetric, v *view) error {
	if w.errs[i] != nil {
		return nil
	}
	if m.where != nil {
		return w.measureWhere(ctx, i, m, v)
	}
	return w.update(ctx, i, m, v)
}

func (w *witness) measureWhere(ctx context.Context, i int, m *boundMetric, v *view) error {
	var t tally
	in, err := v.where(ctx, m.where, &t)
	if err != nil {
		return err
	}
	if t.err != "" {
		w.errs[i] = errText(t.err)
		return nil
	}
	keep := make([]bool, v.batch.NumRows())
	for row := range keep {
		keep[row] = in.has(row)
	}
	some, err := pipeline.Filter(ctx, v.batch, keep, w.unit.Env.Alloc)
	if err != nil {
		return err
	}
	defer some.Release()
	part := w.fresh(some)
	defer part.release()
	return w.update(ctx, i, m, part)
}

func (w *witness) update(ctx context.Context, i int, m *boundMetric, v *view) error {
	args := make([]arrow.Array, len(m.args))
	for j, arg := range m.args {
		res, err := v.eval(ctx, arg)
		if err != nil {
			return err
		}
		if len(res.Errs) > 0 {
			w.errs[i] = errText(m.text + ": " + res.Errs[0].Err.Error() + " (first in " + w.unit.Name + ")")
			return nil
		}
		args[j] = res.Values
	}
	if g, ok := w.states[i].(*grouped); ok {
		return g.updateGroups(ctx, args, v.grouped(m.by), w.unit.Env)
	}
	return updateState(w.states[i], args, v.batch.NumRows())
}

// updateState gives a state the values of its arguments.
func updateState(s state, args []arrow.Array, n int64) error {
	switch wide, ok := s.(wideState); {
	case ok:
		return wide.updateAll(args, n)
	case len(args) == 0:
		return s.update(nil, n)
	default:
		return s.update(args[0], n)
	}
}

type errText string

func (e errText) Error() string { return string(e) }
