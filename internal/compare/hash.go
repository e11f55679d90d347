package compare

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"
)

// Seeds of the hashes of rows, others in each process: who knew them could write values that differ
// and have one hash. No hash outlives the process, and nothing that is found depends on the seeds.
var keyHi, keyLo, rest = rand.Uint64(), rand.Uint64(), rand.Uint64()

// What stands for values that have no bytes, and keeps apart what has the same.
const (
	nullWord  = 0x5bd1e995a1b2c3d4
	hugeWord  = 0x2545f4914f6cdd1d
	listWord  = 0x27d4eb2f165667c5
	prime     = 0xd6e8feb86659fd93
	otherWord = 0x9fb21c651e98df25
)

// mix spreads a word over all bits. No two words have the same.
func mix(w uint64) uint64 {
	w ^= w >> 32
	w *= prime
	w ^= w >> 29
	w *= otherWord
	return w ^ w>>32
}

// fold adds the hash of a further column to that of a row.
func fold(row, column uint64) uint64 {
	hi, lo := bits.Mul64(row^column, prime)
	return hi ^ lo ^ bits.RotateLeft64(row, 23) ^ column*otherWord
}

// hashRows gives a hash of the columns of each row of a batch; n is how many rows it has.
func hashRows(to []uint64, columns []arrow.Array, n int, seed uint64) []uint64 {
	to = sized(to, n)
	for i := range to {
		to[i] = seed
	}
	var one []uint64
	for _, col := range columns {
		one = hashColumn(one, col, seed)
		for i, h := range one {
			to[i] = fold(to[i], h)
		}
	}
	return to
}

func sized(s []uint64, n int) []uint64 {
	if cap(s) < n {
		return make([]uint64, n)
	}
	return s[:n]
}

// hashColumn gives a hash of each value of a column.
func hashColumn(to []uint64, col arrow.Array, seed uint64) []uint64 {
	to = sized(to, col.Len())
	hashValues(to, col, seed)
	if col.NullN() > 0 || col.DataType().ID() == arrow.NULL {
		null := mix(nullWord ^ seed)
		for i := range to {
			if col.IsNull(i) {
				to[i] = null
			}
		}
	}
	return to
}

// hashValues leaves what it gives for nulls to its caller.
func hashValues(to []uint64, col arrow.Array, seed uint64) {
	if hashNumbers(to, col, seed) {
		return
	}
	switch a := col.(type) {
	case *array.Null:
	case *array.Dictionary:
		of := hashColumn(nil, a.Dictionary(), seed)
		for i := range to {
			if a.IsValid(i) {
				to[i] = of[a.GetValueIndex(i)]
			}
		}
	case array.ExtensionArray:
		hashValues(to, a.Storage(), seed)
	case *array.Struct:
		children := make([]arrow.Array, a.NumField())
		for i := range children {
			children[i] = a.Field(i)
		}
		copy(to, hashRows(nil, children, a.Len(), seed^listWord))
	case array.ListLike:
		hashLists(to, a, seed)
	case *array.String:
		text, from := a.ValueBytes(), a.ValueOffsets()
		for i := range to {
			to[i] = xxh3.HashSeed(text[from[i]-from[0]:from[i+1]-from[0]], seed)
		}
	case interface{ Value(int) string }: // texts
		for i := range to {
			to[i] = xxh3.HashStringSeed(a.Value(i), seed)
		}
	case interface{ Value(int) []byte }:
		for i := range to {
			to[i] = xxh3.HashSeed(a.Value(i), seed)
		}
	default:
		for i := range to {
			to[i] = xxh3.HashStringSeed(col.ValueStr(i), seed)
		}
	}
}

// hashLists gives hashes of lists and maps: of their lengths and, in order, their values.
func hashLists(to []uint64, a array.ListLike, seed uint64) {
	values := hashColumn(nil, a.ListValues(), seed)
	for i := range to {
		if a.IsNull(i) {
			continue
		}
		from, end := a.ValueOffsets(i)
		h := mix(uint64(end-from) ^ listWord ^ seed)
		for _, v := range values[from:end] {
			h = fold(h, v)
		}
		to[i] = h
	}
}

// hashNumbers reports whether the column is of a type that is kept in so many bytes.
func hashNumbers(to []uint64, col arrow.Array, seed uint64) bool {
	switch a := col.(type) {
	case *array.Boolean:
		for i := range to {
			to[i] = mix(seed)
			if a.Value(i) {
				to[i] = mix(1 ^ seed)
			}
		}
	case *array.Int8:
		words(to, a.Int8Values(), seed)
	case *array.Int16:
		words(to, a.Int16Values(), seed)
	case *array.Int32:
		words(to, a.Int32Values(), seed)
	case *array.Int64:
		words(to, a.Int64Values(), seed)
	case *array.Uint8:
		words(to, a.Uint8Values(), seed)
	case *array.Uint16:
		words(to, a.Uint16Values(), seed)
	case *array.Uint32:
		words(to, a.Uint32Values(), seed)
	case *array.Uint64:
		for i, v := range a.Uint64Values() {
			if to[i] = mix(v ^ seed); v > math.MaxInt64 { // no signed number is the same
				to[i] = mix(to[i] ^ hugeWord)
			}
		}
	case *array.Float16:
		for i := range to {
			to[i] = mix(floatWord(float64(a.Value(i).Float32())) ^ seed)
		}
	case *array.Float32:
		for i, v := range a.Float32Values() {
			to[i] = mix(floatWord(float64(v)) ^ seed)
		}
	case *array.Float64:
		for i, v := range a.Float64Values() {
			to[i] = mix(floatWord(v) ^ seed)
		}
	case *array.Decimal128:
		for i, v := range a.Values() {
			to[i] = fold(mix(uint64(v.HighBits())^seed), mix(v.LowBits()^seed))
		}
	default:
		return hashTimes(to, col, seed)
	}
	return true
}

func hashTimes(to []uint64, col arrow.Array, seed uint64) bool {
	switch a := col.(type) {
	case *array.Date32:
		words(to, a.Date32Values(), seed)
	case *array.Date64:
		words(to, a.Date64Values(), seed)
	case *array.Time32:
		words(to, a.Time32Values(), seed)
	case *array.Time64:
		words(to, a.Time64Values(), seed)
	case *array.Timestamp:
		words(to, a.TimestampValues(), seed)
	case *array.Duration:
		words(to, a.DurationValues(), seed)
	default:
		return false
	}
	return true
}

// words are whole numbers of any width.
func words[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](to []uint64, values []T, seed uint64) {
	for i, v := range values {
		to[i] = mix(uint64(int64(v)) ^ seed)
	}
}

// floatWord has one form for zero and one for NaN.
func floatWord(f float64) uint64 {
	switch {
	case f == 0:
		return 0
	case f != f:
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(f)
}
