package compare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// batch is some rows of a split: the columns that were asked for, and where each row stands.
type batch struct {
	columns []arrow.Array
	at      []int64
}

// each reads columns of rows of a split, of all where rows is nil.
func (c *comparison) each(ctx context.Context, side, split int, columns []string, rows Marks, f func(batch) error) error {
	s := &c.sides[side].Input.Splits[split]
	var keep []bool
	if rows != nil && s.OpenSome != nil {
		keep = rows.Bools(c.rows[side][split])
	}
	r, err := c.open(ctx, side, s, columns, keep)
	if err != nil {
		return err
	}
	next := int64(0) // the place of the row that comes next
	return pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		one := batch{at: make([]int64, b.NumRows())}
		for i := range one.at {
			for keep != nil && next < int64(len(keep)) && !keep[next] {
				next++
			}
			one.at[i] = next
			next++
		}
		for _, name := range columns {
			one.columns = append(one.columns, b.Column(b.Schema().FieldIndices(name)[0]))
		}
		return f(one)
	})
}

func (c *comparison) open(ctx context.Context, side int, s *pipeline.Split, columns []string, keep []bool) (pipeline.Reader, error) {
	return openColumns(ctx, c.Env, c.sides[side].Input.Schema, s, columns, keep)
}

// openColumns opens a split, texts as dictionaries where they are kept so.
func openColumns(ctx context.Context, env *pipeline.Env, schema *arrow.Schema, s *pipeline.Split, columns []string, keep []bool) (pipeline.Reader, error) {
	var coded []string
	for _, name := range columns {
		if sort(schema.Field(schema.FieldIndices(name)[0]).Type) == "text" {
			coded = append(coded, name)
		}
	}
	switch {
	case coded != nil && s.OpenCoded != nil:
		return s.OpenCoded(ctx, env, columns, keep, coded)
	case keep != nil:
		return s.OpenSome(ctx, env, columns, keep)
	}
	return s.Open(ctx, env, columns)
}

// Where a row stands, in one word: its side, whether a null is in its key, whether it is a pair,
// split and row.
const (
	sideBit  = 1 << 63
	nullBit  = 1 << 62
	pairBit  = 1 << 61
	rowBits  = 40
	rowMask  = 1<<rowBits - 1
	splitMax = 1 << (61 - rowBits)
)

func word(side, split int, row int64) uint64 {
	return uint64(side)<<63 | uint64(split)<<rowBits | uint64(row)
}

func place(word uint64) Place {
	return Place{Split: int(word &^ (sideBit | nullBit | pairBit) >> rowBits), Row: int64(word & rowMask)}
}

// log logs the rows of a side: the key's hash, the other columns', and the place; without a key
// the hash of all, how many such rows there are, and the place of the first.
func (c *comparison) log(ctx context.Context, side int, l *log) error {
	var splits []int
	for i := range c.sides[side].Input.Splits {
		if !c.done[side][i] {
			splits = append(splits, i)
		}
	}
	if len(c.sides[side].Input.Splits) >= splitMax {
		return pipeline.Errorf(pipeline.Invalid, "%d row groups are too many to compare", len(splits))
	}
	return pipeline.InOrder(ctx, c.Env, len(splits),
		func(ctx context.Context, i int) (*block, int64, error) {
			b, err := c.logSplit(ctx, side, splits[i])
			if err != nil {
				return nil, 0, err
			}
			return b, b.bytes(), nil
		}, func(b *block) error {
			for i := range b.len() {
				c.seen(b.at(i))
			}
			return l.add(b)
		})
}

// seen counts a row that was logged.
func (c *comparison) seen(e []uint64) {
	side, rows := e[3]>>63, int64(1)
	if c.Key == nil {
		rows = int64(e[2])
	}
	c.rows[side][place(e[3]).Split] += rows
	c.result.Read += rows
}

func (c *comparison) logSplit(ctx context.Context, side, split int) (*block, error) {
	e := entries{width: 4}
	var hi, lo, other []uint64
	var known twice
	err := c.each(ctx, side, split, append(c.key(), c.others...), nil, func(b batch) error {
		key, others := b.columns[:len(c.key())], b.columns[len(c.key()):]
		if c.Key == nil {
			key = b.columns
		}
		hi, lo = hashRows(hi, key, len(b.at), keyHi), hashRows(lo, key, len(b.at), keyLo)
		if c.Key != nil {
			other = hashRows(other, others, len(b.at), rest)
		}
		for i, at := range b.at {
			w := word(side, split, at)
			switch {
			case c.Key != nil:
				e.words = append(e.words, hi[i], lo[i], other[i], w|anyNull(key, i))
			case !known.again(&e, hi[i], lo[i]):
				e.words = append(e.words, hi[i], lo[i], 1, w)
			}
		}
		return nil
	})
	return arrange(e), err
}

// key are the columns that name a row, as a new slice.
func (c *comparison) key() []string { return append([]string{}, c.Key...) }

func anyNull(columns []arrow.Array, row int) uint64 {
	for _, c := range columns {
		if c.IsNull(row) {
			return nullBit
		}
	}
	return 0
}

// twice counts rows that were logged a short while ago once more, so that few values in many rows
// take no memory.
type twice struct{ last [1 << 12]int } // an entry, counted from 1

func (t *twice) again(e *entries, hi, lo uint64) bool {
	slot := &t.last[lo%uint64(len(t.last))]
	if *slot > 0 {
		if known := e.at(*slot - 1); known[0] == hi && known[1] == lo {
			known[2]++
			return true
		}
	}
	*slot = e.len() + 1
	return false
}
