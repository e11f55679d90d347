package pipeline

import (
	"slices"
	"strings"
	"time"
)

// maxIdle is how many windows in a row may be off the calendar: more than a year of hours.
const maxIdle = 10_000

// Prev is the partition before one, on the calendar.
func (s Scheme) Prev(p Partition) (Partition, error) { return s.Offset(p, -1) }

// Next is the partition after one, on the calendar.
func (s Scheme) Next(p Partition) (Partition, error) { return s.Offset(p, 1) }

// Offset is the partition n steps after one, on the calendar; before it if n is negative.
func (s Scheme) Offset(p Partition, n int) (Partition, error) {
	step, err := s.steps(n)
	for ; n != 0 && err == nil; n -= step {
		p, err = s.step(p, step)
	}
	return p, err
}

// Window gives the last n partitions on the calendar up to one, which is the last of them;
// fewer where the calendar does not go back so far.
func (s Scheme) Window(p Partition, n int) ([]Partition, error) {
	if n < 1 {
		return nil, Errorf(Invalid, "a window has at least 1 partition, not %d", n)
	}
	if _, err := s.steps(n); err != nil {
		return nil, err
	}
	all := []Partition{p}
	for len(all) < n {
		before, err := s.step(p, -1)
		if err != nil {
			break
		}
		all = append(all, before)
		p = before
	}
	slices.Reverse(all)
	return all, nil
}

// steps is the direction of n steps. What has no order in time has none.
func (s Scheme) steps(n int) (int, error) {
	if _, timed := layouts[s.By]; !timed {
		return 0, Errorf(Invalid, "there is no partition before or after: %s", s.untimed())
	}
	if n > maxPartitions || n < -maxPartitions {
		return 0, Errorf(Invalid, "%d partitions are more than %d", n, maxPartitions)
	}
	if n < 0 {
		return -1, nil
	}
	return 1, nil
}

func (s Scheme) untimed() string {
	if s.By == Key {
		return "keys have no order in time"
	}
	return "the dataset is one partition"
}

// step goes to the nearest window in a direction that is on the calendar.
func (s Scheme) step(p Partition, n int) (Partition, error) {
	if s.Calendar != nil && s.Calendar.list != nil {
		value := s.Calendar.listed(p, n)
		if value == "" {
			return Partition{}, Errorf(Invalid, "the calendar (%s) has no partition %s %s", s.Calendar, where(n), p)
		}
		return s.parseWindow(value)
	}
	from := p
	for range maxIdle {
		t := p.End
		if n < 0 {
			t = p.Start.Add(-1)
		}
		if y := t.Year(); y < 1 || y > 9999 {
			break
		}
		if p = s.at(t); s.Calendar.has(p) {
			return p, nil
		}
	}
	return Partition{}, Errorf(Invalid, "there is no partition %s %s within %d windows", where(n), from, maxIdle)
}

func where(n int) string {
	if n < 0 {
		return "before"
	}
	return "after"
}

// fine are the granularities from the finest on. Weeks lie in no other: they cross the ends
// of months.
var fine = map[By]int{Hour: 1, Day: 2, Week: 3, Month: 3}

// Within gives the partitions of the scheme, a finer one, that lie in a window: the days of
// a month, the hours of a day.
func (s Scheme) Within(p Partition) ([]Partition, error) {
	if fine[s.By] == 0 || fine[p.By] == 0 {
		return nil, Errorf(Invalid, "no partitions by %s lie within one by %s: both have to be windows of time", named(s.By), named(p.By))
	}
	if fine[s.By] >= fine[p.By] {
		return nil, Errorf(Invalid, "partitions by %s don't lie within one by %s", s.By, p.By).With(crossing(s.By, p.By)...)
	}
	all := s
	all.Calendar = nil
	if edge := all.at(p.Start); !edge.Start.Equal(p.Start) {
		return nil, s.across(edge, p)
	}
	if edge := all.at(p.End); !edge.Start.Equal(p.End) {
		return nil, s.across(edge, p)
	}
	parts, _ := s.between(p.Start, p.End) // the hours of a month are not too many
	return parts, nil
}

func crossing(a, b By) []string {
	if (a == Week || b == Week) && (a == Month || b == Month) {
		return []string{"a week crosses the end of a month: read days instead"}
	}
	return nil
}

// across is the error of a window that lies partly in another.
func (s Scheme) across(edge, p Partition) error {
	return Errorf(Invalid, "%s by %s in %s, lies only partly in %s by %s in %s", edge, edge.By, orUTC(s.Zone), p, p.By, orUTC(p.zone)).
		With("both need the same time zone")
}

func named(by By) string {
	if by == Whole {
		return "whole"
	}
	return string(by)
}

// Containing gives the partition of the scheme, a coarser one, that a window lies in: the
// month of a day. The whole dataset contains everything.
func (s Scheme) Containing(p Partition) (Partition, error) {
	if s.By == Whole {
		return Partition{}, nil
	}
	if fine[s.By] == 0 || fine[p.By] == 0 {
		return Partition{}, Errorf(Invalid, "no partition by %s contains one by %s: both have to be windows of time", named(s.By), named(p.By))
	}
	if fine[s.By] <= fine[p.By] {
		return Partition{}, Errorf(Invalid, "a partition by %s contains none by %s", s.By, p.By).With(crossing(s.By, p.By)...)
	}
	in := s.at(p.Start)
	if in.End.Before(p.End) {
		return Partition{}, Scheme{By: p.By, Zone: p.zone}.across(p, in)
	}
	return in, s.onCalendar(in)
}

// Civil is a window in terms of clocks and calendars without zone, as if UTC: from what they
// show at its beginning up to what they show at its end. Hours and days that are skipped are
// those of the window before. ok is false where they can't tell the window from another: of
// an hour that is shown twice.
func (p Partition) Civil() (from, to time.Time, ok bool) {
	zone := orUTC(p.zone)
	by := p.By
	if by != Hour {
		by = Day
	}
	from, to = floor(by, civilOf(p.Start, zone)), floor(by, civilOf(p.End, zone))
	return from, to, from.Before(to) && !strings.HasSuffix(p.Value, repeated)
}
