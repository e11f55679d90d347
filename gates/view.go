package gates

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
)

// programs are expressions that are evaluated together.
type programs struct {
	group *expr.Group
	all   []*expr.Program
}

// programsOf gathers what is evaluated on all rows, to put some aside, or on those that
// stay; but for rules and metrics that are done without.
func (b *bound) programsOf(quarantine bool, rules, metrics []bool) programs {
	var p programs
	add := func(program *expr.Program) {
		if program != nil && !slices.Contains(p.all, program) {
			p.all = append(p.all, program)
		}
	}
	for i, r := range b.rules {
		if !r.Check.ofRows() {
			continue
		}
		if (r.Else == Quarantine) == quarantine && (rules == nil || !rules[i]) {
			add(r.program)
			add(r.where)
		}
	}
	for i, m := range b.metrics {
		if quarantine || metrics != nil && metrics[i] {
			continue
		}
		add(m.where)
		for _, arg := range m.args {
			if m.where == nil {
				add(arg)
			}
		}
	}
	p.group = expr.NewGroup(p.all...)
	return p
}

// programCache keeps what is evaluated together, by what is done without.
type programCache struct {
	mu    sync.Mutex
	known map[string]programs
}

// view is a batch with the outcomes of the expressions evaluated on it.
type view struct {
	w        *witness
	batch    arrow.RecordBatch
	at       []int32 // where in the unit each row stands; may be nil
	groups   map[string]*groups
	chosen   map[*expr.Program]rowBits // by where
	programs programs
	cache    map[*expr.Program]*expr.Result
}

func (w *witness) view(batch arrow.RecordBatch, at []int32, quarantine bool) *view {
	done := make([]bool, len(w.settled))
	for i := range done {
		done[i] = w.settled[i] || w.holds[i]
	}
	key := fmt.Sprint(quarantine, done, w.measured)
	c := &w.court.programs
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.known[key]
	if !ok {
		p = w.court.programsOf(quarantine, done, w.measured)
		if c.known == nil {
			c.known = map[string]programs{}
		}
		c.known[key] = p
	}
	return &view{w: w, batch: batch, at: at, programs: p, cache: map[*expr.Program]*expr.Result{}}
}

// fresh is a view whose expressions are evaluated one by one.
func (w *witness) fresh(batch arrow.RecordBatch) *view {
	return &view{w: w, batch: batch, cache: map[*expr.Program]*expr.Result{}}
}

// grouped cuts the batch into groups, once for all rules that want the same.
func (v *view) grouped(by []int) *groups {
	key := fmt.Sprint(by)
	if v.groups[key] == nil {
		if v.groups == nil {
			v.groups = map[string]*groups{}
		}
		v.groups[key] = groupRows(v.batch, by)
	}
	return v.groups[key]
}

// eval gives the outcome of an expression: the first of the view's programs that is
// asked for brings those of all.
func (v *view) eval(ctx context.Context, p *expr.Program) (*expr.Result, error) {
	if res := v.cache[p]; res != nil {
		return res, nil
	}
	if !slices.Contains(v.programs.all, p) {
		res, err := p.Eval(ctx, v.batch, v.w.unit.Env.Alloc)
		if err != nil {
			return nil, err
		}
		v.cache[p] = res
		return res, nil
	}
	results, err := v.programs.group.Eval(ctx, v.batch, v.w.unit.Env.Alloc)
	if err != nil {
		return nil, err
	}
	for i, res := range results {
		v.cache[v.programs.all[i]] = res
	}
	return v.cache[p], nil
}

// where says for which rows a condition is true; nil means all. An error on a row is
// one of the rule: whether the row is to be judged is not known.
func (v *view) where(ctx context.Context, p *expr.Program, t *tally) (rowBits, error) {
	if p == nil {
		return nil, nil
	}
	res, err := v.eval(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, e := range res.Errs {
		v.w.rowError(t, "where "+p.Source(), e.Err)
	}
	if in, ok := v.chosen[p]; ok {
		return in, nil
	}
	n := res.Values.Len()
	in, valid := rowBits(nil).sized(n), rowBits(nil).sized(n)
	loadTruth(res.Values.(*array.Boolean), in, valid)
	for i := range in {
		in[i] &= valid[i]
	}
	if v.chosen == nil {
		v.chosen = map[*expr.Program]rowBits{}
	}
	v.chosen[p] = in
	return in, nil
}

func (v *view) release() {
	for _, res := range v.cache {
		res.Release()
	}
}
