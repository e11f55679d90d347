package gates

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// lookup is what rules ask of an input: the keys of its rows, metrics of them, its files.
type lookup struct {
	keys   []knownKeys // by boundInput.keys
	states []state     // by boundInput.metrics
	errs   []error     // of the metrics
	files  []pipeline.File
}

// knownKeys are the keys of an input: a set in memory or, where that would take more than
// half of the budget, a log.
type knownKeys struct {
	rows.Set
	taken int64
	log   *keys.Log
}

// fill reads an input.
func (l *lookup) fill(ctx context.Context, c *court, from pipeline.Lookup, in *boundInput) (err error) {
	l.files, l.keys = from.Files, make([]knownKeys, len(in.keys))
	if in.digests {
		if l.files, err = withDigests(ctx, from.Files, c.env); err != nil {
			return err
		}
	}
	if len(in.keys) == 0 && len(in.metrics) == 0 {
		return nil
	}
	w := c.beside(in.schema, in.metrics).witness(pipeline.Unit{Name: in.name, First: -1, Env: c.env})
	l.states, l.errs = w.states, w.errs
	err = pipeline.Each(ctx, from.Reader, func(b arrow.RecordBatch) error {
		if _, err := w.Observe(ctx, b, nil); err != nil {
			return err
		}
		for i, set := range in.keys {
			wanted, err := rowsWhere(ctx, set.where, b, c.env)
			if err != nil {
				return err
			}
			var t tally
			if err := l.keys[i].add(c, t.tests(rows.Keys(nil, b, set.columns), b, set.columns, wanted)); err != nil {
				return err
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(l.states); i++ {
		err = settleKeys(ctx, l.states[i])
	}
	return err
}

// beside is a court without rules, which only measures other rows. What it says is exact.
func (c *court) beside(schema *arrow.Schema, metrics []*boundMetric) *court {
	return &court{bound: &bound{schema: schema, metrics: metrics}, env: c.env, store: c.store, exact: true}
}

func (k *knownKeys) add(c *court, hashes []xxh3.Uint128) error {
	n := int64(len(hashes)) * keyBytes
	if k.log == nil && (k.taken+n > c.env.Memory.Limit()/2 || !c.env.Memory.Take(n)) {
		k.log = c.store.Set()
		if err := k.log.Add(slices.Collect(k.All())); err != nil {
			return err
		}
		k.release(c.env)
	}
	if k.log != nil {
		return k.log.Add(hashes)
	}
	for _, h := range hashes {
		k.Add(h)
	}
	k.taken += n
	spare := k.taken - int64(k.Len())*keyBytes
	c.env.Memory.Give(spare)
	k.taken -= spare
	return nil
}

func (k *knownKeys) release(env *pipeline.Env) {
	env.Memory.Give(k.taken)
	k.Set, k.taken = rows.Set{}, 0
}

func (l *lookup) release(env *pipeline.Env) {
	for i := range l.keys {
		l.keys[i].release(env)
	}
	for _, s := range l.states {
		releaseState(s)
	}
}

// rowsWhere marks the rows for which a condition is true; nil marks all.
func rowsWhere(ctx context.Context, where *expr.Program, b arrow.RecordBatch, env *pipeline.Env) (rowBits, error) {
	if where == nil {
		return nil, nil
	}
	res, err := where.Eval(ctx, b, env.Alloc)
	if err != nil {
		return nil, err
	}
	defer res.Release()
	if len(res.Errs) > 0 {
		return nil, pipeline.Errorf(pipeline.BadInput, "where %s: %w", where.Source(), res.Errs[0].Err)
	}
	marked, valid := rowBits(nil).sized(res.Values.Len()), rowBits(nil).sized(res.Values.Len())
	loadTruth(res.Values.(*array.Boolean), marked, valid)
	for i := range marked {
		marked[i] &= valid[i]
	}
	return marked, nil
}
