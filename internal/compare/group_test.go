package compare

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Keys that share a bucket, and keys that have rows on one side more than on the other, are told
// apart: what is left over is what maps say.
func TestLeftOverKeys(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(17, seed))
		e := entries{width: 3}
		rowsOf := map[uint64]map[uint64]int{} // how often a row is on the left more than on the right
		places := map[uint64][]uint64{}
		add := func(side int, key, all uint64) {
			place := word(side, r.IntN(9), int64(e.len()))
			e.words = append(e.words, key, all, place)
			if rowsOf[key] == nil {
				rowsOf[key] = map[uint64]int{}
			}
			rowsOf[key][all] += 1 - 2*side
			places[key] = append(places[key], place)
		}
		for range 1 + r.IntN(4000) {
			key := mix(uint64(r.IntN(1000)))
			if r.IntN(3) == 0 {
				key = key>>40<<40 | uint64(r.IntN(4)) // the same bucket
			}
			all := key ^ uint64(r.IntN(3))
			if r.IntN(20) > 0 {
				add(0, key, all)
			}
			if r.IntN(20) > 0 {
				add(1, key, all)
			}
		}
		var want []uint64
		for key, rows := range rowsOf {
			if slices.ContainsFunc(slices.Collect(maps.Values(rows)), func(n int) bool { return n != 0 }) {
				want = append(want, places[key]...)
			}
		}
		got := leftOver(e, true)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}
