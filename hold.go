package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// hold keeps what a blocked run staged and did not publish for a decision, upstream first, and
// says on the record what it kept. It holds all or nothing.
func (b *manifests) hold(ctx context.Context) error {
	b.explain()
	var held []pipeline.HeldRecord
	for _, s := range b.out.Stages {
		if s.Stage.Output == nil || b.has(s.Stage.Name) || b.p.opts.HoldFor < 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		staged := b.outputs.staging[s.Stage.Name]
		if err := b.some.follow(ctx, s.Stage, staged); err != nil {
			return err
		}
		h, err := staged.Hold(b.manifest(s))
		if err != nil {
			return err
		}
		held = append(held, *h)
	}
	b.rec.Held = held
	return b.outputs.discard()
}

// notRun names the stages that lost their input to a blocked one.
func (a *attempt) notRun(out *pipeline.Outcome) (names []string) {
	for _, s := range a.pl.Stages {
		if !slices.ContainsFunc(out.Stages, func(o *pipeline.StageOutcome) bool { return o.Stage.Name == s.Name }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// strays are the findings that block the run and were made in a stage that is no part of
// an output there is.
func (a *attempt) strays(out *pipeline.Outcome) (all []pipeline.Finding) {
	part := map[string]bool{}
	for _, s := range out.Stages {
		if s.Stage.Output != nil {
			a.made(s.Stage, func(s *pipeline.Stage) { part[s.Name] = true })
		}
	}
	for _, s := range out.Stages {
		for _, f := range s.Findings {
			if f.Blocks() && !part[s.Stage.Name] {
				all = append(all, f)
			}
		}
	}
	return all
}

// approves is the run's pipeline.Env.Approves: it looks among the approvals on record.
func (a *attempt) approves(s *pipeline.Stage, f pipeline.Finding, files []pipeline.File) *pipeline.Approval {
	m := &pipeline.Manifest{
		Dataset: datasetOf(s), Partition: a.rec.Partition, Files: files, Gates: a.gatesOf(s), Actor: a.rec.Actor,
		Findings: []pipeline.Finding{f},
	}
	m.Endorse(a.p.approvals(m.Dataset, a.env.Partition), a.p.clock.Now(), a.p.opts.FourEyes)
	return m.Findings[0].Approved
}

// admitted reports whether nothing blocks the run, or all that does was approved of, and
// the approvals still hold. Of stages without output, that is if every stage was run and
// what they say of each output was approved of. An approval that does not hold any more is
// taken from the findings.
func (a *attempt) admitted(b *manifests) bool {
	out := b.out
	if !slices.ContainsFunc(a.rec.Gates, pipeline.Finding.Blocks) {
		return !out.Blocked
	}
	// A stray is approved of in the manifests in which it stands: with none it is not.
	ok, asked := len(a.notRun(out)) == 0, len(b.strays) == 0
	for _, s := range out.Stages {
		if s.Stage.Output == nil {
			continue
		}
		asked = asked || !s.Stage.Output.Always
		for _, f := range b.manifest(s).Unapproved(a.p.clock.Now(), a.p.opts.FourEyes) {
			a.withdraw(out, f)
			ok = false
		}
	}
	return ok && asked
}

// withdraw takes the approval from a finding.
func (a *attempt) withdraw(out *pipeline.Outcome, f pipeline.Finding) {
	lists := [][]pipeline.Finding{a.rec.Gates}
	for _, s := range out.Stages {
		lists = append(lists, s.Findings)
	}
	for _, all := range lists {
		for i := range all {
			if all[i].Stage == f.Stage && all[i].Name == f.Name {
				all[i].Approved = nil
			}
		}
	}
}

// approvals are those on record of a partition; what can't be read approves of nothing.
func (p *Project) approvals(dataset string, part pipeline.Partition) []pipeline.Approval {
	all, err := p.publish.Approvals(dataset, part.Dir())
	if err != nil {
		return nil
	}
	return all
}

// gatesOf is the fingerprint of the rules of a stage and those without output that it is
// made of: Manifest.Gates.
func (a *attempt) gatesOf(s *pipeline.Stage) string {
	gates := sha256.New()
	a.made(s, func(s *pipeline.Stage) {
		if s.Gates != nil {
			gates.Write([]byte(s.Gates.String()))
		}
	})
	return hex.EncodeToString(gates.Sum(nil))
}

// Held gives those of the versions that a blocked run left which still wait for a
// decision.
func (p *Project) Held(rec *pipeline.RunRecord) (all []pipeline.HeldRecord) {
	for _, h := range rec.Held {
		if p.publish.Holds(h) {
			all = append(all, h)
		}
	}
	return all
}

// maxSwept bounds how many blocked runs are looked at when a project is opened.
const maxSwept = 50

// sweep throws away what recent runs held past its time. What is left is swept by the next
// run of its partition.
func (p *Project) sweep(ctx context.Context) error {
	runs, err := p.Runs(ctx, RunFilter{Status: pipeline.Blocked, Limit: maxSwept})
	if err != nil {
		return err
	}
	now, swept := p.clock.Now(), map[string]bool{}
	for _, r := range runs {
		for _, h := range r.Held {
			if swept[h.Dataset] || now.Before(h.Until) {
				continue
			}
			swept[h.Dataset] = true
			if err := p.publish.Sweep(h.Dataset); err != nil {
				return err
			}
		}
	}
	return nil
}
