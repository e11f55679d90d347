package gates

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Check says what must hold of rows, or of a whole partition. It is made by one of the
// functions below.
type Check struct {
	kind  kind
	label string // what the check is called in YAML
	text  string // CEL, where it is known before the schema
	warn  string // of an expect check: the statement that only warns
	// unpartitioned stands for text where there are no partitions in time; may be empty.
	unpartitioned string
	columns       []string // that it names
	// predicate makes the CEL of a row check, or the statement of an expect check,
	// against the schema, where text does not say it.
	predicate func(*arrow.Schema) (string, error)
	show      string // the check as people write it
	// What a reference looks up, and in which rows; absent: it must not be there.
	input, inputWhere string
	inputColumns      []string
	absent            bool
	schema            *Contract
	function          RowFunc // of a row check, in place of predicate
	members           []Check // of a composite
	want              want
}

// ofRows reports whether the check looks at rows, and not at what others made of them.
func (c Check) ofRows() bool {
	return c.kind == rowCheck || c.kind == uniqueCheck || c.kind == referenceCheck
}

// textFor is the CEL of the check.
func (c Check) textFor(s *arrow.Schema, around pipeline.Surroundings) (string, error) {
	switch {
	case c.predicate != nil:
		return c.predicate(s)
	case c.unpartitioned != "" && around.Partition.Start.IsZero():
		return c.unpartitioned, nil
	}
	return c.text, nil
}

// Warning is an expect check of which one statement must hold, and one only warns.
func Warning(statement, warn string) Check {
	return Check{kind: expectCheck, label: "expect", text: statement, warn: warn, show: "expect " + statement}
}

type kind int

const (
	rowCheck kind = iota
	expectCheck
	uniqueCheck
	referenceCheck
	schemaCheck
	compositeCheck
)

// want is how many members of a composite must hold.
type want int

const (
	wantAll want = iota
	wantAny
	wantNone
)

// Rows holds of rows for which the CEL predicate is true.
func Rows(predicate string) Check {
	return Check{kind: rowCheck, label: "rows", text: predicate, show: "rows " + predicate}
}

// Expect holds if the CEL statement about metrics is true of the partition.
func Expect(statement string) Check {
	return Check{kind: expectCheck, label: "expect", text: statement, show: "expect " + statement}
}

// NotNull holds of rows in which none of the columns is null.
func NotNull(columns ...string) Check {
	return Check{
		kind: rowCheck, label: "not_null", columns: columns, show: "not_null " + strings.Join(columns, ", "),
		predicate: func(s *arrow.Schema) (string, error) {
			var parts []string
			for _, c := range columns {
				if err := exists(s, c); err != nil {
					return "", err
				}
				parts = append(parts, ident(c)+" != null")
			}
			if len(parts) == 0 {
				return "", pipeline.Errorf(pipeline.Invalid, "not_null: of which columns?")
			}
			return strings.Join(parts, " && "), nil
		},
	}
}

// Unique holds if no two rows are equal in all of the columns. Rows in which one of
// them is null are not tested. Rows that share their key all count as failed.
func Unique(columns ...string) Check {
	return Check{kind: uniqueCheck, label: "unique", columns: columns, show: "unique " + strings.Join(columns, ", ")}
}

// Accepted holds of rows whose column is one of the values.
func Accepted(column string, values ...any) Check {
	return Check{
		kind: rowCheck, label: "accepted", columns: []string{column}, show: fmt.Sprintf("accepted %s: %s", column, list(values)),
		predicate: func(s *arrow.Schema) (string, error) {
			if len(values) == 0 {
				return "", pipeline.Errorf(pipeline.Invalid, "accepted: which values of %s?", column)
			}
			var parts []string
			for _, v := range values {
				text, err := literal(s, column, v)
				if err != nil {
					return "", err
				}
				parts = append(parts, text)
			}
			return fmt.Sprintf("%s in [%s]", ident(column), strings.Join(parts, ", ")), nil
		},
	}
}

// Between holds of rows whose column is from low to high, both included; nil leaves a
// side open.
func Between(column string, low, high any) Check {
	return Check{
		kind: rowCheck, label: "between", columns: []string{column}, show: fmt.Sprintf("between %s: %s", column, list([]any{low, high})),
		predicate: func(s *arrow.Schema) (string, error) {
			if err := inOrder(low, high); err != nil {
				return "", pipeline.Errorf(pipeline.Invalid, "between %s: %w", column, err)
			}
			var parts []string
			for _, bound := range []struct {
				op string
				v  any
			}{{">=", low}, {"<=", high}} {
				if bound.v == nil {
					continue
				}
				text, err := literal(s, column, bound.v)
				if err != nil {
					return "", err
				}
				parts = append(parts, ident(column)+" "+bound.op+" "+text)
			}
			if len(parts) == 0 {
				return "", pipeline.Errorf(pipeline.Invalid, "between: %s has no bound", column)
			}
			return strings.Join(parts, " && "), nil
		},
	}
}

// Matches holds of rows whose column matches the regular expression (RE2) anywhere in
// it; anchor it with ^ and $ to match the whole.
func Matches(column, regex string) Check {
	return Check{
		kind: rowCheck, label: "matches", columns: []string{column}, show: fmt.Sprintf("matches %s: %s", column, regex),
		predicate: func(s *arrow.Schema) (string, error) {
			if err := exists(s, column); err != nil {
				return "", err
			}
			return fmt.Sprintf("%s.matches(%s)", ident(column), strconv.Quote(regex)), nil
		},
	}
}

// References holds of rows whose column is a value that the column of another source or
// stage has. Rows in which it is null are not tested.
func References(column, input, inputColumn string) Check {
	return Check{
		kind: referenceCheck, label: "references", columns: []string{column}, input: input, inputColumns: []string{inputColumn},
		show: fmt.Sprintf("references %s: %s.%s", column, input, inputColumn),
	}
}

// RowCount holds if there are from low to high rows, both included; a negative bound is
// open.
func RowCount(low, high int64) Check {
	var parts, shown []string
	if low >= 0 {
		parts, shown = append(parts, fmt.Sprintf("rows() >= %d", low)), append(shown, fmt.Sprintf("min %d", low))
	}
	if high >= 0 {
		parts, shown = append(parts, fmt.Sprintf("rows() <= %d", high)), append(shown, fmt.Sprintf("max %d", high))
	}
	c := Check{kind: expectCheck, label: "row_count", text: strings.Join(parts, " && "), show: "row_count " + strings.Join(shown, ", ")}
	if high >= 0 && low > high {
		c.predicate = func(*arrow.Schema) (string, error) { return "", minAboveMax(low, high) }
	}
	return c
}

func minAboveMax(low, high int64) error {
	return pipeline.Errorf(pipeline.Invalid, "expected max to be at least min, found min %d and max %d", low, high)
}

// String is the check as people write it.
func (c Check) String() string { return c.show }

// name is the rule's name where the user gave none.
func (c Check) name() string {
	name := c.label
	for _, col := range c.columns {
		name += "_" + col
	}
	return name
}

func exists(s *arrow.Schema, column string) error {
	if s.HasField(column) {
		return nil
	}
	return pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("column", column, pipeline.ColumnNames(s)))
}

// ident is a column in CEL, whatever its name.
func ident(column string) string {
	if plainName.MatchString(column) && !slices.Contains(notNames, column) {
		return column
	}
	return "col(" + quote(column) + ")"
}

var (
	plainName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// notNames are words that CEL has for itself, or that are functions without arguments.
	notNames = []string{
		"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
		"import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
	}
)

// quote is a text in CEL.
func quote(s string) string { return strconv.Quote(s) }

// doubleText is a double in CEL.
func doubleText(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if strings.ContainsAny(text, ".e") {
		return text
	}
	return text + ".0"
}

// literal is a value in CEL, of the type that the column has there.
func literal(s *arrow.Schema, column string, v any) (string, error) {
	if err := exists(s, column); err != nil {
		return "", err
	}
	f := s.Field(s.FieldIndices(column)[0])
	t := pipeline.ValueType(f.Type)
	switch v := v.(type) {
	case string:
		return strconv.Quote(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	text := fmt.Sprint(v)
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", pipeline.Errorf(pipeline.Invalid, "%s: %v is neither a number, a text nor a bool", column, v)
	}
	switch {
	case arrow.IsFloating(t.ID()):
		return doubleText(n), nil
	case arrow.IsUnsignedInteger(t.ID()) && n >= 0:
		return text + "u", nil
	}
	return text, nil
}

func list(values []any) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, shownItem(v))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// shownItem is a value of a list: texts that could be taken for something else are quoted, for
// rules of the same text are taken for the same.
func shownItem(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		return list(v)
	case string:
		_, err := strconv.ParseFloat(v, 64)
		if err == nil || strings.ContainsAny(v, ",[]\"\n") || v == "null" || v == "true" || v == "false" {
			return quote(v)
		}
	}
	return fmt.Sprint(v)
}
