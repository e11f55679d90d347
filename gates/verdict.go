package gates

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// judgeRows gives the verdict of a rule that counts failing rows.
func (c *court) judgeRows(f *pipeline.Finding, i int, r *boundRule) {
	t := c.total.tallies[i]
	var keys int64
	if o := c.unique[i]; o != nil {
		keys = o.found.Keys
		if r.Check.kind == uniqueCheck {
			t.failed, f.RowsFailed = o.found.Rows, o.found.Rows
		}
	}
	f.Observed = fmt.Sprintf("%s of %s failed", grouped(t.failed), plural(t.tested, "row"))
	f.Expected = r.AtMost.expected(t.tested)
	if keys > 0 {
		f.Detail = append(f.Detail, fmt.Sprintf("%s of %s", plural(keys, "distinct value"), strings.Join(r.Check.columns[:max(1, len(r.columns))], ", ")))
	}
	if f.RowsQuarantined > 0 {
		f.Detail = append(f.Detail, plural(f.RowsQuarantined, "row")+" quarantined")
	}
	switch {
	case t.errs > 0:
		f.Verdict = pipeline.ErrorVerdict
		f.Observed = plural(t.errs, "row") + " could not be evaluated"
		f.Detail = append(f.Detail, t.err)
	case t.tested == 0 && t.null == 0 && r.OnEmpty != "":
		empty(f, r.OnEmpty)
	case r.Else == Quarantine && !r.AtMost.set, r.AtMost.allows(t.failed, t.tested):
		f.Verdict = pipeline.Pass
	default:
		f.Verdict = pipeline.Fail
	}
	if r.Else == Quarantine && !r.AtMost.set {
		f.Expected = "any number, quarantined"
	}
}

// empty gives the verdict of a rule that found no row, as its policy says. To skip it
// is the user's choice, and so does not block.
func empty(f *pipeline.Finding, policy OnEmpty) {
	f.Observed = "no row"
	switch policy {
	case EmptyPasses:
		f.Verdict = pipeline.Pass
	case EmptySkips:
		f.Verdict, f.Severity = pipeline.Skipped, pipeline.SeverityWarn
	default:
		f.Verdict = pipeline.NoData
	}
}

// judgeStatement gives the verdict of an expect rule.
func (c *court) judgeStatement(f *pipeline.Finding, r *boundRule) {
	vals := make([]any, len(r.metrics))
	var observed []string
	for i, m := range r.metrics {
		switch {
		case m < 0:
			vals[i] = c.lookups[-1-m].rows
		case c.total.errs[m] != nil:
			vals[i] = c.total.errs[m]
		default:
			vals[i] = c.total.states[m].value()
		}
		observed = append(observed, fmt.Sprintf("%s = %s", r.expect.Calls[i].Text, show(vals[i])))
	}
	f.Observed, f.Expected = strings.Join(observed, ", "), statementText(r.Check.text)
	if n, ok := onlyRows(r, vals); ok {
		f.Observed = plural(n, "row")
	}
	f.RowsTested = c.rowsSeen()
	if f.RowsTested == 0 && r.OnEmpty != "" {
		empty(f, r.OnEmpty)
		return
	}
	outcome, err := r.expect.Eval(vals)
	switch {
	case err != nil:
		f.Verdict, f.Detail = pipeline.ErrorVerdict, append(f.Detail, err.Error())
	case outcome == expr.Null:
		f.Verdict = pipeline.NoData
	case outcome == expr.True:
		f.Verdict = pipeline.Pass
	default:
		f.Verdict = pipeline.Fail
	}
}

// rowsSeen is the metric rows(), which is always there.
func (c *court) rowsSeen() int64 {
	for i, m := range c.metrics {
		if m.text == "rows()" {
			return c.total.states[i].(*counter).Count
		}
	}
	return 0
}

func onlyRows(r *boundRule, vals []any) (int64, bool) {
	if len(vals) != 1 || r.expect.Calls[0].Text != "rows()" {
		return 0, false
	}
	n, ok := vals[0].(int64)
	return n, ok
}

var rowsCompared = regexp.MustCompile(`^rows\(\) *(>=|<=|>|<|==) *(\d+)$`)

// statementText says a simple statement about rows in words.
func statementText(text string) string {
	text = strings.TrimSpace(text)
	m := rowsCompared.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		return text
	}
	words := map[string]string{">=": "at least ", "<=": "at most ", ">": "more than ", "<": "fewer than ", "==": "exactly "}
	return words[m[1]] + grouped(n)
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case int64:
		return grouped(v)
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case string:
		return strconv.Quote(v)
	case time.Time:
		return v.Format(time.RFC3339)
	case error:
		return "error"
	}
	return fmt.Sprint(v)
}

func judgeSchema(f *pipeline.Finding, r *boundRule) {
	f.DecidedBy = "schema"
	f.Verdict, f.Observed, f.Expected = pipeline.Pass, "as wanted", "the columns of the rule"
	if n := len(r.differs); n > 0 {
		f.Verdict, f.Observed, f.Detail = pipeline.Fail, plural(int64(n), "difference"), r.differs
	}
}
