package night

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
)

// column is one of a table of breaks.
type column struct {
	name string
	text func(b *Break) string
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// columnsOf are those of a table of all breaks, the carried ones last.
func columnsOf(n *Night) []column {
	all := []column{
		{"break", func(b *Break) string { return b.ID }},
		{"key", func(b *Break) string { return b.Key }},
		{"nth", func(b *Break) string { return strconv.FormatInt(b.Nth, 10) }},
		{"state", func(b *Break) string { return b.State }},
		{"cause", func(b *Break) string { return b.Cause }},
		{"outcome", func(b *Break) string { return b.Outcome }},
		{"column", func(b *Break) string { return b.Column }},
		{"left", func(b *Break) string { return deref(b.Left) }},
		{"right", func(b *Break) string { return deref(b.Right) }},
		{"delta", func(b *Break) string { return shorter(b.Delta, 2) }},
		{"unit", func(b *Break) string { return b.Unit }},
		{"before_delta", func(b *Break) string { return shorter(b.BeforeDelta, 2) }},
		{"opened", func(b *Break) string { return b.Opened }},
		{"since", func(b *Break) string { return b.Since }},
		{"cleared", func(b *Break) string { return b.Cleared }},
		{"nights", func(b *Break) string { return strconv.FormatInt(b.Nights, 10) }},
		{"age_days", func(b *Break) string {
			if b.AgeDays == nil {
				return ""
			}
			return strconv.FormatInt(*b.AgeDays, 10)
		}},
		{"owner", func(b *Break) string { return b.Owner }},
		{"reason", func(b *Break) string { return b.Reason }},
		{"accepted_by", func(b *Break) string { return b.AcceptedBy }},
		{"accepted_until", func(b *Break) string { return b.AcceptedUntil }},
	}
	for i, name := range n.Carried {
		all = append(all, column{name, func(b *Break) string {
			if i >= len(b.Carried) {
				return ""
			}
			return b.Carried[i]
		}})
	}
	return all
}

// CSV writes every break that is not cleared, and those that cleared this night, a line each, with
// a header. A text that a spreadsheet would take for a formula begins with an apostrophe.
func CSV(w io.Writer, n *Night) error {
	out := csv.NewWriter(w)
	columns := columnsOf(n)
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = cell(c.name)
	}
	if err := out.Write(cells); err != nil {
		return err
	}
	if n.All != nil {
		for b, err := range n.All {
			if err != nil {
				return err
			}
			for i, c := range columns {
				cells[i] = c.text(b)
				if !numeric[c.name] {
					cells[i] = cell(cells[i])
				}
			}
			if err := out.Write(cells); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// numeric are the columns that hold numbers of this program's own, which may begin with a minus.
var numeric = map[string]bool{"nth": true, "delta": true, "before_delta": true, "nights": true, "age_days": true}

// cell keeps a text from being a formula, in each of its lines: some programs cut cells there.
// Numbers stay numbers.
func cell(text string) string {
	if isNumber(text) {
		return text
	}
	all := strings.Split(strings.ReplaceAll(text, "\r", " "), "\n")
	for i, line := range all {
		if line != "" && slices.Contains([]byte("=+-@\t|%"), line[0]) {
			all[i] = "'" + line
		}
	}
	return strings.Join(all, "\n")
}

// isNumber reports whether a text is a plain decimal number: -12.50.
func isNumber(text string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!point || digits(fraction))
}
