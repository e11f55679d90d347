package expr

import (
	"math"
	"math/bits"

	"cel.dev/cel-go/common/types/ref"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// A memo remembers, for one batch, what cel-go gave for the values that a row was made
// from. It has room for memoSlots of them; a new one takes the place of an old one.
// Columns of a few thousand distinct values are so evaluated about once a value:
// 20 ns a row instead of 200. A nil memo remembers nothing.
type memo struct {
	args  []*vector.Vector
	slots []memoSlot
	tried int
	hits  int
	off   bool // it seldom hits in this batch
}

type memoSlot struct {
	key   [memoColumns]uint64
	texts [memoColumns]string
	state uint8 // which columns are null
	used  bool
	val   ref.Val
}

const (
	memoSlots   = 1 << 12
	memoColumns = 3
	memoTrial   = 1 << 14 // rows after which a memo that seldom hits is given up
)

// newMemo gives nil where there are no columns, too many, or of kinds without a key.
func newMemo(args []*vector.Vector) *memo {
	if len(args) == 0 || len(args) > memoColumns {
		return nil
	}
	for _, a := range args {
		if a.Kind == vector.Other {
			return nil
		}
	}
	return &memo{slots: make([]memoSlot, memoSlots)}
}

// use makes the memo look at a chunk.
func (m *memo) use(args []*vector.Vector) {
	if m != nil {
		m.args = args
	}
}

// reset forgets a batch.
func (m *memo) reset() {
	clear(m.slots)
	m.args, m.tried, m.hits, m.off = nil, 0, 0, false
}

// find gives the slot for the values of a row: with an outcome, or empty for the
// caller to fill. It gives nil where there is nothing to remember.
func (m *memo) find(row int) *memoSlot {
	if m == nil || m.off {
		return nil
	}
	var key [memoColumns]uint64
	var state uint8
	var hash uint64
	for i, a := range m.args {
		switch {
		case a.Bad != nil && a.Bad.Get(row):
			return nil
		case a.Null != nil && a.Null.Get(row):
			state |= 1 << i
		default:
			key[i] = code(a, row)
		}
		hash = bits.RotateLeft64(hash, 23) ^ key[i]*0x9e3779b97f4a7c15
	}
	slot := &m.slots[(hash*0x9e3779b97f4a7c15)>>(64-12)]
	m.tried++
	if slot.used && slot.key == key && slot.state == state && m.sameTexts(slot, row) {
		m.hits++
		return slot
	}
	if m.tried >= memoTrial && m.hits < m.tried/2 {
		m.off = true
		return nil
	}
	*slot = memoSlot{key: key, state: state, used: true}
	for i, a := range m.args {
		if a.Texts != nil && state>>i&1 == 0 && isText(a) {
			slot.texts[i] = a.Texts[row]
		}
	}
	return slot
}

func isText(a *vector.Vector) bool { return a.Kind == vector.Text || a.Kind == vector.Bytes }

// sameTexts compares what keys do not tell apart.
func (m *memo) sameTexts(slot *memoSlot, row int) bool {
	for i, a := range m.args {
		if isText(a) && slot.state>>i&1 == 0 && slot.texts[i] != a.Texts[row] {
			return false
		}
	}
	return true
}

// code is the same for the same value only, or, of texts, a hash.
func code(a *vector.Vector, row int) uint64 {
	switch a.Kind {
	case vector.Bool:
		return a.Bits[row>>6] >> (row & 63) & 1
	case vector.Int, vector.Time, vector.Duration, vector.Decimal:
		return uint64(a.Ints[row])
	case vector.Uint:
		return a.Uints[row]
	case vector.Double:
		return math.Float64bits(a.Doubles[row])
	}
	return xxh3.HashString(a.Texts[row])
}
