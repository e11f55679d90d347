package rows

import (
	"iter"

	"github.com/zeebo/xxh3"
)

// Set is a set of keys. It is a table with open addressing, as the keys are hashes
// already: for three million of them it takes a third of the time of a map. The zero
// value is an empty set; it is not safe for concurrent use.
type Set struct {
	slots []xxh3.Uint128 // a power of two; zero is an empty slot
	n     int
	zero  bool // the set has the key zero
}

// SetBytes is what a key takes in a set on average, in bytes.
const SetBytes = 32

// Len is the number of keys.
func (s *Set) Len() int { return s.n }

// Add puts a key into the set, and reports whether it was not there.
func (s *Set) Add(h xxh3.Uint128) bool {
	if h == (xxh3.Uint128{}) {
		added := !s.zero
		s.zero = true
		if added {
			s.n++
		}
		return added
	}
	if 3*s.n >= 2*len(s.slots) {
		s.grow()
	}
	slot := s.find(h)
	if *slot == h {
		return false
	}
	*slot = h
	s.n++
	return true
}

// Has reports whether the set has a key.
func (s *Set) Has(h xxh3.Uint128) bool {
	if h == (xxh3.Uint128{}) {
		return s.zero
	}
	return len(s.slots) > 0 && *s.find(h) == h
}

// find gives the slot that has the key, or the empty one where it belongs.
func (s *Set) find(h xxh3.Uint128) *xxh3.Uint128 {
	mask := uint64(len(s.slots) - 1)
	for i := h.Lo & mask; ; i = (i + 1) & mask {
		if slot := &s.slots[i]; *slot == h || *slot == (xxh3.Uint128{}) {
			return slot
		}
	}
}

func (s *Set) grow() {
	old := s.slots
	s.slots = make([]xxh3.Uint128, max(1024, 2*len(old)))
	for _, h := range old {
		if h != (xxh3.Uint128{}) {
			*s.find(h) = h
		}
	}
}

// All gives the keys, in no order.
func (s *Set) All() iter.Seq[xxh3.Uint128] {
	return func(yield func(xxh3.Uint128) bool) {
		if s.zero && !yield(xxh3.Uint128{}) {
			return
		}
		for _, h := range s.slots {
			if h != (xxh3.Uint128{}) && !yield(h) {
				return
			}
		}
	}
}
