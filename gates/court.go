package gates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/pipeline"
)

// court judges one partition.
type court struct {
	*bound
	ctx      context.Context // of the run
	env      *pipeline.Env
	store    *keys.Store
	lookups  []lookup
	total    witness
	unique   []*occurrences // by rule
	programs programCache
	// storedRules and storedMetrics are those whose totals were stored before.
	storedRules, storedMetrics []bool
}

func openCourt(ctx context.Context, b *bound, env *pipeline.Env, lookups []pipeline.Reader, stored map[string]json.RawMessage) (*court, error) {
	c := &court{
		storedRules: make([]bool, len(b.rules)), storedMetrics: make([]bool, len(b.metrics)),
		bound: b, ctx: ctx, env: env, store: newKeys(env), lookups: make([]lookup, len(lookups)), unique: make([]*occurrences, len(b.rules)),
	}
	for i, r := range lookups {
		if err := c.lookups[i].fill(ctx, c, r, b.inputs[i]); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	c.total = *c.witness(pipeline.Unit{Env: env})
	for i, r := range b.rules {
		if r.Check.kind == uniqueCheck || r.Check.kind == referenceCheck {
			c.unique[i] = &occurrences{log: c.store.Log()}
		}
	}
	if stored != nil {
		c.useStored(stored)
	}
	return c, nil
}

// Unit implements pipeline.Court.
func (c *court) Unit(u pipeline.Unit) pipeline.Witness { return c.witness(u) }

func (c *court) witness(u pipeline.Unit) *witness {
	w := &witness{
		court: c, unit: u, tallies: make([]tally, len(c.rules)), states: make([]state, len(c.metrics)),
		errs: make([]error, len(c.metrics)), keys: make([]*keys.Log, len(c.rules)),
		climbs: make([]climb, len(c.rules)), metricRungs: make([]rung, len(c.metrics)),
		settled: make([]bool, len(c.rules)), holds: make([]bool, len(c.rules)), measured: make([]bool, len(c.metrics)),
	}
	for i, m := range c.metrics {
		w.states[i] = m.fn.open(m.typ, c.env)
		if d, ok := w.states[i].(*distinct); ok {
			d.log = c.store.Set()
		}
	}
	return w
}

// Merge implements pipeline.Court.
func (c *court) Merge(other pipeline.Witness) error {
	w := other.(*witness)
	for i := range c.rules {
		c.total.tallies[i].add(w.tallies[i])
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
		if err := c.total.states[i].merge(w.states[i]); err != nil {
			return err
		}
	}
	return nil
}

// Judge implements pipeline.Court.
func (c *court) Judge() ([]pipeline.Finding, map[string]json.RawMessage, error) {
	defer func() { _ = c.Close() }() // what could not be removed goes with the run's other files
	if err := c.countKeys(); err != nil {
		return nil, nil, err
	}
	var findings []pipeline.Finding
	for i, r := range c.rules {
		f := pipeline.Finding{
			Name: r.Name, Severity: r.Severity, Rule: r.Check.String(), At: r.At,
			RowsTested: c.total.tallies[i].tested, RowsFailed: c.total.tallies[i].failed,
			RowsNull: c.total.tallies[i].null, RowsQuarantined: c.total.tallies[i].aside,
			DecidedBy: c.total.climbs[i].rung.String(), Groups: c.total.climbs[i].groups,
			GroupsRead: c.total.climbs[i].read, BytesRead: c.total.climbs[i].bytes,
		}
		switch r.Check.kind {
		case rowCheck, referenceCheck, uniqueCheck:
			c.judgeRows(&f, i, r)
		case expectCheck:
			c.judgeStatement(&f, r)
		case schemaCheck:
			judgeSchema(&f, r)
		}
		if f.Verdict == pipeline.Fail && r.Severity == pipeline.SeverityWarn {
			f.Verdict = pipeline.Warn
		}
		findings = append(findings, f)
	}
	metrics, err := c.states()
	return findings, metrics, err
}

// states writes the metrics for the manifest.
func (c *court) states() (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for i, m := range c.metrics {
		if c.total.errs[i] != nil {
			continue
		}
		text, err := json.Marshal(c.total.states[i])
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", m.text, err)
		}
		all[m.text] = text
	}
	return all, c.tallies(all)
}
