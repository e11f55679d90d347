package penstock

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// DiffedMetric is a metric that is not as it was.
type DiffedMetric struct {
	Stage  string `json:"stage"`
	Metric string `json:"metric"`
	// Before and After are its values as text; empty where it was not computed.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// DiffedGate is a gate whose verdict, or what it observed, is not as it was.
type DiffedGate struct {
	Stage string `json:"stage"`
	Gate  string `json:"gate"`
	// Before and After are its verdicts; empty where it was not in force.
	Before pipeline.Verdict `json:"before,omitempty"`
	After  pipeline.Verdict `json:"after,omitempty"`
	// Observed is what it found, before and after, and Failed how many rows broke it.
	ObservedBefore string `json:"observed_before,omitempty"`
	ObservedAfter  string `json:"observed_after,omitempty"`
	FailedBefore   int64  `json:"rows_failed_before"`
	FailedAfter    int64  `json:"rows_failed_after"`
}

// metrics compares what was measured when the versions were made.
func (d *diffing) metrics(ctx context.Context) error {
	before, err := d.measures(ctx, d.was.manifest)
	if err != nil {
		return err
	}
	after, err := d.measures(ctx, d.now.manifest)
	if err != nil {
		return err
	}
	for _, m := range union(before, after) {
		was, now := before[m], after[m]
		if was.Text != now.Text {
			d.Metrics = append(d.Metrics, DiffedMetric{m.stage, m.name, was.Text, now.Text})
		}
	}
	return nil
}

// judged names a metric or a gate of a stage.
type judged struct{ stage, name string }

// measures are those of the stages that a version was made by, as its run put them on record.
func (d *diffing) measures(ctx context.Context, m *pipeline.Manifest) (map[judged]pipeline.Measure, error) {
	all := map[judged]pipeline.Measure{}
	rec, err := d.p.store.Run(ctx, m.Run)
	if pipeline.KindOf(err) == pipeline.Invalid { // it is not on record any more
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	for _, one := range rec.Measures {
		for _, s := range m.Stages {
			if s.Name == one.Stage {
				all[judged{one.Stage, one.Metric}] = one
			}
		}
	}
	return all, nil
}

// gates compares the verdicts.
func (d *diffing) gates() {
	before, after := findingsOf(d.was.manifest), findingsOf(d.now.manifest)
	for _, g := range union(before, after) {
		was, now := before[g], after[g]
		if was.Verdict != now.Verdict || was.Observed != now.Observed {
			d.Gates = append(d.Gates, DiffedGate{g.stage, g.name, was.Verdict, now.Verdict, was.Observed, now.Observed, was.RowsFailed, now.RowsFailed})
		}
	}
}

func findingsOf(m *pipeline.Manifest) map[judged]pipeline.Finding {
	all := map[judged]pipeline.Finding{}
	for _, f := range m.Findings {
		all[judged{f.Stage, f.Name}] = f
	}
	return all
}

// union gives what is in one of two maps, in order.
func union[V any](a, b map[judged]V) []judged {
	seen := map[judged]bool{}
	for _, m := range []map[judged]V{a, b} {
		for k := range m {
			seen[k] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b judged) int {
		return cmp.Or(strings.Compare(a.stage, b.stage), strings.Compare(a.name, b.name))
	})
}
