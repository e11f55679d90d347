package pipeline

import (
	"fmt"
	"testing"
	"time"
)

func TestCalendars(t *testing.T) {
	business := Scheme{By: Day, Calendar: BusinessDays("2026-12-25", "2026-12-24")}
	listed := Scheme{By: Month, Calendar: Listed("2026-10", "2026-04", "2027-01", "2026-04")}
	mondays := Scheme{By: Hour, Zone: zoneOf(t, "America/New_York"), Calendar: Weekdays([]time.Weekday{time.Monday})}
	for _, test := range []struct {
		s        Scheme
		from, to string
		want     string
	}{
		{business, "2026-12-19", "2026-12-29", "[2026-12-21 2026-12-22 2026-12-23 2026-12-28 2026-12-29]"},
		{listed, "2026-01", "2026-12", "[2026-04 2026-10]"},
		{business, "2026-12-24", "2026-12-27", "[] the range 2026-12-24..2026-12-27 has no partition: none of it is on the calendar (business_days, without 2 holidays)"},
		{mondays, "2026-01-04T22", "2026-01-05T01", "[2026-01-05T00 2026-01-05T01]"},
	} {
		parts, err := test.s.Range(test.from, test.to)
		got := fmt.Sprint(parts)
		if err != nil {
			got += " " + err.Error()
		}
		if got != test.want {
			t.Errorf("%s..%s: got %s, want %s", test.from, test.to, got, test.want)
		}
	}
	for _, test := range []struct {
		s           Scheme
		value, want string
	}{
		{business, "2026-12-25", `partition "2026-12-25" is not on the calendar (business_days, without 2 holidays): it is a holiday` + "\n\tthe nearest that are on it: 2026-12-23 and 2026-12-28"},
		{business, "2026-12-26", `partition "2026-12-26" is not on the calendar (business_days, without 2 holidays): it is a Saturday` + "\n\tthe nearest that are on it: 2026-12-23 and 2026-12-28"},
		{listed, "2026-01", `partition "2026-01" is not on the calendar (a list of 4): it is not listed` + "\n\tthe nearest that is on it: 2026-04"},
		{mondays, "2026-01-06T01", `partition "2026-01-06T01" is not on the calendar (Monday): it is a Tuesday` + "\n\tthe nearest that are on it: 2026-01-05T23 and 2026-01-12T00"},
	} {
		if _, err := test.s.Parse(test.value); fmt.Sprint(err) != test.want {
			t.Errorf("got %v\nwant %s", err, test.want)
		}
	}
}

func TestStepsGoOverTheCalendar(t *testing.T) {
	business := Scheme{By: Day, Calendar: BusinessDays("2026-12-25")}
	monday, err := business.Parse("2026-12-28")
	if err != nil {
		t.Fatal(err)
	}
	week, err := business.Window(monday, 5)
	if got := fmt.Sprint(week); err != nil || got != "[2026-12-21 2026-12-22 2026-12-23 2026-12-24 2026-12-28]" {
		t.Errorf("the last 5 are %s, %v", got, err)
	}
	listed := Scheme{By: Day, Calendar: Listed("1999-01-01", "2026-01-02", "2026-12-28")}
	if monday, err = listed.Parse("2026-12-28"); err != nil {
		t.Fatal(err)
	}
	first, err := listed.Offset(monday, -2)
	if err != nil || first.Value != "1999-01-01" {
		t.Errorf("two before is %s, %v", first, err)
	}
	if _, err := listed.Prev(first); fmt.Sprint(err) != "the calendar (a list of 3) has no partition before 1999-01-01" {
		t.Errorf("got %v", err)
	}
	if all, err := listed.Window(monday, 7); err != nil || len(all) != 3 {
		t.Errorf("the last 7 of 3 are %v, %v", all, err)
	}
	days, err := business.Within(mustParse(t, Scheme{By: Month}, "2026-12"))
	if err != nil || len(days) != 22 {
		t.Errorf("december has %d business days, %v", len(days), err)
	}
}

func mustParse(t *testing.T, s Scheme, value string) Partition {
	t.Helper()
	p, err := s.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What was published stays readable, whatever the calendar, the keys and the zone.
func TestPublishedPartitionsAreRead(t *testing.T) {
	s := Scheme{By: Day, Calendar: BusinessDays()}
	if p, err := s.Anyway("2026-12-26"); err != nil || p.Value != "2026-12-26" {
		t.Errorf("a saturday: %v, %v", p, err)
	}
	for dir, want := range map[string]string{
		"hour=2026-10-25T02b": "2026-10-25T02b", "month=2026-10": "2026-10", "key=eu": "eu", "": "all", "day=2026-1-1": "", "year=2026": "",
	} {
		p, err := ParseDir(dir)
		if (err != nil) != (want == "") || err == nil && (p.String() != want || p.Dir() != dir) {
			t.Errorf("%s: %s, %v", dir, p, err)
		}
	}
}

func TestSchemesAreChecked(t *testing.T) {
	for _, test := range []struct {
		s    Scheme
		want string
	}{
		{Scheme{By: Week, Calendar: BusinessDays()}, "calendar: days of the week belong to partitions by day or hour; list the weeks instead"},
		{Scheme{By: Key, Calendar: Listed("eu")}, "a calendar belongs to windows of time, not to partitions by key"},
		{Scheme{By: Day, Calendar: Listed("2026-01")}, `calendar: partition "2026-01" is not a day; write it like 2026-01-05`},
		{Scheme{By: Day, Calendar: Listed()}, "calendar: the list is empty"},
		{Scheme{By: Day, Calendar: Weekdays(nil)}, "calendar: no day of the week is on it"},
		{Scheme{By: Hour, Calendar: BusinessDays("2026-12")}, `holidays: partition "2026-12" is not a day; write it like 2026-01-05`},
		{Scheme{By: Day, From: "2026"}, `partition "2026" is not a day; write it like 2026-01-05`},
		{Scheme{By: "year"}, `unknown partition scheme "year"; known are hour, day, week, month, key`},
		{Scheme{By: Key, Keys: []string{"a/b"}}, `partition "a/b": '/' is not allowed; use letters, digits, "_", "-" and "." (not first)`},
		{Scheme{By: Day, From: "2026-01-03", Calendar: BusinessDays("2026-12-25")}, "<nil>"},
	} {
		if got := fmt.Sprint(test.s.Check()); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.s, got, test.want)
		}
	}
}
