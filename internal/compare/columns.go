package compare

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// byColumn finds out in which columns the rows that changed did: it reads them once more, with a
// hash of each column.
func (c *comparison) byColumn(ctx context.Context) (err error) {
	if !slices.ContainsFunc(slices.Concat(c.changed[:]...), func(marks Marks) bool { return marks != nil }) {
		return nil
	}
	l := newLog(&c.Options, 3+len(c.others), "columns")
	defer func() { err = errors.Join(err, l.close()) }()
	for side := range c.sides {
		if err := c.logChanged(ctx, side, l); err != nil {
			return err
		}
	}
	if err := l.open(); err != nil {
		return err
	}
	return pipeline.InOrder(ctx, c.Env, parts,
		func(_ context.Context, p int) (*changes, int64, error) {
			e, err := l.part(p)
			if err != nil {
				return nil, 0, err
			}
			bytes := int64(len(e.words)) * 8
			c.Env.Memory.Force(bytes)
			defer c.Env.Memory.Give(bytes)
			return c.matchChanged(e), 0, nil
		}, func(f *changes) error {
			for i, n := range f.counts {
				c.counts[i] += n
			}
			c.result.ChangedRows = first(append(c.result.ChangedRows, f.rows...), c.Limit, byBefore)
			return nil
		})
}

func byBefore(a, b Change) int { return a.Before.compare(b.Before) }

// logChanged logs the rows of a side that changed: the key's hash, the place, and the hash of
// each other column.
func (c *comparison) logChanged(ctx context.Context, side int, l *log) error {
	var splits []int
	for i, marks := range c.changed[side] {
		if marks != nil {
			splits = append(splits, i)
		}
	}
	return pipeline.InOrder(ctx, c.Env, len(splits),
		func(ctx context.Context, i int) (*block, int64, error) {
			e := entries{width: 3 + len(c.others)}
			marks := c.changed[side][splits[i]]
			err := c.each(ctx, side, splits[i], append(c.key(), c.others...), marks, func(b batch) error {
				c.logBatch(&e, b, marks, func(at int64) uint64 { return word(side, splits[i], at) })
				return nil
			})
			if err == nil && int64(e.len()) != marks.Count() {
				err = pipeline.Errorf(pipeline.BadInput, "%s was changed while it was read", c.sides[side].Input.Splits[splits[i]].Name)
			}
			if err != nil {
				return nil, 0, err
			}
			b := arrange(e)
			return b, b.bytes(), nil
		}, l.add)
}

func (c *comparison) logBatch(e *entries, b batch, marks Marks, word func(int64) uint64) {
	key, others := b.columns[:len(c.Key)], b.columns[len(c.Key):]
	hi, lo := hashRows(nil, key, len(b.at), keyHi), hashRows(nil, key, len(b.at), keyLo)
	hashes := make([][]uint64, len(others))
	for i, col := range others {
		hashes[i] = hashColumn(nil, col, rest)
	}
	for i, at := range b.at {
		if !marks.Has(at) {
			continue
		}
		e.words = append(e.words, hi[i], lo[i], word(at))
		for _, h := range hashes {
			e.words = append(e.words, h[i])
		}
	}
}

// changes are what the rows of a part that changed come to.
type changes struct {
	counts []int64
	rows   []Change
}

// matchChanged puts the rows of a part together again, as differ did: of each key as many are
// there of each side, and the first belongs to the first.
func (c *comparison) matchChanged(e entries) *changes {
	order := make([]int32, e.len())
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return slices.Compare(e.at(int(a))[:3], e.at(int(b))[:3]) })
	f := &changes{counts: make([]int64, len(c.others))}
	var pairs [][2]int32
	for len(order) > 0 {
		n := 1
		for n < len(order) && slices.Equal(e.at(int(order[n]))[:2], e.at(int(order[0]))[:2]) {
			n++
		}
		for i := range n / 2 {
			pair := [2]int32{order[i], order[n/2+i]}
			f.count(e.at(int(pair[0])), e.at(int(pair[1])))
			pairs = append(pairs, pair)
		}
		order = order[n:]
	}
	place := func(pair [2]int32) uint64 { return e.at(int(pair[0]))[2] }
	for _, pair := range first(pairs, c.Limit, func(a, b [2]int32) int { return cmp.Compare(place(a), place(b)) }) {
		f.rows = append(f.rows, c.change(e.at(int(pair[0])), e.at(int(pair[1]))))
	}
	return f
}

// count counts the columns in which a row changed.
func (f *changes) count(was, now []uint64) {
	for i := range f.counts {
		if was[3+i] != now[3+i] {
			f.counts[i]++
		}
	}
}

func (c *comparison) change(was, now []uint64) Change {
	one := Change{Before: place(was[2]), After: place(now[2])}
	for i, name := range c.others {
		if was[3+i] != now[3+i] {
			one.Columns = append(one.Columns, name)
		}
	}
	return one
}
