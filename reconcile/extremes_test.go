package reconcile_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/reconcile"
)

// What is no number, or infinite, makes up nothing and is made up by nothing.
func TestManyOfWhatIsNotFinite(t *testing.T) {
	const schema = "id:int64; amount:float64; batch:string"
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range [][2]float64{{5, nan}, {nan, 5}, {inf, 5}, {5, inf}, {inf, inf}, {nan, nan}, {-inf, inf}} {
		left := tableOf("left", schema, row(1, c[0], "x"))
		right := tableOf("right", schema, row(2, c[1], "x"), row(3, 1.0, "x"))
		o := reconcile.Options{
			Keys: id(), Columns: []reconcile.Column{{Left: "amount", Tolerance: "0.01"}},
			Passes: []reconcile.Pass{{Name: "deposits", Many: "right", On: []string{"batch"}}},
		}
		res := compared(t, o, left, right)
		n := 0
		for _, r := range res.rows {
			if r.Outcome != "matched" {
				n++
			}
		}
		if n != 3 {
			t.Errorf("%v: %d breaks, 3 expected: %v", c, n, res.rows)
		}
	}
}

// A date is the same day in every zone.
func TestDatesInTextsOfAZone(t *testing.T) {
	day := time.Date(2026, 9, 6, 0, 0, 0, 0, time.UTC) // in Santiago it has no midnight
	for _, zone := range []string{"", "Europe/Berlin", "America/New_York", "America/Santiago", "Pacific/Kiritimati"} {
		left := tableOf("left", "id:int64; day:date", row(1, day))
		right := tableOf("right", "id:int64; day:string", row(1, "06.09.2026"))
		n := reconcile.Normal{Date: "02.01.2006", Zone: zone}
		expect(t, compared(t, reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "day", Normal: n}}}, left, right))
		keys := []reconcile.Key{{Left: "day", Normal: n}}
		expect(t, compared(t, reconcile.Options{Keys: keys}, left, right))
	}
}

// Texts that are no UTF-8 are told apart, however they are written anew, or end the run.
func TestTextsThatAreNoUTF8(t *testing.T) {
	left := tableOf("left", "id:int64; code:string", row(1, "a\xff"), row(2, "b\xff"))
	right := tableOf("right", "id:int64; code:string", row(1, "a\xfe"), row(2, "b\xff"))
	for _, n := range []reconcile.Normal{{}, {Case: "upper"}, {Case: "lower"}, {Trim: true}, {Strip: "^x"}, {Pad: 5}} {
		for _, rows := range []bool{false, true} {
			for _, o := range []reconcile.Options{
				{Keys: id(), Columns: []reconcile.Column{{Left: "code", Normal: n}}, Rows: rows},
				{Keys: []reconcile.Key{{Left: "code", Normal: n}}, Columns: []reconcile.Column{{Left: "id"}}, Rows: rows},
			} {
				_, err := compare(t, o, left, right, usual)
				if want := "the left has a text that is no UTF-8"; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%+v: error is %v, expected %q in it", o, err, want)
				}
			}
		}
	}
}

// A bound that no difference can reach is said so when the pipeline is bound.
func TestBoundsThatAreTooWide(t *testing.T) {
	for _, c := range []struct {
		typ, bound string
		ok         bool
	}{
		{"decimal(38,9)", "1e28", true},
		{"decimal(38,9)", "1e29", false},
		{"decimal(38,9)", "1e50", false},
		{"decimal(38,9)", "1e-50", true},
		{"int64", "1e37", true},
		{"int64", "1e38", false},
		{"float64", "1e50", true},
		{"float64", "1e309", false},
	} {
		table := tableOf("side", "id:int64; amount:"+c.typ)
		for what, o := range map[string]reconcile.Options{
			"column amount: tolerance": {Columns: []reconcile.Column{{Left: "amount", Tolerance: c.bound}}},
			"pass near: amount":        {Columns: []reconcile.Column{{Left: "amount"}}, Passes: []reconcile.Pass{{Name: "near", Amount: c.bound}}},
		} {
			o.Keys = id()
			_, err := reconcile.Sides(o).Bind(table.Schema, table.Schema)
			if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), what) {
				t.Errorf("%s %s of %s: error is %v", what, c.bound, c.typ, err)
			}
		}
	}
}

// An amount against none is no less of a break for having nothing to be compared with: its delta is
// the amount, as of a row alone.
func TestAnAmountAgainstNone(t *testing.T) {
	const schema = "id:int64; memo:string; amount:decimal(9,2); fee:decimal(9,2)"
	left := tableOf("left", schema, row(1, "x", dec(500), dec(100)), row(2, "x", nil, nil), row(3, "x", nil, dec(100)))
	right := tableOf("right", schema, row(1, "y", nil, nil), row(2, "x", dec(700), dec(100)), row(3, "x", nil, dec(100)))
	for _, rows := range []bool{false, true} {
		o := reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "memo"}, {Left: "amount"}, {Left: "fee"}}, Rows: rows}
		res := compared(t, o, left, right)
		expect(t, res, "different 1 memo value -", "different 1 amount value 5.0000", "different 1 fee value -", "different 2 amount value -7.0000", "different 2 fee value -")
		if want := "amount: the sides differ by -2.00: -2.00 by breaks, 0.00 within tolerances"; res.finding.Detail[0] != want {
			t.Errorf("%q, expected %q", res.finding.Detail[0], want)
		}
	}
	number := reconcile.Options{Keys: id(), Columns: []reconcile.Column{{Left: "amount", Normal: reconcile.Normal{Number: true}}}}
	expect(t, compared(t, number, tableOf("left", "id:int64; amount:string", row(1, "n/a"), row(2, "n/a"), row(3, "")), tableOf("right", "id:int64; amount:string", row(1, "5"), row(2, "none"), row(3, nil))),
		"different 1 amount value -5.0000", "different 2 amount value -", "different 3 amount null_blank -")
}
