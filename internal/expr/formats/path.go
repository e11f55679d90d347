package formats

import (
	"fmt"
	"strings"
)

// Path leads to one value of a JSON text.
type Path []pathStep

// pathStep goes to a member of an object, or, if index is not negative, to an element of an
// array.
type pathStep struct {
	name  string
	index int
}

// The bounds of a path. At each step an object may be read to its end.
const (
	maxPath      = 1000 // bytes
	maxPathSteps = 64
)

// NewPath reads a path, of the part of RFC 9535 that leads to one value: $ is the whole, .name
// or ["name"] a member, [0] an element.
func NewPath(text string) (Path, error) {
	if len(text) > maxPath {
		return nil, fmt.Errorf("a JSON path of %d bytes; at most %d are possible", len(text), maxPath)
	}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("JSON path %q does not begin with $; write it like $.a.b[0]", text)
	}
	p := Path{}
	for rest != "" {
		step, n := nextPathStep(rest)
		if n == 0 {
			return nil, fmt.Errorf("JSON path %q: %q is no step; steps are .name, [\"name\"] and [0]", text, rest)
		}
		p, rest = append(p, step), rest[n:]
	}
	if len(p) > maxPathSteps {
		return nil, fmt.Errorf("a JSON path of %d steps; at most %d are possible", len(p), maxPathSteps)
	}
	return p, nil
}

// nextPathStep gives the step that a text begins with, and of how many bytes it is; 0 if it is
// none.
func nextPathStep(s string) (pathStep, int) {
	switch {
	case s[0] == '.':
		n := strings.IndexAny(s[1:]+".", ".[]()*?'\"\\ \t\r\n")
		if n == 0 || s[1:][n:] != "" && s[1+n] != '.' && s[1+n] != '[' {
			return pathStep{}, 0
		}
		return pathStep{name: s[1 : 1+n], index: -1}, 1 + n
	case len(s) > 1 && s[0] == '[' && (s[1] == '"' || s[1] == '\''):
		return quotedStep(s)
	case s[0] == '[':
		n := digits(s[1:])
		if n == 0 || n > 9 || !strings.HasPrefix(s[1+n:], "]") {
			return pathStep{}, 0
		}
		return pathStep{index: number(s[1 : 1+n])}, n + 2
	}
	return pathStep{}, 0
}

// quotedStep reads ["name"] or ['name'], in which a backslash stands before a quote or another.
func quotedStep(s string) (pathStep, int) {
	var name strings.Builder
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case s[1]:
			if !strings.HasPrefix(s[i+1:], "]") {
				return pathStep{}, 0
			}
			return pathStep{name: name.String(), index: -1}, i + 2
		case '\\':
			if i++; i == len(s) || s[i] != '\\' && s[i] != '"' && s[i] != '\'' {
				return pathStep{}, 0
			}
		}
		name.WriteByte(s[i])
	}
	return pathStep{}, 0
}

// find gives the JSON of the value that the path leads to; ok is false if there is none, or the
// text is no JSON.
func (p Path) find(s string) (value string, ok bool) {
	if !JSON(s) {
		return "", false
	}
	i := afterSpace(s, 0)
	for _, step := range p {
		switch {
		case step.index < 0 && s[i] == '{':
			i = member(s, i, step.name)
		case step.index >= 0 && s[i] == '[':
			i = element(s, i, step.index)
		default:
			return "", false
		}
		if i < 0 {
			return "", false
		}
	}
	return s[i:afterValue(s, i)], true
}

// Has reports whether a text is JSON and has a value there, which may be null.
func (p Path) Has(s string) bool {
	_, ok := p.find(s)
	return ok
}

// Text gives the value there: a string without quotes, anything else as the JSON that stands
// there, null too. ok is false where Has is.
func (p Path) Text(s string) (text string, ok bool) {
	value, ok := p.find(s)
	if ok && value[0] == '"' {
		return unquote(value), true
	}
	return value, ok
}

// Type names the type of the value there, as JSON Schema does: object, array, string, integer
// (a number written without a fraction and an exponent), number, boolean or null; it is empty
// where Has is false.
func (p Path) Type(s string) string {
	value, ok := p.find(s)
	if !ok {
		return ""
	}
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	if Integer(value) {
		return "integer"
	}
	return "number"
}
