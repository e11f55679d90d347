package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"

	"github.com/penstock-data/penstock/pipeline"
)

// Error is what is wrong with an expression, and where in it.
type Error struct {
	// Msg is one line, lower case, without a place.
	Msg string
	// Line and Col, from 1, are within the expression.
	Line, Col int
	// Snippet is the line with a caret below, then what helps to understand.
	Snippet []string
}

func (e *Error) Error() string {
	return strings.Join(append([]string{e.Msg}, e.Snippet...), "\n\t")
}

// At gives the place in a file, for an expression whose text begins at pos.
func (e *Error) At(pos pipeline.Pos) pipeline.Pos {
	if pos.Line == 0 {
		return pos
	}
	if e.Line > 1 {
		pos.Line += e.Line - 1
		return pos
	}
	pos.Col += e.Col - 1
	return pos
}

// problem turns what cel-go says into what people read: its first complaint, for
// the others tend to follow from it.
func (c *compiler) problem(issues *cel.Issues) *Error {
	errs := issues.Errors()
	if len(errs) == 0 {
		return &Error{Msg: issues.Err().Error(), Line: 1, Col: 1}
	}
	first := errs[0]
	e := &Error{Line: first.Location.Line(), Col: first.Location.Column() + 1}
	e.Msg, e.Snippet = c.explain(first)
	e.Snippet = append(c.caret(first.Location), e.Snippet...)
	return e
}

func (c *compiler) caret(at common.Location) []string {
	lines := strings.Split(c.src, "\n")
	if at.Line() < 1 || at.Line() > len(lines) || at.Column() < 0 {
		return nil
	}
	return []string{"| " + lines[at.Line()-1], "| " + strings.Repeat(".", at.Column()) + "^"}
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noOverload = regexp.MustCompile(`^found (no matching overload for '[^']*' applied to '(.*)')`)
	mixed      = regexp.MustCompile(`'_[-+*/%]_' applied to '\((int, double|double, int|uint, double|double, uint|int, uint|uint, int)\)'`)
)

// explain gives the message and the lines of evidence below the caret.
func (c *compiler) explain(e *common.Error) (string, []string) {
	if m := undeclared.FindStringSubmatch(e.Message); m != nil {
		return c.unknown(strings.TrimPrefix(m[1], "."))
	}
	if m := noOverload.FindStringSubmatch(e.Message); m != nil {
		lines := c.columnTypes()
		if mixed.MatchString(m[1]) {
			lines = append(lines, "CEL calculates with one type at a time: convert one side, like double(x)")
		}
		return m[1], lines
	}
	// What might have stood there instead is a list of the parser's own words.
	msg, _, _ := strings.Cut(strings.TrimPrefix(e.Message, "Syntax error: "), " expecting {")
	return lowerFirst(msg), nil
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// unknown explains a name that stands for nothing.
func (c *compiler) unknown(name string) (string, []string) {
	if i := c.schema.FieldIndices(name); len(i) > 0 {
		t := typeName(c.schema.Field(i[0]).Type)
		return fmt.Sprintf("column %q is a %s, which expressions can't read", name, t), []string{"cast it first, or use the sql operator"}
	}
	var names []string
	for _, f := range c.schema.Fields() {
		names = append(names, f.Name)
	}
	if near := pipeline.Nearest(name, names); near != "" {
		return fmt.Sprintf("unknown column %q; did you mean %q?", name, near), nil
	}
	if near := pipeline.Nearest(name, functionNames()); near != "" {
		return fmt.Sprintf("unknown name %q; did you mean the function %q?", name, near), nil
	}
	return fmt.Sprintf("unknown name %q", name), []string{"columns are " + strings.Join(names, ", ")}
}

func functionNames() []string {
	var names []string
	for name := range baseEnv().Functions() {
		if isIdent(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// columnTypes says of which type the columns are that stand in the expression.
func (c *compiler) columnTypes() []string {
	parsed, issues := baseEnv().Parse(c.src)
	if issues.Err() != nil {
		return nil
	}
	var lines []string
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind {
			return
		}
		i, ok := c.byVariable[e.AsIdent()]
		if !ok {
			return
		}
		line := fmt.Sprintf("%s is a %s column", c.schema.Field(i).Name, typeName(c.schema.Field(i).Type))
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}))
	return lines
}
