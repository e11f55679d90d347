package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

func TestDebug(t *testing.T) {
	const n = 50_000
	var rows [2][]string
	for i := range n {
		l := fmt.Sprintf("%d|AC%08d|%d.%02d|invoice %d|2026-11-%02d", i, i%1000, i%7919, i%100, i, 1+i%28)
		r := fmt.Sprintf("%d|AC%08d|%d.%02d|invoice %d|2026-11-%02d", i, i%1000, i%7919+1, i%100, i, 1+i%28)
		rows[0] = append(rows[0], l)
		if i%3 == 0 {
			rows[1] = append(rows[1], r)
		}
	}
	env := testEnv(t)
	const head = "id:int64; account:string; amount:decimal(18, 2); memo:string; booked:date"
	left, right := table(t, env.Alloc, head, rows[0]), table(t, env.Alloc, head, rows[1])
	defer left.Release()
	defer right.Release()
	o := Options{Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "amount"}, {Left: "account"}, {Left: "memo"}, {Left: "booked"}}}
	p, _ := newPlan(o, []*arrow.Schema{left.Schema(), right.Schema()})
	db, _ := sql.Open(env, 2)
	m := &matcher{plan: p, env: env, db: db}
	step := func(name string, f func() error) {
		at := time.Now()
		if err := f(); err != nil {
			t.Fatal(name, err)
		}
		fmt.Println(name, time.Since(at))
	}
	step("l", func() error { return m.load(t.Context(), 0, cut(left, 10000)) })
	step("r", func() error { return m.load(t.Context(), 1, cut(right, 10000)) })
	step("key", func() error { return m.byKey(t.Context()) })
	step("judge", func() error { return m.judge(t.Context()) })
	q := func(text string) func() error {
		return func() error {
			r, _, err := db.Query(t.Context(), text)
			if err != nil {
				return err
			}
			return pipeline.Each(t.Context(), r, func(arrow.RecordBatch) error { return nil })
		}
	}
	step("different", q(m.different()))
	step("alone", q(m.alone()))
	step("counts", q(m.matchedCounts()))
	fmt.Println(m.different())
	fmt.Println(m.alone())
	db.Close()
}
