package keys

import (
	"slices"

	"github.com/zeebo/xxh3"
)

// A Log is keys that were added, in no order. It is used by one goroutine at a time; an
// error that a method gave stays, and the log is of no use then.
type Log struct {
	store     *Store
	positions bool
	set       bool

	rows     int64
	open     []xxh3.Uint128 // what was added last
	openAt   []uint64
	blocks   []*block
	segments []*segment
	err      error

	// Of a set: the last key that was added of each of some hashes; keys of blocks that are known to be distinct, those there are now, and
	// whether it did not help to look.
	recent         *[recentKeys]xxh3.Uint128
	distinct, kept int
	futile         bool
}

// Add adds keys, which it copies.
func (l *Log) Add(keys []xxh3.Uint128) error { return l.add(keys, nil) }

// AddAt adds keys with a position each: a number that tells rows apart and orders them.
// It is for logs with positions alone, which have no other way to add.
func (l *Log) AddAt(keys []xxh3.Uint128, at []uint64) error { return l.add(keys, at) }

func (l *Log) add(keys []xxh3.Uint128, at []uint64) error {
	l.rows += int64(len(keys))
	for len(keys) > 0 && l.err == nil {
		n := min(len(keys), cap(l.open)-len(l.open))
		if n == 0 {
			l.err = l.grow()
			continue
		}
		if l.set {
			l.addNew(keys[:n])
		} else {
			l.open = append(l.open, keys[:n]...)
		}
		if l.positions {
			l.openAt = append(l.openAt, at[:n]...)
			at = at[n:]
		}
		keys = keys[n:]
	}
	return l.err
}

// grow makes room for more keys.
func (l *Log) grow() error {
	now := cap(l.open)
	if now == blockKeys {
		return l.flush(false)
	}
	more := max(256, now)
	n := l.openBytes(now+more) - l.openBytes(now)
	if !l.store.take(n) {
		if now >= l.store.leastKeys() {
			return l.flush(false)
		}
		if len(l.blocks) > 0 {
			if err := l.spill(); err != nil {
				return err
			}
		}
		if !l.store.take(n) {
			l.store.force(n)
		}
	}
	l.open = append(make([]xxh3.Uint128, 0, now+more), l.open...)
	if l.set && l.recent == nil {
		l.recent = new([recentKeys]xxh3.Uint128)
	}
	if l.positions {
		l.openAt = append(make([]uint64, 0, now+more), l.openAt...)
	}
	return nil
}

// flush makes a block of what was added last; where there is no room for it, it is
// spilled. last says that no more will be added.
func (l *Log) flush(last bool) error {
	if len(l.open) == 0 {
		return nil
	}
	size := blockBytes(len(l.open), l.positions)
	roomy := l.store.take(size)
	if !roomy && len(l.blocks) > 0 {
		if err := l.relieve(); err != nil {
			return err
		}
		roomy = l.store.take(size)
	}
	if !roomy {
		l.store.force(size)
	}
	b := arrange(l.open, l.openAt)
	l.open, l.openAt = l.open[:0], l.openAt[:0]
	if l.set {
		b = l.unique(b, last)
	}
	if b != nil {
		l.blocks, l.kept = append(l.blocks, b), l.kept+len(b.keys)
	}
	if !roomy {
		return l.spill()
	}
	l.tidy()
	return nil
}

// Merge moves the keys of another log of the same store and sort into l: other is empty
// after it, and can be used again. Blocks and what was spilled are handed over as they are.
func (l *Log) Merge(other *Log) error {
	if l.err == nil {
		l.err = other.err
	}
	if l.err == nil && len(other.open) >= blockKeys/8 {
		l.err = other.flush(false)
	}
	if l.err != nil {
		return l.err
	}
	l.blocks, l.segments = append(l.blocks, other.blocks...), append(l.segments, other.segments...)
	l.rows, l.kept = l.rows+other.rows-int64(len(other.open)), l.kept+other.kept
	other.blocks, other.segments = nil, nil
	if l.err = l.add(other.open, other.openAt); l.err == nil {
		l.tidy()
	}
	other.Drop()
	if l.err == nil && l.store.tight(int64(l.kept)*keyBytes) {
		l.err = l.relieve()
	}
	return l.err
}

// spill writes the blocks to the file.
func (l *Log) spill() error {
	if len(l.blocks) == 0 {
		return nil
	}
	l.store.force(segmentBytes)
	seg, err := l.store.spill.write(l.blocks)
	if err != nil {
		return err
	}
	l.segments = append(l.segments, seg)
	l.give(l.blocks)
	l.blocks, l.kept, l.distinct = nil, 0, 0
	return nil
}

func (l *Log) give(blocks []*block) {
	var n int64
	for _, b := range blocks {
		n += b.bytes()
	}
	l.store.give(n)
}

// dropOpen gives the room for adding back.
func (l *Log) dropOpen() {
	l.store.give(l.openBytes(cap(l.open)))
	l.open, l.openAt, l.recent = nil, nil, nil
}

// openBytes is what room for adding n keys takes.
func (l *Log) openBytes(n int) int64 {
	switch {
	case n == 0:
		return 0
	case l.set:
		return int64(n+recentKeys) * keyBytes
	case l.positions:
		return int64(n) * (keyBytes + atBytes)
	}
	return int64(n) * keyBytes
}

// Drop empties the log and gives its memory back. The space in the file stays taken until
// the store is closed.
func (l *Log) Drop() {
	l.dropOpen()
	l.give(l.blocks)
	l.store.give(int64(len(l.segments)) * segmentBytes)
	*l = Log{store: l.store, positions: l.positions, set: l.set}
}

// settle is done before an answer: nothing is left that is not in order.
func (l *Log) settle() error {
	if l.err == nil {
		l.err = l.flush(true)
	}
	l.dropOpen()
	l.blocks = slices.Clip(l.blocks)
	return l.err
}
