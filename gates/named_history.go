package gates

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// An anchored check speaks of the end of the partition, or of the run where there are no
// partitions in time. Which of them it is, is known when it is bound.
func anchored(show string, columns []string, text func(anchor string) string) Check {
	return Check{kind: expectCheck, columns: columns, show: show, text: text("partition_end()"), unpartitioned: text("now()")}
}

func sinceEnd(show, column, newest string, within any, old bool) (Check, error) {
	d, err := duration(within)
	return anchored(show, []string{column}, func(anchor string) string {
		if old {
			return fmt.Sprintf("%s - %s <= duration('%ds')", anchor, newest, int64(d/time.Second))
		}
		return fmt.Sprintf("%s - %s <= duration('%ds')", newest, anchor, int64(d/time.Second))
	}), err
}

// calendarSteps say of the units of a calendar that there are {n} steps of them between two
// instants, each at the beginning of its unit.
var calendarSteps = map[string]string{
	"hour": "({n}) == ({to} - {from}).getHours()", "day": "24 * ({n}) == ({to} - {from}).getHours()", "week": "168 * ({n}) == ({to} - {from}).getHours()",
	"month": "({n}) == 12 * (year({to}) - year({from})) + month({to}) - month({from})",
}

func calendarCheck(p Pair) (Check, error) {
	unit := fmt.Sprint(p.Value)
	steps, ok := calendarSteps[unit]
	if !ok {
		return Check{}, fmt.Errorf("%s", pipeline.Unknown("unit", unit, []string{"hour", "day", "week", "month"}))
	}
	u, c := quote(unit), ident(p.Column)
	says := func(units, from, to string) string {
		said := strings.NewReplacer("{n}", units+" - 1", "{from}", "date_trunc({u}, "+from+")", "{to}", "date_trunc({u}, "+to+")").Replace(steps)
		return strings.NewReplacer("{c}", c, "{u}", u).Replace(said)
	}
	// What is not within the partition counts as one unit more.
	const within = `distinct({c} >= partition_start() && {c} < partition_end() ? date_trunc({u}, {c}) : timestamp("0001-01-01T00:00:00Z")) - ` +
		`(count_if({c} < partition_start() || {c} >= partition_end()) > 0 ? 1 : 0)`
	return Check{
		kind: expectCheck, columns: []string{p.Column}, show: fmt.Sprintf("calendar %s: %s", p.Column, unit),
		text:          says(within, "partition_start()", "partition_end() - duration('1s')"),
		unpartitioned: says("distinct(date_trunc({u}, {c}))", "min({c})", "max({c})"),
	}, nil
}

var pastFields = []Field{
	{Name: "of", Kind: "text", Required: true, Doc: "The metric: `rows()`, `mean(delay)`."},
	{Name: "over", Kind: "number", Doc: "How many past partitions, 1 to 400; 6 if left out, four seasons of a forecast. A band needs 2."},
	{Name: "same", Kind: "text", Choices: []string{"weekday", "month_end", "month_day", "month"}, Doc: "Only past partitions of the same weekday, and so on."},
}

// historySpecs are the checks against past partitions.
var historySpecs = []Spec{
	{
		Name: "change", Args: Fields, Doc: "A metric changes by at most so much against past partitions: a number, or a share like 50%.",
		Example: "{of: rows(), against: mean, over: 6, at_most: 50%}",
		Fields: append(pastFields[:3:3],
			Field{Name: "against", Kind: "text", Choices: []string{"last", "mean", "median", "min", "max"}, Doc: "What of them; the mean if left out. `{against: last, over: 1, same: weekday}` is the same day last week."},
			Field{Name: "at_most", Kind: "value", Required: true, Doc: "The greatest change: a number, or a share of what it is held against, like 50%."},
			Field{Name: "direction", Kind: "text", Choices: []string{"both", "up", "down"}, Doc: "Only growth, or only decline, counts; both if left out."}),
		build: func(arg any) (Check, error) { return changeCheck(arg.(map[string]any)) },
	},
	{
		Name: "band", Args: Fields, Doc: "A metric is within so many standard deviations of its mean on past partitions.", Example: "{of: mean(amount), over: 10, sigma: 3}",
		Fields: append(pastFields[:3:3], Field{Name: "sigma", Kind: "value", Doc: "How many standard deviations; 3 if left out."}),
		build: func(arg any) (Check, error) {
			over, err := overOf(arg.(map[string]any), usualPast, 2)
			if err != nil {
				return Check{}, err
			}
			return bandCheck(arg.(map[string]any), over, "band", "history(%s).mean(%s)", "history(%s).stddev(%s)")
		},
	},
	{
		Name: "forecast", Args: Fields, Doc: "A metric is within so many standard errors of its forecast (Holt-Winters) from past partitions.", Example: "{of: rows(), over: 14, season: 7, sigma: 3}",
		Fields: append(pastFields[:3:3],
			Field{Name: "season", Kind: "number", Required: true, Doc: "How many partitions make a season: 7 for days of a week. `over` must be at least two seasons."},
			Field{Name: "sigma", Kind: "value", Doc: "How many standard errors; 3 if left out."}),
		build: func(arg any) (Check, error) {
			a := arg.(map[string]any)
			season, over, err := seasonOf(a)
			if err != nil {
				return Check{}, err
			}
			return bandCheck(a, over, "forecast", fmt.Sprintf("history(%%s).forecast(%%s, %d)", season), fmt.Sprintf("history(%%s).forecast_error(%%s, %d)", season))
		},
	},
	pastValues("no_new_values", "No value that past partitions, so many of them, did not have.", "{country: 3}", "values({c}).all(v, v in history({v}).all(values({c})))"),
	pastValues("no_lost_values", "Every value that past partitions had is still there.", "{country: 3}", "history({v}).all(values({c})).all(v, v in values({c}))"),
	{
		Name: "distribution", Args: Fields, Doc: "How a column is distributed differs by at most so much from past partitions, another input, or given shares.",
		Example: "{of: country, test: psi, over: 6, at_most: 0.2}",
		Fields: []Field{
			{Name: "of", Kind: "text", Required: true, Doc: "The column, or CEL over columns."},
			{Name: "test", Kind: "text", Required: true, Choices: []string{"psi", "kl", "jeffreys", "l_infinity", "ks", "chi_square", "welch_test"}, Doc: "The measure. ks is of numbers; chi_square and welch_test give a p-value, for at_least."},
			{Name: "over", Kind: "number", Doc: "Against so many past partitions together; 6 if input and shares are left out too."},
			{Name: "input", Kind: "text", Doc: "Against the same expression over another source or stage."},
			{Name: "shares", Kind: "any", Doc: "Against shares by value."},
			{Name: "at_most", Kind: "value", Doc: "The greatest distance."},
			{Name: "at_least", Kind: "value", Doc: "The least p-value."},
		},
		build: func(arg any) (Check, error) { return distributionCheck(arg.(map[string]any)) },
	},
}

// usualPast is how many past partitions a check looks at that does not say it.
const usualPast = 6

// pastOf is the argument of history, and the metric.
func pastOf(arg map[string]any, over int64) (past, metric string) {
	past = fmt.Sprint(over)
	if same, ok := arg["same"]; ok {
		past += ", " + quote(fmt.Sprint(same))
	}
	return past, fmt.Sprint(arg["of"])
}

func changeCheck(arg map[string]any) (Check, error) {
	over, err := overOf(arg, usualPast, 1)
	if err != nil {
		return Check{}, err
	}
	if err := notNegative("at_most", arg["at_most"]); err != nil {
		return Check{}, err
	}
	past, metric := pastOf(arg, over)
	against := "mean"
	if v, ok := arg["against"]; ok {
		against = fmt.Sprint(v)
	}
	base := fmt.Sprintf("history(%s).%s(%s)", past, against, metric)
	difference := fmt.Sprintf("abs(double(%s) - double(%s))", metric, base)
	switch arg["direction"] {
	case "up":
		difference = fmt.Sprintf("double(%s) - double(%s)", metric, base)
	case "down":
		difference = fmt.Sprintf("double(%s) - double(%s)", base, metric)
	}
	limit := fmt.Sprint(arg["at_most"])
	show := fmt.Sprintf("change of %s against the %s of history(%s): at most %s", metric, against, past, limit)
	if share, ok := strings.CutSuffix(limit, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(p >= 0) {
			return Check{}, fmt.Errorf("at_most: expected a number, or a share like 50%%, found %q", limit)
		}
		return statementOf(show, []string{identifier(metric)}, fmt.Sprintf("%s <= %s * abs(double(%s))", difference, doubleText(p/100), base)), nil
	}
	n, err := numberText(arg["at_most"])
	return statementOf(show, []string{identifier(metric)}, difference+" <= "+n), err
}

func bandCheck(arg map[string]any, over int64, name, middle, width string) (Check, error) {
	past, metric := pastOf(arg, over)
	sigma := "3.0"
	if v, ok := arg["sigma"]; ok {
		var err error
		if sigma, err = numberText(v); err != nil {
			return Check{}, fmt.Errorf("sigma: %w", err)
		}
		if n, _ := numberOf(v); n <= 0 {
			return Check{}, fmt.Errorf("sigma: expected more than 0, found %s", shownValue(v))
		}
	}
	text := fmt.Sprintf("abs(double(%s) - %s) <= %s * %s", metric, fmt.Sprintf(middle, past, metric), sigma, fmt.Sprintf(width, past, metric))
	return statementOf(fmt.Sprintf("%s of %s over history(%s), %s standard deviations", name, metric, past, sigma), []string{identifier(metric)}, text), nil
}

// numberText is a number in CEL, as a double.
func numberText(v any) (string, error) {
	n, ok := numberOf(v)
	if !ok {
		return "", fmt.Errorf("expected a number, found %s", shownValue(v))
	}
	return doubleText(n), nil
}

func pastValues(name, doc, example, template string) Spec {
	return Spec{Name: name, Args: ColumnValue, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		p := arg.(Pair)
		text := strings.NewReplacer("{c}", ident(p.Column), "{v}", fmt.Sprint(p.Value)).Replace(template)
		return statementOf(fmt.Sprintf("%s %s: %v", name, p.Column, p.Value), []string{p.Column}, text), nil
	}}
}

func distributionCheck(arg map[string]any) (Check, error) {
	of, test := fmt.Sprint(arg["of"]), fmt.Sprint(arg["test"])
	var call, against string
	switch {
	case arg["input"] != nil:
		against = fmt.Sprint(arg["input"])
		call = fmt.Sprintf("%s(%s, %s)", test, quote(against), of)
	case arg["shares"] != nil:
		shares, ok := arg["shares"].(map[string]any)
		if !ok {
			return Check{}, fmt.Errorf("shares: expected a mapping of values to shares")
		}
		text, err := sharesText(shares)
		if err != nil {
			return Check{}, err
		}
		call, against = fmt.Sprintf("%s(%s, %s)", test, of, text), "shares"
	default:
		over, err := overOf(arg, usualPast, 1)
		if err != nil {
			return Check{}, err
		}
		past, _ := pastOf(arg, over)
		call, against = fmt.Sprintf("history(%s).%s(%s)", past, test, of), "history("+past+")"
	}
	limit, op := arg["at_most"], " <= "
	if limit == nil {
		limit, op = arg["at_least"], " >= "
	}
	if err := notNegative("the limit", limit); err != nil {
		return Check{}, err
	}
	n, err := numberText(limit)
	return statementOf(fmt.Sprintf("distribution of %s against %s: %s%s%s", of, against, test, op, n), []string{identifier(of)}, call+op+n), err
}

// schemaSpecs are the checks of columns.
var schemaSpecs = []Spec{
	{
		Name: "schema", Args: Fields, Doc: "The columns there must be: a contract. No row is read to judge it.",
		Example: "{columns: {id: int64, email: string}, not_null: [id], drift: evolve}",
		Fields: []Field{
			{Name: "columns", Kind: "pairs", Doc: "Columns and their types; an empty type is any."},
			{Name: "optional", Kind: "texts", Doc: "Those of the columns that may be missing."},
			{Name: "not_null", Kind: "texts", Doc: "Columns that can't be null."},
			{Name: "forbidden", Kind: "texts", Doc: "Columns that must not be there."},
			{Name: "exact", Kind: "bool", Doc: "These columns in this order, and no others."},
			{Name: "ordered", Kind: "bool", Doc: "Those of these columns that are there, in this order."},
			{Name: "only", Kind: "bool", Doc: "No other columns, in any order."},
			{Name: "widen", Kind: "bool", Doc: "A column may have a narrower type, all of whose values the wanted one holds."},
			{Name: "names", Kind: "text", Doc: "A regular expression for the names of all columns."},
			{Name: "drift", Kind: "text", Choices: []string{"fail", "evolve", "ignore"}, Doc: "What a change against the version that was published last is: fail; evolve, to let columns be added and types be widened; ignore, to tell of it only. Left out, nothing is compared."},
		},
		build: func(arg any) (Check, error) { return schemaCheckOf(arg.(map[string]any)) },
	},
}

func schemaCheckOf(arg map[string]any) (Check, error) {
	c := Contract{
		Forbidden: textsOf(arg["forbidden"]), Exact: arg["exact"] == true || arg["only"] == true, Ordered: arg["exact"] == true || arg["ordered"] == true,
		Widen: arg["widen"] == true,
	}
	c.Names, _ = arg["names"].(string)
	if d, ok := arg["drift"].(string); ok {
		c.Drift = Drift(d)
	}
	has := map[string]func(*SchemaColumn){}
	for _, name := range textsOf(arg["optional"]) {
		has[name] = func(col *SchemaColumn) { col.Optional = true }
	}
	columns, _ := arg["columns"].([]Pair)
	for _, p := range columns {
		col := SchemaColumn{Name: p.Column}
		if p.Value != nil {
			col.Type = fmt.Sprint(p.Value)
		}
		if f := has[p.Column]; f != nil {
			f(&col)
		}
		c.Columns = append(c.Columns, col)
	}
	for _, name := range textsOf(arg["not_null"]) {
		if i := columnNamed(c.Columns, name); i >= 0 {
			c.Columns[i].NotNull = true
			continue
		}
		c.Columns = append(c.Columns, SchemaColumn{Name: name, NotNull: true})
	}
	if _, err := c.differences(emptySchema); err != nil {
		return Check{}, err
	}
	return Contracted(c), c.problem()
}

var emptySchema = arrow.NewSchema(nil, nil)

// sharesText is a map of values to shares in CEL.
func sharesText(shares map[string]any) (string, error) {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		n, err := numberText(shares[name])
		if err != nil {
			return "", fmt.Errorf("share of %s: %w", name, err)
		}
		parts = append(parts, quote(name)+": "+n)
	}
	return "{" + strings.Join(parts, ", ") + "}", nil
}
