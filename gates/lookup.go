package gates

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// lookup is what rules ask of an input: the keys of its rows, metrics of them, its files.
type lookup struct {
	keys   []rows.Set // by boundInput.keys
	states []state    // by boundInput.metrics
	errs   []error    // of the metrics
	files  []pipeline.File
}

// fill reads an input.
func (l *lookup) fill(ctx context.Context, env *pipeline.Env, from pipeline.Lookup, in *boundInput) error {
	l.files, l.keys = from.Files, make([]rows.Set, len(in.keys))
	if len(in.keys) == 0 && len(in.metrics) == 0 {
		return nil
	}
	of := &court{bound: &bound{schema: in.schema, metrics: in.metrics}, env: env}
	w := of.witness(pipeline.Unit{Name: in.name, First: -1, Env: env})
	l.states, l.errs = w.states, w.errs
	return pipeline.Each(ctx, from.Reader, func(b arrow.RecordBatch) error {
		if _, err := w.Observe(ctx, b, nil); err != nil {
			return err
		}
		for i, set := range in.keys {
			if err := l.add(ctx, env, i, set, in, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// add adds the keys of a batch to one set.
func (l *lookup) add(ctx context.Context, env *pipeline.Env, i int, set *keySet, in *boundInput, b arrow.RecordBatch) error {
	wanted, err := rowsWhere(ctx, set.where, b, env)
	if err != nil {
		return err
	}
	before := l.keys[i].Len()
	for row, h := range rows.Keys(nil, b, set.columns) {
		if (wanted == nil || wanted[row]) && !anyNull(b, set.columns, row) {
			l.keys[i].Add(h)
		}
	}
	if !env.Memory.Take(int64(l.keys[i].Len()-before) * keyBytes) {
		return pipeline.Errorf(pipeline.Memory, "the keys of %s do not fit in the memory budget", in.name).
			With("give the run more with --memory")
	}
	return nil
}

// rowsWhere marks the rows for which a condition is true; nil marks all.
func rowsWhere(ctx context.Context, where *expr.Program, b arrow.RecordBatch, env *pipeline.Env) ([]bool, error) {
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
	truth := res.Values.(*array.Boolean)
	marked := make([]bool, truth.Len())
	for i := range marked {
		marked[i] = truth.IsValid(i) && truth.Value(i)
	}
	return marked, nil
}
