package compare

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/bits"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// A pair is a split of each side whose keys are the same, row by row, as their digests say. Then
// only columns that are not stored alike have to be read, and no row has to be looked for. Rows
// that are the same in all columns belong together anyway; of one that differs this holds unless
// its key names another row that differs. If that comes up, all is done once more without pairs.
type pair struct{ was, now int }

var errShared = errors.New("a key names several rows that differ")

// mostPaired is how many columns beside the key a pair may have: a bit of a word each.
const mostPaired = 64

// align finds the pairs.
func (c *comparison) align() {
	if c.Key == nil || len(c.others) > mostPaired {
		return
	}
	c.twins(c.Key, func(was, now int) { c.pairs = append(c.pairs, pair{was, now}) })
}

// paired is what was found of a pair.
type paired struct {
	*block
	pair
	rows int64
}

// logPairs logs the rows of pairs that differ: the key's hash, a bit for each column in which
// they do, and the place, which is that before.
func (c *comparison) logPairs(ctx context.Context, l *log) error {
	return pipeline.InOrder(ctx, c.Env, len(c.pairs),
		func(ctx context.Context, i int) (*paired, int64, error) {
			p, err := c.logPair(ctx, c.pairs[i])
			if err != nil {
				return nil, 0, err
			}
			return p, p.bytes(), nil
		}, func(p *paired) error {
			c.rows[before][p.was], c.rows[after][p.now] = p.rows, p.rows
			c.result.Same += p.rows - int64(p.len())
			c.result.Read += 2 * p.rows
			return l.add(p.block)
		})
}

func (c *comparison) logPair(ctx context.Context, p pair) (_ *paired, err error) {
	var columns []string // those that are not stored alike, and which they are
	var which []int
	for i, name := range c.others {
		if d := c.columnDigest(before, p.was, name); d == "" || d != c.columnDigest(after, p.now, name) {
			columns, which = append(columns, name), append(which, i)
		}
	}
	e := entries{width: 4}
	was, err := c.cursor(ctx, before, p.was, columns)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, was.Close()) }()
	now, err := c.cursor(ctx, after, p.now, append(c.key(), columns...))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	rows := int64(0)
	for {
		n, err := both(ctx, was, now)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return &paired{arrange(e), p, rows}, nil
		}
		compareSlices(&e, was.take(n), now.take(n), len(c.Key), which, word(before, p.was, rows)|pairBit)
		rows += n
	}
}

// compareSlices logs the rows of two slices that differ; the columns after begin with the key.
func compareSlices(e *entries, was, now []arrow.Array, key int, which []int, at uint64) {
	var masks, one, other []uint64
	for i, col := range was {
		one, other = hashColumn(one, col, rest), hashColumn(other, now[key+i], rest)
		if masks == nil {
			masks = make([]uint64, len(one))
		}
		for row, h := range one {
			if h != other[row] {
				masks[row] |= 1 << which[i]
			}
		}
	}
	if !slices.ContainsFunc(masks, func(m uint64) bool { return m != 0 }) {
		return
	}
	hi, lo := hashRows(nil, now[:key], len(masks), keyHi), hashRows(nil, now[:key], len(masks), keyLo)
	for row, m := range masks {
		if m != 0 {
			e.words = append(e.words, hi[row], lo[row], m, at+uint64(row)|anyNull(now[:key], row))
		}
	}
}

// cursor reads a split bit by bit.
type cursor struct {
	pipeline.Reader
	columns []string
	batch   arrow.RecordBatch // nil where the next is to be read
	at      int64
	slices  []arrow.Array
}

func (c *comparison) cursor(ctx context.Context, side, split int, columns []string) (*cursor, error) {
	r, err := c.open(ctx, side, &c.sides[side].Input.Splits[split], columns, nil)
	return &cursor{Reader: r, columns: columns}, err
}

// both gives how many rows both have before them; 0 at the end.
func both(ctx context.Context, was, now *cursor) (int64, error) {
	a, err := was.ahead(ctx)
	if err != nil {
		return 0, err
	}
	b, err := now.ahead(ctx)
	if err == nil && (a == 0) != (b == 0) {
		err = pipeline.Errorf(pipeline.BadInput, "row groups whose keys are stored alike have not as many rows").
			With("`penstock verify` tells what is not as it was published")
	}
	return min(a, b), err
}

// ahead is how many rows of the batch are left.
func (c *cursor) ahead(ctx context.Context) (int64, error) {
	for c.batch == nil || c.at == c.batch.NumRows() {
		c.drop()
		b, err := c.Next(ctx)
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		c.batch, c.at = b, 0
	}
	return c.batch.NumRows() - c.at, nil
}

func (c *cursor) drop() {
	for _, s := range c.slices {
		s.Release()
	}
	c.slices = nil
	if c.batch != nil {
		c.batch.Release()
		c.batch = nil
	}
}

// take gives the columns of the next n rows, until the next call.
func (c *cursor) take(n int64) []arrow.Array {
	for _, s := range c.slices {
		s.Release()
	}
	c.slices = c.slices[:0]
	part := c.batch.NewSlice(c.at, c.at+n)
	defer part.Release()
	c.at += n
	for _, name := range c.columns {
		col := part.Column(part.Schema().FieldIndices(name)[0])
		col.Retain()
		c.slices = append(c.slices, col)
	}
	return c.slices
}

// Close implements pipeline.Reader.
func (c *cursor) Close() error {
	c.drop()
	return c.Reader.Close()
}

// pair takes in a row of a pair.
func (f *found) pair(r *row) {
	f.Changed++
	f.NullKeys += 2 * int64(r[3]&nullBit>>62)
	for m := r[2]; m != 0; m &= m - 1 {
		f.counts[bits.TrailingZeros64(m)]++
	}
	f.pairs = append(f.pairs, *r)
}

// namePairs names the first rows of pairs that changed.
func (c *comparison) namePairs(f *found) {
	for _, r := range first(f.pairs, c.Limit, func(a, b row) int { return cmp.Compare(a[3]&^nullBit, b[3]&^nullBit) }) {
		one := Change{Before: place(r[3])}
		one.After = one.Before
		for _, p := range c.pairs {
			if p.was == one.Before.Split {
				one.After.Split = p.now
			}
		}
		for i, name := range c.others {
			if r[2]>>i&1 == 1 {
				one.Columns = append(one.Columns, name)
			}
		}
		f.ChangedRows = append(f.ChangedRows, one)
	}
	f.pairs = nil
}
