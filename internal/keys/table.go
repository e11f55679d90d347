package keys

import "github.com/zeebo/xxh3"

const (
	leastSlots = 1 << 12 // of a table that may go beyond the budget
	firstSlots = 1 << 16 // the most of a table at first

	slotBytes = 24
	spanBytes = 16

	inParent = 1 << 63 // in slot.n: the parent has the key
)

// slot is a key and on how many rows it is; empty if n is 0.
type slot struct {
	hi, lo uint64
	n      uint64
}

// rows is how often the key was counted, but for the parent's.
func (s *slot) rows() int64 { return int64(s.n &^ inParent) }

// span are the two least positions of a key.
type span struct{ first, second uint64 }

// table counts keys. It has open addressing, as keys are hashes already, and is filled
// anew for each partition.
type table struct {
	store     *Store
	positions bool
	must      bool // the table may go beyond the budget

	slots []slot // a power of two; the beginning of room
	spans []span // as many, if there are positions
	used  int    // keys
	again int    // keys on more than one row
	total int64  // rows
	room  []slot
	roomy []span
}

// start empties the table, and prepares it for about n keys.
func (t *table) start(n int64) {
	size := 64
	for size < max(firstSlots, len(t.room)) && int64(size)*2 < n*3 {
		size *= 2
	}
	if size > len(t.room) {
		t.drop()
		for !t.reserve(size) {
			size /= 2 // down to leastSlots, which are given
		}
	}
	t.use(size)
	t.used, t.again, t.total = 0, 0, 0
}

// use empties the first size slots.
func (t *table) use(size int) {
	t.slots = t.room[:size]
	clear(t.slots)
	if t.positions {
		t.spans = t.roomy[:size]
	}
}

// reserve gets new room, beside what the table has.
func (t *table) reserve(size int) bool {
	if !t.store.borrow(t.bytes(size), t.must || size <= leastSlots) {
		return false
	}
	t.room = make([]slot, size)
	if t.positions {
		t.roomy = make([]span, size)
	}
	return true
}

func (t *table) bytes(slots int) int64 {
	if t.positions {
		return int64(slots) * (slotBytes + spanBytes)
	}
	return int64(slots) * slotBytes
}

func (t *table) drop() {
	t.store.repay(t.bytes(len(t.room)))
	t.slots, t.spans, t.room, t.roomy = nil, nil, nil, nil
}

// grow doubles the table; it reports whether there was room.
func (t *table) grow() bool {
	old, spans, room := t.slots, t.spans, len(t.room)
	if !t.reserve(2 * len(old)) {
		return false
	}
	t.use(2 * len(old))
	for i, s := range old {
		if s.n == 0 {
			continue
		}
		to := t.find(xxh3.Uint128{Hi: s.hi, Lo: s.lo})
		t.slots[to] = s
		if t.positions {
			t.spans[to] = spans[i]
		}
	}
	t.store.repay(t.bytes(room))
	return true
}

// find gives the index of the slot of a key: the one that has it, or the empty one where
// it belongs.
func (t *table) find(h xxh3.Uint128) uint64 {
	mask := uint64(len(t.slots) - 1)
	for i := h.Lo & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.n == 0 || s.lo == h.Lo && s.hi == h.Hi {
			return i
		}
	}
}

// full says that one more key would be too much, even after growing.
func (t *table) full() bool { return 3*t.used >= 2*len(t.slots) && !t.grow() }

// parents notes that the parent has these keys. It reports whether there was room.
func (t *table) parents(keys []xxh3.Uint128) bool {
	for _, h := range keys {
		if t.full() {
			return false
		}
		t.parent(h)
	}
	return true
}

// parent notes that the parent has a key, and reports whether the table had not; there
// has to be room.
func (t *table) parent(h xxh3.Uint128) bool {
	s := &t.slots[t.find(h)]
	if s.n != 0 {
		return false
	}
	s.hi, s.lo, s.n = h.Hi, h.Lo, inParent
	t.used++
	return true
}

// count counts keys, and keeps their least positions. It reports whether there was room.
func (t *table) count(keys []xxh3.Uint128, at []uint64) bool {
	t.total += int64(len(keys))
	for i, h := range keys {
		if t.full() {
			return false
		}
		n := t.find(h)
		s := &t.slots[n]
		if s.n == 0 {
			s.hi, s.lo = h.Hi, h.Lo
			t.used++
		}
		s.n++
		if s.n == 2 {
			t.again++
		}
		if t.positions {
			t.spans[n].add(s.rows(), at[i])
		}
	}
	return true
}

// add takes in a position, which is that of row n of the key.
func (s *span) add(n int64, at uint64) {
	switch {
	case n == 1:
		s.first = at
	case at < s.first:
		s.first, s.second = at, s.first
	case n == 2 || at < s.second:
		s.second = at
	}
}
