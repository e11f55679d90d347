package gates

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	f.Observed = observedRows(t)
	f.Expected = r.AtMost.expected(t.tested)
	if keys > 0 {
		f.Detail = append(f.Detail, fmt.Sprintf("%s of %s", plural(keys, "distinct value"), strings.Join(r.keyNames(), ", ")))
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
	case len(r.by) > 0:
		c.judgeGroupsOfRows(f, i, r)
	default:
		if f.Verdict = r.tolerates(t); f.Verdict == pipeline.Warn {
			f.Expected = r.WarnAt.expected(t.tested)
		}
	}
	if r.Else == Quarantine && !r.AtMost.set {
		f.Expected = "any number, quarantined"
	}
}

// keyNames are the columns of the keys that are counted.
func (r *boundRule) keyNames() []string {
	if r.Check.kind == uniqueCheck {
		return slices.Concat(r.Check.columns, r.By)
	}
	return r.Check.columns
}

// observedRows says how many rows failed of how many.
func observedRows(t tally) string {
	text := fmt.Sprintf("%s of %s failed", digits(t.failed), plural(t.tested, "row"))
	if t.failed > 0 {
		text += " (" + percent(float64(t.failed)/float64(t.tested)) + ")"
	}
	return text
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 3, 64) + "%" }

// tolerates is the verdict on so many failed rows.
func (r *boundRule) tolerates(t tally) pipeline.Verdict {
	switch {
	case r.Else == Quarantine && !r.AtMost.set:
		return pipeline.Pass
	case !r.AtMost.allows(t.failed, t.tested):
		return pipeline.Fail
	case r.WarnAt.set && !r.WarnAt.allows(t.failed, t.tested):
		return pipeline.Warn
	}
	return pipeline.Pass
}

// judgeGroupsOfRows holds the tolerance against each group of rows.
func (c *court) judgeGroupsOfRows(f *pipeline.Finding, i int, r *boundRule) {
	var all []pipeline.GroupFinding
	for _, key := range slices.Sorted(maps.Keys(c.total.groups[i])) {
		t := *c.total.groups[i][key]
		all = append(all, pipeline.GroupFinding{Group: groupName(r.By, key), Verdict: r.tolerates(t), Observed: observedRows(t)})
	}
	f.Expected += " of each group"
	byGroup(f, all)
}

// empty gives the verdict of a rule that found no row, as its policy says. To skip it
// is the user's choice, and so does not block.
func empty(f *pipeline.Finding, policy OnEmpty) {
	f.Observed, f.Expected = "no row", "a row"
	switch policy {
	case EmptyPasses:
		f.Verdict = pipeline.Pass
	case EmptySkips:
		f.Verdict, f.Severity = pipeline.Skipped, pipeline.SeverityWarn
	default:
		f.Verdict = pipeline.NoData
	}
}

// rowsSeen is the metric rows(), which is always there.
func (c *court) rowsSeen() int64 {
	for i, m := range c.metrics {
		if m.text == "rows()" {
			return c.total.states[i].(*counter).Rows
		}
	}
	return 0
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
	return words[m[1]] + digits(n)
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case int64:
		return digits(v)
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case string:
		return strconv.Quote(v)
	case time.Time:
		return v.Format(time.RFC3339)
	case *shortHistory:
		return "too little history"
	case error:
		return "error"
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	}
	return fmt.Sprint(v)
}
