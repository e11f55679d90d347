package penstock

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
	"github.com/penstock-data/penstock/reconcile/words"
)

// DecideBreak is a decision about a break.
type DecideBreak struct {
	// Action is breaks.Assign, Accept or Reopen.
	Action string
	// Owner is who a break is assigned to.
	Owner string
	// Reason is why, for the record; only to assign needs none.
	Reason string
	// Until is the last day, or partition, for which a break is accepted; or it is accepted for so
	// many Days after the day of the partition from which that holds. Neither: for good.
	Until string
	Days  int
}

// DecidedBreak says what came of a decision.
type DecidedBreak struct {
	// Decision is as it is on record, in File.
	Decision breaks.Decision `json:"decision"`
	File     string          `json:"file"`
	// Was is the break as the ledger has it; it will have the decision once it is made anew.
	Was Break `json:"break"`
}

// DecideBreak puts on record what somebody decided about a break, which holds from a partition of
// its ledger on. The ledger is stale from there on, and says so when it is made anew.
func (p *Project) DecideBreak(ctx context.Context, dataset, partition, id string, o DecideBreak) (*DecidedBreak, error) {
	if err := p.maySign(); err != nil {
		return nil, err
	}
	v, b, err := p.findBreak(ctx, dataset, partition, id)
	if err != nil {
		return nil, err
	}
	if from, err := pipeline.ParseDir(dirOfVersion(v)); err != nil || from.Start.IsZero() {
		return nil, invalid("decisions go from night to night, and %s has no partitions by hour, day, week or month", v.manifest.Dataset)
	}
	before, err := p.decisionsOf(ctx, v)
	if err != nil {
		return nil, err
	}
	d := breaks.Decision{
		ID: p.ids.New(), Dataset: v.manifest.Dataset, Partition: v.manifest.Partition, Seq: 1,
		Break: b.ID, Key: b.Key, Cause: b.Cause, Action: o.Action, Owner: strings.TrimSpace(o.Owner), Reason: strings.TrimSpace(o.Reason),
		Actor: p.opts.Actor, At: p.clock.Now().UTC().Truncate(time.Second),
	}
	if b.Column != "" {
		d.Column = &b.Column
	}
	for _, was := range before {
		if was.Partition == d.Partition {
			d.Seq = max(d.Seq, was.Seq+1)
		}
	}
	if err := complete(&d, b, o, dirOfVersion(v), before); err != nil {
		return nil, err
	}
	file := path.Join(breaks.DecisionsDir(d.Dataset), dirOfVersion(v), d.File())
	if err := p.putDecision(ctx, &d, dirOfVersion(v), file); err != nil {
		return nil, err
	}
	return &DecidedBreak{d, file, *b}, nil
}

// mostDecisions is a variable for a test.
var mostDecisions = breaks.MaxDecisions

// decisionsOf gives the decisions that hold in a partition of a ledger, and refuses one more than
// there can be.
func (p *Project) decisionsOf(ctx context.Context, v *versionAt) ([]breaks.Decision, error) {
	versions, err := p.ledger(ctx, v.manifest.Dataset)
	if err != nil {
		return nil, err
	}
	all, err := p.decisions(versions[0])
	if err != nil {
		return nil, err
	}
	if len(all) >= mostDecisions {
		return nil, invalid("%s has %d decisions, and can't have more", v.manifest.Dataset, len(all)).
			With("let the stage publish a new ledger, into another directory")
	}
	return slices.DeleteFunc(all, func(d breaks.Decision) bool { return d.Partition > v.manifest.Partition }), nil
}

// complete adds what a decision says of just this break, and refuses what can't be decided.
func complete(d *breaks.Decision, b *Break, o DecideBreak, dir string, before []breaks.Decision) error {
	if o.Action != breaks.Accept && (o.Until != "" || o.Days != 0) {
		return invalid("only what is accepted ends some time")
	}
	if o.Action != breaks.Assign && o.Owner != "" {
		return invalid("an owner belongs to an assignment")
	}
	switch o.Action {
	case breaks.Accept:
		if b.State == words.Cleared {
			return invalid("break %s is cleared since %s: there is nothing to accept", b.ID, b.Cleared)
		}
		d.Accepted = &breaks.Values{Outcome: b.Outcome, Left: b.Left, Right: b.Right}
		if b.Delta != "" {
			d.Accepted.Delta = &b.Delta
		}
		until, err := untilOf(o, dir)
		if err != nil {
			return err
		}
		d.Until = until
	case breaks.Reopen:
		if b.State != words.Accepted && !acceptedBy(before, b.ID) {
			return invalid("break %s is not accepted: it is %s", b.ID, b.State)
		}
	}
	return d.Check()
}

// acceptedBy reports whether the last decision about a break, which its ledger may not have yet,
// accepts it.
func acceptedBy(all []breaks.Decision, id string) bool {
	for _, d := range slices.Backward(all) {
		if d.Break == id && d.Action != breaks.Assign {
			return d.Action == breaks.Accept
		}
	}
	return false
}

// maxUntil bounds for how many days a break is accepted at once.
const maxUntil = 36500

// untilOf is the last day or partition of an acceptance that holds from a partition on.
func untilOf(o DecideBreak, dir string) (string, error) {
	from, err := pipeline.ParseDir(dir)
	if err != nil {
		return "", err
	}
	switch {
	case o.Until != "" && o.Days != 0:
		return "", invalid("an acceptance ends with a day or after some days, not both")
	case o.Days < 0 || o.Days > maxUntil:
		return "", invalid("for how many days? 1 to %d, not %d", maxUntil, o.Days)
	case o.Days > 0:
		return from.Start.AddDate(0, 0, o.Days).Format(time.DateOnly), nil
	case o.Until == "":
		return "", nil
	}
	_, derr := time.Parse(time.DateOnly, o.Until)
	until, perr := pipeline.ParseDir(string(from.By) + "=" + o.Until)
	if derr != nil && (perr != nil || until.By == pipeline.Key) {
		return "", invalid("%q is neither a day nor a partition like %s", o.Until, from.Value).With("write a day like 2026-12-31")
	}
	if !breaks.Holds(from.Value, o.Until) {
		return "", invalid("the acceptance would have ended, %s, before the partition from which it holds, %s", o.Until, from.Value)
	}
	return o.Until, nil
}

// putDecision writes a decision: it is announced, written, and then stands on the chain.
func (p *Project) putDecision(ctx context.Context, d *breaks.Decision, dir, file string) error {
	text, err := d.Text()
	if err != nil {
		return err
	}
	if err := p.lateDecisions(ctx, d.Dataset); err != nil {
		return err
	}
	e := audit.Entry{Kind: audit.Intent, Dataset: d.Dataset, Partition: dir, File: d.File(), Actor: d.Actor, Digest: sha256Of(text)}
	if err := p.audit.Append(ctx, e); err != nil {
		return err
	}
	where := p.abs(file)
	if err := p.makeDirs(filepath.Dir(where)); err != nil {
		return pipeline.Errorf(pipeline.IO, "the decision can't be put on record: %w", err)
	}
	if err := faults.WriteFile(p.fs, where, text); err != nil {
		return pipeline.Errorf(pipeline.IO, "the decision can't be put on record: %w", err)
	}
	e.Kind = audit.Decision
	return p.audit.Append(context.WithoutCancel(ctx), e)
}

// makeDirs makes a directory of the state, and those above it, durably.
func (p *Project) makeDirs(dir string) error {
	if _, err := p.fs.Stat(dir); err == nil {
		return nil
	}
	if err := p.fs.MkdirAll(dir); err != nil {
		return err
	}
	var dirs []string
	for above := filepath.Dir(dir); len(above) >= len(p.state()); above = filepath.Dir(above) {
		dirs = append(dirs, above)
	}
	return p.fs.Sync(nil, dirs)
}

// lateDecisions puts on the chain what was announced and written by who died then.
func (p *Project) lateDecisions(ctx context.Context, dataset string) error {
	all, err := p.audit.Decisions(dataset)
	if err != nil {
		return err
	}
	var late []audit.Entry
	for name, s := range all {
		if s.Last != nil {
			continue
		}
		text, err := breaks.ReadDecision(p.dir, path.Join(breaks.DecisionsDir(dataset), name))
		if err != nil {
			continue // it was never written
		}
		if digest := sha256Of(text); s.Knows(digest) {
			late = append(late, audit.Entry{
				Kind: audit.Decision, Dataset: dataset, Partition: path.Dir(name), File: path.Base(name), Digest: digest, Actor: s.By, Late: true,
			})
		}
	}
	slices.SortFunc(late, func(a, b audit.Entry) int { return strings.Compare(a.Partition+a.File, b.Partition+b.File) })
	return p.audit.Append(ctx, late...)
}

// recorded gives the decisions about a ledger that are on record: it is an Env's Recorded.
func (p *Project) recorded(dataset string) (map[string]pipeline.RecordedFile, error) {
	all, err := p.audit.Decisions(dataset)
	known := map[string]pipeline.RecordedFile{}
	for name, s := range all {
		f := pipeline.RecordedFile{Digests: slices.Clone(s.Intended), Stands: s.Last != nil}
		if f.Stands {
			f.Digests = append(f.Digests, s.Last.Digest)
		}
		known[name] = f
	}
	return known, err
}

// decisionsBeforeAudit gives entries for the decisions that were there before a ledger's chain
// begins.
func (p *Project) decisionsBeforeAudit(dataset string) (all []audit.Entry, err error) {
	root := p.abs(breaks.DecisionsDir(dataset))
	dirs, err := p.fs.ReadDir(root)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	for _, dir := range dirs {
		if !dir.IsDir() || !strings.Contains(dir.Name(), "=") {
			continue
		}
		files, err := p.fs.ReadDir(filepath.Join(root, dir.Name()))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".json") {
				continue
			}
			text, err := p.fs.ReadFile(filepath.Join(root, dir.Name(), f.Name()))
			if err != nil {
				return nil, err
			}
			all = append(all, audit.Entry{Kind: audit.Adopt, Dataset: dataset, Partition: dir.Name(), File: f.Name(), Digest: sha256Of(text)})
		}
	}
	return all, nil
}
