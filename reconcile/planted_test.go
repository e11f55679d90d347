package reconcile

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// What the matcher finds is damaged on purpose, between one step and the next: whatever is lost,
// taken twice or altered is told by the balance.
func TestBalanceTellsOfFaults(t *testing.T) {
	const schema = "id:int64; memo:string; amount:decimal(12,2); batch:string"
	left := []string{"1|a|10.00|~", "2|b|20.00|~", "3|c|30.00|x", "4|d|40.00|~", "6|f|60.00|~", "7|g|7.00|~", "7|g|8.00|~"}
	right := []string{"1|a|10.00|~", "2|b|21.00|~", "8|c|10.00|x", "9|c|20.00|x", "4|other|40.00|~", "5|e|50.00|~", "7|g|7.00|~"}
	for _, rows := range []bool{false, true} {
		for _, fault := range []struct{ when, text string }{
			{"", ""}, // none
			{"load", "DELETE FROM l WHERE c1 = 10"},
			{"load", "DELETE FROM r WHERE c1 = 50"},
			{"load", "INSERT INTO r SELECT * FROM r WHERE c1 = 50"},
			{"load", "UPDATE l SET c1 = c1 + 0.01 WHERE c1 = 60"},
			{"load", "UPDATE l SET c1 = NULL WHERE c1 = 60"},
			{"load", "UPDATE r SET c1 = -c1 WHERE c1 = 21"},
			{"match", "DELETE FROM pairs WHERE lid = (SELECT min(lid) FROM pairs)"},
			{"match", "INSERT INTO pairs SELECT * FROM pairs WHERE lid = (SELECT min(lid) FROM pairs)"},
			{"match", "UPDATE pairs SET rid = (SELECT max(rid) FROM pairs)"},
			{"match", "DELETE FROM lfree WHERE id = (SELECT max(id) FROM lfree)"},
			{"match", "DELETE FROM rfree"},
			{"match", "INSERT INTO rfree SELECT rid FROM pairs LIMIT 1"},
			{"match", "DELETE FROM groups WHERE many = (SELECT max(many) FROM groups)"},
			{"match", "UPDATE groups SET one = (SELECT max(id) FROM l)"},
			{"match", "UPDATE l SET c1 = c1 + 0.01 WHERE c1 = 20"},
			{"judge", "DELETE FROM y WHERE l_c1 = 20"},
			{"judge", "UPDATE y SET l_c1 = l_c1 + 1"},
			{"judge", "UPDATE y SET first = -1"},
			{"judge", "UPDATE y SET r_c1 = r_c1 + 1"},
		} {
			o := Options{
				Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "memo"}, {Left: "amount"}}, Rows: rows,
				Passes: []Pass{{Name: "deposits", Many: "right", On: []string{"batch"}}},
			}
			f, err := damaged(t, o, table(t, memory.DefaultAllocator, schema, left), table(t, memory.DefaultAllocator, schema, right), fault.when, fault.text)
			if err != nil {
				if fault.text == "" || strings.Contains(err.Error(), "Catalog Error") || strings.Contains(err.Error(), "Binder Error") {
					t.Fatal(fault.text, ": ", err)
				}
				continue // it is told
			}
			if f.Severity != pipeline.Block {
				t.Errorf("it does not block: %+v", f)
			}
			if passes := f.Verdict == pipeline.Pass; passes != (fault.text == "") {
				t.Errorf("matched rows %t, after %s %q: %s: %s, %s expected: %q", rows, fault.when, fault.text, f.Verdict, f.Observed, f.Expected, f.Detail)
			}
		}
	}
}

// damaged compares two sides, with a statement run after a step, and gives the balance.
func damaged(t *testing.T, o Options, left, right arrow.RecordBatch, when, text string) (f pipeline.Finding, err error) {
	t.Helper()
	defer left.Release()
	defer right.Release()
	ctx := context.Background()
	env := testEnv(t)
	p, err := newPlan(o, []*arrow.Schema{left.Schema(), right.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(env, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &result{m: &matcher{plan: p, env: env, db: db}}
	defer func() { err = firstOf(err, r.Close()) }()
	fault := func(step string) error {
		if when != step {
			return nil
		}
		return db.Exec(ctx, text)
	}
	for side, b := range []arrow.RecordBatch{left, right} {
		b.Retain()
		if err := r.m.load(ctx, side, counted{pipeline.Batches(b), p, side, &r.read[side]}); err != nil {
			return f, err
		}
	}
	for _, step := range []func() error{
		func() error { return fault("load") }, func() error { return r.m.match(ctx) }, func() error { return fault("match") },
		func() error { return r.m.judge(ctx) }, func() error { return fault("judge") },
	} {
		if err := step(); err != nil {
			return f, err
		}
	}
	for {
		b, err := r.Next(ctx)
		if err == io.EOF { //nolint:errorlint // a Reader gives io.EOF itself
			return r.Findings()[0], nil
		}
		if err != nil {
			return f, err
		}
		b.Release()
	}
}

// A source that changes while it is read is an error, or does not add up; it never passes.
func TestSidesThatChange(t *testing.T) {
	const schema = "id:int64; memo:string; amount:decimal(12,2)"
	was := []string{"1|a|10.00", "2|b|20.00", "3|c|30.00", "4|d|40.00"}
	other := []string{"1|a|10.00", "2|B|20.00", "3|c|31.00", "4|D|40.00"}
	for name, second := range map[string][]string{
		"a row less":              {"1|a|10.00", "2|b|20.00", "3|c|30.00"},
		"a row more":              {"1|a|10.00", "2|b|20.00", "3|c|30.00", "4|d|40.00", "5|e|50.00"},
		"another amount":          {"1|a|10.00", "2|b|20.00", "3|c|30.01", "4|d|40.00"},
		"an amount that is not":   {"1|a|10.00", "2|b|20.00", "3|c|~", "4|d|40.00"},
		"the rows of another day": other[:2],
	} {
		for side := range 2 {
			first := [2]arrow.RecordBatch{table(t, memory.DefaultAllocator, schema, was), table(t, memory.DefaultAllocator, schema, other)}
			later := table(t, memory.DefaultAllocator, schema, second)
			in := [2]*pipeline.Input{}
			for i, b := range first {
				in[i] = changing(b, b)
			}
			in[side] = changing(first[side], later)
			bound, err := Sides(Options{Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "memo"}, {Left: "amount"}}}).Bind(in[0].Schema, in[1].Schema)
			if err != nil {
				t.Fatal(err)
			}
			f, err := drained(t, bound, in[:])
			if err == nil && f.Verdict == pipeline.Pass {
				t.Errorf("%s on side %d passes: %s, %s expected: %q", name, side, f.Observed, f.Expected, f.Detail)
			}
			if err != nil && !strings.Contains(err.Error(), "than when it was read before") {
				t.Errorf("%s: %v", name, err)
			}
			for _, b := range append(first[:], later) {
				b.Release()
			}
		}
	}
}

// changing is an input that has other rows when it is read again.
func changing(first, later arrow.RecordBatch) *pipeline.Input {
	n := 0
	return &pipeline.Input{Schema: first.Schema(), Splits: []pipeline.Split{{
		Name: "changing.csv", Rows: -1, Bytes: -1,
		Open: func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			b := later
			if n++; n == 1 {
				b = first
			}
			return input(b, max(b.NumRows(), 1)).Splits[0].Open(ctx, env, columns)
		},
	}}}
}

func drained(t *testing.T, bound *pipeline.Bound, in []*pipeline.Input) (f pipeline.Finding, err error) {
	t.Helper()
	ctx := context.Background()
	r, err := bound.Scan(ctx, testEnv(t), in...)
	if err != nil {
		return f, err
	}
	if err := pipeline.Each(ctx, r, func(arrow.RecordBatch) error { return nil }); err != nil {
		return f, err
	}
	return r.(pipeline.Finder).Findings()[0], nil
}
