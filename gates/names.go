package gates

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-data/penstock/internal/expr"
)

// Names are those of the rules, in their order.
func (j judge) Names() []string {
	names := make([]string, len(j.rules))
	for i, r := range j.rules {
		names[i] = r.Name
	}
	return names
}

// Reading are the names of the rules that read a column by its name, or hold the schema against a
// contract. It goes by what is written, so a text that has the name as a word counts.
func (j judge) Reading(column string) (names []string) {
	for _, r := range j.rules {
		if r.reads(column) {
			names = append(names, r.Name)
		}
	}
	return names
}

// AsideBy reports whether a rule that puts rows aside reads a column.
func (j judge) AsideBy(column string) bool {
	return slices.ContainsFunc(j.rules, func(r Rule) bool { return r.Else == Quarantine && r.reads(column) })
}

func (r Rule) reads(column string) bool {
	return slices.Contains(r.By, column) || hasWord(r.Where, column) || r.Check.reads(column)
}

func (c Check) reads(column string) bool {
	return c.kind == schemaCheck || slices.Contains(c.columns, column) ||
		slices.ContainsFunc([]string{c.text, c.warn, c.show}, func(text string) bool { return hasWord(text, column) || hasMetricOf(text, column) }) ||
		slices.ContainsFunc(c.members, func(m Check) bool { return m.reads(column) })
}

// hasMetricOf reports whether a text names a metric that looks at a column by itself.
func hasMetricOf(text, column string) bool {
	return slices.ContainsFunc(metricFuncs, func(f metricFunc) bool {
		return slices.ContainsFunc(f.Columns, func(c expr.MetricColumn) bool { return c.Name == column }) && strings.Contains(text, f.Name+"(")
	})
}

// hasWord reports whether a name stands in a text, and not as a part of another.
func hasWord(text, name string) bool {
	inName := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; name != ""; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			break
		}
		before, _ := utf8.DecodeLastRuneInString(text[:from+i])
		after, _ := utf8.DecodeRuneInString(text[from+i+len(name):])
		if !inName(before) && !inName(after) {
			return true
		}
		from += i + len(name)
	}
	return false
}
