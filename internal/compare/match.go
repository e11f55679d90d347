package compare

import (
	"cmp"
	"context"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// found is what the rows of one part come to.
type found struct {
	Result
	changed []uint64 // places of rows of both sides
	counts  []int64  // of columns of pairs
	pairs   []row    // those that changed
}

// match puts the rows of both sides together.
func (c *comparison) match(ctx context.Context, l *log) error {
	if err := l.open(); err != nil {
		return err
	}
	for side := range c.changed {
		c.changed[side] = make([]Marks, len(c.rows[side]))
	}
	return pipeline.InOrder(ctx, c.Env, parts,
		func(_ context.Context, p int) (*found, int64, error) {
			e, err := l.part(p)
			if err != nil {
				return nil, 0, err
			}
			bytes := int64(len(e.words)) * 8
			c.Env.Memory.Force(bytes)
			defer c.Env.Memory.Give(bytes)
			f, err := c.matchPart(e)
			if err != nil {
				return nil, 0, err
			}
			return f, int64(len(f.changed)) * 8, nil
		}, c.add)
}

// add adds up what was found of a part.
func (c *comparison) add(f *found) error {
	r := c.result
	r.Same, r.Added, r.Removed, r.Changed = r.Same+f.Same, r.Added+f.Added, r.Removed+f.Removed, r.Changed+f.Changed
	r.SharedKeys, r.NullKeys = r.SharedKeys+f.SharedKeys, r.NullKeys+f.NullKeys
	r.AddedRows = first(append(r.AddedRows, f.AddedRows...), c.Limit, byPlace)
	r.RemovedRows = first(append(r.RemovedRows, f.RemovedRows...), c.Limit, byPlace)
	for i, n := range f.counts {
		c.counts[i] += n
	}
	r.ChangedRows = first(append(r.ChangedRows, f.ChangedRows...), c.Limit, byBefore)
	for _, w := range f.changed {
		side, at := w>>63, place(w)
		marks := &c.changed[side][at.Split]
		mark(marks, c.rows[side][at.Split], at.Row)
	}
	return nil
}

func byPlace(a, b Row) int { return a.Place.compare(b.Place) }

func (p Place) compare(o Place) int {
	return cmp.Or(cmp.Compare(p.Split, o.Split), cmp.Compare(p.Row, o.Row))
}

// first gives the first n, in order.
func first[T any](all []T, n int, by func(a, b T) int) []T {
	slices.SortFunc(all, by)
	return all[:min(n, len(all))]
}

// row is an entry of four words.
type row [4]uint64

func (a *row) less(b *row) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// sorted gives the entries of a part in order. They are hashes: so each is first put near to
// where it belongs.
func sorted(e entries) []row {
	n := e.len()
	shift := 56
	for buckets := 1; buckets < n/4 && shift > 32; buckets *= 2 {
		shift--
	}
	from := make([]int32, 1<<(56-shift)+1)
	bucket := func(hi uint64) uint64 { return hi << 8 >> 8 >> shift }
	for i := range n {
		from[bucket(e.words[i*4])+1]++
	}
	for b := range len(from) - 1 {
		from[b+1] += from[b]
	}
	rows := make([]row, n)
	next := slices.Clone(from)
	for i := range n {
		b := bucket(e.words[i*4])
		rows[next[b]] = row(e.at(i))
		next[b]++
	}
	for b := range len(from) - 1 {
		sortRows(rows[from[b]:from[b+1]])
	}
	return rows
}

func sortRows(rows []row) {
	if len(rows) > 16 {
		slices.SortFunc(rows, func(a, b row) int { return slices.Compare(a[:], b[:]) })
		return
	}
	for i := 1; i < len(rows); i++ {
		for j := i; j > 0 && rows[j].less(&rows[j-1]); j-- {
			rows[j], rows[j-1] = rows[j-1], rows[j]
		}
	}
}

// matchPart finds out how the rows of a part differ.
func (c *comparison) matchPart(e entries) (*found, error) {
	f := &found{counts: make([]int64, len(c.others))}
	rows := sorted(e)
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n][0] == rows[0][0] && rows[n][1] == rows[0][1] {
			n++
		}
		switch {
		case c.Key == nil:
			f.alike(rows[:n])
		case n == 1 && rows[0][3]&pairBit != 0:
			f.pair(&rows[0])
		case slices.ContainsFunc(rows[:n], func(r row) bool { return r[3]&pairBit != 0 }):
			return nil, errShared
		default:
			f.sameKey(rows[:n])
		}
		rows = rows[n:]
	}
	c.namePairs(f)
	f.AddedRows = first(f.AddedRows, c.Limit, byPlace)
	f.RemovedRows = first(f.RemovedRows, c.Limit, byPlace)
	return f, nil
}

// alike counts rows that are the same in all columns.
func (f *found) alike(rows []row) {
	var n [2]int64
	var at [2]uint64
	for _, r := range rows {
		side := r[3] >> 63
		if n[side] == 0 || r[3] < at[side] {
			at[side] = r[3]
		}
		n[side] += int64(r[2])
	}
	same := min(n[before], n[after])
	f.Same += same
	if more := n[before] - same; more > 0 {
		f.Removed += more
		f.RemovedRows = append(f.RemovedRows, Row{place(at[before]), more})
	}
	if more := n[after] - same; more > 0 {
		f.Added += more
		f.AddedRows = append(f.AddedRows, Row{place(at[after]), more})
	}
}

// sameKey puts the rows of a key together, which are in the order of their other columns.
func (f *found) sameKey(rows []row) {
	if len(rows) == 2 && rows[0][2] == rows[1][2] && rows[0][3]>>63 != rows[1][3]>>63 {
		f.Same++
		return
	}
	var left [2][]uint64
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n][2] == rows[0][2] {
			n++
		}
		old := 0
		for old < n && rows[old][3]&sideBit == 0 {
			old++
		}
		same := min(old, n-old)
		f.Same += int64(same)
		for _, r := range rows[same:old] {
			left[before] = append(left[before], r[3])
		}
		for _, r := range rows[old+same : n] {
			left[after] = append(left[after], r[3])
		}
		rows = rows[n:]
	}
	f.differ(left)
}

// differ takes in the rows of a key that are on one side only.
func (f *found) differ(left [2][]uint64) {
	for side := range left {
		slices.Sort(left[side])
		if len(left[side]) > 1 {
			f.SharedKeys++
		}
		for _, w := range left[side] {
			f.NullKeys += int64(w & nullBit >> 62)
		}
	}
	n := min(len(left[before]), len(left[after]))
	f.Changed += int64(n)
	f.changed = append(append(f.changed, left[before][:n]...), left[after][:n]...)
	for _, w := range left[before][n:] {
		f.Removed++
		f.RemovedRows = append(f.RemovedRows, Row{place(w), 1})
	}
	for _, w := range left[after][n:] {
		f.Added++
		f.AddedRows = append(f.AddedRows, Row{place(w), 1})
	}
}
