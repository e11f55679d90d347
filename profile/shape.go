package profile

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxShape is up to how many characters texts may have to have a shape.
const maxShape = 40

// class is a set of kinds of characters.
type class uint8

const (
	digit class = 1 << iota
	upper
	lower
	sign
)

func classOf(c byte) class {
	switch {
	case c >= '0' && c <= '9':
		return digit
	case c >= 'A' && c <= 'Z':
		return upper
	case c >= 'a' && c <= 'z':
		return lower
	}
	return sign
}

// place is what stands at a place of texts.
type place struct {
	classes class
	one     byte // the character that always stands there; 0: there are several
}

// shape is what texts of one length have in common, place by place. The zero value is that
// of no texts.
type shape struct {
	any, none bool
	places    []place
}

func (s *shape) add(v string) {
	switch {
	case s.none:
		return
	case len(v) > maxShape || s.any && len(v) != len(s.places):
		s.none, s.places = true, nil
		return
	case !s.any:
		s.any, s.places = true, make([]place, len(v))
		for i := range s.places {
			s.places[i] = place{classOf(v[i]), v[i]}
		}
	}
	for i := range s.places {
		s.places[i].merge(place{classOf(v[i]), v[i]})
		if v[i] < ' ' || v[i] > '~' {
			s.none = true
		}
	}
}

func (p *place) merge(o place) {
	p.classes |= o.classes
	if p.one != o.one {
		p.one = 0
	}
}

func (s *shape) merge(o *shape) {
	switch {
	case s.none || !o.any && !o.none:
	case o.none || s.any && len(s.places) != len(o.places):
		s.none, s.places = true, nil
	case !s.any:
		s.any, s.places = true, slices.Clone(o.places)
	default:
		for i := range s.places {
			s.places[i].merge(o.places[i])
		}
	}
}

// regex is a regular expression for the whole text; empty if signs vary, so that there is
// no pattern.
func (s *shape) regex() string {
	if !s.any || s.none || len(s.places) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte('^')
	for i := 0; i < len(s.places); {
		text := s.places[i].regex()
		if text == "" {
			return ""
		}
		n := 1
		for i+n < len(s.places) && s.places[i+n].regex() == text {
			n++
		}
		b.WriteString(text)
		if n > 1 {
			fmt.Fprintf(&b, "{%d}", n)
		}
		i += n
	}
	b.WriteByte('$')
	return b.String()
}

func (p place) regex() string {
	switch {
	case p.classes == sign && p.one != 0:
		return regexp.QuoteMeta(string(p.one))
	case p.classes&sign != 0:
		return ""
	}
	var b strings.Builder
	b.WriteByte('[')
	for _, part := range []struct {
		class class
		text  string
	}{{digit, "0-9"}, {upper, "A-Z"}, {lower, "a-z"}} {
		if p.classes&part.class != 0 {
			b.WriteString(part.text)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// sortValues puts the most frequent first.
func sortValues(all []Value) {
	slices.SortFunc(all, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Value, b.Value))
	})
}
