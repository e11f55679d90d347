package keys

import "github.com/zeebo/xxh3"

// tidyKeys is how many keys the blocks of a set have at least, unless that is much of the
// share, when it looks for equal ones among them.
const tidyKeys = 1 << 20

// recentKeys is how many keys a set remembers to have been added just now: where there are
// few, most need not be kept to be found equal later.
const recentKeys = 1 << 10

// addNew adds keys, for which there is room, but for those that were added just now.
func (l *Log) addNew(keys []xxh3.Uint128) {
	open := l.open
	for _, h := range keys {
		last := &l.recent[h.Lo%recentKeys]
		if *last != h || h == (xxh3.Uint128{}) {
			*last = h
			open = append(open, h)
		}
	}
	l.open = open
}

// unique drops the keys that a block of a set has more than once. If few are left they
// go back to those that were added last, unless no more will come, and it gives nil.
func (l *Log) unique(b *block, last bool) *block {
	n := l.narrow([]*block{b})
	switch {
	case n <= cap(l.open)/2 && !last:
		l.open = append(l.open, b.keys...)
	case n < cap(b.keys)/8*7:
		l.store.give(b.bytes())
		l.store.force(blockBytes(n, false))
		return join([]*block{b})
	default:
		return b
	}
	l.store.give(b.bytes())
	return nil
}

// tidy drops equal keys of a set when there may be many.
func (l *Log) tidy() {
	least := min(tidyKeys, int(l.store.share/keyBytes/4))
	if l.set && !l.futile && l.kept > max(least, 2*l.distinct) {
		l.compact()
	}
}

// relieve makes room in memory: by dropping equal keys of a set if they are a third of it,
// else by spilling.
func (l *Log) relieve() error {
	if before := l.kept; l.set && l.distinct < before {
		l.compact()
		if l.kept <= before/3*2 {
			return nil
		}
	}
	return l.spill()
}

// compact drops equal keys from the blocks of a set, and joins small blocks.
func (l *Log) compact() {
	before, old := l.kept, l.blocks
	l.kept = l.narrow(old)
	l.distinct, l.futile = l.kept, l.kept > before/8*7
	l.blocks = nil
	for len(old) > 0 {
		n, size := 1, len(old[0].keys)
		for n < len(old) && size+len(old[n].keys) <= blockKeys {
			size += len(old[n].keys)
			n++
		}
		l.give(old[:n])
		l.store.force(blockBytes(size, false)) // no more than what was given, but for the moment
		l.blocks = append(l.blocks, join(old[:n]))
		clear(old[:n])
		old = old[n:]
	}
}

// narrow drops all but the first of equal keys from the blocks, in place, and gives how
// many are left.
func (l *Log) narrow(blocks []*block) (left int) {
	to := make([]uint32, len(blocks)) // how many keys each block has so far
	seen := table{store: l.store, must: true}
	defer seen.drop()
	for p := range parts {
		n := 0
		for _, b := range blocks {
			n += int(b.from[p+1] - b.from[p])
		}
		seen.start(min(int64(n), leastKeys)) // often there are far fewer than n
		for i, b := range blocks {
			keys, _ := b.section(p)
			b.from[p] = to[i]
			for _, h := range keys {
				if !seen.full() && seen.parent(h) {
					b.keys[to[i]] = h
					to[i]++
				}
			}
		}
		left += seen.used
	}
	for i, b := range blocks {
		b.from[parts] = to[i]
		b.keys = b.keys[:to[i]]
	}
	return left
}
