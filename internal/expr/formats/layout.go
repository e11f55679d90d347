package formats

import (
	"fmt"
	"strings"
	"time"
)

// Layout is how a date or a time is written, as strftime has it.
type Layout struct {
	steps  []step
	hasDay bool
}

// step is a part of a layout: a verb, or a text that stands there as it is.
type step struct {
	verb    byte // 0 for the text
	loose   bool // 1 digit will do
	literal string
}

const maxLayout = 100 // bytes

// verbs are those of strftime that are known, with the part that they are of; no part may
// stand there twice.
var verbs = map[byte]string{
	'Y': "year", 'y': "year", 'm': "month", 'b': "month", 'h': "month", 'B': "month", 'd': "day", 'e': "day", 'j': "day of the year",
	'H': "hour", 'I': "hour", 'M': "minute", 'S': "second", 'f': "fraction", 'p': "AM or PM", 'a': "weekday", 'A': "weekday", 'z': "offset",
}

var shorthands = strings.NewReplacer("%%", "%%", "%F", "%Y-%m-%d", "%T", "%H:%M:%S", "%R", "%H:%M", "%D", "%m/%d/%y")

// NewLayout reads a layout. Its verbs are %Y %y %m %b %h %B %d %e %j %H %I %p %M %S %f %a %A
// %z %F %T %R %D and %%; %-m, %-d, %-j, %-H, %-I, %-M and %-S need no leading zero.
func NewLayout(text string) (*Layout, error) {
	if len(text) > maxLayout {
		return nil, fmt.Errorf("a layout of %d bytes; at most %d are possible", len(text), maxLayout)
	}
	l := &Layout{}
	seen := map[string]byte{}
	for rest := shorthands.Replace(text); rest != ""; {
		s, n, err := nextStep(rest)
		if err != nil {
			return nil, fmt.Errorf("layout %q: %w", text, err)
		}
		rest = rest[n:]
		l.steps = append(l.steps, s)
		if part := verbs[s.verb]; part != "" {
			if seen[part] != 0 {
				return nil, fmt.Errorf("layout %q has the %s twice", text, part)
			}
			seen[part] = s.verb
		}
	}
	if len(seen) == 0 {
		return nil, fmt.Errorf("layout %q names no part of a date; write it like %%Y-%%m-%%d", text)
	}
	if (seen["hour"] == 'I') != (seen["AM or PM"] != 0) {
		return nil, fmt.Errorf("layout %q: %%I and %%p need each other", text)
	}
	l.hasDay = seen["day"] != 0 || seen["day of the year"] != 0
	return l, nil
}

// nextStep gives the step that a layout begins with, and of how many bytes it is.
func nextStep(s string) (step, int, error) {
	if s[0] != '%' {
		n := strings.IndexByte(s+"%", '%')
		return step{literal: s[:n]}, n, nil
	}
	verb, n := s[1:], 2
	loose := strings.HasPrefix(verb, "-")
	if loose {
		verb, n = verb[1:], 3
	}
	switch {
	case verb == "":
		return step{}, 0, fmt.Errorf("a %% at its end; %%%% stands for one")
	case verb[0] == '%' && !loose:
		return step{literal: "%"}, n, nil
	case verbs[verb[0]] == "" || loose && strings.IndexByte("mdjHIMS", verb[0]) < 0:
		return step{}, 0, fmt.Errorf("unknown verb %q; known are %%Y %%y %%m %%b %%B %%d %%e %%j %%H %%I %%p %%M %%S %%f %%a %%A %%z %%F %%T %%R %%D", s[:n])
	}
	return step{verb: verb[0], loose: loose}, n, nil
}

// Parse gives the instant that a text is; ok is false if it is not of the layout, or no date.
// What the layout does not say is that of 1970-01-01 00:00 in UTC.
func (l *Layout) Parse(s string) (t time.Time, ok bool) {
	m := moment{year: 1970, month: -1, day: -1, dayOfYear: -1, weekday: -1}
	for _, step := range l.steps {
		n := len(step.literal)
		if step.verb == 0 {
			if !strings.HasPrefix(s, step.literal) {
				return time.Time{}, false
			}
		} else if n = m.read(step, s); n == 0 {
			return time.Time{}, false
		}
		s = s[n:]
	}
	if s != "" {
		return time.Time{}, false
	}
	return m.time(l.hasDay)
}
