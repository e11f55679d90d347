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
			for typ, layout := range map[string]string{"date": time.DateOnly, "date64": time.DateOnly, "string": "02.01.2006", "timestamp": "2006-01-02 15:04:05"} {
				for back := 1; back <= 3; back++ {
					for i, late := range lateDays(t, part, typ, layout, back) {
						if want := i > -back; late != want {
							t.Errorf("%s %s %s, late %d days, row %d days on: late is %v", zone, day, typ, back, i, late)
						}
					}
				}
			}
		}
	}
}

// lateDays says which of the days from four before a partition to that after it are late.
func lateDays(t *testing.T, part pipeline.Partition, typ, layout string, back int) map[int]bool {
	t.Helper()
	env := testEnv(t)
	env.Partition = part
	at, err := time.Parse(time.DateOnly, part.Value)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i := -4; i <= 1; i++ {
		rows = append(rows, fmt.Sprintf("%d|%s", i, at.AddDate(0, 0, i).Add(12*time.Hour).Format(layout)))
	}
	o := Options{Keys: []Key{{Left: "id"}}, Late: &LateRule{"booked", back}}
	other := typ
	if typ == "string" { // beside dates
		other, o.Columns = "date", []Column{{Left: "booked", Normal: Normal{Date: layout}}}
	}
	l, r := table(t, env.Alloc, "id:int64; booked:"+typ, rows), table(t, env.Alloc, "id:int64; booked:"+other, nil)
	defer l.Release()
	defer r.Release()
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
	defer b.Release()
	late := b.Column(b.Schema().FieldIndices("late")[0]).(*array.Boolean)
	out := map[int]bool{}
	for row := range late.Len() {
		out[row-4] = late.Value(row)
	}
	return out
}
