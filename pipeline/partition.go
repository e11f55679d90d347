package pipeline

import (
	"strings"
	"time"
)

// By is the granularity of a partition scheme.
type By string

// The granularities. Whole means that a dataset is one partition.
const (
	Whole By = ""
	Hour  By = "hour"
	Day   By = "day"
	Week  By = "week"
	Month By = "month"
	Key   By = "key"
)

// layouts are how the values of time windows are written.
var layouts = map[By]string{
	Hour:  "2006-01-02T15",
	Day:   "2006-01-02",
	Week:  "2006-01-02", // the Monday
	Month: "2006-01",
}

// Scheme says how the datasets of a pipeline are cut into partitions.
type Scheme struct {
	By By
	// Zone is that of the clocks and the calendar that windows go by; nil: UTC.
	Zone *time.Location
	// Calendar says which windows ought to exist; nil: all.
	Calendar *Calendar
	// From and To bound the windows that ought to exist, both included; empty: none.
	From, To string
	// Keys are the named partitions of a Key scheme.
	Keys []string
}

// String is how people say it: "by day in Europe/Berlin on business_days from 2026-01-01".
func (s Scheme) String() string {
	if s.By == Whole {
		return "whole"
	}
	text := "by " + string(s.By)
	if s.Zone != nil {
		text += " in " + s.Zone.String()
	}
	if s.Calendar != nil {
		text += " on " + s.Calendar.String()
	}
	if s.From != "" {
		text += " from " + s.From
	}
	if s.To != "" {
		text += " to " + s.To
	}
	if len(s.Keys) > 0 {
		text += ": " + Several(s.Keys)
	}
	return text
}

// Partition is the unit of publishing: a window of time, a key, or the whole.
type Partition struct {
	By By
	// Value is how it is written, "2001-07" or "eu"; empty for the whole dataset.
	Value string
	// Start and End bound a window, in UTC; End is not part of it.
	Start, End time.Time

	zone     *time.Location
	calendar *Calendar
}

// String is the value, or "all" for the whole dataset.
func (p Partition) String() string {
	if p.By == Whole {
		return "all"
	}
	return p.Value
}

// Dir is the directory of the partition below its dataset, "month=2001-07"; empty
// for the whole dataset. It never holds a separator or begins with a dot.
func (p Partition) Dir() string {
	if p.By == Whole {
		return ""
	}
	return string(p.By) + "=" + p.Value
}

// Local is the beginning of a window by the clocks of its zone.
func (p Partition) Local() time.Time { return p.Start.In(orUTC(p.zone)) }

// Scheme is the one that the partition is of, without bounds and keys.
func (p Partition) Scheme() Scheme { return Scheme{By: p.By, Zone: p.zone, Calendar: p.calendar} }

// maxPartitionValue bounds the length of a key, in bytes.
const maxPartitionValue = 128

// Parse reads a partition as people write it. Keys are letters, digits, and
// "._-", not first a dot: they become parts of paths. An hour that clocks show twice is
// written with a "b" the second time, 2026-10-25T02b. A window that does not exist, or is
// not on the calendar, is an error that says why.
func (s Scheme) Parse(value string) (Partition, error) {
	switch s.By {
	case Whole:
		if value != "" && value != "all" {
			return Partition{}, Errorf(Invalid, "partition %q: this pipeline has no partitions", value)
		}
		return Partition{}, nil
	case Key:
		return s.parseKey(value)
	}
	p, err := s.parseWindow(value)
	if err != nil {
		return Partition{}, err
	}
	return p, s.onCalendar(p)
}

// Anyway is Parse for a partition that was published, whether it is on the calendar, and
// among the keys, or not.
func (s Scheme) Anyway(value string) (Partition, error) {
	s.Calendar, s.Keys = nil, nil
	return s.Parse(value)
}

// ParseDir reads the name of a partition's directory, as Partition.Dir gives it, where it is
// not known by which clocks it goes: Start and End are as if by UTC.
func ParseDir(dir string) (Partition, error) {
	by, value, _ := strings.Cut(dir, "=")
	s := Scheme{By: By(by)}
	hour, again := strings.CutSuffix(value, repeated)
	if s.By != Hour || !again {
		return s.Parse(value)
	}
	p, err := s.Parse(hour)
	p.Value = value
	return p, err
}

// parseWindow reads a window of time, whether it is on the calendar or not.
func (s Scheme) parseWindow(value string) (Partition, error) {
	layout, ok := layouts[s.By]
	if !ok {
		return Partition{}, Errorf(Invalid, "unknown partition scheme %q; known are hour, day, week, month, key", s.By)
	}
	text, again := value, false
	if s.By == Hour {
		text, again = strings.CutSuffix(value, repeated)
	}
	civil, err := time.Parse(layout, text)
	if err != nil || civil.Format(layout) != text || civil.Year() < 1 {
		return Partition{}, Errorf(Invalid, "partition %q is not %s; write it like %s", value, article(s.By), example(s.By))
	}
	if s.By == Week && civil.Weekday() != time.Monday {
		return Partition{}, Errorf(Invalid, "partition %q is a %s; a week is named by its Monday, %s",
			value, civil.Weekday(), floor(Week, civil).Format(layout))
	}
	p := s.at(first(civil, orUTC(s.Zone)))
	if again {
		p = s.second(p, text)
	}
	if p.Value != value {
		return Partition{}, s.nowhere(value, civil, again)
	}
	return p, nil
}

// nowhere says why there is no window of a value.
func (s Scheme) nowhere(value string, civil time.Time, again bool) error {
	zone := orUTC(s.Zone)
	if again {
		return Errorf(Invalid, "partition %q: the clocks in %s show that hour no second time; write it without the %q", value, zone, repeated)
	}
	t := first(civil, zone)
	return Errorf(Invalid, "partition %q does not exist: the clocks in %s go from %s to %s", value, zone,
		civilOf(t.Add(-1), zone).Add(1).Format("2006-01-02 15:04"), t.In(zone).Format("2006-01-02 15:04"))
}

func article(by By) string {
	if by == Hour {
		return "an hour"
	}
	return "a " + string(by)
}

func (s Scheme) parseKey(value string) (Partition, error) {
	if err := checkKey(value); err != nil {
		return Partition{}, err
	}
	if len(s.Keys) > 0 {
		for _, k := range s.Keys {
			if k == value {
				return Partition{By: Key, Value: value}, nil
			}
		}
		return Partition{}, Errorf(Invalid, "unknown partition %q; known are %s", value, strings.Join(s.Keys, ", "))
	}
	return Partition{By: Key, Value: value}, nil
}

func checkKey(value string) error {
	if value == "" {
		return Errorf(Invalid, "a partition is needed: name a key")
	}
	if len(value) > maxPartitionValue {
		return Errorf(Invalid, "a partition's name has at most %d bytes, this one %d", maxPartitionValue, len(value))
	}
	for i, r := range value {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' && i > 0
		if !ok {
			return Errorf(Invalid, "partition %q: %q is not allowed; use letters, digits, \"_\", \"-\" and \".\" (not first)", value, r)
		}
	}
	if strings.Contains(value, "..") {
		return Errorf(Invalid, "partition %q: \"..\" is not allowed", value)
	}
	return nil
}

func example(by By) string {
	return time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC).Format(layouts[by])
}

// maxPartitions bounds a range: a century of hours.
const maxPartitions = 1_000_000

// Range gives the partitions from from to to, both included, that are on the calendar.
// Empty bounds are taken from the scheme; a Key scheme gives its keys. Bounds need not be
// on the calendar themselves.
func (s Scheme) Range(from, to string) ([]Partition, error) {
	if s.By == Whole {
		return []Partition{{}}, nil
	}
	if s.By == Key {
		return s.keys(from, to)
	}
	if from == "" {
		from = s.From
	}
	if to == "" {
		to = s.To
	}
	if from == "" || to == "" {
		return nil, Errorf(Invalid, "a range needs both ends: give --from and --to, or partitions.from and partitions.to in the pipeline file")
	}
	begin, err := s.parseWindow(from)
	if err != nil {
		return nil, err
	}
	end, err := s.parseWindow(to)
	if err != nil {
		return nil, err
	}
	if end.Start.Before(begin.Start) {
		return nil, Errorf(Invalid, "the range ends (%s) before it begins (%s)", to, from)
	}
	all, ok := s.between(begin.Start, end.End)
	if !ok {
		return nil, Errorf(Invalid, "the range %s..%s has more than %d partitions", from, to, maxPartitions)
	}
	if len(all) == 0 {
		return nil, Errorf(Invalid, "the range %s..%s has no partition: none of it is on the calendar (%s)", from, to, s.Calendar)
	}
	return all, nil
}

// between gives the windows on the calendar from one that begins at an instant to one that
// ends at another, or after it; ok is false if they are too many.
func (s Scheme) between(from, to time.Time) (all []Partition, ok bool) {
	for n := 0; from.Before(to); n++ {
		if n == maxPartitions {
			return nil, false
		}
		p := s.at(from)
		if s.Calendar.has(p) {
			all = append(all, p)
		}
		from = p.End
	}
	return all, true
}

func (s Scheme) keys(from, to string) ([]Partition, error) {
	if from != "" || to != "" {
		return nil, Errorf(Invalid, "partitions by key have no range; name them one by one")
	}
	if len(s.Keys) == 0 {
		return nil, Errorf(Invalid, "which partitions? give --partition, or list partitions.keys in the pipeline file")
	}
	var all []Partition
	for _, k := range s.Keys {
		p, err := s.parseKey(k)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
