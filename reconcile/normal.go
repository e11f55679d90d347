package reconcile

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-data/penstock/pipeline"
)

// writer is a Normal that was read: how texts are written anew.
type writer struct {
	Normal
	strip *regexp.Regexp
	codes map[string]string // Map, its keys and values written anew
	zone  *time.Location
	// dated says that Date has no time of day.
	dated bool
}

// newWriter reads a Normal. All problems are reported by fail.
func newWriter(n Normal, fail func(format string, args ...any)) *writer {
	w := &writer{Normal: n, zone: time.UTC}
	var err error
	if n.Strip != "" {
		if w.strip, err = regexp.Compile(n.Strip); err != nil {
			fail("strip: %q is no regular expression: %v", n.Strip, err)
		}
	}
	if n.Case != "" && n.Case != "upper" && n.Case != "lower" {
		fail("case: %s", pipeline.Unknown("choice", n.Case, []string{"upper", "lower"}))
	}
	if n.Pad < 0 || n.Pad > 1000 {
		fail("pad: from 0 to 1000 characters, not %d", n.Pad)
	}
	if n.Zone != "" {
		if w.zone, err = time.LoadLocation(n.Zone); err != nil || n.Zone == "Local" {
			fail("zone: there is no time zone %q; write it like Europe/Berlin", n.Zone)
			w.zone = time.UTC
		}
	}
	if n.Date != "" {
		w.dated = w.layout(fail)
	}
	if n.Number && n.Date != "" {
		fail("number: it does not go with date; a text is read as the one or the other")
	}
	if n.Decimal != "" && (!n.Number || thousands[n.Decimal] == nil) {
		fail("decimal: a comma or a point, with `number: true`, not %q", n.Decimal)
	}
	if len(n.Map) > 0 && (n.Number || n.Date != "") {
		fail("map: it is of texts, and does not go with number or date")
	}
	w.codes = map[string]string{}
	for from, to := range n.Map {
		key := w.plain(from)
		if other, twice := w.codes[key]; twice && other != w.plain(to) {
			fail("map: %q stands for two values once it is written like the rest", from)
		}
		w.codes[key] = w.plain(to)
	}
	return w
}

// layout tries the date's layout, and reports whether it has a date alone.
func (w *writer) layout(fail func(format string, args ...any)) (dated bool) {
	for _, at := range []time.Time{time.Date(2023, 11, 28, 13, 59, 57, 0, time.UTC), time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)} {
		got, err := time.Parse(w.Date, at.Format(w.Date))
		if err != nil || got.Year() != at.Year() && got.Year() != at.Year()%100 || got.YearDay() != at.YearDay() {
			fail("date: %q is no layout of a date; write how 2 January 2006, 15:04:05 looks, like 02.01.2006", w.Date)
			return true
		}
		dated = got.Hour() == 0 && got.Minute() == 0
	}
	return dated
}

// plain does what comes before Number: of an empty text there is nothing to pad.
func (w *writer) plain(s string) string {
	if w.Trim {
		s = strings.TrimFunc(s, unicode.IsSpace)
	}
	if w.strip != nil {
		s = w.strip.ReplaceAllString(s, "")
	}
	switch { // of what is no UTF-8 all bad bytes would become one and the same letter
	case w.Case == "" || !utf8.ValidString(s):
	case w.Case == "upper":
		s = strings.ToUpper(s)
	default:
		s = strings.ToLower(s)
	}
	if w.Pad > 0 && s != "" {
		if n := w.Pad - utf8.RuneCountInString(s); n > 0 {
			s = strings.Repeat("0", n) + s
		}
	}
	return s
}

// text is a text written anew; ok is false if that is null.
func (w *writer) text(s string) (out string, ok bool) {
	s = w.plain(s)
	if to, mapped := w.codes[s]; mapped {
		s = to
	}
	return s, !w.BlankIsNull || !blank(s)
}

// thousands are numbers whose thousands may be set apart, by the mark before their decimals.
var thousands = map[string]*regexp.Regexp{
	",": regexp.MustCompile(`^([-+]?)(\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:[' \x{a0}\x{202f}]\d{3})+)(,\d+)?$`),
	".": regexp.MustCompile(`^([-+]?)(\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:[' \x{a0}\x{202f}]\d{3})+)(\.\d+)?$`),
}

// number reads a number in a text; places is how many decimals stand there.
func (w *writer) number(s string) (n number, places int, ok bool) {
	if w.Decimal == "" || len(s) > maxNumberText {
		return parseNumber(s)
	}
	parts := thousands[w.Decimal].FindStringSubmatch(s)
	if parts == nil {
		return n, 0, false
	}
	whole := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, parts[2])
	return parseNumber(parts[1] + whole + strings.Replace(parts[3], ",", ".", 1))
}

func blank(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) == "" }

// moment reads a date or time in a zone; ok is false if the text has none.
func (w *writer) moment(s string, zone *time.Location) (t time.Time, ok bool) {
	t, err := time.ParseInLocation(w.Date, s, zone)
	return t, err == nil
}

// touches names an option that does something to texts; empty if there is none.
func (n Normal) touches() string {
	switch {
	case n.Trim:
		return "trim"
	case n.Strip != "":
		return "strip"
	case n.Case != "":
		return "case"
	case n.BlankIsNull:
		return "blank_is_null"
	case n.Number:
		return "number"
	case n.Date != "":
		return "date"
	}
	return ""
}

func trimmed(s string) string { return strings.TrimFunc(s, unicode.IsSpace) }

// Problems are what is wrong with a Normal whatever it is applied to, each beginning with the name
// of the option in pipeline files.
func (n Normal) Problems() (all []string) {
	newWriter(n, func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) })
	return all
}
