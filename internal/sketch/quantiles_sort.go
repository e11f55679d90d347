package sketch

import (
	"math/bits"
	"slices"
)

const (
	digitBits = 9
	digits    = 1 << digitBits
)

// sortKeys sorts keys: three passes of a radix sort over the 27 highest bits in which they
// differ, then insertion, which has little to do unless the keys were made to defeat it. It
// gives back its room for work.
func sortKeys(keys, spare []uint64) []uint64 {
	if len(keys) < digits/4 {
		slices.Sort(keys)
		return spare
	}
	var differ uint64
	sorted := true
	for i, k := range keys[1:] {
		differ |= k ^ keys[0]
		sorted = sorted && keys[i] <= k
	}
	if sorted {
		return spare
	}
	spare = append(spare[:0], keys...)
	radixSort(keys, spare, max(0, bits.Len64(differ)-3*digitBits))
	if !insertionSort(keys, 4*len(keys)) {
		slices.Sort(keys)
	}
	return spare
}

// radixSort sorts by the 27 bits above shift. What spare has is a copy of the keys, and lost.
func radixSort(keys, spare []uint64, shift int) {
	var at [3][digits]uint32
	for _, k := range spare {
		k >>= shift
		at[0][k%digits]++
		at[1][k>>digitBits%digits]++
		at[2][k>>(2*digitBits)%digits]++
	}
	from, to := spare, keys
	for d := range at {
		place := &at[d]
		var sum uint32
		for i, n := range place {
			place[i] = sum
			sum += n
		}
		by := (shift + d*digitBits) % 64
		for _, k := range from {
			p := place[k>>by%digits]
			place[k>>by%digits] = p + 1
			to[p] = k
		}
		from, to = to, from
	}
}

// insertionSort sorts keys unless it would take too many moves.
func insertionSort(keys []uint64, moves int) bool {
	for i := 1; i < len(keys); i++ {
		k, j := keys[i], i
		if keys[i-1] <= k {
			continue
		}
		for ; j > 0 && keys[j-1] > k; j-- {
			keys[j] = keys[j-1]
		}
		keys[j] = k
		if moves -= i - j; moves < 0 {
			return false
		}
	}
	return true
}
