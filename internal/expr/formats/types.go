package formats

import "strings"

// ISODate reports whether a text is a date of the calendar as YYYY-MM-DD, of the years 0001
// to 9999.
func ISODate(s string) bool {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' || digits(s[:4]) != 4 || digits(s[5:7]) != 2 || digits(s[8:]) != 2 {
		return false
	}
	return isDay(number(s[:4]), number(s[5:7]), number(s[8:]))
}

// isDay reports whether a year, month and day are a date.
func isDay(year, month, day int) bool {
	return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= lengthOf(year, month)
}

func lengthOf(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// number is the value of a few digits.
func number(s string) (n int) {
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// ISOTimestamp reports whether a text is a date as of ISODate, a T or a space, and a time as
// hh:mm, hh:mm:ss or hh:mm:ss.f of up to 9 digits; perhaps with Z or an offset from UTC.
func ISOTimestamp(s string) bool {
	const date = len("2006-01-02")
	if len(s) < date+len("T15:04") || s[date] != 'T' && s[date] != ' ' || !ISODate(s[:date]) {
		return false
	}
	s = s[date+1:]
	if !clock(s[:5]) {
		return false
	}
	if s = s[5:]; len(s) >= 3 && s[0] == ':' {
		if digits(s[1:3]) != 2 || s[1] > '5' {
			return false
		}
		if s = s[3:]; s != "" && s[0] == '.' {
			n := digits(s[1:])
			if n < 1 || n > 9 {
				return false
			}
			s = s[1+n:]
		}
	}
	_, n := offset(s)
	return s == "" || n == len(s) && n > 0
}

// clock tests for hh:mm.
func clock(s string) bool {
	return len(s) == 5 && digits(s[:2]) == 2 && s[2] == ':' && digits(s[3:]) == 2 && s[3] <= '5' && number(s[:2]) < 24
}

// offset reads Z, +hh, +hhmm or +hh:mm at the beginning of a text, in seconds; n is how many
// bytes it has, 0 if there is none.
func offset(s string) (seconds, n int) {
	if strings.HasPrefix(s, "Z") {
		return 0, 1
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' || digits(s[1:3]) != 2 || number(s[1:3]) > 23 {
		return 0, 0
	}
	seconds, n = number(s[1:3])*3600, 3
	minutes := strings.TrimPrefix(s[3:], ":")
	if len(minutes) >= 2 && digits(minutes[:2]) == 2 && minutes[0] <= '5' {
		seconds += number(minutes[:2]) * 60
		n = len(s) - len(minutes) + 2
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, n
}

// TypeOf is what a text looks like: "integer", "decimal" (a number with a point or an
// exponent), "bool" (true or false in any case), "date", "timestamp", "text", or "" if it
// is empty.
func TypeOf(s string) string {
	switch {
	case s == "":
		return ""
	case Integer(s):
		return "integer"
	case Number(s):
		return "decimal"
	case ISODate(s):
		return "date"
	case ISOTimestamp(s):
		return "timestamp"
	case strings.EqualFold(s, "true"), strings.EqualFold(s, "false"):
		return "bool"
	}
	return "text"
}
