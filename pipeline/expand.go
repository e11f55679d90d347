package pipeline

import (
	"fmt"
	"strings"
	"time"
)

// Expand replaces {partition}, {partition:LAYOUT} (a Go time layout), {year},
// {month}, {day} and {hour} in a path template, as clocks in the partition's zone show it.
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
		return p.laidOut(layout)
	case word == "year":
		return p.Local().Format("2006"), nil
	case word == "month":
		return p.Local().Format("01"), nil
	case word == "day":
		return p.Local().Format("02"), nil
	case word == "hour":
		if strings.HasSuffix(p.Value, repeated) {
			return p.Local().Format("15") + repeated, nil
		}
		return p.Local().Format("15"), nil
	}
	return "", fmt.Errorf("unknown placeholder {%s}; known are {partition}, {partition:2006-01}, {year}, {month}, {day}, {hour}", name)
}

// laidOut is the beginning of the window in a layout. One that has the hour, and no offset
// from UTC, says the same of two hours where clocks are set back.
func (p Partition) laidOut(layout string) (string, error) {
	text := p.Local().Format(layout)
	hour, again := strings.CutSuffix(p.Value, repeated)
	noon := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	if !again || noon.Format(layout) == noon.Add(time.Hour).Format(layout) {
		return text, nil
	}
	once, err := p.Scheme().parseWindow(hour)
	if err == nil && once.Local().Format(layout) == text {
		return "", fmt.Errorf("{partition:%s} is %s for %s and for %s; add -0700, the offset from UTC, or use {partition}", layout, text, hour, p)
	}
	return text, err
}
