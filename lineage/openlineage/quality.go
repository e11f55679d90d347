package openlineage

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// The words of the standard for what became of a test.
const (
	passed  = "pass"
	failed  = "fail"
	skipped = "skip"
)

// tests are all rules, with what became of them.
func (u *unit) tests() *Test {
	t := &Test{Base: facet("1-0-1", "TestRunFacet")}
	for i := range u.findings {
		f := &u.findings[i]
		a := u.assertion(f)
		t.Tests = append(t.Tests, TestExecution{
			Name: f.Name, Status: outcome(f), Severity: a.Severity, Type: a.Assertion, Description: a.Description,
			Expected: a.Expected, Actual: a.Actual, Content: a.Content, ContentType: a.ContentType, Params: a.Params,
		})
	}
	return t
}

// assertions are the rules that could be decided: the standard knows only true and false.
func (u *unit) assertions() *QualityAssertions {
	q := &QualityAssertions{facet("1-1-0", "DataQualityAssertionsDatasetFacet"), []Assertion{}}
	for i := range u.findings {
		if f := &u.findings[i]; outcome(f) != skipped {
			q.Assertions = append(q.Assertions, u.assertion(f))
		}
	}
	return q
}

// outcome is what became of a rule. What blocks has failed, whatever its verdict is called.
func outcome(f *pipeline.Finding) string {
	switch {
	case f.Verdict == pipeline.Pass:
		return passed
	case f.Blocks() || f.Verdict == pipeline.Warn || f.Verdict == pipeline.Fail || f.Verdict == pipeline.ErrorVerdict:
		return failed
	}
	return skipped
}

func (u *unit) assertion(f *pipeline.Finding) Assertion {
	a := Assertion{
		Assertion: firstOf(f.Kind, firstWord(f.Rule)), Success: f.Verdict == pipeline.Pass, Severity: "error", Name: f.Name,
		Description: f.Description, Expected: exprText(f.Expected), Actual: u.actual(f),
		Params: map[string]string{"verdict": string(f.Verdict), "decided_by": f.DecidedBy},
	}
	if f.Severity == pipeline.SeverityWarn || f.Verdict == pipeline.Warn {
		a.Severity = "warn"
	}
	if f.Kind == "rows" || f.Kind == "expect" {
		a.Content, a.ContentType = exprText(strings.TrimPrefix(f.Rule, f.Kind+" ")), "expression"
	} else {
		a.Column = u.columnOf(f)
	}
	if f.Approved != nil {
		a.Params["approved_by"] = f.Approved.Actor
	}
	if f.RowsQuarantined > 0 {
		a.Params["rows_quarantined"] = decimal(f.RowsQuarantined)
	}
	return a
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return firstOf(word, "rule")
}

// columnOf is the one column that a named check is about; empty of several.
func (u *unit) columnOf(f *pipeline.Finding) string {
	rest, ok := strings.CutPrefix(f.Rule, f.Kind+" ")
	if !ok || f.Kind == "" {
		return ""
	}
	name, _, _ := strings.Cut(rest, ":")
	if u.manifest != nil && !slices.ContainsFunc(u.manifest.Schema, func(c pipeline.SchemaField) bool { return c.Name == name }) {
		return ""
	}
	if strings.ContainsAny(name, " ,()") {
		return ""
	}
	return name
}

// actual is what was observed, in numbers: what a finding says for people may show a value.
func (u *unit) actual(f *pipeline.Finding) string {
	if u.ShowValues {
		return f.Observed
	}
	var said []string
	for i := range u.Record.Measures {
		m := &u.Record.Measures[i]
		if m.Stage == f.Stage && m.Number != nil && slices.Contains(f.Measures, m.Metric) {
			said = append(said, exprText(m.Metric)+" = "+number(*m.Number))
		}
	}
	if len(said) > 0 {
		return strings.Join(said, ", ")
	}
	if f.Kind == "expect" || f.RowsTested+f.RowsFailed+f.RowsNull == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d rows failed, %d null", f.RowsFailed, f.RowsTested, f.RowsNull)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// metrics are the numbers that the gates have counted of what was written.
func (u *unit) metrics(m *pipeline.Manifest) *QualityMetrics {
	q := &QualityMetrics{
		Base: facet("1-0-1", "DataQualityMetricsDatasetFacet"), Rows: m.Rows, Bytes: bytesOf(m.Files), Files: int64(len(m.Files)),
		Columns: map[string]ColumnMetrics{},
	}
	for i := range u.Record.Measures {
		v := &u.Record.Measures[i]
		if v.Stage != u.Stage || v.Number == nil {
			continue
		}
		name, args, ok := call(v.Metric)
		if !ok || !slices.ContainsFunc(m.Schema, func(c pipeline.SchemaField) bool { return c.Name == args[0] }) {
			continue
		}
		c := q.Columns[args[0]]
		c.put(name, args[1:], *v.Number)
		if c.known() {
			q.Columns[args[0]] = c
		}
	}
	return q
}

// call takes a metric apart that is one of a column: `quantile(delay, 0.99)`.
func call(text string) (name string, args []string, ok bool) {
	name, rest, ok := strings.Cut(text, "(")
	rest, end := strings.CutSuffix(rest, ")")
	if !ok || !end || strings.ContainsAny(rest, "()") {
		return "", nil, false
	}
	for arg := range strings.SplitSeq(rest, ",") {
		args = append(args, strings.TrimSpace(arg))
	}
	return name, args, true
}

// put takes in the value of a metric. Those that need more than the column are none of it.
func (c *ColumnMetrics) put(name string, more []string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) { // JSON has no such numbers
		return
	}
	n := int64(v)
	if name == "quantile" && len(more) == 1 {
		if c.Quantiles == nil {
			c.Quantiles = map[string]float64{}
		}
		c.Quantiles[more[0]] = v
	}
	if len(more) > 0 {
		return
	}
	switch name {
	case "nulls":
		c.Nulls = &n
	case "distinct":
		c.Distinct = &n
	case "count":
		c.Count = &v
	case "sum":
		c.Sum = &v
	case "min":
		c.Min = &v
	case "max":
		c.Max = &v
	case "median":
		c.put("quantile", []string{"0.5"}, v)
	}
}

func (c *ColumnMetrics) known() bool {
	return c.Nulls != nil || c.Distinct != nil || c.Count != nil || c.Sum != nil || c.Min != nil || c.Max != nil || c.Quantiles != nil
}
