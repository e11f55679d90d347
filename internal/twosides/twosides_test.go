package twosides

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// What is said to be true accounts for each row and each amount, whatever the seed; and the rows
// can be what the schemas say.
func TestTruthAddsUp(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(300) {
		s := Make(seed, 60)
		var rows [2]int64
		var totals [2]int64
		for _, a := range Accounts(s.Truth) {
			for side := range 2 {
				rows[side] += a.Rows[side]
				totals[side] += a.Totals[side]
			}
		}
		if want := [2]int64{int64(len(s.Tables[0].Rows)), int64(len(s.Tables[1].Rows))}; rows != want || totals != s.Totals {
			t.Errorf("seed %d: rows %d, totals %d; want %d and %d", seed, rows, totals, want, s.Totals)
		}
		if d := cmp.Diff(Breaks(s.Truth), Breaks(Make(seed, 60).Truth)); d != "" {
			t.Errorf("seed %d: another time: %s", seed, d)
		}
		if d := cmp.Diff(Breaks(s.Truth), Breaks(s.Swapped().Swapped().Truth)); d != "" {
			t.Errorf("seed %d: swapped twice: %s", seed, d)
		}
		for _, r := range s.Truth {
			seen[r.Outcome+" "+r.Pass+" "+r.Cause]++
		}
		for _, table := range s.Shuffled(seed).Tables {
			for _, b := range table.batches(memory.DefaultAllocator, table.Rows, nil) {
				b.Release()
			}
		}
	}
	if len(seen) != 15 {
		t.Errorf("kinds of rows: %v", seen)
	}
}
