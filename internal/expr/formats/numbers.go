package formats

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Integer reports whether a text is digits after an optional sign.
func Integer(s string) bool {
	s = unsigned(s)
	return s != "" && digits(s) == len(s)
}

// Decimal reports whether a text is a number without an exponent: 12, -1.50, .5.
func Decimal(s string) bool {
	s = unsigned(s)
	n := digits(s)
	if n == len(s) {
		return n > 0
	}
	return s[n] == '.' && n+1 < len(s) && digits(s[n+1:]) == len(s)-n-1
}

// Number reports whether a text is a number with an optional exponent, as programs write
// floating point: 12, -1.5, .5, 1., 6.02e23. Infinity and NaN are none.
func Number(s string) bool {
	s = unsigned(s)
	n := digits(s)
	fraction := 0
	if s = s[n:]; s != "" && s[0] == '.' {
		fraction = digits(s[1:])
		s = s[1+fraction:]
	}
	if n+fraction == 0 {
		return false
	}
	return s == "" || s[0]|0x20 == 'e' && Integer(s[1:])
}

// Percentage reports whether a text is a number without an exponent, at most one space, and
// a percent sign: 12%, -0.5 %.
func Percentage(s string) bool {
	number, ok := strings.CutSuffix(s, "%")
	return ok && Decimal(strings.TrimSuffix(number, " "))
}

// Bool reports whether a text is one of true, false, yes, no, on, off, t, f, y, n, 1 and 0,
// in any case.
func Bool(s string) bool {
	if len(s) > len("false") {
		return false
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0":
		return true
	}
	return false
}

// Money reports whether a text is an amount: an optional sign, an optional currency before or
// behind it (a sign as of Unicode Sc, or three capital letters as of ISO 4217) that a space
// may set off, digits in groups of three or in none, and two decimals or none: -$1,234.50,
// EUR 12, 1.234,50 €.
func Money(s string) bool {
	signed := unsigned(s)
	amount, before := currencyBefore(signed)
	if before {
		amount = strings.TrimPrefix(amount, " ")
		if len(signed) == len(s) {
			amount = unsigned(amount)
		}
		return plainAmount(amount)
	}
	if amount, behind := currencyBehind(amount); behind {
		return plainAmount(strings.TrimSuffix(amount, " "))
	}
	return plainAmount(amount)
}

func currencyBefore(s string) (rest string, ok bool) {
	if r, n := utf8.DecodeRuneInString(s); unicode.Is(unicode.Sc, r) {
		return s[n:], true
	}
	if len(s) > 3 && capitals(s[:3]) {
		return s[3:], true
	}
	return s, false
}

func currencyBehind(s string) (rest string, ok bool) {
	if r, n := utf8.DecodeLastRuneInString(s); unicode.Is(unicode.Sc, r) {
		return s[:len(s)-n], true
	}
	if len(s) > 3 && capitals(s[len(s)-3:]) {
		return s[:len(s)-3], true
	}
	return s, false
}

func capitals(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// plainAmount tests digits with a comma, or a point, between thousands and the other one
// before the decimals.
func plainAmount(s string) bool {
	return grouped(s, ',', '.') || grouped(s, '.', ',')
}

func grouped(s string, thousands, point byte) bool {
	if i := strings.IndexByte(s, point); i >= 0 {
		if len(s)-i-1 != 2 || digits(s[i+1:]) != 2 {
			return false
		}
		s = s[:i]
	}
	n := digits(s)
	if n == len(s) {
		return n > 0
	}
	if n < 1 || n > 3 {
		return false
	}
	for s = s[n:]; s != ""; s = s[4:] {
		if len(s) < 4 || s[0] != thousands || digits(s[1:4]) != 3 {
			return false
		}
	}
	return true
}
