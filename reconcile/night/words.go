package night

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-data/penstock/internal/figures"
)

// amount writes an amount with its thousands apart, all of its digits; but zeros at its end only as
// far as cents have them.
func amount(d Decimal) string { return figures.Thousands(shorter(d, 2)) }

// shorter leaves out zeros at the end, behind so many places.
func shorter(d Decimal, places int) string {
	text := d.String()
	if whole, fraction, ok := strings.Cut(text, "."); ok {
		for len(fraction) > places && strings.HasSuffix(fraction, "0") {
			fraction = fraction[:len(fraction)-1]
		}
		if text = whole; fraction != "" {
			text += "." + fraction
		}
	}
	return text
}

// signed is amount with a plus where it is one.
func signed(d Decimal) string {
	if d.Sign() > 0 {
		return "+" + amount(d)
	}
	return amount(d)
}

// share is a part of a whole in percent; what is not all is never written as 100%, and what is
// not none never as 0%.
func share(x float64) string {
	switch percent := 100 * x; {
	case x == 1:
		return "100%"
	case x == 0:
		return "0%"
	case percent < 0.001:
		return "less than 0.001%"
	case percent > 99.999:
		return "more than 99.999%"
	case percent > 99.9 || percent < 0.1:
		return strconv.FormatFloat(percent, 'f', 3, 64) + "%"
	default:
		return strconv.FormatFloat(percent, 'f', 2, 64) + "%"
	}
}

// visible writes letters that can't be seen, or that change how others are seen, as what a Go string
// would have.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == ' ' || unicode.IsPrint(r), r == '\u200d', r == '\ufe0f':
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// oneLine is a text without line breaks, every letter visible.
func oneLine(s string) string { return visible(strings.Join(strings.Fields(s), " ")) }

// cut is a text on one line with at most so many letters.
func cut(s string, most int) string {
	s = oneLine(s)
	if r := []rune(s); len(r) > most {
		return string(r[:max(most-1, 0)]) + "…"
	}
	return s
}

// causeWord is a cause for people.
func causeWord(cause string) string {
	if cause == "null_blank" {
		return "null against blank"
	}
	return oneLine(strings.ReplaceAll(cause, "_", " "))
}

// what is what a break is about: the column, or the side that stands alone.
func (n *Night) what(b *Break) string {
	left, right := "left", "right"
	if n.Sides != nil {
		left, right = n.Sides.Left.Name, n.Sides.Right.Name
	}
	switch b.Outcome {
	case "only_left":
		return "only in " + left
	case "only_right":
		return "only in " + right
	}
	return b.Column
}

// values are both values of a break.
func values(b *Break) string {
	if b.Outcome != "different" {
		return ""
	}
	return valueText(b.Left) + " ≠ " + valueText(b.Right)
}

func valueText(s *string) string {
	switch {
	case s == nil:
		return "null"
	case *s == "" || strings.TrimSpace(*s) != *s:
		return strconv.Quote(*s)
	}
	return oneLine(*s)
}

// deltaText is the delta of a break with its unit.
func deltaText(b *Break) string {
	if b.Delta.IsZero() {
		return ""
	}
	if b.Unit == "" {
		return signed(b.Delta)
	}
	text := figures.Thousands(shorter(b.Delta, 0)) + " " + b.Unit[:1]
	if b.Delta.Sign() > 0 {
		text = "+" + text
	}
	return text
}

// ageText is how old a break is.
func ageText(b *Break) string {
	if b.AgeDays != nil {
		return figures.Count(*b.AgeDays) + " d"
	}
	if b.Nights > 0 {
		return figures.Plural(b.Nights, "night", "nights")
	}
	return ""
}

// news says how many breaks nobody knows yet.
func (n *Night) news() string {
	var all []string
	if c := n.Counts; c != nil && c.New > 0 {
		all = append(all, figures.Plural(c.New, "new break", "new breaks"))
	}
	if c := n.Counts; c != nil && c.Reopened > 0 {
		all = append(all, figures.Count(c.Reopened)+" reopened")
	}
	if len(all) == 0 {
		return "nothing new"
	}
	return strings.Join(all, ", ")
}

// headline says how the night ended, in a line.
func (n *Night) headline() string {
	switch {
	case n.Attention:
		return "a person must look"
	case n.Run == "" && n.Dataset == "":
		return "all matches"
	}
	return n.news()
}
