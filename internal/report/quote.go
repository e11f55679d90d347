package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxValue is how many letters of a value of a row are shown.
const maxValue = 80

// visible writes letters that can't be seen, or that change how others are seen, as what
// a Go string would have: \x1b, \u202e. Newlines and tabs stay if lines is true.
func visible(s string, lines bool) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == ' ' || unicode.IsPrint(r) || lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r == '\u200d' || r == '\ufe0f': // emoji are made with them
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// oneLine is a text without line breaks, every letter visible.
func oneLine(s string) string { return visible(strings.Join(strings.Fields(s), " "), false) }

// value is a value of a row: short, on one line, in quotes where its ends could not be
// told otherwise.
func value(s string) string {
	if runes := []rune(s); len(runes) > maxValue {
		s = string(runes[:maxValue]) + "…"
	}
	shown := visible(s, false)
	if s == "" || shown != s || strings.ContainsAny(s, " ,;:=\"'()") {
		return `"` + strings.ReplaceAll(shown, `"`, `\"`) + `"`
	}
	return shown
}
