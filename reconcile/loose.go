package reconcile

import (
	"regexp"
	"strings"
	"time"
	"unicode"
)

// blankReading is what readings gives of a text without anything but white space.
const blankReading = "blank"

// looseDates are layouts that people write dates in. 01/02/2006 and 02/01/2006 can't be told apart:
// a text has all readings that are possible.
var looseDates = []string{
	"2006-01-02", "20060102", "2006/01/02", "2006.01.02", "02.01.2006", "2.1.2006", "02/01/2006", "2/1/2006", "01/02/2006", "1/2/2006", "02-01-2006",
	"2 Jan 2006", "02 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "02-Jan-2006", "02.01.06", "01/02/06",
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04",
}

var grouped = regexp.MustCompile(`^[-+]?\d{1,3}([,' ]\d{3})+(\.\d+)?$|^[-+]?\d{1,3}(\.\d{3})+,\d+$|^[-+]?\d+,\d{1,2}$`)

// readings are what a text may mean, a line each: a number, dates, or, if it is no number, its
// letters and digits alone. Two texts with a reading in common say the same in other clothes.
func readings(s string) string {
	s = strings.TrimFunc(s, unicode.IsSpace)
	if s == "" {
		return blankReading
	}
	var all []string
	n, isNumber := looseNumber(s)
	if isNumber {
		all = append(all, "n:"+n.String())
	} else {
		all = append(all, "t:"+folded(s))
	}
	if len(s) <= 32 && strings.ContainsAny(s, "0123456789") {
		seen := map[string]bool{}
		for _, layout := range looseDates {
			if t, err := time.Parse(layout, s); err == nil {
				d := "d:" + t.UTC().Format(time.RFC3339Nano)
				if !seen[d] {
					seen[d] = true
					all = append(all, d)
				}
			}
		}
	}
	return strings.Join(all, "\n")
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
