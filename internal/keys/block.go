package keys

import "github.com/zeebo/xxh3"

const (
	partBits = 9
	parts    = 1 << partBits // what a log is cut into, by the first bits of the key

	blockKeys = 1 << 16 // the most keys of a block
	leastKeys = 1 << 12 // what a log that adds may hold at least, whatever the budget says

	keyBytes  = 16
	atBytes   = 8
	blockOver = 4*(parts+1) + 96 // bytes of a block beside its keys
)

// block is some keys in the order of their partitions: those of partition p are
// keys[from[p]:from[p+1]].
type block struct {
	keys []xxh3.Uint128
	at   []uint64 // the positions of keys; nil where the log has none
	from [parts + 1]uint32
}

func part(h xxh3.Uint128) uint16 { return uint16(h.Hi >> (64 - partBits)) }

// arrange copies keys into a block.
func arrange(keys []xxh3.Uint128, at []uint64) *block {
	b := &block{keys: make([]xxh3.Uint128, len(keys))}
	for _, h := range keys {
		b.from[int(part(h))+1]++
	}
	for p := range parts {
		b.from[p+1] += b.from[p]
	}
	next := b.from
	if at != nil {
		b.at = make([]uint64, len(keys))
		for i, h := range keys {
			b.at[next[part(h)]] = at[i]
			next[part(h)]++
		}
		next = b.from
	}
	for _, h := range keys {
		to := &next[part(h)]
		b.keys[*to] = h
		*to++
	}
	return b
}

// section gives the keys of a partition, and their positions.
func (b *block) section(p int) ([]xxh3.Uint128, []uint64) {
	from, to := b.from[p], b.from[p+1]
	if b.at == nil {
		return b.keys[from:to], nil
	}
	return b.keys[from:to], b.at[from:to]
}

func (b *block) bytes() int64 {
	return int64(cap(b.keys))*keyBytes + int64(cap(b.at))*atBytes + blockOver
}

// blockBytes is what a block of n keys takes.
func blockBytes(n int, positions bool) int64 {
	if positions {
		return int64(n)*(keyBytes+atBytes) + blockOver
	}
	return int64(n)*keyBytes + blockOver
}

// join makes one block of several.
func join(all []*block) *block {
	var n int
	for _, b := range all {
		n += len(b.keys)
	}
	one := &block{keys: make([]xxh3.Uint128, 0, n)}
	for p := range parts {
		for _, b := range all {
			keys, _ := b.section(p)
			one.keys = append(one.keys, keys...)
		}
		one.from[p+1] = uint32(len(one.keys))
	}
	return one
}
