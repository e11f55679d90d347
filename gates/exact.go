package gates

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// settle decides exactly what approximations leave open: it reads the rows again, once, for
// all metrics of the statements that may go either way.
func (c *court) settle(ctx context.Context, again func(context.Context, []int) (pipeline.Reader, error)) error {
	if again == nil || c.exact {
		return nil
	}
	var which []int
	for _, r := range c.rules {
		for _, s := range []*statement{r.expect, r.warn} {
			if s == nil || !c.leavesOpen(s, r) {
				continue
			}
			for _, call := range s.calls {
				if call.own >= 0 && call.fn.exact != nil && !slices.Contains(which, call.own) {
					which = append(which, call.own)
				}
			}
		}
	}
	if len(which) == 0 {
		return nil
	}
	return c.measureAgain(ctx, which, again)
}

// leavesOpen reports whether some outcome of a statement is not certain.
func (c *court) leavesOpen(s *statement, r *boundRule) bool {
	approximate := slices.ContainsFunc(s.calls, func(call boundCall) bool { return call.own >= 0 && call.fn.exact != nil })
	if !approximate {
		return false
	}
	for _, key := range c.groupsOf(s, r) {
		if c.evaluate(s, c.total.states, key).open {
			return true
		}
	}
	return false
}

// measureAgain computes metrics exactly, and puts them in the place of what there was.
func (c *court) measureAgain(ctx context.Context, which []int, again func(context.Context, []int) (pipeline.Reader, error)) error {
	var metrics []*boundMetric
	columns := map[int]bool{}
	for _, m := range which {
		metrics = append(metrics, c.metrics[m])
		for _, column := range c.metrics[m].needs() {
			columns[column] = true
		}
	}
	r, err := again(ctx, slices.Sorted(maps.Keys(columns)))
	if err != nil {
		return err
	}
	w := c.beside(c.schema, metrics).witness(pipeline.Unit{Name: "the output", First: -1, Env: c.env})
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		_, err := w.Observe(ctx, b, nil)
		return err
	})
	if err != nil {
		return err
	}
	for i, m := range which {
		if err := settleKeys(ctx, w.states[i]); err != nil {
			return err
		}
		if c.sketched == nil {
			c.sketched = map[int]state{}
		}
		c.sketched[m] = c.total.states[m]
		c.total.states[m], c.total.errs[m] = w.states[i], w.errs[i]
		for j, r := range c.rules {
			if slices.Contains(r.metricsOf(), m) {
				c.total.climbs[j].rung = exactRung
			}
		}
	}
	return nil
}
