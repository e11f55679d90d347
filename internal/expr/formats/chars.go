package formats

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Blank reports whether a text is empty or only white space.
func Blank(s string) bool { return strings.TrimSpace(s) == "" }

// ASCII reports whether every byte is below 128.
func ASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Printable reports whether a text is valid UTF-8 without control characters (Unicode Cc):
// tab and new line are some.
func Printable(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Lower reports whether no letter is in upper or title case.
func Lower(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsTitle(r) }) < 0
}

// Upper reports whether no letter is in lower or title case.
func Upper(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsLower(r) || unicode.IsTitle(r) }) < 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// class is a set of classes of ASCII characters.
type class uint8

const (
	hex     class = 1 << iota
	inLabel       // of a host name
	inAtom        // of an e-mail address, RFC 5322
	inUser        // of a URL, RFC 3986, but for percent-encoded bytes
	inPath        // its query and its fragment too
)

var classes = func() (all [256]class) {
	add := func(chars string, c class) {
		for i := range len(chars) {
			all[chars[i]] |= c
		}
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	add("0123456789abcdefABCDEF", hex)
	add(letters+"0123456789", inLabel|inAtom|inUser|inPath)
	add("-", inLabel)
	add("!#$%&'*+/=?^_`{|}~-", inAtom)
	add("-._~!$&'()*+,;=:", inUser|inPath)
	add("/?@", inPath)
	return all
}()

// digits is how many digits a text begins with.
func digits(s string) int {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return i
		}
	}
	return len(s)
}

// unsigned takes a sign off.
func unsigned(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}
