package reconcile_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/twosides"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

const crowdSchema = "id:int64; part:string; amount:decimal(18,2); batch:string; account:string; day:date; memo:string"

// crowd is a side of which keys, batches, accounts and amounts are few, so that everything could be
// paired with much else.
func crowd(r *rand.Rand, name string, n int) *twosides.Table {
	t := tableOf(name, crowdSchema)
	few := func(of ...any) any { return of[r.IntN(len(of))] }
	for range n {
		t.Rows = append(t.Rows, []any{
			few(nil, int64(1), int64(2), int64(3), int64(4), int64(5), int64(6)), few("a", "b", "c", "|", nil),
			few(nil, dec(100), dec(150), dec(200), dec(300), dec(-100), dec(350), dec(275)), few(nil, "x", "y", "z", "w"), few(nil, "p", "q", "r"),
			few(nil, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)),
			few("m", "M", nil),
		})
	}
	return t
}

// Where everything could be paired with much else, what is given holds what was promised: keys are
// used up, what is equal finds itself, passes keep to their bounds and leave nothing that they could
// have paired, and all adds up.
func TestCrowded(t *testing.T) {
	seeds(t, 60, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 21))
		left, right := crowd(r, "left", r.IntN(60)), crowd(r, "right", r.IntN(60))
		o := reconcile.Options{
			Keys:    []reconcile.Key{{Left: "id", Right: "id"}, {Left: "part", Right: "part"}},
			Columns: []reconcile.Column{{Left: "memo", Right: "memo"}, {Left: "amount", Right: "amount"}, {Left: "day", Right: "day"}},
			Carry:   []string{"account", "batch"}, Rows: seed/6%2 == 0,
		}
		deposits := reconcile.Pass{Name: "deposits", Many: []string{"left", "right"}[seed%2], On: []string{"batch"}}
		near := reconcile.Pass{Name: "near", On: []string{"account"}, Amount: "0.50", Days: 2, Date: "day"}
		switch seed % 3 {
		case 0:
			o.Passes = []reconcile.Pass{deposits}
		case 1:
			o.Passes = []reconcile.Pass{near}
		default:
			o.Passes = []reconcile.Pass{near, deposits}
		}
		res := compared(t, o, left, right)
		checkKeys(t, left, right, res)
		checkSides(t, left, right, res)
		checkPasses(t, o, res)
		if t.Failed() {
			t.Logf("left %v\nright %v\nresult %v", left.Rows, right.Rows, res.cells)
		}
	})
}

func crowdKey(row []any) string {
	if row[0] == nil || row[1] == nil {
		return ""
	}
	return fmt.Sprint(row[0], " ", row[1])
}

// checkKeys counts what the first pass paired.
func checkKeys(t *testing.T, left, right *twosides.Table, res *result) {
	t.Helper()
	var count [2]map[string]int
	var same [2]map[string]int
	for side, table := range []*twosides.Table{left, right} {
		count[side], same[side] = map[string]int{}, map[string]int{}
		for _, row := range table.Rows {
			if k := crowdKey(row); k != "" {
				count[side][k]++
				same[side][fmt.Sprint(k, row[2], row[5], row[6])]++
			}
		}
	}
	pairs, equal, found, matched := 0, 0, 0, 0
	for k, n := range count[0] {
		pairs += min(n, count[1][k])
	}
	for k, n := range same[0] {
		equal += min(n, same[1][k])
	}
	for _, r := range res.rows {
		if r.Pass == "key" && r.Rows[0] > 0 {
			found += int(r.Rows[0])
			if r.Outcome == words.Matched {
				matched += int(r.Rows[0])
			}
			if r.Rows[0] != r.Rows[1] || r.Key != "" && r.Rows[0] != 1 {
				t.Errorf("a pair of %d rows", r.Rows)
			}
		}
	}
	if found != pairs || matched < equal {
		t.Errorf("%d pairs of keys, %d of them match; want %d, and at least %d", found, matched, pairs, equal)
	}
}

func checkSides(t *testing.T, left, right *twosides.Table, res *result) {
	t.Helper()
	var want, got [2][2]int64
	for side, table := range []*twosides.Table{left, right} {
		for _, row := range table.Rows {
			want[side][0]++
			if row[2] != nil {
				want[side][1] += row[2].(twosides.Number).Units
			}
		}
		for _, r := range res.rows {
			got[side][0] += r.Rows[side]
			got[side][1] += r.Totals[side].Units
		}
	}
	if got != want {
		t.Errorf("rows and amounts %d, want %d", got, want)
	}
}

// checkPasses looks at what the later passes paired, and at what they left.
func checkPasses(t *testing.T, o reconcile.Options, res *result) {
	t.Helper()
	var alone [2][]map[string]string
	for i, c := range res.cells {
		r := res.rows[i]
		switch {
		case r.Outcome == words.OnlyLeft:
			alone[0] = append(alone[0], c)
		case r.Outcome == words.OnlyRight:
			alone[1] = append(alone[1], c)
		case r.Outcome == words.Matched && !o.Rows: // counted
		case r.Pass == "near" && r.Rows[0] > 0 && !isNear(t, c, c):
			t.Errorf("not near: %v", c)
		case r.Pass == "deposits":
			if r.Totals[0] != r.Totals[1] || min(r.Rows[0], r.Rows[1]) != 1 || c["batch"] == "" {
				t.Errorf("no deposit: %v", c)
			}
		}
		if r.Cause == words.Duplicate && r.Delta.Valid != (cmp.Or(c["left_amount"], c["right_amount"]) != "") {
			t.Errorf("delta of a duplicate: %v", c)
		}
	}
	last := o.Passes[len(o.Passes)-1]
	for _, l := range alone[0] {
		for _, r := range alone[1] {
			if o.Passes[0].Name == "near" && l["account"] != "" && l["account"] == r["account"] && isNear(t, l, r) {
				t.Errorf("left alone, and near: %v %v", l, r)
			}
		}
	}
	if last.Name != "deposits" {
		return
	}
	one, many := alone[0], alone[1]
	amount := [2]string{"left_amount", "right_amount"}
	if last.Many == "left" {
		one, many = many, one
		amount = [2]string{"right_amount", "left_amount"}
	}
	for _, a := range one {
		var sum int64
		n, known := 0, true
		for _, b := range many {
			if b["batch"] == a["batch"] {
				known = known && b[amount[1]] != ""
				sum += numberOf(t, b[amount[1]]).Units
				n++
			}
		}
		if got := numberOf(t, a[amount[0]]); a["batch"] != "" && n > 0 && known && got.Valid && got.Units == sum {
			t.Errorf("a deposit was not found: %v", a)
		}
	}
}

// isNear reports whether the left of one row and the right of one are what the pass asks for.
func isNear(t *testing.T, l, r map[string]string) bool {
	t.Helper()
	a, b := numberOf(t, l["left_amount"]), numberOf(t, r["right_amount"])
	d, err1 := time.Parse(time.DateOnly, l["left_day"])
	e, err2 := time.Parse(time.DateOnly, r["right_day"])
	if !a.Valid || !b.Valid || err1 != nil || err2 != nil {
		return false
	}
	return max(a.Units-b.Units, b.Units-a.Units) <= 5000 && max(d.Sub(e), e.Sub(d)) <= 48*time.Hour
}

// Rows of the same key and more on one side are told in the same order whatever order they came in.
func TestCrowdedShuffled(t *testing.T) {
	seeds(t, 15, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 22))
		left, right := crowd(r, "left", 80), crowd(r, "right", 80)
		o := reconcile.Options{
			Keys:    []reconcile.Key{{Left: "id", Right: "id"}, {Left: "part", Right: "part"}},
			Columns: []reconcile.Column{{Left: "amount", Right: "amount"}, {Left: "day", Right: "day"}},
			Passes: []reconcile.Pass{
				{Name: "near", On: []string{"account"}, Amount: "0.50", Days: 2, Date: "day"}, {Name: "deposits", Many: "right", On: []string{"batch"}},
			},
			Carry: []string{"memo", "batch"}, Rows: seed%2 == 0,
		}
		want := compared(t, o, left, right)
		for i := range uint64(3) {
			s := (&twosides.Sides{Options: o, Tables: [2]*twosides.Table{left, right}}).Shuffled(seed + 100*i)
			ofSides(t, s, setting{1 + int(i), 1 << 30}).sameAs(t, want)
		}
		mirrored := o
		mirrored.Passes = []reconcile.Pass{o.Passes[0], {Name: "deposits", Many: "left", On: []string{"batch"}}}
		got := compared(t, mirrored, right, left)
		if d := diff.Diff(twosides.Breaks(twosides.Mirrored(want.rows)), twosides.Breaks(got.rows)); d != "" {
			t.Errorf("swapped sides (-mirrored +result): %s", d)
		}
	})
}
