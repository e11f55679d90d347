package pipeline

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/penstock-data/penstock/internal/seed"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// values are the windows of a range in one text, each with its length if it is not the usual.
func values(parts []Partition, usual time.Duration) string {
	var all []string
	for _, p := range parts {
		text := p.Value
		if d := p.End.Sub(p.Start); d != usual {
			text += fmt.Sprintf(" (%v)", d)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestWindowsGoByTheClocks(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		zone     string
		by       By
		usual    time.Duration
		from, to string
		want     string
	}{
		{"Europe/Berlin", Day, day, "2026-03-28", "2026-03-30", "2026-03-28, 2026-03-29 (23h0m0s), 2026-03-30"},
		{"Europe/Berlin", Day, day, "2026-10-24", "2026-10-26", "2026-10-24, 2026-10-25 (25h0m0s), 2026-10-26"},
		{"Europe/Berlin", Hour, time.Hour, "2026-10-25T01", "2026-10-25T03", "2026-10-25T01, 2026-10-25T02, 2026-10-25T02b, 2026-10-25T03"},
		{"Europe/Berlin", Hour, time.Hour, "2026-03-29T01", "2026-03-29T03", "2026-03-29T01, 2026-03-29T03"},
		{"Europe/Berlin", Week, 7 * day, "2026-10-19", "2026-10-26", "2026-10-19 (169h0m0s), 2026-10-26"},
		{"Europe/Berlin", Month, 31 * day, "2026-03", "2026-05", "2026-03 (743h0m0s), 2026-04 (720h0m0s), 2026-05"},
		{"America/New_York", Hour, time.Hour, "2026-11-01T00", "2026-11-01T02", "2026-11-01T00, 2026-11-01T01, 2026-11-01T01b, 2026-11-01T02"},
		// Half an hour is shown twice, or not at all.
		{"Australia/Lord_Howe", Hour, time.Hour, "2026-04-05T00", "2026-04-05T02", "2026-04-05T00, 2026-04-05T01, 2026-04-05T01b (30m0s), 2026-04-05T02"},
		{"Australia/Lord_Howe", Hour, time.Hour, "2026-10-04T01", "2026-10-04T03", "2026-10-04T01, 2026-10-04T02 (30m0s), 2026-10-04T03"},
		{"Australia/Lord_Howe", Day, day, "2026-10-03", "2026-10-05", "2026-10-03, 2026-10-04 (23h30m0s), 2026-10-05"},
		// Midnight is skipped, or a whole day.
		{"America/Sao_Paulo", Day, day, "2018-11-03", "2018-11-05", "2018-11-03, 2018-11-04 (23h0m0s), 2018-11-05"},
		{"America/Sao_Paulo", Hour, time.Hour, "2018-11-03T23", "2018-11-04T01", "2018-11-03T23, 2018-11-04T01"},
		{"Pacific/Apia", Day, day, "2011-12-29", "2011-12-31", "2011-12-29, 2011-12-31"},
		{"Pacific/Apia", Week, 7 * day, "2011-12-26", "2012-01-02", "2011-12-26 (144h0m0s), 2012-01-02"},
		// A minute after midnight clocks went back over it: the day begins once.
		{"America/St_Johns", Day, day, "2006-10-28", "2006-10-30", "2006-10-28, 2006-10-29 (25h0m0s), 2006-10-30"},
		{"America/St_Johns", Hour, time.Hour, "2006-10-28T23", "2006-10-29T01", "2006-10-28T23, 2006-10-29T00 (1m0s), 2006-10-28T23b (59m0s), 2006-10-29T00b, 2006-10-29T01"},
		// Kathmandu moved by 15 minutes within an hour.
		{"Asia/Kathmandu", Hour, time.Hour, "1985-12-31T23", "1986-01-01T01", "1985-12-31T23, 1986-01-01T00 (45m0s), 1986-01-01T01"},
		{"Africa/Casablanca", Day, day, "2026-02-14", "2026-02-16", "2026-02-14, 2026-02-15 (25h0m0s), 2026-02-16"},
		{"UTC", Day, day, "2026-03-28", "2026-03-30", "2026-03-28, 2026-03-29, 2026-03-30"},
	} {
		parts, err := Scheme{By: test.by, Zone: zoneOf(t, test.zone)}.Range(test.from, test.to)
		if got := values(parts, test.usual); err != nil || got != test.want {
			t.Errorf("%s by %s:\n got %s, %v\nwant %s", test.zone, test.by, got, err, test.want)
		}
	}
}

func TestWindowsThatDoNotExistAreRefused(t *testing.T) {
	for _, test := range []struct {
		zone  string
		by    By
		value string
		want  string
	}{
		{"Europe/Berlin", Hour, "2026-03-29T02", `partition "2026-03-29T02" does not exist: the clocks in Europe/Berlin go from 2026-03-29 02:00 to 2026-03-29 03:00`},
		{"Pacific/Apia", Day, "2011-12-30", `partition "2011-12-30" does not exist: the clocks in Pacific/Apia go from 2011-12-30 00:00 to 2011-12-31 00:00`},
		{"Europe/Berlin", Hour, "2026-10-25T01b", `partition "2026-10-25T01b": the clocks in Europe/Berlin show that hour no second time; write it without the "b"`},
		{"UTC", Hour, "2026-10-25T02b", `partition "2026-10-25T02b": the clocks in UTC show that hour no second time; write it without the "b"`},
		{"Europe/Berlin", Day, "2026-10-25b", `partition "2026-10-25b" is not a day; write it like 2026-01-05`},
		{"Europe/Berlin", Hour, "2026-10-25", `partition "2026-10-25" is not an hour; write it like 2026-01-05T09`},
		{"UTC", Day, "0000-12-31", `partition "0000-12-31" is not a day; write it like 2026-01-05`},
	} {
		_, err := Scheme{By: test.by, Zone: zoneOf(t, test.zone)}.Parse(test.value)
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.zone, test.value, got, test.want)
		}
	}
}

// zones are those of the properties: shifts of an hour, of half an hour, over midnight, by a
// day, with the moon, and none.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
	"America/St_Johns", "America/Sao_Paulo", "Asia/Beirut", "Africa/Monrovia", "Antarctica/Troll", "Asia/Tehran", "America/Havana",
}

// randomScheme is one of time with a window of it, somewhere between 1850 and 2100.
func randomScheme(t testing.TB, r *rand.Rand) (Scheme, Partition) {
	s := Scheme{By: []By{Hour, Day, Week, Month}[r.IntN(4)], Zone: zoneOf(t, zones[r.IntN(len(zones))])}
	at := time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(250*365*24*60)) * time.Minute)
	if r.IntN(2) == 0 { // near where clocks change
		if _, end := at.In(s.Zone).ZoneBounds(); !end.IsZero() {
			at = end.Add(time.Duration(r.IntN(200)-100) * time.Minute)
		}
	}
	if s.By == Day && r.IntN(3) == 0 {
		s.Calendar = BusinessDays(at.Format(time.DateOnly))
	}
	p := s.at(at)
	if !s.Calendar.has(p) {
		p, _ = s.Next(p)
	}
	return s, p
}

func TestWindowsTileTheTimeLine(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 0))
	for range 1000 {
		s, p := randomScheme(t, r)
		s.Calendar = nil
		fail := func(format string, args ...any) {
			t.Helper()
			t.Errorf("%s %s %s: %s", s.By, s.Zone, p, fmt.Sprintf(format, args...))
		}
		n := 1 + r.IntN(60)
		last, err := s.Offset(p, n)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Range(p.Value, last.Value)
		if err != nil || len(parts) != n+1 {
			fail("%d windows up to %s, want %d (%v)", len(parts), last, n+1, err)
			continue
		}
		seen := map[string]bool{}
		for i, w := range parts {
			if i > 0 && !w.Start.Equal(parts[i-1].End) {
				fail("%s begins at %v, the one before ends at %v", w, w.Start, parts[i-1].End)
			}
			if !w.Start.Before(w.End) || seen[w.Value] {
				fail("%s is empty, or there twice", w)
			}
			seen[w.Value] = true
			again, err := s.Parse(w.String())
			if err != nil || again != w {
				fail("%s is read as %v, %v", w, again, err)
			}
			in := w.Start.Add(time.Duration(r.Int64N(int64(w.End.Sub(w.Start)))))
			if s.at(in) != w {
				fail("%v lies in %s, not in %s", in, s.at(in), w)
			}
		}
	}
}

func TestOffsetsAndWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 0))
	for range 1000 {
		s, p := randomScheme(t, r)
		n := r.IntN(100)
		there, err := s.Offset(p, n)
		if err != nil {
			t.Fatal(err)
		}
		back, err := s.Offset(there, -n)
		if err != nil || back != p {
			t.Errorf("%v %s: %d steps from %s are %s, and back %s (%v)", s.By, s.Zone, n, p, there, back, err)
		}
		w, err := s.Window(there, n+1)
		if err != nil || len(w) != n+1 || w[0] != p || w[n] != there {
			t.Errorf("the last %d of %s are %d, from %v", n+1, there, len(w), w[0])
		}
	}
}

func TestWithinAndContaining(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 0))
	for range 300 {
		s, p := randomScheme(t, r)
		for _, by := range []By{Hour, Day, Week} {
			finer := Scheme{By: by, Zone: s.Zone}
			parts, err := finer.Within(p)
			if fine[by] >= fine[s.By] {
				if err == nil {
					t.Errorf("%ss within a %s", by, s.By)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s %s in %s: %v", by, p, s.Zone, err)
			}
			if !parts[0].Start.Equal(p.Start) || !parts[len(parts)-1].End.Equal(p.End) {
				t.Errorf("the %ss of %s are from %v to %v", by, p, parts[0], parts[len(parts)-1])
			}
			for _, part := range parts {
				s.Calendar = nil
				if in, err := s.Containing(part); err != nil || in.Value != p.Value {
					t.Errorf("%s lies in %s, not in %s (%v)", part, in, p, err)
				}
			}
		}
	}
}

func TestWhatDoesNotNestIsRefused(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	month, err := Scheme{By: Month, Zone: berlin}.Parse("2026-02")
	if err != nil {
		t.Fatal(err)
	}
	day, err := Scheme{By: Day}.Parse("2026-02-01")
	if err != nil {
		t.Fatal(err)
	}
	key := Partition{By: Key, Value: "eu"}
	for _, test := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := Scheme{By: Week, Zone: berlin}.Within(month); return err }, "partitions by week don't lie within one by month\n\ta week crosses the end of a month: read days instead"},
		{func() error { _, err := Scheme{By: Day}.Within(month); return err }, "2026-01-31 by day in UTC, lies only partly in 2026-02 by month in Europe/Berlin\n\tboth need the same time zone"},
		{func() error { _, err := Scheme{By: Hour, Zone: zoneOf(t, "Asia/Kathmandu")}.Within(month); return err }, "2026-02-01T04 by hour in Asia/Kathmandu, lies only partly in 2026-02 by month in Europe/Berlin\n\tboth need the same time zone"},
		{func() error {
			_, err := Scheme{By: Month, Zone: zoneOf(t, "America/New_York")}.Containing(day)
			return err
		}, "2026-02-01 by day in UTC, lies only partly in 2026-01 by month in America/New_York\n\tboth need the same time zone"},
		{func() error { _, err := Scheme{By: Day}.Containing(month); return err }, "a partition by day contains none by month"},
		{func() error { _, err := Scheme{By: Day}.Within(key); return err }, "no partitions by day lie within one by key: both have to be windows of time"},
		{func() error { _, err := Scheme{By: Key}.Offset(key, -1); return err }, "there is no partition before or after: keys have no order in time"},
		{func() error { _, err := Scheme{}.Window(Partition{}, 7); return err }, "there is no partition before or after: the dataset is one partition"},
		{func() error { _, err := Scheme{By: Day}.Window(day, 0); return err }, "a window has at least 1 partition, not 0"},
	} {
		if got := fmt.Sprint(test.do()); got != test.want {
			t.Errorf("got %s\nwant %s", got, test.want)
		}
	}
	if all, err := (Scheme{}).Containing(key); err != nil || all != (Partition{}) {
		t.Errorf("the whole dataset: %v, %v", all, err)
	}
}

func TestARangeIsBounded(t *testing.T) {
	s := Scheme{By: Hour, Zone: zoneOf(t, "Europe/Berlin")}
	parts, err := s.Range("1930-01-01T00", "2029-12-31T23")
	if err != nil || len(parts) < 876_000 {
		t.Errorf("a century has %d hours, %v", len(parts), err)
	}
	if _, err := s.Range("1900-01-01T00", "2029-12-31T23"); err == nil || err.Error() != "the range 1900-01-01T00..2029-12-31T23 has more than 1000000 partitions" {
		t.Errorf("got %v", err)
	}
}

func TestExpandSaysWhatClocksShow(t *testing.T) {
	s := Scheme{By: Hour, Zone: zoneOf(t, "Europe/Berlin")}
	for _, test := range []struct{ value, template, want string }{
		{"2026-01-01T00", "{year}/{month}/{day}/{hour}", "2026/01/01/00"},
		{"2026-10-25T02", "{partition} {hour}", "2026-10-25T02 02"},
		{"2026-10-25T02b", "{partition} {hour}", "2026-10-25T02b 02b"},
		{"2026-10-25T02b", "{partition:2006-01-02T15-0700}", "2026-10-25T02+0100"},
		{"2026-10-25T02b", "{partition:2006-01-02}/{hour}", "2026-10-25/02b"},
		{"2026-10-25T02b", "{partition:20060102_15}", `path "{partition:20060102_15}": {partition:20060102_15} is 20261025_02 for 2026-10-25T02 and for 2026-10-25T02b; add -0700, the offset from UTC, or use {partition}`},
	} {
		p, err := s.Parse(test.value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Expand(test.template)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s %s: got %s, want %s", test.value, test.template, got, test.want)
		}
	}
}

func FuzzParsePartition(f *testing.F) {
	for _, value := range []string{"2026-10-25T02b", "2026-03-29T02", "2011-12-30", "2026-01", "eu", "..", "0001-01-01", "9999-12-31T23", "2026-W01", "b"} {
		for by := range 6 {
			f.Add(value, uint8(by), uint8(by))
		}
	}
	f.Fuzz(func(t *testing.T, value string, by, zone uint8) {
		s := Scheme{By: []By{Whole, Hour, Day, Week, Month, Key}[by%6], Zone: zoneOf(t, zones[int(zone)%len(zones)])}
		if by%12 > 6 {
			s.Calendar = BusinessDays("2026-12-25")
			if s.Check() != nil {
				s.Calendar = nil
			}
		}
		p, err := s.Parse(value)
		if err != nil {
			return
		}
		if p.String() != value && value != "" {
			t.Errorf("%q is read as %q", value, p)
		}
		if again, err := s.Parse(p.String()); err != nil || again != p {
			t.Errorf("%q: %v, %v", value, again, err)
		}
		if dir := p.Dir(); strings.ContainsAny(dir, "/\\") || strings.HasPrefix(dir, ".") {
			t.Errorf("%q has the directory %q", value, dir)
		}
		if fine[s.By] > 0 && !p.Start.Before(p.End) {
			t.Errorf("%q is from %v to %v", value, p.Start, p.End)
		}
	})
}
