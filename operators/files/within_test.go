package files

import (
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

func schemeIn(t *testing.T, zone string, by pipeline.By) pipeline.Scheme {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.Scheme{By: by, Zone: loc}
}

// A timestamp with a zone is an instant; one without, and a date, is what clocks show.
func TestWindowsOfZonedDays(t *testing.T) {
	for _, test := range []struct {
		zone  string
		by    pipeline.By
		value string
		typ   string
		want  string
	}{
		{"Europe/Berlin", pipeline.Day, "2026-10-25", "timestamp[s, UTC]", "2026-10-24 22:00 .. 2026-10-25 23:00"},
		{"Europe/Berlin", pipeline.Day, "2026-10-25", "timestamp[us, America/New_York]", "2026-10-24 22:00 .. 2026-10-25 23:00"},
		{"Europe/Berlin", pipeline.Day, "2026-10-25", "timestamp[s]", "2026-10-25 00:00 .. 2026-10-26 00:00"},
		{"Europe/Berlin", pipeline.Day, "2026-10-25", "date", "2026-10-25 00:00 .. 2026-10-26 00:00"},
		{"America/New_York", pipeline.Month, "2026-03", "date", "2026-03-01 00:00 .. 2026-04-01 00:00"},
		{"Asia/Kathmandu", pipeline.Week, "2026-03-02", "date", "2026-03-02 00:00 .. 2026-03-09 00:00"},
		{"UTC", pipeline.Week, "2026-03-02", "timestamp[ns]", "2026-03-02 00:00 .. 2026-03-09 00:00"},
		{"America/Sao_Paulo", pipeline.Day, "2018-11-04", "timestamp[s]", "2018-11-04 00:00 .. 2018-11-05 00:00"},
		{"Pacific/Apia", pipeline.Day, "2011-12-29", "date", "2011-12-29 00:00 .. 2011-12-31 00:00"},
		{"Europe/Berlin", pipeline.Hour, "2026-03-29T01", "timestamp[s]", "2026-03-29 01:00 .. 2026-03-29 03:00"},
		{"Europe/Berlin", pipeline.Hour, "2026-10-25T02b", "timestamp[s, UTC]", "2026-10-25 01:00 .. 2026-10-25 02:00"},
		{"Europe/Berlin", pipeline.Hour, "2026-10-25T02b", "timestamp[s]", "partition_by: c is a timestamp[s] column; without a zone it can't tell the hour 2026-10-25T02b, which clocks show twice; cast it to a timestamp with a zone before it is published"},
		{"Europe/Berlin", pipeline.Hour, "2026-10-25T02", "timestamp[s]", "partition_by: c is a timestamp[s] column; without a zone it can't tell the hour 2026-10-25T02, which clocks show twice; cast it to a timestamp with a zone before it is published"},
		{"UTC", pipeline.Hour, "2026-10-25T02", "date", "partition_by: c is a date column; a date has no hour, and partitions are by hour: a timestamp is needed"},
		{"UTC", pipeline.Day, "2026-10-25", "string", "partition_by: c is a string column; partitions by time want a date or timestamp column"},
		{"UTC", pipeline.Day, "2026-10-25", "int64", "partition_by: c is a int64 column; a date, timestamp or string column is needed"},
	} {
		part, err := schemeIn(t, test.zone, test.by).Parse(test.value)
		if err != nil {
			t.Fatal(err)
		}
		typ, err := pipeline.ParseType(test.typ)
		if err != nil {
			t.Fatal(err)
		}
		w, err := newWindow(part, arrow.Field{Name: "c", Type: typ})
		unit := 24 * time.Hour
		if ts, ok := typ.(*arrow.TimestampType); ok {
			unit = ts.Unit.Multiplier()
		}
		text := func(v int64) string {
			per := int64(max(1, time.Second/unit))
			return time.Unix(v/per*int64(max(1, unit/time.Second)), 0).UTC().Format("2006-01-02 15:04")
		}
		got := text(w.from) + " .. " + text(w.to)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s %s %s:\n got %s\nwant %s", test.zone, test.value, test.typ, got, test.want)
		}
	}
}

// No row is in two partitions, or in none, but for the hours that can't be told apart.
func TestWindowsOfAColumnTile(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo", "America/St_Johns"} {
		for _, by := range []pipeline.By{pipeline.Hour, pipeline.Day, pipeline.Week, pipeline.Month} {
			s := schemeIn(t, zone, by)
			first := map[pipeline.By]string{pipeline.Hour: "2006-01-02T00", pipeline.Day: "2006-01-02", pipeline.Week: "2006-01-02", pipeline.Month: "2006-01"}[by]
			p, err := s.Parse(first)
			if err != nil {
				t.Fatal(err)
			}
			for _, typ := range []arrow.DataType{&arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, arrow.FixedWidthTypes.Date32} {
				f := arrow.Field{Name: "c", Type: typ}
				if typ == arrow.FixedWidthTypes.Date32 && by == pipeline.Hour {
					continue
				}
				tile(t, s, p, f)
			}
		}
	}
}

func tile(t *testing.T, s pipeline.Scheme, p pipeline.Partition, f arrow.Field) {
	t.Helper()
	before, err := newWindow(p, f)
	if err != nil {
		t.Fatal(err)
	}
	twice := false
	for range map[pipeline.By]int{pipeline.Hour: 9000, pipeline.Day: 400, pipeline.Week: 60, pipeline.Month: 90}[s.By] {
		if p, err = s.Next(p); err != nil {
			t.Fatal(err)
		}
		w, err := newWindow(p, f)
		if err != nil {
			twice = true
			continue
		}
		if w.from != before.to && !twice {
			t.Errorf("%s %s by %s: begins at %d, the window before ends at %d", f.Type, p, s.Zone, w.from, before.to)
		}
		before, twice = w, false
	}
}
