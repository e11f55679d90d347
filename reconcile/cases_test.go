package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/twosides"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

// tableOf is a side of rows of cells, its columns as "name:type; name:type".
func tableOf(name, schema string, rows ...[]any) *twosides.Table {
	var fields []arrow.Field
	for part := range strings.SplitSeq(schema, "; ") {
		column, typ, _ := strings.Cut(part, ":")
		t, err := pipeline.ParseType(typ)
		if err != nil {
			panic(err)
		}
		fields = append(fields, arrow.Field{Name: column, Type: t, Nullable: true})
	}
	return &twosides.Table{Name: name, Schema: arrow.NewSchema(fields, nil), Rows: rows}
}

func row(cells ...any) []any {
	for i, c := range cells {
		switch c := c.(type) {
		case int:
			cells[i] = int64(c)
		}
	}
	return cells
}

// dec is a decimal's cell of so many cents.
func dec(cents int64) twosides.Number { return twosides.Number{Units: cents * 100, Valid: true} }

func compared(t *testing.T, o reconcile.Options, left, right *twosides.Table) *result {
	t.Helper()
	res, err := compare(t, o, left, right, usual)
	if err != nil {
		t.Fatal(err)
	}
	if res.finding.Verdict != pipeline.Pass {
		t.Errorf("balance: %+v", res.finding)
	}
	return res
}

func id() []reconcile.Key { return []reconcile.Key{{Left: "id", Right: "id"}} }

// expect compares what is given but matches with what is wanted, as "outcome key column cause delta".
func expect(t *testing.T, res *result, want ...string) {
	t.Helper()
	var got []string
	for _, r := range res.rows {
		if r.Outcome != words.Matched {
			got = append(got, strings.Join([]string{r.Outcome, r.Key, r.Column, r.Cause, r.Delta.String()}, " "))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("breaks (-want +result): %s", d)
	}
}

// The same number is the same in every type that can hold it, as a key and as an amount.
func TestSameNumberOfOtherTypes(t *testing.T) {
	types := []string{
		"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "decimal(5,0)", "decimal(9,2)", "decimal(38,0)", "decimal(38,9)",
		"decimal(18,4)", "string",
	}
	ofType := func(typ string, n int64) any {
		switch {
		case strings.HasPrefix(typ, "float"):
			return float64(n)
		case strings.HasPrefix(typ, "decimal"):
			return dec(n * 100)
		case typ == "string":
			return fmt.Sprintf("%03d", n)
		}
		return n
	}
	for _, l := range types {
		for _, r := range types {
			number := reconcile.Normal{Number: true}
			o := reconcile.Options{
				Keys:    []reconcile.Key{{Left: "id", Right: "id", Normal: number}},
				Columns: []reconcile.Column{{Left: "v", Right: "v", Normal: number}},
			}
			left := tableOf("left", "id:"+l+"; v:"+l, row(ofType(l, 7), ofType(l, 12)), row(ofType(l, 8), ofType(l, 100)), row(ofType(l, 9), ofType(l, 0)))
			right := tableOf("right", "id:"+r+"; v:"+r, row(ofType(r, 8), ofType(r, 100)), row(ofType(r, 7), ofType(r, 15)), row(ofType(r, 10), ofType(r, 1)))
			res := compared(t, o, left, right)
			expect(t, res, "different 7 v value -3.0000", "only_left 9  missing 0.0000", "only_right 10  missing -1.0000")
			if t.Failed() {
				t.Fatalf("%s and %s: %v", l, r, res.cells)
			}
		}
	}
}

// Times are instants, whatever zone they are told in; those without one are of the zone that is said.
func TestZones(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := []time.Time{
		time.Date(2026, 3, 29, 1, 59, 59, 0, berlin), time.Date(2026, 3, 29, 3, 0, 0, 0, berlin), // the hour that is skipped lies between
		time.Date(2026, 10, 25, 1, 59, 59, 0, berlin), time.Date(2026, 10, 25, 3, 0, 0, 0, berlin), // two hours lie between
		time.Date(2026, 7, 1, 12, 0, 0, 0, berlin), time.Date(1969, 12, 31, 23, 59, 58, 0, time.UTC),
	}
	civil := func(t time.Time) time.Time {
		t = t.In(berlin)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	kinds := map[string]func(time.Time) any{
		"timestamp[us, UTC]":              func(t time.Time) any { return t },
		"timestamp[ms, America/New_York]": func(t time.Time) any { return t },
		"timestamp[ns, Asia/Kolkata]":     func(t time.Time) any { return t },
		"timestamp[s]":                    func(t time.Time) any { return civil(t) },
		"timestamp[us]":                   func(t time.Time) any { return civil(t) },
		"string":                          func(t time.Time) any { return civil(t).Format("02.01.2006 15:04:05") },
	}
	for l, ofLeft := range kinds {
		for r, ofRight := range kinds {
			o := reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "at", Right: "at", Normal: reconcile.Normal{Zone: "Europe/Berlin", Date: "02.01.2006 15:04:05"}}}}
			left, right := tableOf("left", "id:int64; at:"+l), tableOf("right", "id:int64; at:"+r)
			for i, t := range at {
				left.Rows = append(left.Rows, row(i, ofLeft(t)))
				right.Rows = append(right.Rows, row(i, ofRight(t)))
			}
			right.Rows[4][1] = ofRight(at[4].Add(7 * time.Second))
			right.Rows[3][1] = ofRight(at[2])
			res := compared(t, o, left, right)
			expect(t, res, "different 4 at value -7.0000", "different 3 at value 7201.0000")
			if t.Failed() {
				t.Fatalf("%s and %s: %v", l, r, res.cells)
			}
		}
	}
}

// Sides may be empty, one or both.
func TestEmptySides(t *testing.T) {
	o := reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "v", Right: "v"}}}
	some := []([]any){row(1, dec(100)), row(2, dec(250))}
	const schema = "id:int64; v:decimal(9,2)"
	for _, splits := range []int{1, 3} {
		left, right := tableOf("left", schema, some...), tableOf("right", schema)
		left.Splits, right.Splits = splits, splits
		expect(t, compared(t, o, left, right), "only_left 1  missing 1.0000", "only_left 2  missing 2.5000")
		expect(t, compared(t, o, right, left), "only_right 1  missing -1.0000", "only_right 2  missing -2.5000")
		expect(t, compared(t, o, right, right))
		expect(t, compared(t, o, left, left))
	}
}

// Null in a key matches nothing, unless it is said to be a key like any other.
func TestNullKeys(t *testing.T) {
	const schema = "id:int64; part:string; v:int64"
	left := tableOf("left", schema, row(1, "a", 5), row(1, nil, 6), row(nil, "a", 7), row(nil, nil, 8), row(nil, nil, 9))
	right := tableOf("right", schema, row(1, "a", 5), row(1, nil, 6), row(nil, "a", 7), row(nil, nil, 8), row(2, " ", 3))
	keys := []reconcile.Key{{Left: "id", Right: "id"}, {Left: "part", Right: "part"}}
	o := reconcile.Options{Keys: keys, Columns: []reconcile.Column{{Left: "v", Right: "v"}}}
	expect(t, compared(t, o, left, right),
		`only_left 1|\N  missing 6.0000`, `only_left \N|a  missing 7.0000`, `only_left \N|\N  missing 8.0000`, `only_left \N|\N  missing 9.0000`,
		`only_right 1|\N  missing -6.0000`, `only_right \N|a  missing -7.0000`, `only_right \N|\N  missing -8.0000`, `only_right 2|   missing -3.0000`)
	keys[1].NullsEqual = true
	keys[1].BlankIsNull = true
	expect(t, compared(t, o, left, right),
		`only_left \N|a  missing 7.0000`, `only_left \N|\N  missing 8.0000`, `only_left \N|\N  missing 9.0000`,
		`only_right \N|a  missing -7.0000`, `only_right \N|\N  missing -8.0000`, `only_right 2|\N  missing -3.0000`)
	keys[0].NullsEqual = true
	expect(t, compared(t, o, left, right), `only_left \N|\N  duplicate 9.0000`, `only_right 2|\N  missing -3.0000`)
}

// Of several rows of a key those that are the same find each other first.
func TestSeveralOfAKey(t *testing.T) {
	const schema = "id:int64; v:int64"
	o := reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "v", Right: "v"}}, Rows: true}
	left := tableOf("left", schema, row(1, 10), row(1, 20), row(1, 20), row(1, 35))
	right := tableOf("right", schema, row(1, 20), row(1, 30), row(1, 20))
	res := compared(t, o, left, right)
	matched := 0
	for _, r := range res.rows {
		if r.Outcome == words.Matched {
			matched++
		}
	}
	if matched != 2 {
		t.Errorf("%d pairs match, want 2: %v", matched, res.cells)
	}
	// Which of 10 and 35 is compared with 30 and which is the duplicate is not promised; but they
	// add up to the same.
	var sum int64
	for _, r := range res.rows {
		sum += r.Delta.Units
	}
	if sum != (10+35-30)*10_000 {
		t.Errorf("deltas add up to %d", sum)
	}
}

// A million rows of a cent each, and more, add up to the cent.
func TestCents(t *testing.T) {
	if testing.Short() {
		t.Skip("a million rows")
	}
	const n = 1_000_000
	const schema = "id:int64; v:decimal(18,2)"
	left, right := tableOf("left", schema), tableOf("right", schema)
	var sums [2]int64
	for i := range int64(n) {
		v := 1 + i*7919%100_000_003
		left.Rows = append(left.Rows, row(i, dec(v)))
		sums[0] += v
		if i%100_000 == 17 {
			v++ // a cent
		}
		right.Rows = append(right.Rows, row(n-1-i, dec(0)))
		right.Rows[i][0], right.Rows[i][1] = i, dec(v)
		sums[1] += v
	}
	left.Splits, left.Batch, right.Splits, right.Batch = 4, 50_000, 3, 40_000
	o := reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "v", Right: "v"}}}
	res := compared(t, o, left, right)
	var rows, totals [2]int64
	different := 0
	for _, r := range res.rows {
		if r.Outcome == words.Different {
			different++
			if r.Delta != dec(-1) {
				t.Errorf("delta %s", r.Delta)
			}
		}
		for side := range 2 {
			rows[side] += r.Rows[side]
			totals[side] += r.Totals[side].Units
		}
	}
	if different != 10 || rows != [2]int64{n, n} || totals != [2]int64{sums[0] * 100, sums[1] * 100} {
		t.Errorf("%d differ, rows %d, totals %d; want 10, a million, %d cents", different, rows, totals, sums)
	}
}

// A row alone is late if its date is at most so many days before the end of the partition, or after.
func TestLate(t *testing.T) {
	day := func(d int) any { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	o := reconcile.Options{
		Keys: id(), Columns: []reconcile.Column{{Left: "v", Right: "v"}}, Late: &reconcile.LateRule{Column: "booked = valued", Days: 2},
	}
	left := tableOf("left", "id:int64; v:int64; booked:date", row(1, 1, day(3)), row(2, 2, day(4)), row(3, 3, day(5)), row(4, 4, day(9)), row(5, 5, nil), row(6, 6, day(5)), row(6, 6, day(5)))
	right := tableOf("right", "id:int64; v:int64; valued:timestamp[us]",
		row(6, 6, day(5)), row(7, 7, time.Date(2026, 11, 3, 23, 59, 59, 0, time.UTC)), row(8, 8, day(4)))
	expect(t, compared(t, o, left, right),
		"only_left 1  missing 1.0000", "only_left 2  late 2.0000", "only_left 3  late 3.0000", "only_left 4  late 4.0000", "only_left 5  missing 5.0000",
		"only_left 6  duplicate 6.0000", "only_right 7  missing -7.0000", "only_right 8  late -8.0000")
}

// One row stands for several within the tolerance of the amount; what is null or has no group, or
// does not add up, stays alone.
func TestOneForSeveral(t *testing.T) {
	const schema = "id:int64; v:decimal(12,2); lot:string"
	o := reconcile.Options{
		Keys: id(), Columns: []reconcile.Column{{Left: "v", Right: "v", Tolerance: "0.02"}},
		Passes: []reconcile.Pass{{Name: "deposits", Many: "right", On: []string{"lot"}}},
	}
	left := tableOf("left", schema, row(1, dec(1000), "a"), row(2, dec(2000), "b"), row(3, dec(3000), "c"), row(4, dec(500), nil), row(5, dec(700), "d"), row(6, dec(900), "e"), row(16, dec(901), "e"))
	right := tableOf("right", schema,
		row(101, dec(400), "a"), row(102, dec(602), "a"), // two cents more
		row(103, dec(1000), "b"), row(104, dec(1003), "b"), // three cents more
		row(105, dec(3000), "c"), // one for one
		row(106, dec(250), nil), row(107, dec(250), nil),
		row(108, dec(700), "d"), row(109, nil, "d"), // an amount that is not known
		row(110, dec(450), "e"), row(111, dec(451), "e")) // 901: of two the nearer
	expect(t, compared(t, o, left, right),
		"only_left 2  missing 20.0000", "only_left 4  missing 5.0000", "only_left 5  missing 7.0000", "only_left 6  missing 9.0000",
		"only_right 103  missing -10.0000", "only_right 104  missing -10.0300", "only_right 106  missing -2.5000", "only_right 107  missing -2.5000",
		"only_right 108  missing -7.0000", "only_right 109  missing -")
}
