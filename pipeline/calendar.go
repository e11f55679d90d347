package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Calendar says which windows of a scheme ought to exist: some days of the week without
// holidays, or those of a list. A nil calendar has all.
type Calendar struct {
	name     string
	weekdays [7]bool
	holidays []string // days, ascending
	list     []string // windows, ascending; nil: the days count
}

// BusinessDays are Monday to Friday, without the holidays: days like 2026-12-25.
func BusinessDays(holidays ...string) *Calendar {
	c := Weekdays([]time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, holidays...)
	c.name = "business_days"
	return c
}

// Weekdays are days of the week, without the holidays.
func Weekdays(days []time.Weekday, holidays ...string) *Calendar {
	c := &Calendar{holidays: sorted(holidays)}
	var names []string
	for _, d := range days {
		c.weekdays[d] = true
		names = append(names, d.String())
	}
	c.name = strings.Join(names, ", ")
	return c
}

// Listed are the windows themselves.
func Listed(windows ...string) *Calendar {
	return &Calendar{name: fmt.Sprintf("a list of %d", len(windows)), list: sorted(windows)}
}

// sorted is in the order of time: windows of one granularity are written so that it is that
// of their texts.
func sorted(values []string) []string {
	all := append([]string{}, values...)
	slices.Sort(all)
	return slices.Compact(all)
}

// String says what is on the calendar, for people.
func (c *Calendar) String() string {
	switch n := len(c.holidays); n {
	case 0:
		return c.name
	case 1:
		return c.name + ", without 1 holiday"
	default:
		return fmt.Sprintf("%s, without %d holidays", c.name, n)
	}
}

// has reports whether a window is on the calendar.
func (c *Calendar) has(p Partition) bool { return c == nil || c.lacks(p) == "" }

// lacks says why a window is not on the calendar; empty if it is.
func (c *Calendar) lacks(p Partition) string {
	if c.list != nil {
		if contains(c.list, p.Value) {
			return ""
		}
		return "it is not listed"
	}
	day := p.Value[:len(time.DateOnly)]
	civil, err := time.Parse(time.DateOnly, day)
	switch {
	case err != nil:
		return err.Error()
	case !c.weekdays[civil.Weekday()]:
		return "it is a " + civil.Weekday().String()
	case contains(c.holidays, day):
		return "it is a holiday"
	}
	return ""
}

func contains(sorted []string, value string) bool {
	_, found := slices.BinarySearch(sorted, value)
	return found
}

// listed gives the value on the list after a window, or before it; empty where there is none.
func (c *Calendar) listed(p Partition, step int) string {
	at, found := slices.BinarySearch(c.list, p.Value)
	if found || step < 0 {
		at += step
	}
	if at < 0 || at >= len(c.list) {
		return ""
	}
	return c.list[at]
}

// check makes sure that the calendar goes with the scheme.
func (c *Calendar) check(s Scheme) error {
	s.Calendar = nil
	if fine[s.By] == 0 {
		return Errorf(Invalid, "a calendar belongs to windows of time, not to partitions by %s", named(s.By))
	}
	for _, w := range c.list {
		if _, err := s.parseWindow(w); err != nil {
			return Errorf(Invalid, "calendar: %w", err)
		}
	}
	if c.list != nil {
		if len(c.list) == 0 {
			return Errorf(Invalid, "calendar: the list is empty")
		}
		return nil
	}
	if s.By != Day && s.By != Hour {
		return Errorf(Invalid, "calendar: days of the week belong to partitions by day or hour; list the %ss instead", s.By)
	}
	if c.weekdays == [7]bool{} {
		return Errorf(Invalid, "calendar: no day of the week is on it")
	}
	for _, h := range c.holidays {
		if _, err := (Scheme{By: Day}).parseWindow(h); err != nil {
			return Errorf(Invalid, "holidays: %w", err)
		}
	}
	return nil
}

// onCalendar is an error that names the nearest windows if one is not on the calendar.
func (s Scheme) onCalendar(p Partition) error {
	if s.Calendar.has(p) {
		return nil
	}
	e := Errorf(Invalid, "partition %q is not on the calendar (%s): %s", p, s.Calendar, s.Calendar.lacks(p))
	var near []string
	for _, n := range []int{-1, 1} {
		if other, err := s.step(p, n); err == nil {
			near = append(near, other.Value)
		}
	}
	if near == nil {
		return e
	}
	return e.With("the nearest that " + map[bool]string{true: "are", false: "is"}[len(near) > 1] + " on it: " + strings.Join(near, " and "))
}

// Check finds the mistakes of a scheme: bounds, keys, and what is on its calendar.
func (s Scheme) Check() error {
	if s.By != Whole && s.By != Key && fine[s.By] == 0 {
		_, err := s.parseWindow("")
		return err
	}
	if s.Calendar != nil {
		if err := s.Calendar.check(s); err != nil {
			return err
		}
	}
	for _, k := range s.Keys {
		if err := checkKey(k); err != nil {
			return err
		}
	}
	for _, bound := range []string{s.From, s.To} {
		if bound == "" || fine[s.By] == 0 {
			continue
		}
		if _, err := s.parseWindow(bound); err != nil {
			return err
		}
	}
	return nil
}
