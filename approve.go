package penstock

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// Approve is a decision to publish what a blocked run left.
type Approve struct {
	// Gates are overruled: "volume", or "clean/volume" where two stages have one of the name.
	Gates []string
	// Reason is why, for the record.
	Reason string
	// Expires is when the approval ends, For the same from now on; at most one of them. What
	// was published before stays.
	Expires time.Time
	For     time.Duration
}

// Approved says what came of a decision.
type Approved struct {
	Run *pipeline.RunRecord
	// Approvals are those that were made, one for each gate of each output it blocks.
	Approvals []pipeline.Approval
	// Published is what the decision made current, beside what the run had published before.
	Published []pipeline.OutputRecord
	// Awaiting are the gates that block the run still; where there are any, nothing was
	// published.
	Awaiting []pipeline.Finding
}

// Approve puts on record that somebody accepts what a run staged, just these bytes under
// just these rules, although gates blocked it. Once every gate that blocks the run is
// approved of, what it held is published, as if the gates had passed. The approvals also
// let a later run through that gives the same bytes under the same rules.
func (p *Project) Approve(ctx context.Context, run string, o Approve) (*Approved, error) {
	if err := p.maySign(); err != nil {
		return nil, err
	}
	rec, err := p.blockedRun(ctx, run)
	if err != nil {
		return nil, err
	}
	lock, err := p.lockRun(rec.Run)
	var held *faults.LockedError
	if err != nil && !errors.As(err, &held) {
		return nil, pipeline.Errorf(pipeline.IO, "can't claim the record of run %s: %w", rec.Run, err)
	}
	if err != nil {
		return nil, pipeline.Errorf(pipeline.Conflict, "run %s is being approved of by somebody else", rec.Run).
			With("see `penstock show " + rec.Run + "` when they are done")
	}
	d := &decision{p: p, opts: o, lock: lock}
	err = d.decide(ctx, rec.Run)
	err = errors.Join(err, p.unlockRun(rec.Run, lock))
	p.teller.ended(rec.Run)
	if err != nil {
		return nil, err
	}
	return &d.Approved, nil
}

// blockedRun finds the run, by the beginning of its id, and names a near one if it is not
// known.
func (p *Project) blockedRun(ctx context.Context, id string) (*pipeline.RunRecord, error) {
	rec, err := p.RunByID(ctx, id)
	if err == nil {
		return rec, nil
	}
	blocked, lerr := p.Runs(ctx, RunFilter{Status: pipeline.Blocked, Limit: 20})
	if pipeline.KindOf(err) != pipeline.Invalid || lerr != nil || len(blocked) == 0 {
		return nil, err
	}
	var ids []string
	for _, r := range blocked {
		ids = append(ids, r.Run)
	}
	if near := pipeline.Nearest(id, ids); near != "" {
		return nil, pipeline.Errorf(pipeline.Invalid, "no run %q is known; did you mean %s?", id, near)
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "%w", err).With("the last one that was blocked is " + ids[0])
}

// decision is an Approve on its way.
type decision struct {
	Approved
	p       *Project
	opts    Approve
	lock    faults.Lock
	now     time.Time
	expires time.Time
	held    []*publish.Resumed
	entries []audit.Entry // of what was approved of
}

func (d *decision) decide(ctx context.Context, run string) (err error) {
	if d.Run, err = d.p.onRecord(ctx, run); err != nil { // now that nobody else changes it
		return err
	}
	d.now = d.p.clock.Now().UTC()
	chosen, err := d.check()
	if err != nil {
		return err
	}
	defer d.release()
	for _, h := range d.Run.Held {
		r, err := d.p.publish.Resume(ctx, h)
		if err != nil {
			return err
		}
		d.held = append(d.held, r)
	}
	if err := d.approve(ctx, chosen); err != nil {
		return err
	}
	d.Awaiting = d.awaiting()
	// What was decided is on record before anything comes of it.
	if err := d.record(ctx, nil, d.entries...); err != nil || len(d.Awaiting) > 0 {
		return err
	}
	d.p.teller.approves(d.Run)
	return d.publish(ctx)
}

// record puts on record what the run is now. Its record is on the chain already: that there will
// be another is announced before, so that a crash can't leave one that nobody stands for.
func (d *decision) record(ctx context.Context, current []published, more ...audit.Entry) error {
	text, err := recordText(d.Run)
	if err == nil {
		err = d.p.intendRecord(ctx, d.Run, text)
	}
	if err != nil {
		return pipeline.Errorf(pipeline.IO, "the decision upon run %s can't be put on record: %w", d.Run.Run, err)
	}
	return d.p.record(ctx, d.Run, current, more...)
}

// release gives free what was claimed and not published.
func (d *decision) release() {
	for _, r := range d.held {
		if r.Staging != nil {
			_ = r.Staging.Abort() // what stays is swept when the partition is staged next
		}
	}
}

// approve makes the approvals of what was chosen, and puts them on record.
func (d *decision) approve(ctx context.Context, chosen []pipeline.Finding) error {
	for _, r := range d.held {
		if r.Done != nil {
			continue
		}
		var made []pipeline.Approval
		for _, f := range r.Manifest.Findings {
			if f.Blocks() && slices.ContainsFunc(chosen, func(c pipeline.Finding) bool { return c.Stage == f.Stage && c.Name == f.Name }) {
				made = append(made, d.approval(r.Manifest, f))
			}
		}
		all, err := r.Staging.Approve(ctx, made)
		if err != nil {
			return err
		}
		if err := d.note(r.Manifest.Dataset); err != nil {
			return err
		}
		r.Manifest.Endorse(slices.Concat(made, all), d.now, d.p.opts.FourEyes)
		d.Approvals = append(d.Approvals, made...)
	}
	d.Run.Approvals = append(d.Run.Approvals, d.Approvals...)
	return nil
}

// note notes for the audit what is approved of a dataset's partition.
func (d *decision) note(dataset string) error {
	e, err := d.p.approvalEntry(dataset, d.Run.Dir)
	if e.Run = d.Run.Run; err == nil {
		d.entries = append(d.entries, e)
	}
	return ignoreMissing(err)
}

func (d *decision) approval(m *pipeline.Manifest, f pipeline.Finding) pipeline.Approval {
	return pipeline.Approval{
		Run: d.Run.Run, Dataset: m.Dataset, Partition: m.Partition, Stage: f.Stage, Gate: f.Name, Verdict: f.Verdict,
		Bytes: m.BytesDigest(), Rules: pipeline.RulesDigest(m.Gates, f), Reason: strings.TrimSpace(d.opts.Reason),
		Actor: d.p.opts.Actor, At: d.now.Truncate(time.Second), Expires: d.expires, FourEyes: d.p.opts.FourEyes || m.FourEyes,
	}
}

// awaiting gives the findings of the run that block it still: each has to be approved of in
// every manifest that has it, and in at least one. One that is in none of those that are held was
// approved of if what it is of was published as a record.
func (d *decision) awaiting() (all []pipeline.Finding) {
	for i := range d.Run.Gates {
		f := &d.Run.Gates[i]
		if !f.Blocks() {
			continue
		}
		if by, held := d.approvedOf(*f); held || f.Approved == nil || !d.recorded(f.Approved.Dataset) {
			f.Approved = by
		}
		if f.Approved == nil {
			all = append(all, *f)
		}
	}
	return all
}

// recorded reports whether the run published a dataset as a record.
func (d *decision) recorded(dataset string) bool {
	return slices.ContainsFunc(d.Run.Outputs, func(out pipeline.OutputRecord) bool { return out.Dataset == dataset && !d.holds(out) })
}

// approvedOf gives the approval of a finding in what is held, and reports whether it is there.
func (d *decision) approvedOf(f pipeline.Finding) (by *pipeline.Approval, held bool) {
	for _, r := range d.held {
		m := r.Manifest
		if r.Done != nil {
			m = r.Done.Manifest
		}
		for _, g := range m.Findings {
			if g.Stage != f.Stage || g.Name != f.Name || !g.Blocks() {
				continue
			}
			// What is published was admitted then, and stays.
			if r.Done == nil && g.Approved.Holds(m, g, d.now, d.p.opts.FourEyes) != "" || g.Approved == nil {
				return nil, true
			}
			by, held = g.Approved, true
		}
	}
	return by, held
}
