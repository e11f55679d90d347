package pipeline

import "time"

// A civil time is what clocks and calendars show, kept as if it were UTC. Windows are cut by
// it: a day begins at the first instant at which the clocks of its zone show its midnight or
// a later time, and ends where the next begins, so that days of 23 and of 25 hours follow
// each other without gap or overlap.

// repeated marks an hour that clocks show a second time.
const repeated = "b"

// maxShift is more than any zone is from UTC, and than any clock was ever set back or forth.
const maxShift = 26 * time.Hour

func orUTC(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// civilOf is what the clocks of a zone show at an instant.
func civilOf(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// first is the earliest instant at which the clocks of a zone show a civil time, or a later
// one.
func first(civil time.Time, zone *time.Location) time.Time {
	if zone == time.UTC {
		return civil
	}
	for t := civil.Add(-maxShift); ; {
		_, offset := t.In(zone).Zone()
		at := civil.Add(-time.Duration(offset) * time.Second)
		if at.Before(t) {
			at = t
		}
		end := offsetUntil(t, zone)
		if end.IsZero() || at.Before(end) {
			return at
		}
		t = end
	}
}

// offsetUntil is an instant up to which the offset at another is in force, and after it; zero
// where it stays. On the last day of a leap year the standard library gives one that has
// passed, for zones that go by a rule: the next year's is right, no rule changes on that day.
func offsetUntil(t time.Time, zone *time.Location) time.Time {
	_, end := t.In(zone).ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		_, end = t.Add(24 * time.Hour).In(zone).ZoneBounds()
	}
	return end.UTC()
}

// floor is the beginning of the window that a civil time lies in.
func floor(by By, civil time.Time) time.Time {
	y, m, d := civil.Date()
	switch by {
	case Hour:
		return civil.Truncate(time.Hour)
	case Week:
		d -= (int(civil.Weekday()) + 6) % 7
	case Month:
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// next is the beginning of the window after one.
func next(by By, civil time.Time) time.Time {
	switch by {
	case Hour:
		return civil.Add(time.Hour)
	case Day:
		return civil.AddDate(0, 0, 1)
	case Week:
		return civil.AddDate(0, 0, 7)
	default:
		return civil.AddDate(0, 1, 0)
	}
}

// at is the window that an instant lies in.
func (s Scheme) at(t time.Time) Partition {
	zone := orUTC(s.Zone)
	if s.By == Hour && zone != time.UTC {
		return s.hourAt(t, zone)
	}
	civil := floor(s.By, civilOf(t, zone))
	end := first(next(s.By, civil), zone)
	for !end.After(t) { // clocks that were set back over midnight show the day before again
		civil = next(s.By, civil)
		end = first(next(s.By, civil), zone)
	}
	return s.window(civil.Format(layouts[s.By]), first(civil, zone), end)
}

func (s Scheme) window(value string, start, end time.Time) Partition {
	return Partition{By: s.By, Value: value, Start: start, End: end, zone: s.Zone, calendar: s.Calendar}
}

// hourAt is the hour that an instant lies in. It ends early where clocks are set back, and
// then what they show again is another window.
func (s Scheme) hourAt(t time.Time, zone *time.Location) Partition {
	civil := floor(Hour, civilOf(t, zone))
	if w, ok := s.plainHour(t, civil, zone); ok {
		return w
	}
	shown := func(t time.Time) bool { return floor(Hour, civilOf(t, zone)).Equal(civil) }
	start, from := hourEdge(t, civil, zone)
	for start.Equal(from) && shown(from.Add(-1)) && !setBack(from, zone) { // only the offset has another name
		start, from = hourEdge(from.Add(-1), civil, zone)
	}
	end := offsetUntil(t, zone)
	stop := civil.Add(time.Hour).Add(t.UTC().Sub(civilOf(t, zone)))
	for !end.IsZero() && !stop.Before(end) {
		stop = end
		if !shown(stop) || setBack(stop, zone) {
			break
		}
		stop = civil.Add(time.Hour).Add(stop.Sub(civilOf(stop, zone)))
		end = offsetUntil(end, zone)
	}
	value := civil.Format(layouts[Hour])
	if !from.IsZero() && start.Sub(from) < maxShift && first(civil, zone).Before(start) {
		value += repeated
	}
	return s.window(value, start, stop)
}

// plainHour is the hour that an instant lies in if no clock is changed near it.
func (s Scheme) plainHour(t, civil time.Time, zone *time.Location) (Partition, bool) {
	from, end := t.In(zone).ZoneBounds()
	start := civil.Add(t.UTC().Sub(civilOf(t, zone)))
	stop := start.Add(time.Hour)
	if !from.IsZero() && start.Sub(from) < maxShift || !end.IsZero() && stop.After(end) {
		return Partition{}, false
	}
	return s.window(civil.Format(layouts[Hour]), start, stop), true
}

// hourEdge is where an hour begins as the offset in force at an instant has it, and since
// when it is in force: the later of both is its beginning.
func hourEdge(t, civil time.Time, zone *time.Location) (start, from time.Time) {
	from, _ = t.In(zone).ZoneBounds()
	start = civil.Add(t.UTC().Sub(civilOf(t, zone)))
	if !from.IsZero() {
		if from = from.UTC(); start.Before(from) {
			start = from
		}
	}
	return start, from
}

// setBack reports whether clocks are set back at an instant.
func setBack(t time.Time, zone *time.Location) bool {
	return civilOf(t, zone).Before(civilOf(t.Add(-1), zone))
}

// second is the window in which clocks show an hour again; p if they don't.
func (s Scheme) second(p Partition, hour string) Partition {
	for w := p; w.Start.Sub(p.Start) < maxShift; {
		if w = s.at(w.End); w.Value == hour+repeated {
			return w
		}
	}
	return p
}
