package csv

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Source reads a set of CSV files; each file is a split.
type Source struct {
	files.Set
	// Schema declares columns by name; nil: all are inferred.
	Schema *arrow.Schema
	// Delimiter separates fields; 0: a comma.
	Delimiter rune
	// NoHeader says that the first line is a row. The columns are those of Schema, or
	// column1, column2, ….
	NoHeader bool
	// Null lists texts that stand for null, besides the empty one.
	Null []string
	// Lines chooses rows by their first line; the header is always taken.
	Lines files.Lines
}

// Files is the source of the files at the paths, templates or globs.
func Files(paths ...string) Source { return Source{Set: files.Set{Paths: paths}} }

// String implements pipeline.Source.
func (s Source) String() string {
	text := "csv " + s.Set.String()
	if s.Schema != nil {
		var cols []string
		for _, f := range s.Schema.Fields() {
			cols = append(cols, f.Name+" "+pipeline.TypeName(f.Type))
		}
		text += " schema " + strings.Join(cols, ", ")
	}
	if s.Delimiter != 0 {
		text += fmt.Sprintf(" delimiter %q", s.Delimiter)
	}
	if s.NoHeader {
		text += " without header"
	}
	if len(s.Null) > 0 {
		text += fmt.Sprintf(" null %q", s.Null)
	}
	return text + s.Lines.String()
}

// Resolve implements pipeline.Source.
func (s Source) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	return s.Set.Resolve(ctx, env, s.inspect)
}

// inferRows is how many rows types are inferred from.
const inferRows = 10_000

func (s Source) inspect(ctx context.Context, _ *pipeline.Env, f files.File) (*files.Inspected, error) {
	path, name := f.Abs, f.Path
	l, err := s.open(path, name)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	schema, err := s.infer(ctx, l)
	if err != nil {
		return nil, err
	}
	in := &files.Inspected{}
	in.Schema = schema
	in.Splits = []pipeline.Split{{
		Name: name, Rows: -1, Bytes: -1, AtMost: s.Lines != files.Lines{},
		Open: func(_ context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			l, err := s.open(path, name)
			if err != nil {
				return nil, err
			}
			return newReader(env, l, schema, columns, s.Null), nil
		},
	}}
	return in, nil
}

// lines reads the fields of a file, line by line.
type lines struct {
	io.Closer
	csv   *csv.Reader
	name  string
	names []string
}

func (s Source) open(path, name string) (*lines, error) {
	takes, err := s.Lines.Chooser()
	if err != nil {
		return nil, err
	}
	f, err := files.Reader(path)
	if err != nil {
		return nil, err
	}
	l := &lines{Closer: f, name: name}
	text := skipBOM(f)
	if takes != nil {
		c := newChosen(text, takes, cmp.Or(s.Delimiter, ','), !s.NoHeader)
		c.bad, text = l.bad, c
	}
	l.csv = csv.NewReader(text)
	l.csv.ReuseRecord = true
	l.csv.FieldsPerRecord = -1
	if s.Delimiter != 0 {
		l.csv.Comma = s.Delimiter
	}
	if err := s.header(l); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// header reads the names of the columns.
func (s Source) header(l *lines) error {
	switch {
	case !s.NoHeader:
		first, err := l.next()
		if err == io.EOF { //nolint:errorlint // identity: next gives it bare
			return l.bad(0, "has no header")
		}
		if err != nil {
			return err
		}
		l.names = append([]string{}, first...)
	case s.Schema != nil:
		l.names = pipeline.ColumnNames(s.Schema)
	default:
		return l.bad(0, "has no header, and no schema is declared").With("declare the columns with `schema`")
	}
	seen := map[string]int{}
	for i, n := range l.names {
		if n == "" {
			return l.bad(1, "column %d has no name", i+1)
		}
		if j, twice := seen[n]; twice {
			return l.bad(1, "columns %d and %d are both called %q", j+1, i+1, n)
		}
		seen[n] = i
	}
	if s.Schema != nil {
		for _, f := range s.Schema.Fields() {
			if _, ok := seen[f.Name]; !ok {
				return l.bad(1, "%s (the schema declares it)", pipeline.Unknown("column", f.Name, l.names))
			}
		}
	}
	return nil
}

// next gives the fields of the next row, or io.EOF.
func (l *lines) next() ([]string, error) {
	fields, err := l.csv.Read()
	if err == io.EOF { // encoding/csv gives it bare
		return nil, io.EOF
	}
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return nil, l.bad(pe.Line, "%v", pe.Err).With("a field with a quote in it is written in quotes, with the quote doubled")
	}
	var e *pipeline.Error
	if errors.As(err, &e) {
		return nil, e
	}
	if err != nil {
		return nil, l.bad(0, "%v", err)
	}
	if l.names != nil && len(fields) != len(l.names) {
		line, _ := l.csv.FieldPos(0)
		bad := l.bad(line, "%d fields, %d expected", len(fields), len(l.names)).With("columns are " + strings.Join(l.names, ", "))
		if other := otherDelimiter(l.names); other != "" {
			bad = bad.With("fields seem to be separated by " + other + "; a source in a pipeline file has `delimiter`")
		}
		return nil, bad
	}
	for i, f := range fields {
		if !utf8.ValidString(f) {
			line, _ := l.csv.FieldPos(i)
			name := fmt.Sprint(i + 1)
			if l.names != nil {
				name = l.names[i]
			}
			return nil, l.bad(line, "column %q: not UTF-8", name).With("convert the file, for example with iconv -f latin1 -t utf8")
		}
	}
	return fields, nil
}

func (l *lines) bad(line int, format string, args ...any) *pipeline.Error {
	e := &pipeline.Error{Kind: pipeline.BadInput, Where: l.name, Msg: fmt.Sprintf(format, args...)}
	if line > 0 {
		e.Where = fmt.Sprintf("%s: line %d", l.name, line)
	}
	return e
}

// skipBOM leaves out the mark that some programs begin UTF-8 files with.
func skipBOM(r io.Reader) io.Reader {
	var head [3]byte
	n, err := io.ReadFull(r, head[:])
	if err == nil && head == [3]byte{0xef, 0xbb, 0xbf} {
		return r
	}
	return io.MultiReader(strings.NewReader(string(head[:n])), r)
}

// otherDelimiter is what separates the names of a header that came out as a single one, in quotes.
func otherDelimiter(names []string) string {
	if len(names) != 1 {
		return ""
	}
	for _, by := range []string{";", "\t", "|"} {
		if strings.Contains(names[0], by) {
			return strconv.Quote(by)
		}
	}
	return ""
}
