package gates

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// rowSpecs are the checks of numbers, of missing values, and of columns beside each other.
var rowSpecs = []Spec{
	{
		Name: "not_null", Args: Columns, Doc: "None of the columns is null.", Example: "[id, email]",
		build: func(arg any) (Check, error) { return NotNull(arg.([]string)...), nil },
	},
	each("is_null", "The column is null in every row.", "[obsolete]", "{c} == null"),
	{
		Name: "any_not_null", Args: Columns, Doc: "At least one of the columns is not null.", Example: "[email, phone]",
		build: func(arg any) (Check, error) { return acrossNulls(arg.([]string), " || ") },
	},
	{
		Name: "all_or_none", Args: Columns, Doc: "The columns are all null, or none of them is.", Example: "[street, city]",
		build: func(arg any) (Check, error) { return allOrNone(arg.([]string)) },
	},
	eachWith("not_missing", "The column is neither null nor one of the values that stand for a missing one.", `{country: ["", "N/A", "unknown"]}`, "{c} != null && !({c} in {v})"),
	{
		Name: "accepted", Args: ColumnValue, Doc: "The values a column may have.", Example: "{status: [open, closed, sent]}",
		build: func(arg any) (Check, error) { return Accepted(arg.(Pair).Column, valueList(arg.(Pair).Value)...), nil },
	},
	eachWith("rejected", "Values a column must not have.", `{status: [test, demo]}`, "!({c} in {v})"),
	{
		Name: "between", Args: ColumnValue, Doc: "The least and the greatest value, both included; null leaves a side open.", Example: "{delay: [-60, 720]}",
		build: func(arg any) (Check, error) {
			bounds := valueList(arg.(Pair).Value)
			if len(bounds) != 2 {
				return Check{}, fmt.Errorf("expected [least, greatest] for %s, found %d values", arg.(Pair).Column, len(bounds))
			}
			return Between(arg.(Pair).Column, bounds[0], bounds[1]), inOrder(bounds[0], bounds[1])
		},
	},
	eachWith("equals", "The one value a column may have.", "{version: 2}", "{c} == {v}"),
	eachWith("more_than", "Values are greater than this.", "{price: 0}", "{c} > {v}"),
	eachWith("less_than", "Values are less than this.", "{share: 1}", "{c} < {v}"),
	eachWith("multiple_of", "Values are multiples of a whole number.", "{quantity: 5}", "is_multiple({c}, {v})"),
	each("positive", "Numbers greater than zero.", "[price]", "{c} > 0"),
	each("negative", "Numbers less than zero.", "[loss]", "{c} < 0"),
	each("not_negative", "Numbers that are zero or greater.", "[quantity]", "{c} >= 0"),
	each("not_positive", "Numbers that are zero or less.", "[correction]", "{c} <= 0"),
	each("not_zero", "Numbers other than zero.", "[price]", "{c} < 0 || {c} > 0"),
	each("finite", "Numbers that are neither NaN nor infinite.", "[share]", "!is_nan({c}) && {c} >= -1.7976931348623157e308 && {c} <= 1.7976931348623157e308"),
	{
		Name: "columns_differ", Args: Columns, Doc: "No two of the columns are equal within a row.", Example: "[origin, destination]",
		build: func(arg any) (Check, error) { return acrossPairs(arg.([]string), "columns_differ", "!=") },
	},
	{
		Name: "columns_equal", Args: Columns, Doc: "The columns are equal within each row.", Example: "[billed, paid]",
		build: func(arg any) (Check, error) { return acrossPairs(arg.([]string), "columns_equal", "==") },
	},
	{
		Name: "pairs", Args: Fields, Doc: "The combinations that columns may have.", Example: "{columns: [country, currency], accepted: [[uk, GBP], [us, USD], [de, EUR]]}",
		Fields: []Field{{Name: "columns", Kind: "texts", Required: true, Doc: "The columns."}, {Name: "accepted", Kind: "any", Required: true, Doc: "Lists of their values."}},
		build:  func(arg any) (Check, error) { return pairsCheck(arg.(map[string]any)) },
	},
	{
		Name: "balanced", Args: Fields, Doc: "Columns add up to another column, or a number, within a tolerance.", Example: "{sum: [net, tax], equals: gross, within: 0.01}",
		Fields: []Field{
			{Name: "sum", Kind: "texts", Required: true, Doc: "The columns that are added."},
			{Name: "equals", Kind: "value", Required: true, Doc: "A column, or a number."},
			{Name: "within", Kind: "value", Doc: "How far from each other they may be; not at all if left out."},
		},
		build: func(arg any) (Check, error) { return balanced(arg.(map[string]any)) },
	},
}

// valueList is a list, or a single value as one.
func valueList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// ofColumns is a row check whose CEL needs only the names of columns.
func ofColumns(name string, columns []string, text func() string) Check {
	return Check{
		kind: rowCheck, label: name, columns: columns, show: name + " " + strings.Join(columns, ", "),
		predicate: func(s *arrow.Schema) (string, error) {
			for _, c := range columns {
				if err := exists(s, c); err != nil {
					return "", err
				}
			}
			return text(), nil
		},
	}
}

func acrossNulls(columns []string, op string) (Check, error) {
	if len(columns) == 0 {
		return Check{}, fmt.Errorf("of which columns?")
	}
	return ofColumns("any_not_null", columns, func() string {
		var parts []string
		for _, c := range columns {
			parts = append(parts, ident(c)+" != null")
		}
		return strings.Join(parts, op)
	}), nil
}

func allOrNone(columns []string) (Check, error) {
	if len(columns) < 2 {
		return Check{}, fmt.Errorf("expected two columns or more")
	}
	return ofColumns("all_or_none", columns, func() string {
		var parts []string
		for _, c := range columns[1:] {
			parts = append(parts, fmt.Sprintf("(%s == null) == (%s == null)", ident(columns[0]), ident(c)))
		}
		return strings.Join(parts, " && ")
	}), nil
}

func acrossPairs(columns []string, name, op string) (Check, error) {
	if len(columns) < 2 || len(columns) > 20 {
		return Check{}, fmt.Errorf("expected 2 to 20 columns, found %d", len(columns))
	}
	return ofColumns(name, columns, func() string {
		var parts []string
		for i, a := range columns {
			for _, b := range columns[i+1:] {
				parts = append(parts, ident(a)+" "+op+" "+ident(b))
			}
		}
		return strings.Join(parts, " && ")
	}), nil
}

func pairsCheck(arg map[string]any) (Check, error) {
	columns := textsOf(arg["columns"])
	c := ofColumns("pairs", columns, nil)
	combos, _ := arg["accepted"].([]any)
	if len(combos) == 0 {
		return c, fmt.Errorf("accepted: expected lists of %d values", len(columns))
	}
	c.show = fmt.Sprintf("pairs %s: %s", strings.Join(columns, ", "), shownValue(arg["accepted"]))
	c.predicate = func(s *arrow.Schema) (string, error) {
		var some []string
		for _, combo := range combos {
			values, _ := combo.([]any)
			if len(values) != len(columns) {
				return "", fmt.Errorf("accepted: expected lists of %d values, found %s", len(columns), shownValue(combo))
			}
			var all []string
			for i, v := range values {
				text, err := literal(s, columns[i], v)
				if err != nil {
					return "", err
				}
				all = append(all, ident(columns[i])+" == "+text)
			}
			some = append(some, "("+strings.Join(all, " && ")+")")
		}
		return strings.Join(some, " || "), nil
	}
	return c, nil
}

func balanced(arg map[string]any) (Check, error) {
	columns := textsOf(arg["sum"])
	equals := fmt.Sprint(arg["equals"])
	within := arg["within"]
	if len(columns) == 0 {
		return Check{}, fmt.Errorf("sum: of which columns?")
	}
	c := ofColumns("balanced", columns, nil)
	c.show = fmt.Sprintf("balanced %s = %s", strings.Join(columns, " + "), equals)
	if within != nil {
		c.show += fmt.Sprintf(" within %v", within)
	}
	c.predicate = func(s *arrow.Schema) (string, error) {
		var terms []string
		for _, name := range columns {
			if err := exists(s, name); err != nil {
				return "", err
			}
			terms = append(terms, ident(name))
		}
		to := equals
		if _, isText := arg["equals"].(string); isText {
			if err := exists(s, equals); err != nil {
				return "", err
			}
			to = ident(equals)
		} else if text, err := literal(s, columns[0], arg["equals"]); err == nil {
			to = text
		}
		sum := strings.Join(terms, " + ")
		if within == nil {
			return sum + " == " + to, nil
		}
		tolerance, err := literal(s, columns[0], within)
		return fmt.Sprintf("abs(%s - %s) <= %s", sum, to, tolerance), err
	}
	return c, nil
}

// textsOf is a text, or a list of texts.
func textsOf(v any) (all []string) {
	switch v := v.(type) {
	case nil:
	case []string:
		return v
	case []any:
		for _, item := range v {
			all = append(all, fmt.Sprint(item))
		}
	default:
		all = append(all, fmt.Sprint(v))
	}
	return all
}
