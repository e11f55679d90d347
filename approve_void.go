package penstock

import (
	"fmt"
	"slices"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// explain says of each finding that blocks the run why the last approval of it, if there is
// one on record, does not count.
func (b *manifests) explain() {
	a, now := b.attempt, b.p.clock.Now()
	for _, s := range b.out.Stages {
		if s.Stage.Output == nil {
			continue
		}
		m := b.manifest(s)
		all, err := a.p.publish.Approvals(m.Dataset, a.env.Partition.Dir())
		for _, f := range m.Findings {
			if err != nil && f.Blocks() && f.Approved == nil {
				a.detail(f, "what was approved of does not count: "+err.Error())
			}
			if ap := lastOf(all, f); ap != nil && f.Blocks() && f.Approved == nil {
				a.detail(f, fmt.Sprintf("the approval by %s of %s does not count: %s",
					ap.Actor, ap.At.Format(time.DateOnly), void(ap, m, f, now)))
			}
		}
	}
}

// lastOf gives the last approval of a finding's gate; nil if there is none.
func lastOf(all []pipeline.Approval, f pipeline.Finding) *pipeline.Approval {
	for _, ap := range slices.Backward(all) {
		if ap.Stage == f.Stage && ap.Gate == f.Name {
			return &ap
		}
	}
	return nil
}

// void says in a few words why an approval does not let a version through.
func void(ap *pipeline.Approval, m *pipeline.Manifest, f pipeline.Finding, now time.Time) string {
	switch {
	case ap.Rules != pipeline.RulesDigest(m.Gates, f):
		return "the rules have changed"
	case ap.Bytes != m.BytesDigest():
		return "it is of other bytes"
	case !ap.Expires.IsZero() && !now.Before(ap.Expires):
		return "it expired " + ap.Expires.Format(time.RFC3339)
	case ap.Actor == m.Actor && (ap.FourEyes || m.FourEyes):
		return ap.Actor + " made this run, and four eyes are asked for"
	}
	return ap.Holds(m, f, now, m.FourEyes)
}

// detail adds a line to a finding on the record of the run, once.
func (a *attempt) detail(f pipeline.Finding, line string) {
	for i := range a.rec.Gates {
		g := &a.rec.Gates[i]
		if g.Stage == f.Stage && g.Name == f.Name && !slices.Contains(g.Detail, line) {
			g.Detail = append(slices.Clip(g.Detail), line)
		}
	}
}
