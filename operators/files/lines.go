package files

import (
	"regexp"

	"github.com/penstock-data/penstock/pipeline"
)

// Lines chooses among the lines of a text file by regular expressions (RE2), which are
// searched for in a line as it is in the file, without its end. The zero value takes all.
type Lines struct {
	// Except leaves out the lines in which it is found; empty: none.
	Except string
	// Only leaves out those in which it is not; empty: none.
	Only string
}

// String is the canonical text, to be added to that of a source; empty for all lines.
func (l Lines) String() (text string) {
	if l.Only != "" {
		text += " lines only /" + l.Only + "/"
	}
	if l.Except != "" {
		text += " lines except /" + l.Except + "/"
	}
	return text
}

// Chooser gives what says whether a line is taken; nil takes all. An expression that is none
// is an Invalid error.
func (l Lines) Chooser() (takes func(line []byte) bool, err error) {
	if l == (Lines{}) {
		return nil, nil
	}
	only, err := l.compile("only", l.Only)
	if err != nil {
		return nil, err
	}
	except, err := l.compile("except", l.Except)
	if err != nil {
		return nil, err
	}
	return func(line []byte) bool {
		return (l.Only == "" || only.Match(line)) && (l.Except == "" || !except.Match(line))
	}, nil
}

func (l Lines) compile(what, text string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.Invalid, "lines: %s: %w", what, err)
	}
	return re, nil
}
