package reconcile

import (
	"fmt"
	"testing"
)

// BenchmarkDifferent reconciles 200,000 rows of which half differ.
func BenchmarkDifferent(b *testing.B) {
	const n = 200_000
	var rows [2][]string
	for i := range n {
		l := fmt.Sprintf("%d|AC%08d|%d.%02d|invoice %d|2026-11-%02d", i, i%1000, i%7919, i%100, i, 1+i%28)
		r := l
		switch i % 8 {
		case 0:
			r = fmt.Sprintf("%d|AC%08d|%d.%02d|invoice %d|2026-11-%02d", i, i%1000, i%7919+1, i%100, i, 1+i%28)
		case 1:
			r = fmt.Sprintf("%d|AC%08d|%d.%02d|Invoice %d|2026-11-%02d", i, i%1000, i%7919, i%100, i, 1+i%28)
		case 2:
			r = fmt.Sprintf("%d|AC%08d|%d.%02d|invoice %d|2026-11-%02d", i+n, i%1000, i%7919, i%100, i, 1+i%28)
		case 3:
			r = ""
		}
		rows[0] = append(rows[0], l)
		if r != "" {
			rows[1] = append(rows[1], r)
		}
	}
	env := testEnv(b)
	const head = "id:int64; account:string; amount:decimal(18, 2); memo:string; booked:date"
	left, right := table(b, env.Alloc, head, rows[0]), table(b, env.Alloc, head, rows[1])
	defer left.Release()
	defer right.Release()
	o := Options{Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "amount"}, {Left: "account"}, {Left: "memo"}, {Left: "booked"}}}
	for b.Loop() {
		if _, err := run(b.Context(), env, Sides(o), 50_000, left, right); err != nil {
			b.Fatal(err)
		}
	}
}
