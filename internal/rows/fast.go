package rows

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"
)

// columnKeys makes the hashes of one column of a frequent type, and reports whether it
// did; they are those that Keys gives by keyWriter.
func columnKeys(to []xxh3.Uint128, col arrow.Array) ([]xxh3.Uint128, bool) {
	switch a := col.(type) {
	case *array.Dictionary:
		return dictionaryKeys(to, a), true
	case *array.String:
		return stringKeys(to, a), true
	}
	switch a := col.(type) {
	case *array.Int64:
		return fixedKeys(to, a, a.Int64Values(), func(v int64) uint64 { return uint64(v) }), true
	case *array.Int32:
		return fixedKeys(to, a, a.Int32Values(), func(v int32) uint64 { return uint64(v) }), true
	case *array.Timestamp:
		return fixedKeys(to, a, a.TimestampValues(), func(v arrow.Timestamp) uint64 { return uint64(v) }), true
	case *array.Date32:
		return fixedKeys(to, a, a.Date32Values(), func(v arrow.Date32) uint64 { return uint64(v) }), true
	case *array.Float64:
		return fixedKeys(to, a, a.Float64Values(), floatBits), true
	}
	return to, false
}

var nullKey = xxh3.Hash128([]byte{0})

func fixedKeys[T any](to []xxh3.Uint128, a arrow.Array, values []T, word func(T) uint64) []xxh3.Uint128 {
	nulls := a.NullN() > 0
	for i, v := range values {
		if nulls && a.IsNull(i) {
			to = append(to, nullKey)
		} else {
			to = append(to, fixedKey(word(v)))
		}
	}
	return to
}

// fixedKey is xxh3.Hash128 of the bytes 1 and, little-endian, v: the part of the algorithm
// that is for so many bytes, without finding out how many there are.
func fixedKey(v uint64) (h xxh3.Uint128) {
	const (
		secretLo, secretHi = 0x78e5c0cc4ee679cb ^ 0x2172ffcc7dd05a82, 0x8e2443f7744608b8 ^ 0x4c263a81e69035e0
		prime1, prime2     = 0x9e3779b185ebca87, 0xc2b2ae3d27d4eb4f
		prime32            = 0x85ebca77
	)
	first, last := v<<8|1, v // the first eight bytes and the last eight
	hi, lo := bits.Mul64(first^last^secretLo, prime1)
	lo += 8 << 54
	last ^= secretHi
	hi += last + uint64(uint32(last))*(prime32-1)
	lo ^= bits.ReverseBytes64(hi)
	h.Hi, h.Lo = bits.Mul64(lo, prime2)
	h.Hi += hi * prime2
	return xxh3.Uint128{Hi: avalanche(h.Hi), Lo: avalanche(h.Lo)}
}

func avalanche(x uint64) uint64 {
	x ^= x >> 37
	x *= 0x165667919e3779f9
	return x ^ x>>32
}

func stringKeys(to []xxh3.Uint128, a *array.String) []xxh3.Uint128 {
	var key []byte
	for i := range a.Len() {
		if a.IsNull(i) {
			to = append(to, nullKey)
			continue
		}
		s := a.Value(i)
		key = append(binary.AppendUvarint(append(key[:0], 1), uint64(len(s))), s...)
		to = append(to, xxh3.Hash128(key))
	}
	return to
}
