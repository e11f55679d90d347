package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Kind says what sort of thing went wrong, so that callers can act on it.
type Kind string

// The kinds of errors.
const (
	Invalid  Kind = "invalid"  // the description is wrong: a pipeline file, a flag
	BadInput Kind = "input"    // the data to read is missing, damaged or of another type
	IO       Kind = "io"       // the disk or the network
	Conflict Kind = "conflict" // another run holds the partition
	Memory   Kind = "memory"   // the budget is used up
	Canceled Kind = "canceled" // someone asked to stop
	Internal Kind = "internal" // a bug: a panic, a broken invariant
)

// Pos is a place in a pipeline file. The zero value means none.
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
}

func (p Pos) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
	}
}

// Error is the one error type of Penstock. Its text is
//
//	file:line:col: stage "x": gate "y": what is wrong
//		evidence, a line each
//
// Each part is left out where there is none.
type Error struct {
	Kind  Kind
	At    Pos
	Stage string
	Gate  string
	// Where is the place in the data: "a.parquet: row group 3".
	Where string
	// Msg is lower case, without period. If it is empty, Err speaks.
	Msg string
	// Evidence and remedy: further lines, printed indented.
	Evidence []string
	Err      error
}

// Errorf returns an error of the kind with a formatted message; %w works.
func Errorf(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// With adds lines of evidence and returns e.
func (e *Error) With(evidence ...string) *Error {
	e.Evidence = append(e.Evidence, evidence...)
	return e
}

// Error is the first line and, indented by a tab, the evidence.
func (e *Error) Error() string {
	var b strings.Builder
	part := func(s string) {
		if s != "" {
			if b.Len() > 0 {
				b.WriteString(": ")
			}
			b.WriteString(s)
		}
	}
	part(e.At.String())
	if e.Stage != "" {
		part(fmt.Sprintf("stage %q", e.Stage))
	}
	if e.Gate != "" {
		part(fmt.Sprintf("gate %q", e.Gate))
	}
	part(e.Where)
	evidence := e.Evidence
	if e.Msg != "" {
		part(e.Msg)
	} else if e.Err != nil {
		first, rest, more := strings.Cut(e.Err.Error(), "\n")
		part(first)
		if more {
			for line := range strings.SplitSeq(rest, "\n") {
				evidence = append(evidence[:len(evidence):len(evidence)], strings.TrimPrefix(line, "\t"))
			}
		}
	}
	for _, line := range evidence {
		b.WriteString("\n\t")
		b.WriteString(line)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain; context errors are
// Canceled, errors of the file system IO, all others Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) && e.Kind != "" {
		return e.Kind
	}
	if isCanceled(err) {
		return Canceled
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return IO
	}
	return Internal
}

// maxErrors is how many problems of one phase are printed.
const maxErrors = 20

// Errors are all the problems of one phase, in file order.
type Errors []error

// Err returns nil if there are none, the error itself if there is one.
func (es Errors) Err() error {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	return es
}

func (es Errors) Error() string {
	var lines []string
	for i, e := range es {
		if i == maxErrors {
			lines = append(lines, fmt.Sprintf("and %d more problems", len(es)-maxErrors))
			break
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

func (es Errors) Unwrap() []error { return es }
