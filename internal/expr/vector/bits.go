package vector

import (
	"encoding/binary"
	"math/bits"
)

// Bits is a bitmap of rows: row i is bit i%64 of word i/64. Bits past the last row are
// undefined.
type Bits []uint64

// Words is how many words hold n bits.
func Words(n int) int { return (n + 63) >> 6 }

// Mask has the bits of word w that are rows, of n.
func Mask(w, n int) uint64 {
	if left := n - w<<6; left < 64 {
		return 1<<max(left, 0) - 1
	}
	return ^uint64(0)
}

// Get reports whether a row is set.
func (b Bits) Get(row int) bool { return b[row>>6]>>(row&63)&1 != 0 }

// Set sets a row.
func (b Bits) Set(row int) { b[row>>6] |= 1 << (row & 63) }

// Put sets or clears a row.
func (b Bits) Put(row int, on bool) {
	b[row>>6] = b[row>>6]&^(1<<(row&63)) | one(on)<<(row&63)
}

// Fill sets or clears the first n rows.
func (b Bits) Fill(on bool, n int) {
	word := -one(on)
	for w := range Words(n) {
		b[w] = word
	}
}

// Any reports whether one of the first n rows is set; nil has all of them set.
func (b Bits) Any(n int) bool {
	if b == nil {
		return n > 0
	}
	for w := range Words(n) {
		if b[w]&Mask(w, n) != 0 {
			return true
		}
	}
	return false
}

// Count is how many of the first n rows are set; nil has all of them set.
func (b Bits) Count(n int) int {
	if b == nil {
		return n
	}
	count := 0
	for w := range Words(n) {
		count += bits.OnesCount64(b[w] & Mask(w, n))
	}
	return count
}

// Within reports whether all of the first n rows of b are set in outer; nil has all set.
func (b Bits) Within(outer Bits, n int) bool {
	if outer == nil {
		return true
	}
	for w := range Words(n) {
		word := Mask(w, n)
		if b != nil {
			word &= b[w]
		}
		if word&^outer[w] != 0 {
			return false
		}
	}
	return true
}

// load reads n bits of an Arrow bitmap from bit number from on.
func (b Bits) load(bitmap []byte, from, n int) {
	shift := uint(from & 7)
	bitmap = bitmap[from>>3:]
	for w := range Words(n) {
		b[w] = word(bitmap, w<<3) >> shift
		if shift > 0 && len(bitmap) > w<<3+8 {
			b[w] |= uint64(bitmap[w<<3+8]) << (64 - shift)
		}
	}
}

// word reads eight bytes; those past the end are zero.
func word(b []byte, at int) uint64 {
	if len(b) >= at+8 {
		return binary.LittleEndian.Uint64(b[at:])
	}
	var last [8]byte
	copy(last[:], b[min(at, len(b)):])
	return binary.LittleEndian.Uint64(last[:])
}

// one is 1 if b is true; the compiler makes no jump of it.
func one(b bool) uint64 {
	var x uint64
	if b {
		x = 1
	}
	return x
}
