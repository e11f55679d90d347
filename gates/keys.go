package gates

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// keyBytes is what a hash takes in a set, with the spare room of the table.
const keyBytes = 40

func newKeys(env *pipeline.Env) *keys.Store {
	return keys.NewStore(env.Memory, 0, faults.OS(), env.Temp)
}

// occurrences counts how often keys occur: those of a unique rule, those of a references
// rule that were not found or, where the set of its parent was too large to look them up
// in, all of them.
type occurrences struct {
	log   *keys.Log
	found keys.Group // once settled: the keys that break the rule
}

// settle decides, when all rows were seen, which keys break the rule, and notes how many
// rows of a references rule they are.
func (o *occurrences) settle(ctx context.Context, r *boundRule, parent *keys.Log, t *tally) error {
	if parent != nil {
		m, err := o.log.Match(ctx, parent, maxSamples)
		if o.found = m.Missing; r.Check.absent {
			o.found = m.Present
		}
		t.failed += o.found.Rows
		return err
	}
	c, err := o.log.Count(ctx, maxSamples)
	o.found = c.Repeated
	if r.Check.kind == referenceCheck {
		o.found = keys.Group{Keys: c.Distinct, Rows: c.Rows}
	}
	return err
}

// countKeys counts what is left to be counted when all rows were seen.
func (c *court) countKeys(ctx context.Context) error {
	for i, o := range c.unique {
		if o == nil {
			continue
		}
		var parent *keys.Log
		r := c.rules[i]
		if r.Check.kind == referenceCheck {
			parent = c.lookups[r.input].keys[r.keys].log
		}
		if err := o.settle(ctx, r, parent, &c.total.tallies[i]); err != nil {
			return err
		}
		o.log.Drop()
	}
	for _, s := range c.total.states {
		if err := settleKeys(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// settleKeys settles a state, or those of its groups, if it counts keys.
func settleKeys(ctx context.Context, s state) error {
	switch s := s.(type) {
	case *distinct:
		return s.settle(ctx)
	case *grouped:
		for _, key := range slices.Sorted(maps.Keys(s.of)) {
			if err := settleKeys(ctx, s.of[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeKeys gathers the keys of unique, and looks up those of references.
func (w *witness) judgeKeys(ctx context.Context, i int, r *boundRule, v *view) error {
	t := &w.tallies[i]
	in, err := v.where(ctx, r.where, t)
	if err != nil {
		return err
	}
	if w.keys[i] == nil {
		w.keys[i] = w.court.store.Log()
	}
	hashes := rows.Keys(nil, v.batch, r.columns)
	if r.Check.kind == referenceCheck && w.court.lookups[r.input].keys[r.keys].log == nil {
		return w.lookUp(i, r, v, hashes, in)
	}
	// A null group is a group; rows without a value to be unique are not tested.
	return w.keys[i].Add(t.tests(hashes, v.batch, r.columns[:len(r.Check.columns)], in))
}

// lookUp finds the rows whose keys are missing in a set, or are there and should not.
func (w *witness) lookUp(i int, r *boundRule, v *view, hashes []xxh3.Uint128, in rowBits) error {
	t, set := &w.tallies[i], &w.court.lookups[r.input].keys[r.keys]
	groups := w.groupTally(i, r, v)
	columns := nullable(v.batch, r.columns)
	fails := rowBits(nil).sized(len(hashes))
	var lost []xxh3.Uint128
	for row, h := range hashes {
		if in != nil && !in.has(row) {
			continue
		}
		if anyNull(columns, row) {
			t.null++
			continue
		}
		t.tested++
		failed := set.Has(h) == r.Check.absent
		groups.count(row, failed)
		if failed {
			t.failed++
			lost = append(lost, h)
			fails[row/64] |= 1 << (row % 64)
		}
	}
	w.sample(i, r, v, fails)
	return w.keys[i].Add(lost)
}

// tests counts the rows that are tested and the nulls, and gives the keys of the former.
// in has the rows to look at; nil: all.
func (t *tally) tests(hashes []xxh3.Uint128, b arrow.RecordBatch, columns []int, in rowBits) []xxh3.Uint128 {
	nulls := nullable(b, columns)
	tested := hashes
	if in != nil || nulls != nil {
		tested = hashes[:0]
		for row, h := range hashes {
			switch {
			case in != nil && !in.has(row):
			case anyNull(nulls, row):
				t.null++
			default:
				tested = append(tested, h)
			}
		}
	}
	t.tested += int64(len(tested))
	return tested
}

// nullable are those of the columns that have a null.
func nullable(b arrow.RecordBatch, columns []int) (some []arrow.Array) {
	for _, c := range columns {
		if b.Column(c).NullN() > 0 {
			some = append(some, b.Column(c))
		}
	}
	return some
}

func anyNull(columns []arrow.Array, row int) bool {
	return slices.ContainsFunc(columns, func(c arrow.Array) bool { return c.IsNull(row) })
}

// Close gives back what the court holds of memory and disk. It is done when the rows were
// judged, and when the run ends before.
func (c *court) Close() error {
	for i := range c.lookups {
		c.lookups[i].release(c.env)
	}
	for _, s := range c.total.states {
		releaseState(s)
	}
	c.history.stop()
	return c.store.Close()
}

// releaseState gives back what a state holds of the memory budget.
func releaseState(s state) {
	switch s := s.(type) {
	case releaser:
		s.release()
	case *grouped:
		for _, of := range s.of {
			releaseState(of)
		}
	}
}
