package reconcile_test

import (
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/twosides"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

func ten(units int64) twosides.Number { return twosides.Number{Units: units, Valid: true} }

// Each cause, of numbers and texts, as it is defined.
func TestCauses(t *testing.T) {
	const d = words.Different + " 1 v "
	utc := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name        string
		left, right string // types
		l, r        any
		column      reconcile.Column
		want        string // empty: they agree
	}{
		{"rounded", "decimal(12,4)", "decimal(12,2)", ten(12375), ten(12400), reconcile.Column{}, "rounding -0.0025"},
		{"cut off", "decimal(12,4)", "decimal(12,2)", ten(12399), ten(12300), reconcile.Column{}, "rounding 0.0099"},
		{"a unit of the coarser", "decimal(12,4)", "decimal(12,2)", ten(12400), ten(12300), reconcile.Column{}, "value 0.0100"},
		{"rounded to whole", "decimal(12,2)", "int64", ten(1005000), int64(101), reconcile.Column{}, "rounding -0.5000"},
		{"rounded in a text", "string", "decimal(12,2)", "1.2375", ten(12400), reconcile.Column{Normal: reconcile.Normal{Number: true}}, "rounding -0.0025"},
		{"rounding that is allowed", "decimal(12,4)", "decimal(12,2)", ten(12375), ten(12400), reconcile.Column{Round: new(int)}, ""},
		{"cents apart", "decimal(12,2)", "decimal(12,2)", ten(12300), ten(12400), reconcile.Column{}, "value -0.0100"},
		{"sign", "decimal(12,2)", "int32", ten(-70000), int64(7), reconcile.Column{}, "sign -14.0000"},
		{"sign of doubles", "double", "double", 0.1, -0.1, reconcile.Column{}, "sign 0.2000"},
		{"cents", "int64", "decimal(12,2)", int64(1234), ten(123400), reconcile.Column{}, "unit 1221.6600"},
		{"a million", "decimal(20,6)", "int64", ten(12300), int64(1_230_000), reconcile.Column{}, "unit -1229998.7700"},
		{"ten thousand is no unit", "int64", "int64", int64(3), int64(30_000), reconcile.Column{}, "value -29997.0000"},
		{"a thousand in doubles", "double", "double", 0.0123, 12.3, reconcile.Column{}, "unit -12.2877"},
		{"nothing is no unit of it", "int64", "int64", int64(0), int64(30), reconcile.Column{}, "value -30.0000"},
		{"null and a number", "int64", "int64", nil, int64(30), reconcile.Column{}, "value -"},
		{"null and null", "int64", "int64", nil, nil, reconcile.Column{}, ""},
		{"null and blank", "string", "string", nil, " \t", reconcile.Column{}, "null_blank -"},
		{"blank and null", "string", "string", "", nil, reconcile.Column{}, "null_blank -"},
		{"blank is null", "string", "string", "\u00a0", nil, reconcile.Column{Normal: reconcile.Normal{BlankIsNull: true}}, ""},
		{"null and a text", "string", "string", nil, "x", reconcile.Column{}, "value -"},
		{"case", "string", "string", "Überweisung", "überweisung", reconcile.Column{}, "format -"},
		{"case that is allowed", "string", "string", "Überweisung", "ÜBERWEISUNG", reconcile.Column{Normal: reconcile.Normal{Case: "lower"}}, ""},
		{"punctuation", "string", "string", "Invoice 4711, paid", "invoice-4711 paid", reconcile.Column{}, "format -"},
		{"another text", "string", "string", "Invoice 4711", "Invoice 4712", reconcile.Column{}, "value -"},
		{"a number in other clothes", "string", "string", "1,234.50", "1234.5", reconcile.Column{}, "format -"},
		{"a number of other places", "string", "string", "007", "7.0", reconcile.Column{}, "format -"},
		{"a date in other clothes", "string", "string", "2026-11-05", "05.11.2026", reconcile.Column{}, "format -"},
		{"another date", "string", "string", "2026-11-05", "06.11.2026", reconcile.Column{}, "value -"},
		{"days", "date", "date", utc(5, 0), utc(8, 0), reconcile.Column{}, "value -3.0000"},
		{"days as seconds", "date", "date", utc(5, 0), utc(6, 0), reconcile.Column{Seconds: 86400}, ""},
		{"seconds", "timestamp[us]", "timestamp[us]", utc(5, 3), utc(5, 2), reconcile.Column{Seconds: 3599}, "value 3600.0000"},
		{"seconds that are allowed", "timestamp[us]", "timestamp[ms]", utc(5, 3), utc(5, 2), reconcile.Column{Seconds: 3600}, ""},
		{"a date of a text", "string", "date", "05.11.2026", utc(5, 0), reconcile.Column{Normal: reconcile.Normal{Date: "02.01.2006"}}, ""},
		{"a tenth is a tenth", "double", "decimal(12,2)", 0.1, ten(1000), reconcile.Column{}, ""},
		{"a tolerance is a bound", "decimal(12,2)", "decimal(12,2)", ten(1000), ten(1100), reconcile.Column{Tolerance: "0.01"}, ""},
		{"a tolerance of doubles", "double", "double", 1.1, 1.0, reconcile.Column{Tolerance: "0.1"}, ""},
		{"beyond it", "decimal(12,2)", "decimal(12,2)", ten(1000), ten(1200), reconcile.Column{Tolerance: "0.01"}, "value -0.0200"},
		{"a share", "int64", "int64", int64(1000), int64(999), reconcile.Column{Relative: "0.1%"}, ""},
		{"beyond a share", "int64", "int64", int64(999), int64(998), reconcile.Column{Relative: "0.001"}, "value 1.0000"},
		{"codes", "string", "string", "c ", "Cleared", reconcile.Column{Normal: reconcile.Normal{Map: map[string]string{"C": "cleared"}, Case: "lower", Trim: true}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.column
			c.Left, c.Right = "v", "v"
			o := reconcile.Options{Keys: id(), Columns: []reconcile.Column{c}}
			res := compared(t, o, tableOf("left", "id:int64; v:"+test.left, row(1, test.l)), tableOf("right", "id:int64; v:"+test.right, row(1, test.r)))
			if test.want == "" {
				expect(t, res)
			} else {
				expect(t, res, d+test.want)
			}
		})
	}
}
