package gates

import (
	"fmt"
	"slices"
	"strings"
)

// inputSpecs are the checks against other sources and stages. What they name is run first.
var inputSpecs = []Spec{
	referenceSpec("references", "A column of another source or stage that must have the value: `input.column`, or a mapping of `in`, and `where` for the rows it is looked up in.", "{country: countries.code}", false),
	referenceSpec("absent_from", "A column of another source or stage that must not have the value.", "{country: banned.code}", true),
	{
		Name: "foreign_key", Args: Fields, Doc: "A combination of columns that another source or stage must have.", Example: "{columns: [country, currency], in: countries, match: [code, currency]}",
		Fields: []Field{
			{Name: "columns", Kind: "texts", Required: true, Doc: "The columns of the rows that are judged."},
			{Name: "in", Kind: "text", Required: true, Doc: "The source or stage."},
			{Name: "match", Kind: "texts", Required: true, Doc: "Its columns, in the same order."},
			{Name: "where", Kind: "text", Doc: "CEL: only its rows for which it is true count."},
		},
		build: func(arg any) (Check, error) {
			a := arg.(map[string]any)
			where, _ := a["where"].(string)
			return ForeignKey(textsOf(a["columns"]), fmt.Sprint(a["in"]), textsOf(a["match"]), where), nil
		},
	},
	{
		Name: "same_rows", Args: Text, Doc: "As many rows as another source or stage has.", Example: "ledger",
		build: func(arg any) (Check, error) {
			name := arg.(string)
			return statementOf("same_rows "+name, []string{name}, fmt.Sprintf("rows() == rows(%s)", quote(name))), nil
		},
	},
	{
		Name: "same_sum", Args: ColumnValue, Doc: "The sum of a column is that of a column of another source or stage: `input.column`, or a mapping of `in` and `within`, how far apart they may be.",
		Example: "{amount: {in: countries.total, within: 0.01}}",
		build:   func(arg any) (Check, error) { return sameSum(arg.(Pair)) },
	},
	{
		Name: "same_values", Args: ColumnValue, Doc: "The distinct values of a column are those of a column of another source or stage.", Example: "{country: countries.code}",
		build: func(arg any) (Check, error) {
			p := arg.(Pair)
			input, column, err := inputColumn(p)
			return statementOf(fmt.Sprintf("same_values %s: %s.%s", p.Column, input, column), []string{p.Column},
				fmt.Sprintf("sets.equivalent(values(%s), values(%s, %s))", ident(p.Column), quote(input), ident(column))), err
		},
	},
	{
		Name: "same_schema", Args: Text, Doc: "The columns and types of another source or stage.", Example: "ledger",
		build: func(arg any) (Check, error) {
			name := arg.(string)
			return statementOf("same_schema "+name, []string{name}, fmt.Sprintf("column_types() == column_types(%s)", quote(name))), nil
		},
	},
	{
		Name: "same_content", Args: Fields, Doc: "The same rows as another source or stage, in any order, in some columns.", Example: "{as: ledger, columns: [id, amount]}",
		Fields: []Field{
			{Name: "as", Kind: "text", Required: true, Doc: "The source or stage."},
			{Name: "columns", Kind: "texts", Required: true, Doc: "The columns, which have the same names there."},
		},
		build: func(arg any) (Check, error) {
			a := arg.(map[string]any)
			input, columns := fmt.Sprint(a["as"]), textsOf(a["columns"])
			var idents []string
			for _, c := range columns {
				idents = append(idents, ident(c))
			}
			args := strings.Join(idents, ", ")
			return statementOf("same_content as "+input+": "+strings.Join(columns, ", "), columns,
				fmt.Sprintf("rows_hash(%s) == rows_hash(%s, %s)", args, quote(input), args)), nil
		},
	},
}

func referenceSpec(name, doc, example string, absent bool) Spec {
	return Spec{Name: name, Args: ColumnValue, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		p := arg.(Pair)
		input, column, err := inputColumn(p)
		c := References(p.Column, input, column)
		c.absent, c.show = absent, fmt.Sprintf("%s %s: %s.%s", name, p.Column, input, column)
		if m, ok := p.Value.(map[string]any); ok && m["where"] != nil {
			c.inputWhere = fmt.Sprint(m["where"])
			c.show += " where " + c.inputWhere
		}
		return c, err
	}}
}

// ForeignKey holds of rows whose columns are, together, those of some row of another source
// or stage for which the CEL condition is true; empty: of any row. Rows in which one of the
// columns is null are not tested.
func ForeignKey(columns []string, input string, inputColumns []string, where string) Check {
	c := Check{
		kind: referenceCheck, label: "foreign_key", columns: columns, input: input, inputColumns: inputColumns, inputWhere: where,
		show: fmt.Sprintf("foreign_key %s: %s.(%s)", strings.Join(columns, ", "), input, strings.Join(inputColumns, ", ")),
	}
	if where != "" {
		c.show += " where " + where
	}
	return c
}

// AbsentFrom holds of rows whose column is no value that the column of another source or
// stage has. Rows in which it is null are not tested.
func AbsentFrom(column, input, inputColumn string) Check {
	c := References(column, input, inputColumn)
	c.absent, c.label, c.show = true, "absent_from", fmt.Sprintf("absent_from %s: %s.%s", column, input, inputColumn)
	return c
}

// inputColumn reads input.column, by itself or in a mapping.
func inputColumn(p Pair) (input, column string, err error) {
	v := p.Value
	if m, ok := v.(map[string]any); ok {
		v = m["in"]
		for key := range m {
			if !slices.Contains([]string{"in", "where", "within"}, key) {
				return "", "", fmt.Errorf("unknown field %q of %s; known are in, where, within", key, p.Column)
			}
		}
	}
	text, _ := v.(string)
	input, column, ok := strings.Cut(text, ".")
	if !ok || input == "" || column == "" {
		return "", "", fmt.Errorf("expected input.column for %s, found %q", p.Column, text)
	}
	return input, column, nil
}

func sameSum(p Pair) (Check, error) {
	input, column, err := inputColumn(p)
	if err != nil {
		return Check{}, err
	}
	show := fmt.Sprintf("same_sum %s: %s.%s", p.Column, input, column)
	own, other := "sum("+ident(p.Column)+")", fmt.Sprintf("sum(%s, %s)", quote(input), ident(column))
	if m, ok := p.Value.(map[string]any); ok && m["within"] != nil {
		within, err := numberText(m["within"])
		return statementOf(show+" within "+within, []string{p.Column}, fmt.Sprintf("abs(%s - %s) <= %s", own, other, within)), err
	}
	return statementOf(show, []string{p.Column}, own+" == "+other), nil
}

// compositeSpecs are made of other checks.
var compositeSpecs = []Spec{
	compositeSpec("all_of", "Checks that must all hold.", "[{not_null: [email]}, {rows: amount > 0}]", AllOf),
	compositeSpec("any_of", "Checks of which one must hold.", "[{not_null: [note]}, {rows: amount > 0}]", AnyOf),
	compositeSpec("none_of", "Checks that must all fail.", "[{has_values: {status: [test]}}, {rows: amount > 1000}]", NoneOf),
}

func compositeSpec(name, doc, example string, of func(...Check) Check) Spec {
	return Spec{Name: name, Args: Checks, Doc: doc, Example: example, build: func(arg any) (Check, error) { return of(arg.([]Check)...), nil }}
}
