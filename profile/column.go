package profile

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// A state is what is known of the values of a column that are not null.
type state interface {
	// add takes in the values of a batch, in which the column has index at.
	add(batch arrow.RecordBatch, at int)
	// end is called when a unit has no more values.
	end()
	// follow takes in a state that has ended, of the values that come after.
	follow(state)
	// tell writes what is known; n is how many values there were.
	tell(c *Column, n int64)
}

// open gives the state of no values of a type.
func open(t arrow.DataType) state {
	t = pipeline.ValueType(t)
	switch {
	case isText(t):
		return newTexts()
	case t.ID() == arrow.BOOL:
		return &bools{}
	case t.ID() == arrow.TIMESTAMP || t.ID() == arrow.DATE32 || t.ID() == arrow.DATE64:
		return newTimes(t)
	case arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || arrow.IsDecimal(t.ID()):
		return newNumbers(t)
	}
	return &others{newTally(func(k string) uint64 { return binary.LittleEndian.Uint64([]byte(k)) })}
}

func isText(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return true
	}
	return false
}

// others are values of which only their hashes are looked at.
type others struct{ tally[string] }

func (o *others) add(batch arrow.RecordBatch, at int) {
	col := batch.Column(at)
	var key [16]byte
	for i, h := range rows.Keys(nil, batch, []int{at}) {
		if !isNull(col, i) {
			binary.LittleEndian.PutUint64(key[:8], h.Lo)
			binary.LittleEndian.PutUint64(key[8:], h.Hi)
			o.tally.add(string(key[:]), 1)
		}
	}
}

func (o *others) end()           {}
func (o *others) follow(s state) { o.merge(&s.(*others).tally) }

func (o *others) tell(c *Column, n int64) { c.Distinct = o.count(n) }

// bools counts those that are true and false.
type bools struct{ of [2]int64 }

func (b *bools) add(batch arrow.RecordBatch, at int) {
	eachValue(batch.Column(at), func(a arrow.Array, i int, n int64) {
		if a.(*array.Boolean).Value(i) {
			b.of[1] += n
		} else {
			b.of[0] += n
		}
	})
}

func (b *bools) end() {}

func (b *bools) follow(s state) {
	for i, n := range s.(*bools).of {
		b.of[i] += n
	}
}

func (b *bools) tell(c *Column, _ int64) {
	c.Bools = &Bools{True: b.of[1], False: b.of[0]}
	var d int64
	for _, n := range b.of {
		if n > 0 {
			d++
		}
	}
	c.Distinct = &Count{N: d, Exact: true, Low: d, High: d}
}

// eachValue calls f with each value that is not null, in order, by where it is in an array
// that is no dictionary.
func eachValue(a arrow.Array, f func(a arrow.Array, i int, n int64)) {
	d, ok := a.(*array.Dictionary)
	for i := range a.Len() {
		switch {
		case a.IsNull(i):
		case ok:
			if at := d.GetValueIndex(i); d.Dictionary().IsValid(at) {
				f(d.Dictionary(), at, 1)
			}
		default:
			f(a, i, 1)
		}
	}
}

// isNull reports whether a row of a column is null, also by its dictionary.
func isNull(a arrow.Array, row int) bool {
	if d, ok := a.(*array.Dictionary); ok && a.IsValid(row) {
		return d.Dictionary().IsNull(d.GetValueIndex(row))
	}
	return a.IsNull(row)
}

// nullsOf is how many rows of a column are null.
func nullsOf(a arrow.Array) (n int64) {
	d, ok := a.(*array.Dictionary)
	if !ok || d.Dictionary().NullN() == 0 {
		return int64(a.NullN())
	}
	for i := range d.Len() {
		if isNull(d, i) {
			n++
		}
	}
	return n
}

func hashBits(v uint64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return xxh3.Hash(b[:])
}

func hashInt(v int64) uint64 { return hashBits(uint64(v)) }
