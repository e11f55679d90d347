package gates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/pipeline"
)

// court judges one partition.
type court struct {
	*bound
	env      *pipeline.Env
	accepted *pipeline.Manifest // nil where no rule asks, or there is none
	lookups  []lookup
	total    witness
	unique   []*occurrences // by rule
	programs programCache
	store    *keys.Store
	exact    bool // approximate metrics are computed exactly
	ledger   ledger
	sketched map[int]state // what was decided exactly in the end, as it is stored
	history  *history
	// storedRules and storedMetrics are those whose totals were stored before.
	storedRules, storedMetrics []bool
}

func openCourt(ctx context.Context, b *bound, h pipeline.Hearing) (*court, error) {
	c := &court{
		bound: b, env: h.Env, store: newKeys(h.Env), exact: !h.Again, lookups: make([]lookup, len(b.inputs)), unique: make([]*occurrences, len(b.rules)),
		storedRules: make([]bool, len(b.rules)), storedMetrics: make([]bool, len(b.metrics)), history: newHistory(b, h),
	}
	if err := c.askAccepted(h); err != nil {
		return nil, err
	}
	for i, in := range b.inputs {
		if err := c.lookups[i].fill(ctx, c, h.Lookups[i], in); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	c.total = *c.witness(pipeline.Unit{Env: c.env})
	for i, r := range b.rules {
		if r.Check.kind == uniqueCheck || r.Check.kind == referenceCheck {
			c.unique[i] = &occurrences{log: c.store.Log()}
		}
	}
	if h.Stored != nil {
		c.useStored(h.Stored)
	}
	return c, nil
}

// askAccepted finds what was published last, where a rule holds the schema against it.
func (c *court) askAccepted(h pipeline.Hearing) (err error) {
	if h.Accepted == nil || !slices.ContainsFunc(c.rules, func(r *boundRule) bool { return r.Check.kind == schemaCheck && r.Check.schema.Drift != "" }) {
		return nil
	}
	c.accepted, err = h.Accepted()
	return err
}

// Unit implements pipeline.Court.
func (c *court) Unit(u pipeline.Unit) pipeline.Witness { return c.witness(u) }

func (c *court) witness(u pipeline.Unit) *witness {
	w := &witness{
		court: c, unit: u, tallies: make([]tally, len(c.rules)), states: make([]state, len(c.metrics)),
		errs: make([]error, len(c.metrics)), keys: make([]*keys.Log, len(c.rules)),
		climbs: make([]climb, len(c.rules)), metricRungs: make([]rung, len(c.metrics)),
		groups: make([]map[string]*tally, len(c.rules)), samples: make([][]pipeline.RowSample, len(c.rules)),
		settled: make([]bool, len(c.rules)), holds: make([]bool, len(c.rules)), measured: make([]bool, len(c.metrics)),
	}
	for i, m := range c.metrics {
		w.states[i] = c.open(m)
	}
	return w
}

// Merge implements pipeline.Court.
func (c *court) Merge(other pipeline.Witness) error {
	w := other.(*witness)
	c.ledger.enter(c, w)
	for i := range c.rules {
		c.total.tallies[i].add(w.tallies[i])
		c.total.samples[i] = addSamples(c.total.samples[i], w.samples[i])
		c.mergeGroups(i, w.groups[i])
		if w.saw && !w.known {
			w.climbs[i].rung = scanRung
		}
		c.total.climbs[i].add(w.climbs[i])
		if w.keys[i] != nil {
			if err := c.unique[i].log.Merge(w.keys[i]); err != nil {
				return err
			}
		}
	}
	for i := range c.metrics {
		if c.total.errs[i] == nil {
			c.total.errs[i] = w.errs[i]
		}
		if c.storedMetrics[i] {
			continue // no unit adds to it
		}
		if err := c.total.states[i].merge(w.states[i]); err != nil {
			return err
		}
	}
	return nil
}

// mergeGroups takes in what a rule found of each group.
func (c *court) mergeGroups(i int, groups map[string]*tally) {
	for key, t := range groups {
		if c.total.groups[i] == nil {
			c.total.groups[i] = map[string]*tally{}
		}
		if of := c.total.tallies[i].group(c.total.groups[i], key); of != nil {
			of.add(*t)
		}
	}
}

// Judge implements pipeline.Court.
func (c *court) Judge(ctx context.Context, again func(context.Context, []int) (pipeline.Reader, error)) (*pipeline.Judgement, error) {
	defer func() { _ = c.Close() }() // what could not be removed goes with the run's other files
	if err := c.countKeys(ctx); err != nil {
		return nil, err
	}
	if err := c.sampleKeys(ctx, again); err != nil {
		return nil, err
	}
	if err := c.settle(ctx, again); err != nil {
		return nil, err
	}
	all := make([]pipeline.Finding, len(c.rules))
	out := &pipeline.Judgement{}
	for i, r := range c.rules {
		all[i] = c.finding(i, r, all)
		if !r.hidden {
			out.Findings = append(out.Findings, all[i])
		}
	}
	out.Measures = c.measures()
	var err error
	out.States, err = c.states()
	return out, err
}

// finding judges a rule; those before it are done.
func (c *court) finding(i int, r *boundRule, done []pipeline.Finding) pipeline.Finding {
	t := c.total.tallies[i]
	f := pipeline.Finding{
		Name: r.Name, Severity: r.Severity, Rule: r.Check.String(), At: r.At,
		Kind: r.Check.label, Description: r.Description, Owner: r.Owner, Tags: r.Tags,
		RowsTested: t.tested, RowsFailed: t.failed, RowsNull: t.null, RowsQuarantined: t.aside,
		DecidedBy: c.total.climbs[i].rung.String(), Groups: c.total.climbs[i].groups,
		GroupsRead: c.total.climbs[i].read, BytesRead: c.total.climbs[i].bytes,
	}
	if r.Check.warn != "" {
		f.Rule += "; warns unless " + r.Check.warn
	}
	switch r.Check.kind {
	case rowCheck, referenceCheck, uniqueCheck:
		c.judgeRows(&f, i, r)
	case expectCheck:
		c.judgeStatement(&f, r)
	case schemaCheck:
		r.judgeContract(&f, c.accepted)
	case compositeCheck:
		var of []pipeline.Finding
		for _, m := range r.members {
			of = append(of, done[m])
		}
		r.judgeMembers(&f, of)
	}
	if f.Verdict != pipeline.Pass {
		f.Samples = c.total.samples[i]
		c.blame(&f, i, r)
	}
	if f.Verdict == pipeline.Fail && r.Severity == pipeline.SeverityWarn {
		f.Verdict = pipeline.Warn
	}
	return f
}

// maxStored bounds the state of a metric in a manifest, in bytes. One that is larger, of
// thousands of groups or texts, is not kept.
const maxStored = 1 << 20

// states writes the metrics for the manifest.
func (c *court) states() (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for i, m := range c.metrics {
		if c.total.errs[i] != nil {
			continue
		}
		s := c.total.states[i]
		if of := c.sketched[i]; of != nil {
			s = of
		}
		text, err := json.Marshal(s)
		if errors.Is(err, errNoRoom) || len(text) > maxStored {
			continue // the metric has no history
		}
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", m.text, err)
		}
		all[m.text] = text
	}
	return all, c.tallies(all)
}

// with are the means of the court's states.
func (c *court) with() means { return means{c.env, c.store} }

// open begins the state of a metric: the exact one where the rows are seen but once.
func (c *court) open(m *boundMetric) state {
	if c.exact {
		m = m.exactly()
	}
	return m.open(c.with())
}
