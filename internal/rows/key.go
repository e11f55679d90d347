package rows

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"
)

// Keys appends a 128-bit hash for each row of what its columns hold. Rows have the
// same one if they are equal, null to null, whether strings are kept as a dictionary
// or not; that two of a billion different rows have the same has a chance of one in
// 10^20.
func Keys(to []xxh3.Uint128, b arrow.RecordBatch, columns []int) []xxh3.Uint128 {
	to = slices.Grow(to, int(b.NumRows()))
	if len(columns) == 1 {
		if keys, ok := columnKeys(to, b.Column(columns[0])); ok {
			return keys
		}
	}
	return anyKeys(to, b, columns)
}

// anyKeys makes the hashes of columns of any types.
func anyKeys(to []xxh3.Uint128, b arrow.RecordBatch, columns []int) []xxh3.Uint128 {
	writers := make([]func([]byte, int) []byte, len(columns))
	for i, c := range columns {
		writers[i] = keyWriter(b.Column(c))
	}
	var key []byte
	for row := range int(b.NumRows()) {
		key = key[:0]
		for i, c := range columns {
			if b.Column(c).IsNull(row) {
				key = append(key, 0)
				continue
			}
			key = writers[i](append(key, 1), row)
		}
		to = append(to, xxh3.Hash128(key))
	}
	return to
}

// dictionaryKeys makes the hash of each value of a dictionary once.
func dictionaryKeys(to []xxh3.Uint128, d *array.Dictionary) []xxh3.Uint128 {
	write := keyWriter(d.Dictionary())
	of := make([]xxh3.Uint128, d.Dictionary().Len())
	for i := range of {
		of[i] = xxh3.Hash128(write([]byte{1}, i))
	}
	for i := range d.Len() {
		if d.IsNull(i) {
			to = append(to, nullKey)
		} else {
			to = append(to, of[d.GetValueIndex(i)])
		}
	}
	return to
}

// keyWriter gives the function that appends a value so that equal values have equal
// bytes and no two keys run together: numbers in fixed width, texts with their length.
func keyWriter(col arrow.Array) func([]byte, int) []byte {
	fixed := func(value func(int) uint64) func([]byte, int) []byte {
		return func(key []byte, i int) []byte { return binary.LittleEndian.AppendUint64(key, value(i)) }
	}
	sized := func(key []byte, s string) []byte {
		return append(binary.AppendUvarint(key, uint64(len(s))), s...)
	}
	switch a := col.(type) {
	case *array.Int64:
		return fixed(func(i int) uint64 { return uint64(a.Value(i)) })
	case *array.Int32:
		return fixed(func(i int) uint64 { return uint64(a.Value(i)) })
	case *array.Timestamp:
		return fixed(func(i int) uint64 { return uint64(a.Value(i)) })
	case *array.Date32:
		return fixed(func(i int) uint64 { return uint64(a.Value(i)) })
	case *array.Float64:
		return fixed(func(i int) uint64 { return floatBits(a.Value(i)) })
	case *array.Float32:
		return fixed(func(i int) uint64 { return floatBits(float64(a.Value(i))) })
	case *array.String:
		return func(key []byte, i int) []byte { return sized(key, a.Value(i)) }
	case *array.Dictionary:
		if dict, ok := a.Dictionary().(*array.String); ok {
			return func(key []byte, i int) []byte { return sized(key, dict.Value(a.GetValueIndex(i))) }
		}
	}
	return func(key []byte, i int) []byte { return sized(key, col.ValueStr(i)) }
}

// floatBits has one form for zero and one for NaN, as DuckDB compares them.
func floatBits(f float64) uint64 {
	switch {
	case f == 0:
		return 0
	case f != f:
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(f)
}
