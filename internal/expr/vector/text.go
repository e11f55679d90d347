package vector

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// TestTexts gives the kernel of a test of one text.
func TestTexts(f func(string) bool) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a := args[0].Texts
		if open == nil && out.Null == nil && out.Bad == nil {
			clear(out.Bits)
			for i, s := range a[:n] {
				if i&63 == 0 && out.Meter.Over() {
					return
				}
				out.Bits[i>>6] |= one(f(s)) << (i & 63)
			}
			return
		}
		clear(out.Bits)
		out.Live(open, n, func(i int) { out.Bits[i>>6] |= one(f(a[i])) << (i & 63) })
	}
}

// HasPrefix gives the kernel that tests how a text begins.
func HasPrefix(prefix string) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		clear(out.Bits)
		for i, s := range args[0].Texts[:n] {
			out.Bits[i>>6] |= one(len(s) >= len(prefix) && s[:len(prefix)] == prefix) << (i & 63)
		}
	}
}

// HasSuffix gives the kernel that tests how a text ends.
func HasSuffix(suffix string) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		clear(out.Bits)
		for i, s := range args[0].Texts[:n] {
			out.Bits[i>>6] |= one(len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix) << (i & 63)
		}
	}
}

// TestTwoTexts gives the kernel of a test of two texts.
func TestTwoTexts(f func(a, b string) bool) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a, b := args[0].Texts, args[1].Texts
		clear(out.Bits)
		out.Live(open, n, func(i int) { out.Bits[i>>6] |= one(f(a[i], b[i])) << (i & 63) })
	}
}

// MapTexts gives the kernel of a function of one text.
func MapTexts(f func(string) string) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a := args[0].Texts
		clear(out.Texts)
		out.Live(open, n, func(i int) {
			if !out.Meter.Over() {
				out.Texts[i] = f(a[i])
				out.Meter.Make(len(out.Texts[i]))
			}
		})
	}
}

// TryTexts gives the kernel of a function of one text that may give an error; set keeps what
// it gives.
func TryTexts[T any](f func(string) (T, error), set func(out *Vector, row int, value T)) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a := args[0].Texts
		out.try(open, n, func(i int) error {
			value, err := f(a[i])
			if err == nil {
				set(out, i, value)
			}
			return err
		})
	}
}

// TryTwoTexts is TryTexts of two texts.
func TryTwoTexts[T any](f func(a, b string) (T, error), set func(out *Vector, row int, value T)) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a, b := args[0].Texts, args[1].Texts
		out.try(open, n, func(i int) error {
			value, err := f(a[i], b[i])
			if err == nil {
				set(out, i, value)
			}
			return err
		})
	}
}

// try calls f for each open row that is neither null nor an error, and takes its error over.
func (v *Vector) try(open Bits, n int, f func(row int) error) {
	v.Clear()
	v.Live(open, n, func(i int) {
		if v.Meter.Over() {
			return
		}
		if err := f(i); err != nil {
			v.Fault(i, n, err)
		}
	})
}

// SetBool keeps a bool.
func SetBool(out *Vector, row int, value bool) { out.Bits.Put(row, value) }

// SetInt keeps an int, or the count of a time.
func SetInt(out *Vector, row int, value int64) { out.Ints[row] = value }

// SetText keeps a text, unless the meter is over.
func SetText(out *Vector, row int, value string) {
	if out.Meter.Make(len(value)) {
		out.Texts[row] = value
	}
}

// RuneCounts is how many code points a text has.
func RuneCounts(out *Vector, args []*Vector, n int, open Bits) {
	a := args[0].Texts
	out.Live(open, n, func(i int) { out.Ints[i] = int64(runes(a[i])) })
}

// runes is utf8.RuneCountInString, which is slow for what is mostly ASCII.
func runes(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return i + utf8.RuneCountInString(s[i:])
		}
	}
	return len(s)
}

// Lengths is how many bytes a value has.
func Lengths(out *Vector, args []*Vector, n int, _ Bits) {
	for i, s := range args[0].Texts[:n] {
		out.Ints[i] = int64(len(s))
	}
}

// Concat gives the kernel of a + b, for values that together are no longer than limit.
func Concat(limit int, tooLong error) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a, b := args[0].Texts, args[1].Texts
		clear(out.Texts)
		out.Live(open, n, func(i int) {
			switch size := len(a[i]) + len(b[i]); {
			case size > limit:
				out.Fault(i, n, tooLong)
			case out.Meter.Make(size):
				out.Texts[i] = a[i] + b[i]
			}
		})
	}
}

// fewNumbers are so few that comparing with each is quicker than looking up.
const fewNumbers = 8

// AmongNumbers gives the kernel that tests whether a number is one of a set.
func AmongNumbers[T int64 | uint64](values func(*Vector) []T, set map[T]struct{}) Kernel {
	if len(set) > fewNumbers {
		return Among(values, set)
	}
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a := values(args[0])
		clear(out.Bits)
		var one [Chunk / 64]uint64
		for c := range set {
			below(one[:Words(n)], a, uint64(c), 1, n)
			for w, word := range one[:Words(n)] {
				out.Bits[w] |= word
			}
		}
	}
}

// Among gives the kernel that tests whether a value is one of a set.
func Among[T comparable](values func(*Vector) []T, set map[T]struct{}) Kernel {
	return func(out *Vector, args []*Vector, n int, open Bits) {
		a := values(args[0])
		clear(out.Bits)
		out.Live(open, n, func(i int) {
			_, in := set[a[i]]
			out.Bits[i>>6] |= one(in) << (i & 63)
		})
	}
}

// Like gives the test for an SQL pattern, in which % stands for any text and _ for one
// character; a backslash takes the meaning of the next character.
func Like(pattern string) func(string) bool {
	var parts []string // between the %
	var part, re strings.Builder
	single, escaped := false, false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
			continue
		case r == '%':
			parts = append(parts, part.String())
			part.Reset()
			re.WriteString(".*")
			continue
		case r == '_':
			single = true
			re.WriteByte('.')
			continue
		}
		part.WriteRune(r)
		re.WriteString(regexp.QuoteMeta(string(r)))
	}
	if single {
		return regexp.MustCompile(`(?s)\A` + re.String() + `\z`).MatchString
	}
	return inOrder(append(parts, part.String()))
}

// inOrder tests for texts that begin with the first part, end with the last, and have
// the others in between.
func inOrder(parts []string) func(string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return func(s string) bool { return s == first }
	}
	if len(parts) == 3 && first == "" && last == "" {
		return func(s string) bool { return strings.Contains(s, parts[1]) }
	}
	return func(s string) bool {
		if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
			return false
		}
		s = s[len(first) : len(s)-len(last)]
		for _, m := range parts[1 : len(parts)-1] {
			i := strings.Index(s, m)
			if i < 0 {
				return false
			}
			s = s[i+len(m):]
		}
		return true
	}
}
