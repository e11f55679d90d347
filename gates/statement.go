package gates

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// judgeStatement gives the verdict of an expect rule.
func (c *court) judgeStatement(f *pipeline.Finding, r *boundRule) {
	f.Expected = r.expected(r.expect)
	f.RowsTested = c.rowsSeen()
	for _, call := range r.expect.calls {
		if call.own >= 0 && call.Past == nil && call.fn.compare == nil && !slices.Contains(f.Measures, call.Text) {
			f.Measures = append(f.Measures, call.Text)
		}
	}
	if len(r.by) > 0 {
		c.judgeGroups(f, r)
	} else {
		one := c.outcome(r, "")
		f.Verdict, f.Observed, f.Detail = one.verdict, one.observed, append(f.Detail, one.detail...)
		f.Detail = append(f.Detail, c.lostAndFound(r, one.vals)...)
		if n, ok := onlyRows(r, one.vals); ok {
			f.Observed = plural(n, "row")
		}
	}
	if f.RowsTested == 0 && r.OnEmpty != "" && f.Verdict != pipeline.ErrorVerdict {
		empty(f, r.OnEmpty)
	}
	r.letShort(f)
	if f.Verdict == pipeline.Warn && r.warn != nil {
		f.Expected = r.expected(r.warn)
	}
}

// letShort has a rule without enough history warn, unless it says that it blocks.
func (r *boundRule) letShort(f *pipeline.Finding) {
	if f.Verdict == pipeline.InsufficientHistory && r.ShortHistory != ShortHistoryBlocks {
		f.Severity = pipeline.SeverityWarn
	}
}

// lostAndFound says which values of a list the other lacks, of the checks that compare now
// with the past.
func (c *court) lostAndFound(r *boundRule, vals []any) []string {
	if len(vals) != 2 || r.Check.label != "no_new_values" && r.Check.label != "no_lost_values" {
		return nil
	}
	has, of := vals[0], vals[1]
	found, isList := has.([]string)
	other, both := of.([]string)
	if !isList || !both {
		return nil
	}
	extra := slices.DeleteFunc(slices.Clone(found), func(v string) bool { return slices.Contains(other, v) })
	if len(extra) == 0 {
		return nil
	}
	text := plural(int64(len(extra)), "value") + " that the other does not have"
	if c.env.ShowValues {
		text += ": " + cut(strings.Join(extra, ", "))
	} else {
		text += "; --show-values names them"
	}
	return []string{text}
}

// expected is a statement for people: as the check is written, where that is not CEL.
func (r *boundRule) expected(s *statement) string {
	if r.Check.label == "expect" || r.Check.label == "row_count" || strings.HasPrefix(r.Check.show, "expect ") {
		return statementText(s.text)
	}
	return r.Check.show
}

// outcome is what came of a statement, of all rows or of a group.
type outcome struct {
	verdict  pipeline.Verdict
	observed string
	vals     []any
	detail   []string
	open     bool // what is approximate may decide it either way
}

// outcome evaluates the statement of a rule, and the one that only warns.
func (c *court) outcome(r *boundRule, group string) outcome {
	out := c.evaluate(r.expect, c.total.states, group)
	if out.verdict != pipeline.Pass || r.warn == nil {
		return out
	}
	w := c.evaluate(r.warn, c.total.states, group)
	if w.verdict == pipeline.Fail {
		w.verdict = pipeline.Warn
	}
	return w
}

// evaluate evaluates a statement with the states of the rows that are judged.
func (c *court) evaluate(s *statement, states []state, group string) (out outcome) {
	var shown []string
	var broken error // of a call, and not for want of history
	ranges := map[int]expr.Range{}
	unsure := false
	for i, call := range s.calls {
		v := c.read(call, states, group)
		if v.within != nil {
			ranges[i] = *v.within
		}
		unsure = unsure || v.unsure
		out.vals = append(out.vals, v.value)
		shown = append(shown, call.Text+" = "+c.shown(call, v))
		switch short, err := problemOf(v); {
		case short != nil:
			out.detail = append(out.detail, short.Error())
		case broken == nil:
			broken = err
		}
	}
	out.observed = strings.Join(shown, ", ")
	said, err := s.Eval(out.vals)
	out.open = err == nil && (unsure || len(ranges) > 0 && !s.Certain(out.vals, ranges))
	switch {
	case out.open:
		out.verdict, out.detail = pipeline.ErrorVerdict, append(out.detail, "what is approximate here is too near to the threshold, and the rows can't be read again to decide it exactly; give the stage an output")
	case err != nil && broken == nil && errors.As(err, new(*shortHistory)):
		out.verdict = pipeline.InsufficientHistory
	case err != nil:
		if broken != nil && errors.As(err, new(*shortHistory)) {
			err = broken
		}
		out.verdict, out.detail = pipeline.ErrorVerdict, append(out.detail, err.Error())
	case said == expr.Null:
		out.verdict = pipeline.NoData
	case said == expr.True:
		out.verdict = pipeline.Pass
	default:
		out.verdict = pipeline.Fail
	}
	return out
}

// problemOf is why there is no number: too little history, or else an error. Not to be a
// number is one.
func problemOf(v reading) (short *shortHistory, err error) {
	switch v := v.value.(type) {
	case error:
		if errors.As(v, &short) {
			return short, nil
		}
		return nil, v
	case float64:
		if v != v {
			return nil, errNaN
		}
	}
	return nil, nil
}

const errNaN = errText("a metric is not a number (NaN)")

// shown is a value for people, with how far it may be off. Values of rows are not told
// unless they may be.
func (c *court) shown(call boundCall, v reading) string {
	text := show(v.value)
	if !c.env.ShowValues && slices.Contains([]string{"values", "frequent", "min", "max"}, call.fn.state) {
		switch value := v.value.(type) {
		case []string:
			text = plural(int64(len(value)), "value")
		case string:
			text = "a text"
		}
	}
	if v.within != nil {
		text += fmt.Sprintf(" (from %s to %s)", show(v.within.Low), show(v.within.High))
	}
	return text
}

// read is what a call gives, of all rows or of a group.
func (c *court) read(call boundCall, states []state, group string) reading {
	switch {
	case call.fn.files != nil && len(c.lookups[call.input].files) == 0:
		return exactly(errText("the files of " + call.Input + " are not known: it is no source of files"))
	case call.fn.files != nil:
		return exactly(call.fn.files(c.lookups[call.input].files))
	case call.fn.past != nil:
		return exactly(call.fn.past(c.history, call.Input, c.lookups[call.input].files))
	case call.fn.columns != nil && call.input >= 0:
		return exactly(call.fn.columns(c.inputs[call.input].schema))
	case call.fn.columns != nil:
		return exactly(call.fn.columns(c.schema))
	case call.Past != nil && call.Past.Summary != "":
		return c.history.summarize(call, c.metrics[call.own], group)
	}
	var own, other state
	var err error
	if call.own >= 0 {
		if own, err = stateOf(c.metrics[call.own], states[call.own], c.total.errs[call.own], group, c.env); err != nil {
			return exactly(err)
		}
	}
	if call.other >= 0 {
		l := &c.lookups[call.input]
		m := c.inputs[call.input].metrics[call.other]
		if other, err = stateOf(m, l.states[call.other], l.errs[call.other], group, c.env); err != nil {
			return exactly(err)
		}
	}
	switch {
	case call.fn.compare == nil && other != nil:
		return call.fn.read(other, call.Consts)
	case call.fn.compare == nil:
		return call.fn.read(own, call.Consts)
	case call.Past != nil:
		if other, err = c.history.merged(call, c.metrics[call.own], group); err != nil {
			return exactly(err)
		}
	}
	return call.fn.compare(own, other, sharesOf(call.Consts))
}

func sharesOf(consts []any) map[string]float64 {
	for _, v := range consts {
		if m, ok := v.(map[string]float64); ok {
			return m
		}
	}
	return nil
}

// stateOf is the state of a metric, or of a group of it: a new one where the group has no
// rows.
func stateOf(m *boundMetric, s state, err error, group string, env *pipeline.Env) (state, error) {
	if err != nil {
		return nil, err
	}
	g, ok := s.(*grouped)
	if !ok {
		return s, nil
	}
	if g.over {
		return nil, errGroups
	}
	if of := g.of[group]; of != nil {
		return of, nil
	}
	return m.fn.open(m.types, m.given, means{Env: env}), nil
}

// maxGroupFindings bounds the groups that a finding names.
const maxGroupFindings = 20

// judgeGroups evaluates the statement for each group that there is anywhere.
func (c *court) judgeGroups(f *pipeline.Finding, r *boundRule) {
	var all []pipeline.GroupFinding
	for _, key := range c.groupsOf(r.expect, r) {
		one := c.outcome(r, key)
		all = append(all, pipeline.GroupFinding{Group: groupName(r.By, key), Verdict: one.verdict, Observed: one.observed})
		for _, d := range one.detail {
			if !slices.Contains(f.Detail, d) && len(f.Detail) < maxGroupFindings {
				f.Detail = append(f.Detail, d)
			}
		}
	}
	byGroup(f, all)
}

// groupsOf are the groups of a statement that there are anywhere; one without a name where
// the rule has no groups.
func (c *court) groupsOf(s *statement, r *boundRule) []string {
	if len(r.by) == 0 {
		return []string{""}
	}
	keys := map[string]bool{}
	gather := func(s state) {
		if g, ok := s.(*grouped); ok {
			for key := range g.of {
				keys[key] = true
			}
		}
	}
	for _, call := range s.calls {
		if call.own >= 0 {
			gather(c.total.states[call.own])
		}
		if call.own >= 0 && call.Past != nil {
			for _, past := range c.history.whole(call.Past, c.metrics[call.own]) {
				gather(past)
			}
		}
		if call.other >= 0 {
			gather(c.lookups[call.input].states[call.other])
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// worst are the verdicts of groups, from the worst to the best.
var worst = []pipeline.Verdict{pipeline.ErrorVerdict, pipeline.Fail, pipeline.NoData, pipeline.InsufficientHistory, pipeline.Skipped, pipeline.Warn, pipeline.Pass}

// byGroup brings the verdicts of groups together: the worst is the rule's.
func byGroup(f *pipeline.Finding, all []pipeline.GroupFinding) {
	f.GroupsJudged, f.Verdict = int64(len(all)), pipeline.Pass
	slices.SortStableFunc(all, func(a, b pipeline.GroupFinding) int {
		return slices.Index(worst, a.Verdict) - slices.Index(worst, b.Verdict)
	})
	for _, g := range all {
		if g.Verdict == pipeline.Pass {
			break
		}
		f.GroupsFailed++
		if len(f.ByGroup) < maxGroupFindings {
			f.ByGroup = append(f.ByGroup, g)
		}
	}
	if len(all) == 0 {
		f.Verdict, f.Observed = pipeline.NoData, "no group"
		return
	}
	f.Verdict = all[0].Verdict
	if f.GroupsFailed == 0 {
		f.Observed = plural(f.GroupsJudged, "group") + " passed"
		return
	}
	f.Observed = fmt.Sprintf("%s of %s did not pass", digits(f.GroupsFailed), plural(f.GroupsJudged, "group"))
}

func onlyRows(r *boundRule, vals []any) (int64, bool) {
	if len(vals) != 1 || r.expect.Calls[0].Text != "rows()" {
		return 0, false
	}
	n, ok := vals[0].(int64)
	return n, ok
}
