package reconcile

import (
	"context"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/pipeline"
)

// A digest proves most keys equal without joining. Each row adds its 128-bit hash to a bucket by the
// hash of its key; rows of the right are taken off again. A bucket in which nothing is left, and of
// whose rows there are as many on both sides, has the same rows on both: its keys are left out of all
// that follows, whole, so that how the others find each other is the same as if all were there. A
// key that can match nothing is never left out. That a bucket with other rows comes out even has a
// chance of one in 2^128.
//
// Where many buckets differ their rows are read again into finer ones.
type digest struct {
	*plan // of the columns that are compared alone
	env   *pipeline.Env
	in    []*pipeline.Input
	names [2][]string
	cells []cell
	// at has the bucket of each row of each split of a side: see alone and equal.
	at    [2][][]uint32
	taken int64
}

// cell is a bucket.
type cell struct {
	hi, lo      uint64
	left, right uint32 // rows
}

const cellBytes = 24

// Buckets of rows that are in none.
const (
	alone = ^uint32(0)     // its key can match nothing
	equal = ^uint32(0) - 1 // it was in one that is the same on both sides
)

func (c *cell) same() bool { return c.hi == 0 && c.lo == 0 && c.left == c.right }

func (c *cell) add(side int, h xxh3.Uint128) {
	var carry uint64
	if side == 0 {
		c.lo, carry = bits.Add64(c.lo, h.Lo, 0)
		c.hi, _ = bits.Add64(c.hi, h.Hi, carry)
		c.left++
		return
	}
	c.lo, carry = bits.Sub64(c.lo, h.Lo, 0)
	c.hi, _ = bits.Sub64(c.hi, h.Hi, carry)
	c.right++
}

// Bounds on buckets: how many at first, and how many rows that differ are not worth a second look.
const (
	leastBits  = 8
	mostBits   = 20
	fewRows    = 1 << 16
	mostFiner  = 1 << 30
	rowsBytes  = 4
	bucketRows = 8
)

// digest reads both sides, and counts them in read. It gives nil where the memory does not do, or
// nothing is gained.
func (m *matcher) digest(ctx context.Context, in []*pipeline.Input, read *[2]tally) (*digest, error) {
	o := m.o
	o.Passes, o.Late, o.Carry = nil, nil, nil
	whole, err := newPlan(o, []*arrow.Schema{in[0].Schema, in[1].Schema})
	if err != nil {
		return nil, err
	}
	narrow, names, err := whole.narrowed()
	if err != nil {
		return nil, err
	}
	d := &digest{plan: narrow, env: m.env, in: in, names: names}
	if !d.sized() {
		return nil, nil //nolint:nilnil // as documented
	}
	for side := range in {
		if err := d.read(ctx, side, read); err != nil {
			d.free()
			return nil, err
		}
		if d.at[side] == nil { // the memory does not do
			d.free()
			*read = [2]tally{}
			return nil, nil //nolint:nilnil // as documented
		}
	}
	if err := d.finer(ctx); err != nil {
		d.free()
		return nil, err
	}
	return d, nil
}

// take takes bytes from the budget.
func (d *digest) take(n int64) bool {
	if d.taken+n > d.env.Memory.Limit()/2 || !d.env.Memory.Take(n) {
		return false
	}
	d.taken += n
	return true
}

func (d *digest) free() {
	if d != nil {
		d.env.Memory.Give(d.taken)
		d.taken = 0
	}
}

// sized makes the first buckets, by how many rows there are.
func (d *digest) sized() bool {
	n := int64(0)
	for _, in := range d.in {
		for _, s := range in.Splits {
			if s.Rows < 0 {
				n = 1 << 62
				break
			}
			n += s.Rows
		}
	}
	size := min(max(bits.Len64(uint64(n/bucketRows)), leastBits), mostBits)
	if !d.take(cellBytes << size) {
		return false
	}
	d.cells = make([]cell, 1<<size)
	return true
}

// part is what is read of a split.
type part struct {
	t      tally
	at     []uint32
	hashes []xxh3.Uint128
}

// read adds the rows of a side. Without the memory it leaves at nil.
func (d *digest) read(ctx context.Context, side int, read *[2]tally) error {
	in := d.in[side]
	at := make([][]uint32, 0, len(in.Splits))
	enough := true
	shift := 64 - bits.Len(uint(len(d.cells))-1)
	err := pipeline.InOrder(ctx, d.env, len(in.Splits), func(ctx context.Context, i int) (*part, int64, error) {
		p := &part{}
		err := d.each(ctx, side, i, nil, func(key uint64, row xxh3.Uint128, matches bool) {
			bucket := alone
			if matches {
				bucket = uint32(key >> shift)
			}
			p.at = append(p.at, bucket)
			p.hashes = append(p.hashes, row)
		}, &p.t)
		return p, int64(len(p.at)) * 20, err
	}, func(p *part) error {
		read[side].merge(&p.t)
		if enough = enough && d.take(int64(len(p.at))*rowsBytes); !enough {
			return nil
		}
		for i, bucket := range p.at {
			if bucket != alone {
				d.cells[bucket].add(side, p.hashes[i])
			}
		}
		at = append(at, p.at)
		return nil
	})
	if enough {
		d.at[side] = at
	}
	return err
}

// each calls f with the hashes of the rows of a split, or of those to keep.
func (d *digest) each(ctx context.Context, side, split int, keep []bool, f func(key uint64, row xxh3.Uint128, matches bool), t *tally) error {
	s := &splitReader{env: d.env, in: d.in[side], columns: d.names[side], next: split}
	if keep != nil {
		s.keep = func(int) ([]bool, error) { return keep, nil }
	}
	if err := s.open(ctx, split); err != nil {
		return err
	}
	s.next, s.last = split+1, true
	var buf []byte
	return pipeline.Each(ctx, s, func(b arrow.RecordBatch) error {
		if t != nil {
			if err := t.read(d.plan, side, b); err != nil {
				return err
			}
		}
		h := d.hasher(side, b)
		for i := range int(b.NumRows()) {
			var key uint64
			var matches bool
			buf, key, matches = h.key(buf[:0], i)
			buf = h.rest(buf, i)
			f(key, xxh3.Hash128(buf), matches)
		}
		return h.err
	})
}

// finer reads the rows of buckets that differ again, if they are many, into finer buckets.
func (d *digest) finer(ctx context.Context) error {
	var differ, n int64
	for i := range d.cells {
		if c := &d.cells[i]; !c.same() {
			differ++
			n += int64(c.left) + int64(c.right)
		}
	}
	if n <= fewRows {
		return nil
	}
	more := bits.Len64(uint64(n / differ)) // about a bucket a row
	for more > 0 && (differ<<more > mostFiner || d.taken+cellBytes*differ<<more > d.env.Memory.Limit()/2) {
		more--
	}
	if more < 2 || !d.take(cellBytes*differ<<more) {
		return nil
	}
	rank, next := make([]uint32, len(d.cells)), uint32(0)
	for i := range d.cells {
		if !d.cells[i].same() {
			rank[i] = next
			next++
		}
	}
	coarse := d.cells
	fine := make([]cell, differ<<more)
	shift := 64 - bits.Len(uint(len(coarse))-1)
	for side := range d.in {
		err := pipeline.InOrder(ctx, d.env, len(d.in[side].Splits), func(ctx context.Context, i int) (*part, int64, error) {
			p := &part{}
			keep, err := d.keep(side, i)
			if err != nil || keep == nil {
				return p, 0, err
			}
			err = d.each(ctx, side, i, keep, func(key uint64, row xxh3.Uint128, matches bool) {
				bucket := alone
				if matches {
					bucket = rank[key>>shift]<<more | uint32(key<<(64-shift)>>(64-more))
				}
				p.at = append(p.at, bucket)
				p.hashes = append(p.hashes, row)
			}, nil)
			return p, int64(len(p.at)) * 20, err
		}, d.refine(side, fine))
		if err != nil {
			return err
		}
	}
	d.cells = fine
	return nil
}

// refine adds what was read of the splits of a side, in their order, to finer buckets.
func (d *digest) refine(side int, fine []cell) func(p *part) error {
	split := -1
	return func(p *part) error {
		split++
		row := 0
		for i, bucket := range d.at[side][split] {
			switch {
			case bucket != alone && d.cells[bucket].same():
				d.at[side][split][i] = equal
				continue
			case row == len(p.at):
				return pipeline.Errorf(pipeline.BadInput, "reconcile: %s has fewer rows than when it was read before", d.in[side].Splits[split].Name)
			}
			d.at[side][split][i] = p.at[row]
			if p.at[row] != alone {
				fine[p.at[row]].add(side, p.hashes[row])
			}
			row++
		}
		if row != len(p.at) {
			return pipeline.Errorf(pipeline.BadInput, "reconcile: %s has more rows than when it was read before", d.in[side].Splits[split].Name)
		}
		return nil
	}
}

// keep says which rows of a split are not proved equal; nil: none.
func (d *digest) keep(side, split int) ([]bool, error) {
	at := d.at[side][split]
	var keep []bool
	for i, bucket := range at {
		if bucket == equal || bucket != alone && d.cells[bucket].same() {
			continue
		}
		if keep == nil {
			keep = make([]bool, len(at))
		}
		keep[i] = true
	}
	return keep, nil
}
