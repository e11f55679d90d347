package gates

import (
	"context"
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
		m, err := o.log.Match(ctx, parent, 0)
		o.found = m.Missing
		t.failed += m.Missing.Rows
		return err
	}
	c, err := o.log.Count(ctx, 0)
	o.found = c.Repeated
	if r.Check.kind == referenceCheck {
		o.found = keys.Group{Keys: c.Distinct, Rows: c.Rows}
	}
	return err
}

// countKeys counts what is left to be counted when all rows were seen.
func (c *court) countKeys() error {
	for i, o := range c.unique {
		if o == nil {
			continue
		}
		var parent *keys.Log
		if r := c.rules[i]; r.Check.kind == referenceCheck {
			parent = c.lookups[r.lookup].log
		}
		if err := o.settle(c.ctx, c.rules[i], parent, &c.total.tallies[i]); err != nil {
			return err
		}
		o.log.Drop()
	}
	for _, s := range c.total.states {
		if d, ok := s.(*distinct); ok {
			if err := d.settle(c.ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookup is what a rule looks things up in: a set in memory or, where that would take more
// than half of the budget, a log.
type lookup struct {
	rows  int64
	keys  rows.Set
	taken int64
	log   *keys.Log
}

// fill reads an input: its keys, or only how many rows it has.
func (l *lookup) fill(ctx context.Context, c *court, r pipeline.Reader, in pipeline.JudgeInput) error {
	return pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		l.rows += b.NumRows()
		if in.Column == "" {
			return nil
		}
		return l.add(c, withoutNulls(rows.Keys(nil, b, []int{0}), b.Column(0)))
	})
}

func (l *lookup) add(c *court, hashes []xxh3.Uint128) error {
	n := int64(len(hashes)) * keyBytes
	if l.log == nil && (l.taken+n > c.env.Memory.Limit()/2 || !c.env.Memory.Take(n)) {
		l.log = c.store.Set()
		if err := l.log.Add(slices.Collect(l.keys.All())); err != nil {
			return err
		}
		l.release(c.env)
	}
	if l.log != nil {
		return l.log.Add(hashes)
	}
	for _, h := range hashes {
		l.keys.Add(h)
	}
	l.taken += n
	spare := l.taken - int64(l.keys.Len())*keyBytes
	c.env.Memory.Give(spare)
	l.taken -= spare
	return nil
}

func (l *lookup) release(env *pipeline.Env) {
	env.Memory.Give(l.taken)
	l.keys, l.taken = rows.Set{}, 0
}

// missing gives those of the keys that have to be logged: what was not found or, where
// that is decided at the end, all.
func (l *lookup) missing(hashes []xxh3.Uint128, t *tally) []xxh3.Uint128 {
	if l.log != nil {
		return hashes
	}
	lost := hashes[:0]
	for _, h := range hashes {
		if !l.keys.Has(h) {
			lost = append(lost, h)
		}
	}
	t.failed += int64(len(lost))
	return lost
}

// judgeKeys gathers the keys of unique, and looks up those of references.
func (w *witness) judgeKeys(ctx context.Context, i int, r *boundRule, v *view) error {
	t := &w.tallies[i]
	in, err := v.where(ctx, r.where, t)
	if err != nil {
		return err
	}
	hashes := t.tests(rows.Keys(nil, v.batch, r.columns), v.batch, r.columns, in)
	if r.Check.kind == referenceCheck {
		hashes = w.court.lookups[r.lookup].missing(hashes, t)
	}
	if w.keys[i] == nil {
		w.keys[i] = w.court.store.Log()
	}
	return w.keys[i].Add(hashes)
}

// tests counts the rows that are tested and the nulls, and gives the keys of the former.
// in has the rows to look at; nil: all.
func (t *tally) tests(hashes []xxh3.Uint128, b arrow.RecordBatch, columns []int, in []bool) []xxh3.Uint128 {
	var nullable []arrow.Array
	for _, c := range columns {
		if b.Column(c).NullN() > 0 {
			nullable = append(nullable, b.Column(c))
		}
	}
	tested := hashes
	if in != nil || nullable != nil {
		tested = hashes[:0]
		for row, h := range hashes {
			switch {
			case in != nil && !in[row]:
			case anyNull(nullable, row):
				t.null++
			default:
				tested = append(tested, h)
			}
		}
	}
	t.tested += int64(len(tested))
	return tested
}

func anyNull(columns []arrow.Array, row int) bool {
	return slices.ContainsFunc(columns, func(c arrow.Array) bool { return c.IsNull(row) })
}

// withoutNulls gives the keys of the rows that have a value.
func withoutNulls(hashes []xxh3.Uint128, values arrow.Array) []xxh3.Uint128 {
	if values.NullN() == 0 {
		return hashes
	}
	valid := hashes[:0]
	for i, h := range hashes {
		if values.IsValid(i) {
			valid = append(valid, h)
		}
	}
	return valid
}

// Close gives back what the court holds of memory and disk. It is done when the rows were
// judged, and when the run ends before.
func (c *court) Close() error {
	for i := range c.lookups {
		c.lookups[i].release(c.env)
	}
	return c.store.Close()
}
