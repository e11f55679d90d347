package formats

import (
	"strings"
	"time"
)

// moment is what has been read of an instant. A month, day, day of the year or weekday that
// is negative was not read.
type moment struct {
	year, month, day, dayOfYear        int
	hour, minute, second, micro, shift int
	weekday                            int // Sunday is 0
	half                               int // 1 for AM, 2 for PM
}

var months, weekdays = namesOf(1, 12, time.Month.String), namesOf(0, 7, time.Weekday.String)

func namesOf[T ~int](first T, n int, name func(T) string) (names []string) {
	for i := range T(n) {
		names = append(names, name(first+i))
	}
	return names
}

// read reads what a verb stands for, and gives of how many bytes that is; 0 if it is not
// there.
func (m *moment) read(s step, text string) int {
	switch s.verb {
	case 'Y':
		return count(text, 4, 4, &m.year)
	case 'y':
		n := count(text, 2, 2, &m.year)
		if m.year += 1900; m.year < 1969 {
			m.year += 100
		}
		return n
	case 'm':
		return two(s, text, &m.month)
	case 'd':
		return two(s, text, &m.day)
	case 'e':
		if strings.HasPrefix(text, " ") {
			if count(text[1:], 1, 1, &m.day) == 0 {
				return 0
			}
			return 2
		}
		return count(text, 2, 2, &m.day)
	case 'j':
		if s.loose {
			return count(text, 1, 3, &m.dayOfYear)
		}
		return count(text, 3, 3, &m.dayOfYear)
	case 'b', 'h':
		return name(text, months, 3, &m.month, 1)
	case 'B':
		return name(text, months, 9, &m.month, 1)
	case 'a':
		return name(text, weekdays, 3, &m.weekday, 0)
	case 'A':
		return name(text, weekdays, 9, &m.weekday, 0)
	}
	return m.readTime(s, text)
}

func (m *moment) readTime(s step, text string) int {
	switch s.verb {
	case 'H', 'I':
		return two(s, text, &m.hour)
	case 'M':
		return two(s, text, &m.minute)
	case 'S':
		return two(s, text, &m.second)
	case 'f':
		n := count(text, 1, 6, &m.micro)
		for range 6 - n {
			m.micro *= 10
		}
		return n
	case 'p':
		return name(text, []string{"AM", "PM"}, 2, &m.half, 1)
	case 'z':
		var n int
		m.shift, n = offset(text)
		return n
	}
	return 0
}

func two(s step, text string, to *int) int {
	if s.loose {
		return count(text, 1, 2, to)
	}
	return count(text, 2, 2, to)
}

// count reads at least and at most so many digits, as many as there are.
func count(text string, least, most int, to *int) int {
	n := min(digits(text[:min(most, len(text))]), most)
	if n < least {
		return 0
	}
	*to = number(text[:n])
	return n
}

// name reads one of some names, or their first letters, in any case.
func name(text string, names []string, letters int, to *int, first int) int {
	for i, full := range names {
		if part := full[:min(letters, len(full))]; len(text) >= len(part) && strings.EqualFold(text[:len(part)], part) {
			*to = first + i
			return len(part)
		}
	}
	return 0
}

// time is the instant; ok is false if there is none, or not in the years 1 to 9999 of UTC.
func (m *moment) time(hasDay bool) (t time.Time, ok bool) {
	if m.half > 0 {
		if m.hour < 1 || m.hour > 12 {
			return t, false
		}
		m.hour = m.hour%12 + 12*(m.half-1)
	}
	if m.hour > 23 || m.minute > 59 || m.second > 59 || !m.settleDay() {
		return t, false
	}
	local := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, m.micro*1000, time.UTC)
	if hasDay && m.weekday >= 0 && int(local.Weekday()) != m.weekday {
		return t, false
	}
	t = local.Add(-time.Duration(m.shift) * time.Second)
	return t, t.Year() >= 1 && t.Year() <= 9999
}

// settleDay finds the month and the day, which are the first where nothing says them, and
// reports whether they are a date.
func (m *moment) settleDay() bool {
	if m.dayOfYear >= 0 {
		t := time.Date(m.year, 1, m.dayOfYear, 0, 0, 0, 0, time.UTC)
		if t.Year() != m.year || m.month >= 0 && m.month != int(t.Month()) || m.day >= 0 && m.day != t.Day() {
			return false
		}
		m.month, m.day = int(t.Month()), t.Day()
	}
	if m.month < 0 {
		m.month = 1
	}
	if m.day < 0 {
		m.day = 1
	}
	return isDay(m.year, m.month, m.day)
}
