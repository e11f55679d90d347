package formats

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// MaxJSONDepth is how many arrays and objects may stand within each other in a JSON text.
const MaxJSONDepth = 1000

// JSON reports whether a text is one JSON value as of RFC 8259, in valid UTF-8, white space
// around it allowed, no deeper than MaxJSONDepth.
func JSON(s string) bool {
	return utf8.ValidString(s) && !deep(s) && json.Valid(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// deep reports whether a text that may be JSON is deeper than MaxJSONDepth.
func deep(s string) bool {
	if strings.Count(s, "[")+strings.Count(s, "{") <= MaxJSONDepth {
		return false
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = afterString(s, i) - 1
		case '[', '{':
			if depth++; depth > MaxJSONDepth {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

// The following read a text that is known to be JSON; i is where something begins, and what
// they give is where it has ended.

func afterSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

func afterString(s string, i int) int {
	for i++; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(s))
}

func afterValue(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = afterString(s, i)
		case '[', '{':
			depth++
			i++
		case ']', '}':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			i = afterScalar(s, i)
		}
		if depth == 0 {
			break
		}
	}
	return i
}

func afterScalar(s string, i int) int {
	for i < len(s) && strings.IndexByte(",]} \t\n\r", s[i]) < 0 {
		i++
	}
	return i
}

// unquote gives the text of a JSON string.
func unquote(s string) string {
	inner := s[1 : len(s)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var text string
	if json.Unmarshal([]byte(s), &text) != nil {
		return ""
	}
	return text
}

// member gives where the value of an object's member begins, the last of that name; -1 if
// there is none.
func member(s string, i int, name string) int {
	found := -1
	for i = afterSpace(s, i+1); s[i] != '}'; {
		end := afterString(s, i)
		value := afterSpace(s, afterSpace(s, end)+1)
		if unquote(s[i:end]) == name {
			found = value
		}
		if i = afterSpace(s, afterValue(s, value)); s[i] == ',' {
			i = afterSpace(s, i+1)
		}
	}
	return found
}

// element gives where an element of an array begins, counted from 0; -1 if there is none.
func element(s string, i, index int) int {
	i = afterSpace(s, i+1)
	for n := 0; s[i] != ']'; n++ {
		if n == index {
			return i
		}
		if i = afterSpace(s, afterValue(s, i)); s[i] == ',' {
			i = afterSpace(s, i+1)
		}
	}
	return -1
}
