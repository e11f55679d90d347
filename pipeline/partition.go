package pipeline

import (
	"fmt"
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
	// From and To bound the windows that ought to exist, both included; empty: none.
	From, To string
	// Keys are the named partitions of a Key scheme.
	Keys []string
}

// Partition is the unit of publishing: a window of time, a key, or the whole.
type Partition struct {
	By By
	// Value is how it is written, "2001-07" or "eu"; empty for the whole dataset.
	Value string
	// Start and End bound a window, in UTC; End is not part of it.
	Start, End time.Time
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

// maxPartitionValue bounds the length of a key, in bytes.
const maxPartitionValue = 128

// Parse reads a partition as people write it. Keys are letters, digits, and
// "._-", not first a dot: they become parts of paths.
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
	layout, ok := layouts[s.By]
	if !ok {
		return Partition{}, Errorf(Invalid, "unknown partition scheme %q; known are hour, day, week, month, key", s.By)
	}
	start, err := time.Parse(layout, value)
	if err != nil || start.Format(layout) != value {
		return Partition{}, Errorf(Invalid, "partition %q is not a %s; write it like %s", value, s.By, example(s.By))
	}
	if s.By == Week && start.Weekday() != time.Monday {
		return Partition{}, Errorf(Invalid, "partition %q is a %s; a week is named by its Monday, %s",
			value, start.Weekday(), start.AddDate(0, 0, -(int(start.Weekday())+6)%7).Format(layout))
	}
	return Partition{By: s.By, Value: value, Start: start, End: next(s.By, start)}, nil
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

func next(by By, t time.Time) time.Time {
	switch by {
	case Hour:
		return t.Add(time.Hour)
	case Day:
		return t.AddDate(0, 0, 1)
	case Week:
		return t.AddDate(0, 0, 7)
	default:
		return t.AddDate(0, 1, 0)
	}
}

// maxPartitions bounds a range: a century of hours.
const maxPartitions = 1_000_000

// Range gives the partitions from from to to, both included. Empty bounds are
// taken from the scheme; a Key scheme gives its keys.
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
	first, err := s.Parse(from)
	if err != nil {
		return nil, err
	}
	last, err := s.Parse(to)
	if err != nil {
		return nil, err
	}
	if last.Start.Before(first.Start) {
		return nil, Errorf(Invalid, "the range ends (%s) before it begins (%s)", to, from)
	}
	var all []Partition
	for t := first.Start; !t.After(last.Start); t = next(s.By, t) {
		if len(all) == maxPartitions {
			return nil, Errorf(Invalid, "the range %s..%s has more than %d partitions", from, to, maxPartitions)
		}
		all = append(all, Partition{By: s.By, Value: t.Format(layouts[s.By]), Start: t, End: next(s.By, t)})
	}
	return all, nil
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

// Expand replaces {partition}, {partition:LAYOUT} (a Go time layout), {year},
// {month}, {day} and {hour} in a path template.
func (p Partition) Expand(template string) (string, error) {
	var b strings.Builder
	rest := template
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return "", Errorf(Invalid, "path %q: \"{\" without \"}\"", template)
		}
		value, err := p.placeholder(name)
		if err != nil {
			return "", Errorf(Invalid, "path %q: %w", template, err)
		}
		b.WriteString(value)
		rest = tail
	}
}

func (p Partition) placeholder(name string) (string, error) {
	word, layout, hasLayout := strings.Cut(name, ":")
	timed := !p.Start.IsZero()
	switch {
	case word == "partition" && !hasLayout && p.By != Whole:
		return p.Value, nil
	case p.By == Whole:
		return "", fmt.Errorf("{%s} needs a pipeline with partitions", name)
	case !timed && word != "partition":
		return "", fmt.Errorf("{%s} needs partitions by time, these are by key", name)
	case word == "partition" && timed:
		return p.Start.Format(layout), nil
	case word == "year":
		return p.Start.Format("2006"), nil
	case word == "month":
		return p.Start.Format("01"), nil
	case word == "day":
		return p.Start.Format("02"), nil
	case word == "hour":
		return p.Start.Format("15"), nil
	}
	return "", fmt.Errorf("unknown placeholder {%s}; known are {partition}, {partition:2006-01}, {year}, {month}, {day}, {hour}", name)
}
