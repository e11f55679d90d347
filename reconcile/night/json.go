package night

import (
	"bytes"
	"encoding/json"
	"io"
)

// JSON writes the night as one object, indented; see the package on what of it stays.
func JSON(w io.Writer, n *Night) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(n)
}

// Summary is the JSON of a night in about so many bytes at most: breaks, then gates, then the ends of
// texts are left out until it fits. How many breaks there are stays.
func Summary(n *Night, most int) ([]byte, error) {
	short := *n
	write := func() ([]byte, error) {
		var b bytes.Buffer
		err := JSON(&b, &short)
		return b.Bytes(), err
	}
	text, err := write()
	for shown := longest(n); err == nil && len(text) > most && shown > 0; {
		shown /= 2
		for _, l := range []*List{&short.New, &short.Aged, &short.Cleared, &short.Biggest} {
			l.Breaks = l.Breaks[:min(len(l.Breaks), shown)]
		}
		short.Gates = short.Gates[:min(len(short.Gates), shown)]
		text, err = write()
	}
	if err != nil || len(text) <= most {
		return text, err
	}
	short.Error, short.Rests = cut(n.Error, maxText), cut(n.Rests, maxText)
	short.Why = nil
	for _, w := range n.Why[:min(len(n.Why), maxWhy)] {
		short.Why = append(short.Why, cut(w, maxText))
	}
	return write()
}

// The bounds of a summary that would not fit else.
const (
	maxText = 500 // letters of a text
	maxWhy  = 10
)

// longest is how many the longest list of the night has.
func longest(n *Night) (most int) {
	for _, l := range []List{n.New, n.Aged, n.Cleared, n.Biggest} {
		most = max(most, len(l.Breaks))
	}
	return max(most, len(n.Gates))
}
