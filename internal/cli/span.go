package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseExpiry reads a time from now on, like 48h or 7d, or a date, which is included.
func parseExpiry(text string) (after time.Duration, at time.Time, err error) {
	if text == "" {
		return 0, at, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return 0, day.AddDate(0, 0, 1), nil
	}
	after, ok := parseSpan(text)
	if !ok || after <= 0 {
		return 0, at, usage("--expires %q is neither a time to come nor a date", text).With("write it like 48h, 7d or 2026-12-01")
	}
	return after, at, nil
}

// maxDays bounds a span of days.
const maxDays = 36500

// parseSpan reads a duration as Go writes it, or days: 7d.
func parseSpan(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0 && n <= maxDays
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// span is a flag for times as people write them.
type span time.Duration

func (s *span) Set(text string) error {
	d, ok := parseSpan(text)
	if !ok {
		return fmt.Errorf("%q is not a time; write it like 48h or 7d", text)
	}
	*s = span(d)
	return nil
}

func (s *span) Type() string { return "time" }

func (s *span) String() string {
	d := time.Duration(*s)
	if day := 24 * time.Hour; d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}
