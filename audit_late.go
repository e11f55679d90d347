package penstock

import (
	"context"
	"errors"
	"io/fs"

	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// onRecord gives the record of a run as the chain has it: what is decided upon it is put on record
// with all that it says.
func (p *Project) onRecord(ctx context.Context, run string) (*pipeline.RunRecord, error) {
	rec, err := p.store.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	text, err := p.fs.ReadFile(p.state("runs", run+".json"))
	switch {
	case err == nil:
		rec, err = readRun(p.state("runs", run+".json"))
	case errors.Is(err, fs.ErrNotExist):
		text, err = recordText(rec)
	}
	if err != nil {
		return nil, err
	}
	s, err := p.audit.Standing(audit.Entry{Run: run})
	if err == nil && s.Last != nil && !s.Knows(sha256Of(text)) {
		err = pipeline.Errorf(pipeline.BadInput, "the record of run %s is not the one that the audit knows", run).
			With("nothing was put on record; see `penstock audit verify`, and run it again")
	}
	return rec, err
}

// late gives those of the entries for a run whose process has died that it did not append itself,
// with what it approved of before it died. The record that it left has the digest was.
func (p *Project) late(rec *pipeline.RunRecord, entries []audit.Entry, was string) (left []audit.Entry, err error) {
	for _, h := range rec.Held {
		e, err := p.approvalEntry(h.Dataset, partitionDir(pipeline.OutputRecord{Dataset: h.Dataset, Path: h.Path}))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e.Run = rec.Run
		entries = append(entries, e)
	}
	return p.left(entries, was)
}

// left gives those of some entries that are not on record, and follow from what is, as what comes
// late.
func (p *Project) left(entries []audit.Entry, was string) (left []audit.Entry, err error) {
	for _, e := range entries {
		follows, err := p.follows(e, was)
		if err != nil {
			return nil, err
		}
		if follows {
			e.Late = true
			left = append(left, e)
		}
	}
	return left, nil
}

// follows reports whether an entry is to be added that a process that died left out. Nobody stands
// for what is on disk then: of a run that had ended, of a version, of approvals, only that is
// believed which was announced, or is made of what is on record.
func (p *Project) follows(e audit.Entry, was string) (bool, error) {
	s, err := p.audit.Standing(e)
	switch {
	case err != nil || s.Last != nil && s.Last.Digest == e.Digest:
		return false, err
	case e.Kind == audit.Approval:
		return s.Knows(e.Digest), nil
	case e.Version > 0:
		run, err := p.audit.Standing(audit.Entry{Run: e.Run})
		return s.Last == nil && (run.Last == nil || run.Decided), err // who had ended makes a version only where somebody decided so
	case s.Last == nil:
		return true, nil
	}
	return s.Knows(was) && (e.Kind == audit.Backfill || s.Last.Status == string(pipeline.Blocked)), nil
}

// intendBackfill announces what the record of a backfill will be that had ended once, and is gone
// on with.
func (p *Project) intendBackfill(id string, text []byte) error {
	if s, err := p.audit.Standing(audit.Entry{Run: id}); err != nil || s.Last == nil {
		return err
	}
	return p.audit.Append(context.Background(), audit.Entry{Kind: audit.Intent, Run: id, Actor: p.opts.Actor, Digest: sha256Of(text)})
}

// changedBackfill reports whether the record of a backfill is another than the one on record, and
// nobody announced it: then nobody stands for what it says.
func (p *Project) changedBackfill(id string) (bool, error) {
	text, err := p.fs.ReadFile(p.state("backfills", id+".json"))
	if err != nil {
		return false, err
	}
	s, err := p.audit.Standing(audit.Entry{Run: id})
	return s.Last != nil && !s.Knows(sha256Of(text)), err
}

// intendRecord announces what the record of a run that is on the chain will be.
func (p *Project) intendRecord(ctx context.Context, rec *pipeline.RunRecord, text []byte) error {
	return p.audit.Append(ctx, audit.Entry{Kind: audit.Intent, Run: rec.Run, Actor: p.opts.Actor, Digest: sha256Of(text)})
}

// intendLate announces what the record of a dead run will be, if it is to have another entry.
func (p *Project) intendLate(ctx context.Context, rec *pipeline.RunRecord, text []byte, entries []audit.Entry) error {
	for _, e := range entries {
		if e.Kind != audit.Run {
			continue
		}
		if s, err := p.audit.Standing(e); err != nil || s.Last == nil {
			return err
		}
		return p.intendRecord(ctx, rec, text)
	}
	return nil
}

// intendApprovals announces what the approvals of a partition will be.
func (p *Project) intendApprovals(ctx context.Context, dataset, partitionDir, digest string) error {
	return p.audit.Append(ctx, audit.Entry{
		Kind: audit.Intent, Dataset: dataset, Partition: partitionDir, Actor: p.opts.Actor, Digest: digest,
	})
}

// knownApprovals reports whether the approvals of a partition are those on record. Of a dataset
// that has no chain yet they are if it may be older than the chains.
func (p *Project) knownApprovals(dataset, partitionDir, digest string) (bool, error) {
	if _, err := p.fs.Stat(audit.Path(p.dir, dataset)); errors.Is(err, fs.ErrNotExist) {
		return p.audit.Adopts()
	}
	s, err := p.audit.Standing(audit.Entry{Kind: audit.Approval, Dataset: dataset, Partition: partitionDir, Digest: digest})
	return s.Knows(digest), err
}

// noteGaps puts on record that runs which made versions are not on record: the project's state was
// put back to what it was before, or somebody cut it.
func (p *Project) noteGaps(ctx context.Context) error {
	gaps, err := p.audit.Gaps(func(run string) bool {
		held, err := p.fs.Held(p.state("live", run+".lock"))
		return held || err != nil && !errors.Is(err, fs.ErrNotExist)
	})
	if err != nil {
		return err
	}
	for i := range gaps {
		gaps[i].Actor = p.opts.Actor
	}
	return p.audit.Append(ctx, gaps...)
}
