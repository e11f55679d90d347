package parquet

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// table gives the distinct values of a column numbers, in the order they come. Values of
// four and eight bytes are compared as numbers, others as bytes: so the two zeros of floats
// are two entries, and each NaN is the one it was.
type table struct {
	vals    outValues // the entries
	size    int
	slots   []int32 // an entry plus one; 0 is free
	hashes  []uint32
	shift   uint // of a hash to a slot
	entries int
}

// begin makes the table one of values of a size.
func (t *table) begin(size int) {
	t.reset()
	t.size = size
}

func (t *table) reset() {
	t.vals = outValues{fixed: t.vals.fixed[:0], bytes: t.vals.bytes[:0], offsets: t.vals.offsets[:0]}
	t.hashes, t.entries = t.hashes[:0], 0
	if len(t.slots) > 1<<12 {
		t.slots = t.slots[:1<<12]
	}
	clear(t.slots)
	t.shift = 64 - 12
}

// memory is how many bytes the table holds.
func (t *table) memory() int { return 4*cap(t.slots) + 4*cap(t.hashes) }

// grow makes room for one more entry.
func (t *table) grow() {
	switch {
	case len(t.slots) == 0:
		t.slots = make([]int32, 1<<12)
		t.shift = 64 - 12
		return
	case t.entries < len(t.slots)/2:
		return
	}
	n := 2 * len(t.slots)
	if cap(t.slots) >= n {
		t.slots = t.slots[:n]
		clear(t.slots)
	} else {
		t.slots = make([]int32, n)
	}
	t.shift--
	for e := range t.entries {
		i := t.hashOf(e) >> t.shift
		for t.slots[i] != 0 {
			i = (i + 1) & uint64(n-1)
		}
		t.slots[i] = int32(e + 1)
	}
}

// hashNumber spreads numbers over the upper bits.
func hashNumber(x uint64) uint64 { return (x ^ x>>32) * 0x9e3779b97f4a7c15 }

func (t *table) hashOf(e int) uint64 {
	switch t.size {
	case 4:
		return hashNumber(uint64(as[uint32](t.vals.fixed)[e]))
	case 8:
		return hashNumber(as[uint64](t.vals.fixed)[e])
	}
	return uint64(t.hashes[e]) << 32
}

// entry gives the i-th of some values its number.
func (t *table) entry(v *outValues, i int) int32 {
	switch t.size {
	case 4:
		return number(t, as[uint32](v.fixed)[i])
	case 8:
		return number(t, as[uint64](v.fixed)[i])
	case 0:
		return t.bytes(v.bytes[v.offsets[i]:v.offsets[i+1]])
	}
	return t.bytes(v.fixed[i*t.size : (i+1)*t.size])
}

// number gives a number that of its entry.
func number[T uint32 | uint64](t *table, x T) int32 {
	t.grow()
	keys := as[T](t.vals.fixed)
	mask := uint64(len(t.slots) - 1)
	for i := hashNumber(uint64(x)) >> t.shift; ; i = (i + 1) & mask {
		e := t.slots[i&mask]
		if e == 0 {
			t.slots[i] = int32(t.entries + 1)
			t.vals.fixed = append(t.vals.fixed, bytesOf([]T{x})...)
			return t.added()
		}
		if keys[e-1] == x {
			return e - 1
		}
	}
}

func (t *table) added() int32 {
	t.entries++
	t.vals.n = t.entries
	return int32(t.entries - 1)
}

// bytes gives a byte array the number of its entry.
func (t *table) bytes(b []byte) int32 {
	t.grow()
	h := uint32(xxh3.Hash(b))
	mask := uint64(len(t.slots) - 1)
	for i := uint64(h) << 32 >> t.shift; ; i = (i + 1) & mask {
		e := t.slots[i]
		if e == 0 {
			t.slots[i] = int32(t.entries + 1)
			t.hashes = append(t.hashes, h)
			if t.size > 0 {
				t.vals.fixed = append(t.vals.fixed, b...)
			} else {
				t.vals.beginTexts()
				t.vals.bytes = append(t.vals.bytes, b...)
				t.vals.offsets = append(t.vals.offsets, uint32(len(t.vals.bytes)))
			}
			return t.added()
		}
		if t.hashes[e-1] == h && bytes.Equal(t.vals.at(int(e-1), t.size), b) {
			return e - 1
		}
	}
}

// at is the i-th value as bytes; size is 0 for byte arrays.
func (v *outValues) at(i, size int) []byte {
	if size > 0 {
		return v.fixed[i*size : (i+1)*size]
	}
	return v.bytes[v.offsets[i]:v.offsets[i+1]]
}

// entryBytes is what the entries take in a dictionary page.
func (t *table) entryBytes() int {
	if t.size > 0 {
		return t.entries * t.size
	}
	return len(t.vals.bytes) + 4*t.entries
}

// index gives values their numbers, as long as there are at most maxEntries entries that
// take at most maxBytes; it stops where there would be more, and says how many it did.
func (t *table) index(out []int32, v *outValues, from, to, maxEntries, maxBytes int) int {
	switch t.size {
	case 4:
		return indexNumbers(t, out, as[uint32](v.fixed)[from:to], min(maxEntries, maxBytes/4))
	case 8:
		return indexNumbers(t, out, as[uint64](v.fixed)[from:to], min(maxEntries, maxBytes/8))
	}
	for i := from; i < to; i++ {
		if t.entries > maxEntries || t.entryBytes() > maxBytes {
			return i - from
		}
		out[i-from] = t.bytes(v.at(i, t.size))
	}
	return to - from
}

func indexNumbers[T uint32 | uint64](t *table, out []int32, in []T, limit int) int {
	t.grow()
	out = out[:len(in)]
	keys, slots, shift := as[T](t.vals.fixed), t.slots, t.shift
	for i, x := range in {
		s := hashNumber(uint64(x)) >> shift
		if e := slots[s]; e != 0 && keys[e-1] == x {
			out[i] = e - 1
			continue
		}
		if t.entries > limit {
			return i
		}
		out[i] = number(t, x)
		keys, slots, shift = as[T](t.vals.fixed), t.slots, t.shift
	}
	return len(in)
}
