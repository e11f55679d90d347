package penstock

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// bury ends the records of runs whose process has died, and removes their temporary files:
// a run that says "running" has a live owner, and what a run made visible is on its record.
func (p *Project) bury(ctx context.Context) error {
	dead := map[string]bool{}
	running, err := p.Runs(ctx, RunFilter{Status: pipeline.Running, Limit: -1})
	if err != nil {
		return err
	}
	for _, rec := range running { // without a lock, where power was lost before its name was durable
		dead[rec.Run] = true
	}
	locks, err := filepath.Glob(p.state("live", "*.lock"))
	if err != nil {
		return err
	}
	for _, name := range locks {
		dead[strings.TrimSuffix(filepath.Base(name), ".lock")] = true
	}
	for id := range dead {
		if err := p.buryOne(ctx, id); err != nil {
			return err
		}
	}
	return p.noteGaps(ctx)
}

// buryOne puts the end of a run or a backfill on record, unless its owner is alive.
func (p *Project) buryOne(ctx context.Context, id string) error {
	lock, err := p.lockRun(id)
	if err != nil {
		return nil //nolint:nilerr // alive
	}
	dir, end := "runs", p.buryRun
	if strings.HasPrefix(id, backfillMark) {
		dir, end = "backfills", p.buryBackfill
	}
	err = errors.Join(end(ctx, id), p.fs.RemoveAll(p.state(dir, id+".json.tmp")), p.fs.RemoveAll(p.endOf(id)), p.fs.RemoveAll(p.state("tmp", id)))
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	return p.unlockRun(id, lock)
}

func (p *Project) buryRun(ctx context.Context, run string) error {
	rec, err := p.lastWords(ctx, run)
	if err != nil || rec == nil {
		return err
	}
	was, err := p.fs.ReadFile(p.state("runs", run+".json"))
	if ignoreMissing(err) != nil {
		return err
	}
	return errors.Join(p.recordLate(ctx, rec, p.complete(rec), sha256Of(was)), p.clear(ctx, rec))
}

// recordLate puts on record what a dead run did, as far as it had not done it itself. The record
// that it left has the digest was.
func (p *Project) recordLate(ctx context.Context, rec *pipeline.RunRecord, made []published, was string) error {
	text, err := recordText(rec)
	if err != nil {
		return err
	}
	entries, err := p.late(rec, chain(rec, text, made), was)
	if err != nil {
		return err
	}
	if was != sha256Of(text) { // who comes next may find it, without its entry
		if err := p.intendLate(ctx, rec, text, entries); err != nil {
			return err
		}
	}
	return p.recordAs(ctx, rec, text, made, entries)
}

// lastWords is what a run said last: its record is written before the index is, or kept where it
// could not be put on record. It is nil of what was no run, or had not begun to be one.
func (p *Project) lastWords(ctx context.Context, run string) (*pipeline.RunRecord, error) {
	rec, err := readRun(p.state("runs", run+".json"))
	if !errors.Is(err, fs.ErrNotExist) {
		return rec, err
	}
	if rec, err = readRun(p.endOf(run)); err == nil && rec.Run == run {
		return rec, nil
	}
	rec, err = p.store.Run(ctx, run)
	if pipeline.KindOf(err) == pipeline.Invalid || err == nil && rec.Run != run {
		return nil, nil
	}
	return rec, err
}

// complete puts on record what a dead run made visible, and ends it if it had not ended. It
// gives those versions.
func (p *Project) complete(rec *pipeline.RunRecord) (made []published) {
	if rec.Status == pipeline.Running {
		return p.died(rec)
	}
	for i := range rec.Bases { // it was at the end, or somebody approved of it
		v := p.madeBy(rec, rec.Bases[i].Dataset)
		if v == nil {
			continue
		}
		made = append(made, v.published)
		if rec.Bases[i].Version != v.manifest.Version {
			rec.Bases[i].Settle(v.manifest)
			rec.Outputs = append(rec.Outputs, outputRecord(v.manifest, v.visible))
		}
	}
	return made
}

// clear sweeps what a dead run left of its partition, unless somebody else is at it already.
func (p *Project) clear(ctx context.Context, rec *pipeline.RunRecord) (err error) {
	by, value, _ := strings.Cut(rec.Dir, "=")
	part := pipeline.Partition{By: pipeline.By(by), Value: value}
	for i := range rec.Bases {
		if rec.Bases[i].Dataset == "" {
			continue
		}
		st, berr := p.publish.Begin(ctx, rec.Bases[i].Dataset, part, rec.Run)
		switch {
		case berr == nil && len(rec.Held) == 0:
			err = errors.Join(err, st.Forget())
		case berr == nil:
			err = errors.Join(err, st.Abort())
		case pipeline.KindOf(berr) != pipeline.Conflict:
			err = errors.Join(err, berr)
		}
	}
	return err
}
