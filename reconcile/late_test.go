package reconcile

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// Which dates are late goes by the calendar of the partition's zone, whatever its clocks do on those
// days, and however the dates are stored.
func TestLateGoesByTheCalendar(t *testing.T) {
	for zone, days := range map[string][]string{
		"UTC":              {"2026-11-05"},
		"Europe/Berlin":    {"2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"},
		"Africa/Cairo":     {"2026-04-22", "2026-04-23", "2026-04-24", "2026-04-25"}, // no midnight on the 24th
		"America/Santiago": {"2026-09-04", "2026-09-05", "2026-09-06", "2026-09-07", "2026-04-04", "2026-04-05"},
		"Asia/Kolkata":     {"2026-11-05"},
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range days {
			part, err := pipeline.Scheme{By: pipeline.Day, Zone: loc}.Parse(day)
			if err != nil {
				t.Fatal(err)
			}
			for _, typ := range []string{"date", "date64", "string", "timestamp"} {
				for _, back := range []int{1, 2, 3} {
					env := testEnv(t)
					env.Partition = part
					at, _ := time.Parse(time.DateOnly, day)
					var rows []string
					for i := -4; i <= 1; i++ {
						d := at.AddDate(0, 0, i)
						text := d.Format(time.DateOnly)
						switch typ {
						case "string":
							text = d.Format("02.01.2006")
						case "timestamp":
							text += " 12:00:00"
						}
						rows = append(rows, fmt.Sprintf("%d|%s", i, text))
					}
					other := map[string]string{"string": "date"}[typ]
					if other == "" {
						other = typ
					}
					o := Options{Keys: []Key{{Left: "id"}}, Late: &LateRule{"booked", back}}
					if typ == "string" {
						o.Columns = []Column{{Left: "booked", Normal: Normal{Date: "02.01.2006"}}}
					}
					l, r := table(t, env.Alloc, "id:int64; booked:"+typ, rows), table(t, env.Alloc, "id:int64; booked:"+other, nil)
					p, err := newPlan(o, []*arrow.Schema{l.Schema(), r.Schema()})
					if err != nil {
						t.Fatal(err)
					}
					f, err := p.feeder(env, 0)
					if err != nil {
						t.Fatal(err)
					}
					b, err := f.batch(l)
					if err != nil {
						t.Fatal(err)
					}
					late := b.Column(b.Schema().FieldIndices("late")[0]).(*array.Boolean)
					for row, i := 0, -4; i <= 1; row, i = row+1, i+1 {
						if got, want := late.Value(row), i > -back; got != want {
							t.Errorf("%s %s %s, late %d days, row %d days on: late is %v", zone, day, typ, back, i, got)
						}
					}
					b.Release()
					l.Release()
					r.Release()
				}
			}
		}
	}
}
