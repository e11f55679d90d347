package reconcile_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/twosides"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// check compares a result with the truth.
func check(t *testing.T, s *twosides.Sides, res *result) {
	t.Helper()
	if d := cmp.Diff(twosides.Breaks(s.Truth), twosides.Breaks(res.rows)); d != "" {
		t.Errorf("breaks (-truth +result): %s", d)
	}
	if d := cmp.Diff(twosides.Accounts(s.Truth), twosides.Accounts(res.rows)); d != "" {
		t.Errorf("rows and totals (-truth +result): %s", d)
	}
	if s.Options.Rows {
		if d := cmp.Diff(matches(s.Truth), matches(res.rows)); d != "" {
			t.Errorf("matches (-truth +result): %s", d)
		}
	}
	for what, nths := range res.nths {
		for i := range nths {
			if !slices.Contains(nths, fmt.Sprint(i+1)) {
				t.Errorf("%s: nths are %v", what, nths)
				break
			}
		}
	}
	if res.finding.Verdict != pipeline.Pass {
		t.Errorf("balance: %+v", res.finding)
	}
	checkOrder(t, res)
	if t.Failed() {
		t.Logf("options: %+v\nleft: %s\nright: %s", s.Options, s.Tables[0].Schema, s.Tables[1].Schema)
	}
}

// matches are the rows that match, by pass; by key too where the sides have the same.
func matches(rows []twosides.Row) map[string]int {
	all := map[string]int{}
	for _, r := range rows {
		if r.Outcome != words.Matched {
			continue
		}
		what := fmt.Sprint(r.Pass, " ", r.Rows)
		if r.Pass == "key" {
			what += " " + r.Key
		}
		all[what]++
	}
	return all
}

// checkOrder looks at the order of rows: outcome, key, nth, column.
func checkOrder(t *testing.T, res *result) {
	t.Helper()
	place := func(c map[string]string) string {
		return fmt.Sprintf("%s\x00%s\x00%9s\x00%s", c[words.ColOutcome], c[words.ColKey], c[words.ColNth], c[words.ColColumn])
	}
	for i := 1; i < len(res.cells); i++ {
		if a, b := place(res.cells[i-1]), place(res.cells[i]); a > b {
			t.Errorf("row %d: %q comes before %q", i, a, b)
			return
		}
	}
}

// What is given is the truth, whatever happened on the sides and whatever their columns are.
func TestTruth(t *testing.T) {
	seeds(t, 120, func(t *testing.T, seed uint64) {
		s := twosides.Make(seed, 40)
		if seed%2 == 0 {
			s = withRows(s)
		}
		check(t, s, ofSides(t, s, usual))
	})
}

// Swapped sides give the mirror.
func TestSwapped(t *testing.T) {
	seeds(t, 40, func(t *testing.T, seed uint64) {
		s := twosides.Make(1000+seed, 60).Swapped()
		check(t, s, ofSides(t, s, usual))
	})
}

// The order of rows, the splits they come in, workers and memory make no difference to any byte.
func TestSameBytes(t *testing.T) {
	seeds(t, 15, func(t *testing.T, seed uint64) {
		s := twosides.Make(2000+seed, 400)
		if seed%2 == 0 {
			s = withRows(s)
		}
		want := ofSides(t, s, usual)
		check(t, s, want)
		for i, set := range []setting{usual, {1, 1 << 30}, {4, 1 << 30}, {2, 64 << 20}} {
			shuffled := s
			if i != 1 {
				shuffled = s.Shuffled(seed*10 + uint64(i))
			}
			ofSides(t, shuffled, set).sameAs(t, want)
		}
	})
}

// Arrow's own files have what stands in buffers, under nulls, too.
func TestSameBytesOfArrow(t *testing.T) {
	defer func(f pipeline.Format) { format = f }(format)
	format = ipc.Format{}
	seeds(t, 4, func(t *testing.T, seed uint64) {
		s := withRows(twosides.Make(2000+seed, 400))
		want := ofSides(t, s, usual)
		for i := range uint64(3) {
			ofSides(t, s.Shuffled(seed*10+i), setting{1 + int(i), 1 << 30}).sameAs(t, want)
		}
	})
}

// Rows cut by key and compared apart give together what they give at once.
func TestParts(t *testing.T) {
	seeds(t, 15, func(t *testing.T, seed uint64) {
		s := twosides.Make(3000+seed, 200)
		s.Options.Passes = nil // they cross keys
		want := ofSides(t, s, usual)
		var breaks []twosides.Row
		for _, part := range s.Parts(3) {
			breaks = append(breaks, ofSides(t, part, usual).rows...)
		}
		if d := cmp.Diff(twosides.Breaks(want.rows), twosides.Breaks(breaks)); d != "" {
			t.Errorf("breaks (-whole +parts): %s", d)
		}
		if d := cmp.Diff(twosides.Accounts(want.rows), twosides.Accounts(breaks)); d != "" {
			t.Errorf("rows and totals (-whole +parts): %s", d)
		}
	})
}
