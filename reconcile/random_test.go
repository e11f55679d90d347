package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomSides makes two sides of mostly equal rows: with duplicates, nulls, and every small change.
func randomSides(r *rand.Rand, n int) (rows [2][]string) {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	row := func(side int) string {
		key := fmt.Sprint(r.IntN(n))
		if r.IntN(20) == 0 {
			key = "~"
		}
		amount := fmt.Sprintf("%d.%02d", r.IntN(50)-10, r.IntN(3))
		if side == 1 {
			amount += pick("00", "00", "00", "10")
		}
		if r.IntN(20) == 0 {
			amount = "~"
		}
		return strings.Join([]string{
			key, pick("a", "b", "~"), amount, pick("A", "a ", "", "~", "B"), pick("1.5", "1.25", "NaN", "-0", "~"),
			fmt.Sprintf("2026-11-%02d", 1+r.IntN(5)), fmt.Sprint(r.IntN(3)),
		}, "|")
	}
	for range n {
		switch l := row(0); r.IntN(10) {
		case 0:
			rows[0] = append(rows[0], l)
		case 1:
			rows[1] = append(rows[1], row(1))
		case 2:
			rows[0], rows[1] = append(rows[0], l, l), append(rows[1], l)
		case 3:
			cells := strings.Split(l, "|")
			cells[2+r.IntN(4)] = strings.Split(row(1), "|")[3]
			if cells[2] == "" || !strings.ContainsAny(cells[2], "0123456789~") {
				cells[2] = "7.00"
			}
			if !strings.ContainsAny(cells[4], "0123456789~N") || cells[4] == "" {
				cells[4] = "2"
			}
			if len(cells[5]) < 10 {
				cells[5] = "2026-11-09"
			}
			rows[0], rows[1] = append(rows[0], l), append(rows[1], strings.Join(cells, "|"))
		default:
			rows[0], rows[1] = append(rows[0], l), append(rows[1], l)
		}
	}
	for _, side := range rows {
		r.Shuffle(len(side), func(i, j int) { side[i], side[j] = side[j], side[i] })
	}
	return rows
}

// What keys proved equal leave out changes nothing.
func TestFastIsSimple(t *testing.T) {
	heads := [2]string{
		"id:int64; acct:dict; amount:decimal(18, 2); memo:string; rate:float64; booked:date; batch:int32",
		"id:int32; acct:string; amount:decimal(18, 4); memo:dict; rate:float64; booked:date; batch:int64",
	}
	key := []Key{{Left: "id"}}
	amount := Column{Left: "amount"}
	options := []Options{
		{Keys: key, Columns: []Column{amount, {Left: "memo"}, {Left: "rate"}, {Left: "booked"}}},
		{Keys: key, Columns: []Column{{Left: "rate"}, {Left: "memo", Normal: Normal{Trim: true, Case: "lower", BlankIsNull: true}}}, Carry: []string{"acct"}},
		{Keys: []Key{{Left: "id", NullsEqual: true}, {Left: "acct", NullsEqual: true}}, Columns: []Column{amount}, Passes: []Pass{{Name: "sum", Many: "right", On: []string{"batch"}}}},
		{Keys: []Key{{Left: "id"}, {Left: "acct", NullsEqual: true}}, Columns: []Column{{Left: "amount", Tolerance: "0.01"}, {Left: "booked"}}, Passes: []Pass{
			{Name: "near", On: []string{"batch"}, Amount: "1", Days: 1, Date: "booked"}, {Name: "far", Amount: "5"},
		}, Late: &LateRule{"booked", 2}},
	}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		rows := randomSides(r, 20+r.IntN(150))
		env := testEnv(t)
		left, right := table(t, env.Alloc, heads[0], rows[0]), table(t, env.Alloc, heads[1], rows[1])
		for i, o := range options {
			want, err := run(t.Context(), env, sides{o, true}, 1000, left, right)
			if err != nil {
				t.Fatalf("seed %d, options %d: %v", seed, i, err)
			}
			got, err := run(t.Context(), env, Sides(o), int64(1+r.IntN(60)), left, right)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("seed %d, options %d: %v\n%s\ninstead of\n%s", seed, i, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		left.Release()
		right.Release()
	}
}
