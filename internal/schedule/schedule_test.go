package schedule

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Of random graphs each wanted place is given out once, never before those it comes after have
// ended, and among those that may begin always the first, or the last.
func TestQueueKeepsOrder(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(40)
		wanted, after := make([]bool, n), make([][]int, n)
		for i := range n {
			wanted[i] = r.IntN(4) > 0
			for j := range i {
				if r.IntN(6) == 0 {
					after[i] = append(after[i], j)
				}
			}
		}
		newest := r.IntN(2) == 0
		q := New(n, func(i int) bool { return wanted[i] }, func(i int) []int { return after[i] }, newest)
		given, ended := make([]bool, n), make([]bool, n)
		may := func(i int) bool {
			return wanted[i] && !given[i] && !slices.ContainsFunc(after[i], func(j int) bool { return wanted[j] && !ended[j] })
		}
		var running []int
		for {
			if i, ok := q.Next(); ok {
				if !may(i) {
					t.Fatalf("seed %d: %d was given out too early, twice, or unwanted", seed, i)
				}
				for j := range n {
					if may(j) && j != i && (j < i) != newest {
						t.Fatalf("seed %d: %d was given out before %d", seed, i, j)
					}
				}
				given[i] = true
				running = append(running, i)
			} else if len(running) == 0 {
				break
			}
			if len(running) > 0 && r.IntN(2) == 0 {
				k := r.IntN(len(running))
				ended[running[k]] = true
				q.Ended(running[k])
				running = slices.Delete(running, k, k+1)
			}
		}
		if !slices.Equal(given, wanted) || q.Left() != 0 {
			t.Fatalf("seed %d: given out %v, wanted %v, left %d", seed, given, wanted, q.Left())
		}
	}
}
