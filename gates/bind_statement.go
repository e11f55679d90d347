package gates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// statement is an expect statement with what its calls refer to.
type statement struct {
	*expr.Expect
	text  string
	calls []boundCall
}

// boundCall is a call of a metric.
type boundCall struct {
	expr.Call
	fn metricFunc
	// own is the metric of the rows that are judged, other that of an input; -1 is none.
	own, other, input int
}

// boundMetric is a state that some rule needs, computed once.
type boundMetric struct {
	text  string // names it in manifests: with the rule's where and by
	fn    metricFunc
	args  []*expr.Program
	where *expr.Program
	by    []int
	types []arrow.DataType
	given []any // constants that the state depends on
}

func (b *bound) addExpect(br *boundRule) (err error) {
	text, err := br.Check.textFor(b.schema, b.around)
	if err != nil {
		return err
	}
	if br.expect, err = b.statement(text, br); err != nil {
		return err
	}
	if br.Check.warn != "" {
		br.warn, err = b.statement(br.Check.warn, br)
	}
	if len(br.By) > 0 && err == nil && !br.looksAtRows() {
		return pipeline.Errorf(pipeline.Invalid, "by chooses groups of rows; %s looks at none", br.Check)
	}
	return err
}

// statement types a statement and finds the metrics it needs.
func (b *bound) statement(text string, br *boundRule) (*statement, error) {
	e, err := expr.CompileExpect(text, expr.Vocabulary{
		Schema: b.schema, Inputs: b.around.Inputs, Metrics: exprFuncs(), Summaries: summaries(), Moments: b.moments(),
	})
	if err != nil {
		return nil, err
	}
	s := &statement{Expect: e, text: text}
	for _, call := range e.Calls {
		c := boundCall{Call: call, fn: metricNamed(call.Func), own: -1, other: -1, input: -1}
		if (call.Past != nil || c.fn.past != nil) && !b.around.Published {
			return nil, pipeline.Errorf(pipeline.Invalid, "history is kept beside an output, and the stage has none").
				With("give the stage an output, or put the rule on the stage that has one")
		}
		if err := b.hasCohort(call.Past); err != nil {
			return nil, err
		}
		if call.Input != "" {
			c.input = b.inputNamed(call.Input)
		}
		if c.fn.past != nil && c.input >= 0 {
			b.inputs[c.input].digests = true
		}
		ofFiles := c.fn.files != nil || c.fn.past != nil
		ofRows := !ofFiles && c.fn.columns == nil
		if ofFiles && call.Input == "" {
			return nil, pipeline.Errorf(pipeline.Invalid, "%s of which source? say %s(\"name\")", call.Func, call.Func)
		}
		for i := range b.schema.NumFields() {
			if c.fn.columns != nil {
				b.read(i) // all of them have to be there
			}
		}
		if ofRows && (call.Input == "" || c.fn.Compares) {
			if c.own, err = b.ownMetric(c, br); err != nil {
				return nil, err
			}
		}
		if ofRows && call.Input != "" {
			if c.other, err = b.inputs[c.input].metric(c, br); err != nil {
				return nil, err
			}
		}
		s.calls = append(s.calls, c)
	}
	return s, nil
}

// metric is the index of the state that a call reads.
func (b *bound) metric(c boundCall, br *boundRule) int {
	m := metricOf(c, br.where, br.Where, br.by, br.By)
	if i := slices.IndexFunc(b.metrics, func(o *boundMetric) bool { return o.text == m.text }); i >= 0 {
		return i
	}
	for _, arg := range m.args {
		b.read(arg.Columns()...)
		if column, is := arg.Column(); is {
			b.hand(column)
		}
	}
	b.metrics = append(b.metrics, m)
	return len(b.metrics) - 1
}

func metricOf(c boundCall, where *expr.Program, whereText string, by []int, byNames []string) *boundMetric {
	m := &boundMetric{text: c.fn.stateName(c.Args, c.Consts), fn: c.fn, args: c.Args, where: where, by: by}
	if c.fn.keyed {
		m.given = c.Consts
	}
	m.text += typeMark(c)
	if where != nil {
		m.text += " where " + whereText
	}
	if len(by) > 0 {
		m.text += fmt.Sprintf(" by %q", byNames)
	}
	for _, a := range m.args {
		m.types = append(m.types, a.Type())
	}
	return m
}

// cohortsOf are the cohorts that partitions of a granularity have.
var cohortsOf = map[pipeline.By][]string{
	pipeline.Hour: {"weekday", "month_end", "month_day", "month"}, pipeline.Day: {"weekday", "month_end", "month_day", "month"},
	pipeline.Week: {"month"}, pipeline.Month: {"month"},
}

func (b *bound) hasCohort(past *expr.Past) error {
	by := b.around.Partition.By
	if past == nil || past.Cohort == "" || slices.Contains(cohortsOf[by], past.Cohort) {
		return nil
	}
	if by == pipeline.Whole || by == pipeline.Key {
		return pipeline.Errorf(pipeline.Invalid, "history(%d, %q): there are no partitions in time", past.N, past.Cohort)
	}
	return pipeline.Errorf(pipeline.Invalid, "history(%d, %q): partitions by %s have %s", past.N, past.Cohort, by, strings.Join(cohortsOf[by], ", "))
}

// typeMark is what names a state of values of a type whose states can't be told from those
// of another: their history is not one.
func typeMark(c boundCall) (mark string) {
	if !slices.Contains([]string{"min", "max", "sum", "steps", "overlaps"}, c.fn.state) {
		return ""
	}
	for _, a := range c.Args {
		if t := a.Type(); t.ID() != arrow.INT64 && t.ID() != arrow.FLOAT64 {
			mark += " of " + pipeline.TypeName(t)
		}
	}
	return mark
}

// open begins the metric's state.
func (m *boundMetric) open(with means) state {
	if len(m.by) == 0 {
		return m.fn.open(m.types, m.given, with)
	}
	return newGrouped(m, with)
}

// exactly is the metric, computed exactly.
func (m *boundMetric) exactly() *boundMetric {
	if m.fn.exact == nil {
		return m
	}
	same := *m
	same.fn.open = m.fn.exact
	return &same
}

// needs are the columns a metric reads.
func (m *boundMetric) needs() []int {
	all := slices.Clone(m.by)
	for _, p := range append(slices.Clone(m.args), m.where) {
		if p != nil {
			all = append(all, p.Columns()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// metricsOf are the metrics of the rows that are judged that a rule is about.
func (r *boundRule) metricsOf() (all []int) {
	for _, s := range []*statement{r.expect, r.warn} {
		if s == nil {
			continue
		}
		for _, c := range s.calls {
			if c.own >= 0 && !slices.Contains(all, c.own) {
				all = append(all, c.own)
			}
		}
	}
	return all
}
