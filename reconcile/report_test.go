package reconcile

import (
	"io"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/totals"
)

// What the operator reports adds up to both sides, to the cent, and its lines are those of what it gives.
func TestReport(t *testing.T) {
	env := testEnv(t)
	left := table(t, env.Alloc, "id:string; amount:decimal(20,2); day:date", []string{"1|100.10|2026-11-01", "2|-5.25|2026-11-01", "3|7.00|2026-11-02", "4|~|2026-11-02"})
	right := table(t, env.Alloc, "id:string; amount:decimal(20,2); day:date", []string{"1|100.10|2026-11-04", "2|5.25|2026-11-01", "5|1.00|2026-11-02", "4|~|2026-11-02"})
	o := Options{Names: [2]string{"ledger", "bank"}, Keys: []Key{{Left: "id", Right: "id"}}, Columns: []Column{{Left: "amount", Right: "amount"}, {Left: "day", Right: "day"}}}
	b, err := Sides(o).Bind(left.Schema(), right.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer left.Release()
	defer right.Release()
	r, err := b.Scan(t.Context(), env, input(left, 2), input(right, 3))
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	for {
		batch, err := r.Next(t.Context())
		if err == io.EOF { //nolint:errorlint // a Reader gives io.EOF itself
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += batch.NumRows()
		batch.Release()
	}
	s, err := totals.ParseSummary(r.(pipeline.Reporter).Report())
	if err != nil || s == nil {
		t.Fatalf("no summary: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var all [2]totals.Side
	count := int64(0)
	for _, l := range s.Lines {
		all[0], all[1], count = all[0].Add(l.Left), all[1].Add(l.Right), count+l.Count
		if l.Column == "day" && l.Delta.String() != "3" && l.Delta.String() != "3.00" {
			t.Errorf("the dates are %s apart", l.Delta)
		}
	}
	for i, read := range []*totals.Side{s.Left, s.Right} {
		if read == nil || all[i].Rows != read.Rows || all[i].Total.Cmp(read.Total) != 0 || read.Rows != 4 {
			t.Errorf("side %d: %+v read, %+v given", i, read, all[i])
		}
	}
	if got := s.Left.Total.String(); got != "101.85" {
		t.Errorf("the left is %s", got)
	}
	if count != rows || s.Amount != "amount" || s.Units["day"] != "days" || s.Names[1] != "bank" || s.Floats {
		t.Errorf("%d rows of %d, %+v", count, rows, s)
	}
}
