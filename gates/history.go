package gates

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// maxLookBack bounds how many past partitions are looked at, however many of them have
// what is asked for.
const maxLookBack = 1000

// history is what was published of the partitions before the one that is judged.
type history struct {
	partition pipeline.Partition
	env       *pipeline.Env
	next      func() (*pipeline.Manifest, error, bool)
	stop      func()
	known     []*pipeline.Manifest // the latest first
	err       error                // that ended the reading
}

func newHistory(b *bound, h pipeline.Hearing) *history {
	past := &history{partition: b.around.Partition, env: h.Env, stop: func() {}}
	if h.Past != nil {
		past.next, past.stop = iter.Pull2(h.Past)
	}
	return past
}

// manifests gives what was published, the latest first, reading no more than is asked for.
func (h *history) manifests() iter.Seq2[*pipeline.Manifest, error] {
	return func(yield func(*pipeline.Manifest, error) bool) {
		for i := 0; i < maxLookBack; i++ {
			if i == len(h.known) && !h.more() {
				if h.err != nil {
					yield(nil, h.err)
				}
				return
			}
			if !yield(h.known[i], nil) {
				return
			}
		}
	}
}

func (h *history) more() bool {
	if h.next == nil || h.err != nil {
		return false
	}
	m, err, ok := h.next()
	if !ok || err != nil {
		h.err, h.next = err, nil
		return false
	}
	h.known = append(h.known, m)
	return true
}

// shortHistory says that fewer past partitions have a metric than a rule asks for.
type shortHistory struct {
	past *expr.Past
	what string
	have int
}

func (s *shortHistory) Error() string {
	cohort := ""
	if s.past.Cohort != "" {
		cohort = " of the same " + s.past.Cohort
	}
	return fmt.Sprintf("history(%d): %s%s published with %s", s.past.N, plural(int64(s.have), "past partition"), cohort, s.what)
}

// pastState is the state of a metric on a past partition.
type pastState struct {
	state
	partition string
}

// states gives the states of a metric on as many past partitions as a call asks for, the
// latest first. A metric that was defined otherwise has another name, and is not among them;
// nor is one that a gate blocked, and somebody approved of: it is no measure for others.
func (h *history) states(past *expr.Past, m *boundMetric, group string) ([]pastState, error) {
	var found []pastState
	for manifest, err := range h.manifests() {
		if err != nil {
			return nil, err
		}
		text, ok := manifest.Metrics[m.text]
		if !ok || !h.cohort(past.Cohort, manifest.Partition) || overruled(manifest, past.Metric) {
			continue
		}
		s, ok := m.open(means{Env: h.env}).(loader)
		if !ok {
			return nil, pipeline.Errorf(pipeline.Invalid, "%s keeps no history", m.text)
		}
		if err := s.UnmarshalJSON(text); err != nil {
			return nil, pipeline.Errorf(pipeline.IO, "%s of %s can't be read from version %d: %w", m.text, manifest.Partition, manifest.Version, err)
		}
		one, err := stateOf(m, s, nil, group, h.env)
		if err != nil {
			return nil, err
		}
		if found = append(found, pastState{one, manifest.Partition}); len(found) == past.N {
			return found, nil
		}
	}
	return nil, &shortHistory{past, m.text, len(found)}
}

// whole gives the states of all groups that states looks into; none where there is too little
// history, or it can't be read: then states says so.
func (h *history) whole(past *expr.Past, m *boundMetric) (all []state) {
	for manifest, err := range h.manifests() {
		if err != nil || len(all) == past.N {
			return all
		}
		text, ok := manifest.Metrics[m.text]
		if !ok || !h.cohort(past.Cohort, manifest.Partition) || overruled(manifest, past.Metric) {
			continue
		}
		if s, ok := m.open(means{Env: h.env}).(loader); ok && s.UnmarshalJSON(text) == nil {
			all = append(all, s)
		}
	}
	return all
}

// overruled reports whether a version was published although a gate about a metric blocked.
func overruled(m *pipeline.Manifest, metric string) bool {
	return slices.ContainsFunc(m.Findings, func(f pipeline.Finding) bool {
		return f.Approved != nil && slices.Contains(f.Measures, metric)
	})
}

// cohort reports whether a past partition is of the same cohort as the one that is judged.
func (h *history) cohort(name, partition string) bool {
	if name == "" {
		return true
	}
	p, err := h.partition.Scheme().Anyway(partition)
	if err != nil || p.Start.IsZero() {
		return false
	}
	a, b := h.partition.Local(), p.Local()
	switch name {
	case "weekday":
		return a.Weekday() == b.Weekday()
	case "month_day":
		return a.Day() == b.Day()
	case "month":
		return a.Month() == b.Month()
	}
	return monthEnd(a) == monthEnd(b)
}

func monthEnd(t time.Time) bool { return t.AddDate(0, 0, 1).Day() == 1 }

// summarize is what a call asks of a metric's values on past partitions.
func (h *history) summarize(call boundCall, m *boundMetric, group string) reading {
	states, err := h.states(call.Past, m, group)
	if err != nil {
		return exactly(err)
	}
	vals, low, high := make([]any, len(states)), make([]any, len(states)), make([]any, len(states))
	out := reading{}
	ranged := false
	for i, s := range states {
		r := call.fn.read(s.state, call.Consts)
		vals[i], low[i], high[i] = r.value, r.value, r.value
		if r.within != nil {
			low[i], high[i], ranged = r.within.Low, r.within.High, true
		}
		out.unsure = out.unsure || r.unsure
	}
	if len(call.Past.Consts) > 0 && strings.HasPrefix(call.Past.Summary, "forecast") && call.Past.Cohort == "" {
		season, _ := asNumber(call.Past.Consts[0])
		vals = h.withoutGaps(states, vals, int(season))
	}
	i := slices.IndexFunc(summaryFuncs, func(f summaryFunc) bool { return f.Name == call.Past.Summary })
	of := summaryFuncs[i].of
	out.value = of(vals, call.Past.Consts)
	if ranged && summaryFuncs[i].rises {
		a, isLow := asNumber(of(low, call.Past.Consts))
		b, isHigh := asNumber(of(high, call.Past.Consts))
		if isLow && isHigh && a < b {
			out.within = &expr.Range{Low: a, High: b}
		}
	}
	return out
}

// withoutGaps gives the values of all partitions in time from the oldest of the states to
// the one before that which is judged, the latest first, so that a season is one of the
// calendar: of the pipeline's, if it has one. A partition that was not published has the value of the season before it, or
// after it, or the mean.
func (h *history) withoutGaps(states []pastState, vals []any, season int) []any {
	parts, err := h.partition.Scheme().Range(states[len(states)-1].partition, h.partition.Value)
	if err != nil || h.partition.Start.IsZero() || season < 1 {
		return vals // it has no order in time
	}
	known := map[string]any{}
	var numbers []float64
	for i, s := range states {
		known[s.partition] = vals[i]
		if n, ok := asNumber(vals[i]); ok {
			numbers = append(numbers, n)
		}
	}
	series := make([]any, len(parts)-1)
	for i := range series {
		series[i] = known[parts[i].Value]
	}
	for i := range series {
		switch _, published := known[parts[i].Value]; {
		case published:
		case i >= season:
			series[i] = series[i-season]
		case i+season < len(series) && series[i+season] != nil:
			series[i] = series[i+season]
		case len(numbers) > 0:
			series[i] = meanOf(numbers)
		}
	}
	slices.Reverse(series)
	return series
}

// merged is the state of all rows of the past partitions that a call compares with.
func (h *history) merged(call boundCall, m *boundMetric, group string) (state, error) {
	states, err := h.states(call.Past, m, group)
	if err != nil {
		return nil, err
	}
	slices.Reverse(states)
	all := m.fn.open(m.types, m.given, means{Env: h.env})
	for _, s := range states {
		if err := all.merge(s.state); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// summaryFunc is what can be asked of the values of a metric on past partitions.
type summaryFunc struct {
	expr.Summary
	// rises says that it does not fall where a value rises.
	rises bool
	// of brings values together, the latest first: a float64, nil for null, or an error.
	of func(vals []any, consts []any) any
}

func summaries() []expr.Summary {
	all := make([]expr.Summary, len(summaryFuncs))
	for i, f := range summaryFuncs {
		all[i] = f.Summary
	}
	return all
}

func numericSummary(name string, of func(vals, consts []float64) any, params ...expr.Param) summaryFunc {
	return summaryFunc{
		rises:   !slices.Contains([]string{"stddev", "forecast", "forecast_error"}, name),
		Summary: expr.Summary{Name: name, Params: params, Result: doubleOfNumber},
		of: func(vals, consts []any) any {
			var numbers, given []float64
			for _, v := range vals {
				if err, is := v.(error); is {
					return err
				}
				n, ok := asNumber(v)
				if !ok {
					return nil // a past partition had no data
				}
				numbers = append(numbers, n)
			}
			for _, v := range consts {
				n, _ := asNumber(v)
				given = append(given, n)
			}
			return of(numbers, given)
		},
	}
}

func doubleOfNumber(t arrow.DataType) (arrow.DataType, error) {
	_, err := doubleResult("the summary")([]arrow.DataType{t})
	return arrow.PrimitiveTypes.Float64, err
}
