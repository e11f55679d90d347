package gates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Spec is a named check, as it is written in a pipeline file.
type Spec struct {
	Name string
	Args Shape
	// Group is what it is about, for people.
	Group string
	// Doc is a sentence or two, Example the value of the check in YAML.
	Doc, Example string
	// Fields are those of a check with Fields.
	Fields []Field
	build  func(arg any) (Check, error)
}

// Shape is what the value of a named check is.
type Shape string

// The shapes.
const (
	Text        Shape = "text"         // CEL, or a name: a string
	Columns     Shape = "columns"      // columns that make one check: []string
	EachColumn  Shape = "each column"  // a check for each column: string
	ColumnValue Shape = "column value" // a check for each column with its value: Pair
	Fields      Shape = "fields"       // a mapping of Fields: map[string]any
	Checks      Shape = "checks"       // other checks: []Check
)

// Field is a field of a check's value.
type Field struct {
	Name, Doc string
	// Kind is "text", "texts", "value" (a scalar), "pairs" ([]Pair), "any", "number" (int64) or
	// "bool".
	Kind     string
	Required bool
	Choices  []string
}

// Pair is a column with what a check wants of it: nil, a string, a float64, an int64, a
// bool, a []any or a map[string]any of these.
type Pair struct {
	Column string
	Value  any
}

// Vocabulary are all named checks, in the order of the documentation.
func Vocabulary() (all []Spec) {
	for _, g := range []struct {
		name  string
		specs []Spec
	}{
		{"What the others are short for", generalSpecs},
		{"Rows", rowSpecs},
		{"Texts", textSpecs},
		{"Keys", keySpecs},
		{"Sets of values", valueSpecs},
		{"Numbers of the whole", metricSpecs},
		{"Time", timeSpecs},
		{"Against the past", historySpecs},
		{"Against other sources and stages", inputSpecs},
		{"Columns", schemaSpecs},
		{"And, or, not", compositeSpecs},
	} {
		for _, s := range g.specs {
			s.Group = g.name
			all = append(all, s)
		}
	}
	return all
}

// Build makes the check of its argument, which is as Args says.
func (s Spec) Build(arg any) (Check, error) {
	c, err := s.build(arg)
	if err != nil {
		return Check{}, pipeline.Errorf(pipeline.Invalid, "%s: %w", s.Name, err)
	}
	c.label = s.Name
	return c, nil
}

// SpecNamed is the named check.
func SpecNamed(name string) (Spec, bool) {
	all := Vocabulary()
	i := slices.IndexFunc(all, func(s Spec) bool { return s.Name == name })
	if i < 0 {
		return Spec{}, false
	}
	return all[i], true
}

// generalSpecs are the checks that the others are sugar for.
var generalSpecs = []Spec{
	{
		Name: "rows", Args: Text, Doc: "A CEL predicate that each row must satisfy.", Example: "delay >= -60 && delay <= 720",
		build: func(arg any) (Check, error) { return Rows(arg.(string)), nil },
	},
	{
		Name: "expect", Args: Text, Doc: "A CEL statement about metrics of the partition. As a mapping of `block` and `warn`, a statement that must hold, and one that only warns.",
		Example: "rows() > 10 && null_share(email) < 0.01",
		build:   func(arg any) (Check, error) { return Expect(arg.(string)), nil },
	},
}

// each is a check of one column: c in the template stands for it.
func each(name, doc, example, template string) Spec {
	return Spec{Name: name, Args: EachColumn, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		column := arg.(string)
		return Check{
			kind: rowCheck, columns: []string{column}, show: name + " " + column,
			predicate: func(s *arrow.Schema) (string, error) {
				if err := exists(s, column); err != nil {
					return "", err
				}
				return strings.ReplaceAll(template, "{c}", ident(column)), nil
			},
		}, nil
	}}
}

// eachWith is a check of one column and a value or list: {v} in the template stands for it,
// written as the column's type needs it.
func eachWith(name, doc, example, template string) Spec {
	return Spec{Name: name, Args: ColumnValue, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		p := arg.(Pair)
		if p.Value == nil {
			return Check{}, fmt.Errorf("%s needs a value", p.Column)
		}
		return Check{
			kind: rowCheck, columns: []string{p.Column}, show: fmt.Sprintf("%s %s: %s", name, p.Column, shownValue(p.Value)),
			predicate: func(s *arrow.Schema) (string, error) {
				text, err := literals(s, p.Column, p.Value)
				if err != nil {
					return "", err
				}
				return strings.NewReplacer("{c}", ident(p.Column), "{v}", text).Replace(template), nil
			},
		}, nil
	}}
}

// expectEach is a statement about one column.
func expectEach(name, doc, example, template string) Spec {
	return Spec{Name: name, Args: EachColumn, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		column := arg.(string)
		return statementOf(name+" "+column, []string{column}, strings.ReplaceAll(template, "{c}", ident(column))), nil
	}}
}

// statementOf is an expect check that is written otherwise.
func statementOf(show string, columns []string, text string) Check {
	return Check{kind: expectCheck, columns: columns, text: text, show: show}
}

// expectWithin is a statement that a metric of a column is a number, or between two.
func expectWithin(name, doc, example, metric string) Spec {
	return Spec{Name: name, Args: ColumnValue, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		p := arg.(Pair)
		of := strings.ReplaceAll(metric, "{c}", ident(p.Column))
		text, err := withinText(of, p.Value)
		return statementOf(fmt.Sprintf("%s %s: %s", name, p.Column, shownValue(p.Value)), []string{p.Column}, text), err
	}}
}

// withinText says in CEL that a metric is a value, or between two of which one may be null.
func withinText(metric string, v any) (string, error) {
	bounds, isList := v.([]any)
	if !isList {
		text, err := plainLiteral(v)
		return metric + " == " + text, err
	}
	if len(bounds) != 2 || bounds[0] == nil && bounds[1] == nil {
		return "", fmt.Errorf("expected a value, or [least, greatest] of which one may be null, found %s", shownValue(v))
	}
	if err := inOrder(bounds[0], bounds[1]); err != nil {
		return "", err
	}
	var parts []string
	for i, op := range []string{" >= ", " <= "} {
		if bounds[i] == nil {
			continue
		}
		text, err := plainLiteral(bounds[i])
		if err != nil {
			return "", err
		}
		parts = append(parts, metric+op+text)
	}
	return strings.Join(parts, " && "), nil
}

// literals is a value, or a list of them, in CEL, of the type of the column.
func literals(s *arrow.Schema, column string, v any) (string, error) {
	list, ok := v.([]any)
	if !ok {
		return literal(s, column, v)
	}
	var parts []string
	for _, item := range list {
		text, err := literal(s, column, item)
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "", fmt.Errorf("the list of %s is empty", column)
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

// plainLiteral is a value in CEL.
func plainLiteral(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return quote(v), nil
	case bool, int64:
		return fmt.Sprint(v), nil
	case int:
		return fmt.Sprint(v), nil
	case float64:
		return doubleText(v), nil
	}
	return "", fmt.Errorf("expected a number or a text, found %s", shownValue(v))
}

// textList is a list of texts in CEL.
func textList(v any) (string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var parts []string
	for _, item := range list {
		parts = append(parts, quote(fmt.Sprint(item)))
	}
	if len(parts) == 0 {
		return "", fmt.Errorf("expected a list of values, found none")
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

func shownValue(v any) string {
	switch v := v.(type) {
	case []any:
		return list(v)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}
