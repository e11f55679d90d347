package reconcile

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// looseDates are layouts that people write dates in, by the shape of what is written so.
// 01/02/2006 and 02/01/2006 can't be told apart: a text has all readings that are possible.
var looseDates = func() map[string][]string {
	all := map[string][]string{}
	for _, layout := range []string{
		"2006-01-02", "20060102", "2006/01/02", "2006.01.02", "02.01.2006", "2.1.2006", "02/01/2006", "2/1/2006", "01/02/2006", "1/2/2006", "02-01-2006",
		"2 Jan 2006", "02 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "02-Jan-2006", "02.01.06", "01/02/06",
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04",
	} {
		at := time.Date(2023, 11, 28, 13, 59, 57, 0, time.UTC)
		for _, text := range []string{at.Format(layout), at.In(time.FixedZone("", 3600)).Format(layout), at.In(time.FixedZone("", -3600)).Format(layout), at.Add(1e6).Format(strings.Replace(layout, ":05", ":05.000", 1))} {
			if s := shape(text); !slices.Contains(all[s], layout) {
				all[s] = append(all[s], layout)
			}
		}
	}
	return all
}()

// shape is a text with a 0 for digits in a row, and an a for letters.
func shape(s string) string {
	var buf [maxDate]byte
	out := buf[:0]
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c = '0'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			c = 'a'
		}
		if n := len(out); n > 0 && out[n-1] == c && (c == '0' || c == 'a') {
			continue
		}
		if len(out) == maxDate {
			return ""
		}
		out = append(out, c)
	}
	return string(out)
}

// maxDate is how long a text is at most that is taken for a date.
const maxDate = 40

var grouped = regexp.MustCompile(`^[-+]?\d{1,3}([,' ]\d{3})+(\.\d+)?$|^[-+]?\d{1,3}(\.\d{3})+,\d+$|^[-+]?\d+,\d{1,2}$`)

// sameReading reports whether two texts may say the same in other clothes: have equal letters and
// digits, or, where both are numbers, are the same one, or are both a date that may be the same.
func sameReading(a, b string) bool {
	a, b = trimmed(a), trimmed(b)
	m, isNumber := looseNumber(a)
	n, both := looseNumber(b)
	switch {
	case isNumber && both && m == n:
		return true
	case !(isNumber && both) && folded(a) == folded(b):
		return true
	}
	dates := readDates(a)
	return dates != nil && slices.ContainsFunc(readDates(b), func(t time.Time) bool {
		return slices.ContainsFunc(dates, t.Equal)
	})
}

// readDates are the dates and times that a text may be.
func readDates(s string) (all []time.Time) {
	if len(s) > maxDate {
		return nil
	}
	for _, layout := range looseDates[shape(s)] {
		if t, err := time.Parse(layout, s); err == nil {
			all = append(all, t)
		}
	}
	return all
}

// looseNumber reads "1,234.50", "1.234,50" and "12,5" too.
func looseNumber(s string) (number, bool) {
	if n, _, ok := parseNumber(s); ok {
		return n, true
	}
	if len(s) > maxNumberText || !grouped.MatchString(s) {
		return number{}, false
	}
	point := strings.LastIndexAny(s, ".,")
	if i := strings.IndexAny(s, ",' "); i >= 0 && point == i && len(s)-i == 4 && s[i] != '.' { // "1,234"
		point = -1
	}
	whole, fraction := s, ""
	if point >= 0 && strings.Count(s, s[point:point+1]) == 1 {
		whole, fraction = s[:point], "."+s[point+1:]
	}
	n, _, ok := parseNumber(strings.NewReplacer(",", "", ".", "", "'", "", " ", "").Replace(whole) + fraction)
	return n, ok
}

// folded are the letters and digits of a text, in lower case.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
