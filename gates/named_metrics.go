package gates

import (
	"fmt"
	"strings"
	"time"
)

// keySpecs are the checks of keys.
var keySpecs = []Spec{
	{
		Name: "unique", Args: Columns, Doc: "The combination of the columns occurs once. Rows in which one of them is null are not tested.", Example: "[id]",
		build: func(arg any) (Check, error) { return Unique(arg.([]string)...), nil },
	},
	{
		Name: "primary_key", Args: Columns, Doc: "The combination of the columns occurs once, and none of them is null.", Example: "[id]",
		build: func(arg any) (Check, error) {
			columns := arg.([]string)
			c := AllOf(NotNull(columns...), Unique(columns...))
			c.columns, c.show = columns, "primary_key "+strings.Join(columns, ", ")
			return c, nil
		},
	},
	expectWithin("distinct_count", "How many distinct values there are: a number, or the least and greatest.", "{country: [1, 5]}", "distinct({c})"),
	expectWithin("distinct_share", "The share of the distinct values in those that are not null.", "{id: [0.99, null]}", "distinct_share({c})"),
	expectWithin("unique_share", "The share of the distinct values that occur once.", "{id: [0.9, null]}", "unique_share({c})"),
	expectWithin("duplicate_count", "How many rows repeat a value that was there before.", "{id: [0, 10]}", "duplicates({c})"),
	expectEach("not_constant", "There are at least two different values.", "[amount]", "distinct({c}) > 1"),
}

// valueSpecs are the checks of which values there are.
var valueSpecs = []Spec{
	setSpec("has_values", "Values that must all occur.", "{country: [uk, us]}", "sets.contains(values({c}), {v})"),
	setSpec("exact_values", "Exactly the values that occur.", "{status: [open, closed, sent]}", "sets.equivalent(values({c}), {v})"),
	setSpec("most_common", "Values of which the most frequent one must be.", "{country: [us, uk]}", "size(top({c}, 1)) == 1 && top({c}, 1)[0] in {v}"),
	expectEach("same_case", "No two values differ in the case of their letters alone.", "[country]", "distinct(lower({c})) == distinct({c})"),
}

func setSpec(name, doc, example, template string) Spec {
	return Spec{Name: name, Args: ColumnValue, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		p := arg.(Pair)
		text, err := textList(p.Value)
		return statementOf(fmt.Sprintf("%s %s: %s", name, p.Column, shownValue(p.Value)), []string{p.Column},
			strings.NewReplacer("{c}", ident(p.Column), "{v}", text).Replace(template)), err
	}}
}

// metricSpecs are the checks of numbers of the whole partition.
var metricSpecs = []Spec{
	{
		Name: "row_count", Args: Fields, Doc: "How many rows there are.", Example: "{min: 10}",
		Fields: []Field{{Name: "min", Kind: "number", Doc: "At least so many."}, {Name: "max", Kind: "number", Doc: "At most so many."}},
		build:  func(arg any) (Check, error) { return rowCount(arg.(map[string]any)) },
	},
	{
		Name: "metrics", Args: ColumnValue, Doc: "Metrics by their text, and the value, or least and greatest value, of each; null leaves a side open.",
		Example: "{mean(delay): [-10, 60], max(delay): [null, 240]}",
		build: func(arg any) (Check, error) {
			p := arg.(Pair)
			text, err := withinText(p.Column, p.Value)
			return statementOf(fmt.Sprintf("metrics %s: %s", p.Column, shownValue(p.Value)), []string{identifier(p.Column)}, text), err
		},
	},
	expectWithin("completeness", "The share of the rows that are not null.", "{email: [0.95, null]}", "1.0 - null_share({c})"),
	expectEach("has_data", "At least one value is not null.", "[email]", "count({c}) > 0"),
	expectEach("increasing", "No value is less than the one in the row before.", "[date]", "falls({c}) == 0"),
	expectEach("strictly_increasing", "Each value is greater than the one in the row before.", "[id]", "falls({c}) == 0 && repeats({c}) == 0"),
	expectEach("decreasing", "No value is greater than the one in the row before.", "[rank]", "rises({c}) == 0"),
	expectEach("strictly_decreasing", "Each value is less than the one in the row before.", "[rank]", "rises({c}) == 0 && repeats({c}) == 0"),
	{
		Name: "sequential", Args: ColumnValue, Doc: "Whole numbers in steps of this, without a gap and without a repeated one.", Example: "{id: 1}",
		build: func(arg any) (Check, error) {
			p := arg.(Pair)
			step, err := plainLiteral(p.Value)
			c := ident(p.Column)
			text := fmt.Sprintf("max(%s) - min(%s) == %s * (count(%s) - 1) && duplicates(%s) == 0", c, c, step, c, c)
			if step != "1" { // 0, 1 and 4 have the ends of 0, 2 and 4
				text += fmt.Sprintf(" && distinct((%s %% %s + %s) %% %s) <= 1", c, step, step, step)
			}
			return statementOf(fmt.Sprintf("sequential %s: %v", p.Column, p.Value), []string{p.Column}, text), err
		},
	},
	{
		Name: "no_overlap", Args: Fields, Doc: "Ranges of which no two overlap, in each group if `by` says so; the end is not part of a range.", Example: "{from: valid_from, to: valid_to}",
		Fields: []Field{{Name: "from", Kind: "text", Required: true, Doc: "The column where a range begins."}, {Name: "to", Kind: "text", Required: true, Doc: "And where it ends."}},
		build: func(arg any) (Check, error) {
			from, to := fmt.Sprint(arg.(map[string]any)["from"]), fmt.Sprint(arg.(map[string]any)["to"])
			return statementOf("no_overlap "+from+" to "+to, []string{from, to}, fmt.Sprintf("overlaps(%s, %s) == 0", ident(from), ident(to))), nil
		},
	},
	expectWithin("outliers", "How many numbers are further than three standard deviations from the mean.", "{amount: 0}", "outliers({c}, 3)"),
}

// identifier makes a text part of a name.
func identifier(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, text), "_")
}

func rowCount(arg map[string]any) (Check, error) {
	bound := func(name string) (int64, error) {
		v, ok := arg[name]
		if !ok {
			return -1, nil
		}
		n, ok := v.(int64)
		if !ok || n < 0 {
			return -1, fmt.Errorf("%s: expected a number of rows, found %s", name, shownValue(v))
		}
		return n, nil
	}
	low, err := bound("min")
	if err != nil {
		return Check{}, err
	}
	high, err := bound("max")
	if err != nil {
		return Check{}, err
	}
	if low < 0 && high < 0 {
		return Check{}, fmt.Errorf("min, max or both are needed, from 0")
	}
	if high >= 0 && low > high {
		return Check{}, minAboveMax(low, high)
	}
	return RowCount(low, high), nil
}

// timeSpecs are the checks of dates, calendars and freshness.
var timeSpecs = []Spec{
	each("not_future", "Times that are not after the time of the run.", "[date]", "{c} <= now()"),
	each("in_partition", "Times within the partition.", "[date]", "{c} >= partition_start() && {c} < partition_end()"),
	each("business_day", "Dates from Monday to Friday.", "[date]", "is_business_day({c})"),
	{
		Name: "calendar", Args: ColumnValue, Doc: "Every hour, day, week (from Monday) or month of the partition has a row; without partitions, every one from the first to the last.", Example: "{date: day}",
		build: func(arg any) (Check, error) { return calendarCheck(arg.(Pair)) },
	},
	{
		Name: "fresh", Args: ColumnValue, Doc: "The newest time in the column is at most so old (30m, 26h, 7d) at the end of the partition; without partitions, at the time of the run.", Example: "{date: 7d}",
		build: func(arg any) (Check, error) {
			p := arg.(Pair)
			return sinceEnd(fmt.Sprintf("fresh %s: %v", p.Column, p.Value), p.Column, "max("+ident(p.Column)+")", p.Value, true)
		},
	},
	{
		Name: "arrived", Args: ColumnValue, Doc: "The newest file of a source was written at most so long after the end of the partition.", Example: "{countries: 6h}",
		build: func(arg any) (Check, error) {
			p := arg.(Pair)
			c, err := sinceEnd(fmt.Sprintf("arrived %s: %v", p.Column, p.Value), p.Column, fmt.Sprintf("newest_file(%s)", quote(p.Column)), p.Value, false)
			c.input = p.Column
			return c, err
		},
	},
}

// duration reads 30m, 26h, 7d.
func duration(v any) (time.Duration, error) {
	text := fmt.Sprint(v)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		if err == nil && d >= 0 {
			return 24 * d, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("expected a duration like 30m, 26h or 7d, found %q", text)
	}
	return d, nil
}
