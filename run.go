package penstock

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/pipeline"
)

// Run computes one partition of the pipeline and publishes it if every blocking
// gate passes. The record is never nil; it says how the run ended. The error says
// why it failed, and is nil for a run that a gate blocked: that is an answer.
func (p *Project) Run(ctx context.Context, pl *pipeline.Pipeline, partition string) (*pipeline.RunRecord, error) {
	part, err := pl.Partitions.Parse(partition)
	if err != nil {
		return &pipeline.RunRecord{Pipeline: pl.Name, Partition: partition, Status: pipeline.Failed, Error: err.Error()}, err
	}
	rec, err := p.runPartition(ctx, pl, part)
	p.tellNight(ctx, pl, rec)
	return rec, err
}

// Env is what a run of the partition is bound with: for explaining a pipeline
// without running it. Its Temp is not made.
func (p *Project) Env(pl *pipeline.Pipeline, part pipeline.Partition) *pipeline.Env {
	return &pipeline.Env{
		Partition:  part,
		Params:     pl.Params,
		Dir:        p.dir,
		Temp:       p.state("tmp"),
		Workers:    p.opts.Workers,
		Memory:     pipeline.NewBudget(p.opts.Memory),
		Now:        p.clock.Now,
		Believes:   p.believes,
		Named:      traceName,
		HashFile:   p.hashes.file,
		Recorded:   p.recorded,
		ForceScan:  p.opts.ForceScan,
		ShowValues: p.opts.ShowValues,
		WarnError:  p.opts.WarnError,
		Alloc:      memory.DefaultAllocator,
	}
}

func (p *Project) runPartition(ctx context.Context, pl *pipeline.Pipeline, part pipeline.Partition) (*pipeline.RunRecord, error) {
	a, err := p.attempt(ctx, pl, part)
	if err != nil {
		return a.rec, err
	}
	return a.end(ctx, a.run(ctx))
}

// end puts the end of the run on record, whatever it was.
func (a *attempt) end(ctx context.Context, err error) (*pipeline.RunRecord, error) {
	a.settle(err)
	// What happened is on the record even if the caller was just cancelled.
	if rerr := a.remember(context.WithoutCancel(ctx)); err == nil {
		err = rerr
	}
	a.p.teller.ended(a.rec.Run)
	return a.rec, err
}

// attempt is one run on its way.
type attempt struct {
	p       *Project
	pl      *pipeline.Pipeline
	rec     *pipeline.RunRecord
	env     *pipeline.Env
	lock    faults.Lock
	outputs *outputs
	current []published
	release *release           // nil where the run computes its outputs
	some    *someStages        // nil where it runs all stages
	story   *openlineage.Story // what is told of it; may be nil

	readings readings
}

// attempt claims a run id and puts the run on the record.
func (p *Project) attempt(ctx context.Context, pl *pipeline.Pipeline, part pipeline.Partition) (*attempt, error) {
	p.clearScraps(ctx)
	now := p.clock.Now()
	a := &attempt{p: p, pl: pl, env: p.Env(pl, part), rec: &pipeline.RunRecord{
		Run: p.ids.New(), Pipeline: pl.Name, Partition: part.String(), Dir: part.Dir(), Status: pipeline.Running,
		Outputs: []pipeline.OutputRecord{}, Gates: []pipeline.Finding{},
		File: pl.File, Started: now, Actor: p.opts.Actor, Command: p.opts.Command,
		Backfill: p.backfill, Commit: p.commit(ctx), Penstock: Version(), Params: pl.Params, Bases: units(pl),
	}}
	a.env.Temp = p.state("tmp", a.rec.Run)
	a.env.Past, a.env.History, a.env.Accepted = a.past(), a.history, a.accepted
	a.env.Approves = a.approves
	a.readings.p, a.env.Pin = p, a.readings.pin(ctx)
	lock, err := faults.Lock(nil), p.maySign()
	if err == nil {
		lock, err = p.lockRun(a.rec.Run)
	}
	if err != nil {
		a.settle(err)
		return a, err
	}
	a.lock = lock
	p.teller.begins(a)
	err = os.MkdirAll(a.env.Temp, 0o700)
	if err == nil {
		a.rec.Definition, err = p.keepTexts(pl.Texts, a.env.Temp)
	}
	if err == nil {
		err = p.store.PutRun(ctx, a.rec)
	}
	if err != nil {
		a.settle(err)
		err = errors.Join(err, p.unlockRun(a.rec.Run, lock))
		p.teller.ended(a.rec.Run)
		return a, err
	}
	return a, nil
}

// run binds, runs and publishes.
func (a *attempt) run(ctx context.Context) error {
	plan, err := pipeline.Bind(ctx, a.pl, a.env)
	if err != nil {
		return err
	}
	if a.outputs, err = a.p.stage(ctx, a.pl, a.env.Partition, a.rec.Run); err != nil {
		return err
	}
	defer a.outputs.abort()
	if a.some != nil {
		for _, v := range a.some.judged {
			if err := a.still(v, "run it again: the rules are to judge what is published now"); err != nil {
				return err
			}
		}
	}
	return a.carry(ctx, plan)
}

// still is a Conflict if readers see another version by now, when nobody else can publish any
// more: a run that carries on what it looked at before would undo it.
func (a *attempt) still(v *versionAt, advice string) error {
	_, digest, err := a.p.publish.Current(v.manifest.Dataset, a.env.Partition.Dir())
	if err == nil && digest == v.digest {
		return nil
	}
	return pipeline.Errorf(pipeline.Conflict, "%s was published by another run since version %d was looked at", v.visible, v.manifest.Version).
		With(advice)
}

// carry runs a plan whose outputs are claimed, and publishes what passed.
func (a *attempt) carry(ctx context.Context, plan *pipeline.Plan) error {
	out, err := plan.Run(ctx, a.outputs, a.listener())
	if err != nil {
		return err
	}
	a.take(out)
	defer a.rests(out)
	b := a.manifests(out)
	if a.admitted(b) {
		if err := ctx.Err(); err != nil {
			return err
		}
		return b.publish(ctx)
	}
	a.rec.Status = pipeline.Blocked
	a.rec.NotRun = a.notRun(out)
	if err := b.publishRecords(ctx); err != nil {
		return err
	}
	if err := b.hold(ctx); err != nil {
		a.rec.Error = "not held: " + err.Error() // the verdict stands, and is what matters
	}
	return nil
}

// take copies what the run did into the record.
func (a *attempt) take(out *pipeline.Outcome) {
	a.rec.RowsIn = out.RowsIn
	a.rec.Inputs = out.Inputs
	if a.some != nil {
		a.rec.Inputs = a.some.records(out.Inputs)
	}
	for _, s := range out.Stages {
		a.rec.Stages = append(a.rec.Stages, s.Record)
		a.rec.Gates = append(a.rec.Gates, s.Findings...)
		a.rec.Measures = append(a.rec.Measures, s.Measures...)
		a.rec.RowsQuarantined += s.Record.RowsQuarantined
		if s.Stage.Output != nil {
			a.rec.RowsOut += s.Record.RowsOut
		}
	}
}

// settle writes the end of the run into the record and frees what it held.
func (a *attempt) settle(err error) {
	a.rec.Seconds = a.p.clock.Now().Sub(a.rec.Started).Seconds()
	if err != nil {
		a.rec.Status = pipeline.Failed
		if pipeline.KindOf(err) == pipeline.Canceled {
			a.rec.Status = pipeline.Cancelled
		}
		a.rec.Error = err.Error()
	}
	_ = errors.Join(a.p.discard(a.env.Temp), a.readings.close()) // swept later, if they stay
}

// remember writes the record of the run, and of what it published, for good. If that can't be,
// the claim to the record stays, with nobody behind it: the next run writes it, or who opens the
// project next.
func (a *attempt) remember(ctx context.Context) error {
	err := a.p.record(ctx, a.rec, a.current)
	switch {
	case a.lock == nil:
		return err
	case err != nil:
		_ = a.lock.Close() // it ends with the process, if not now
		a.p.scraps.waits(a.rec.Run)
		return err
	}
	return a.p.unlockRun(a.rec.Run, a.lock)
}

// lockRun claims the record of a run, or of a backfill. Locks have a directory of their own,
// so that what lists them sees only those that live, however many runs there were.
func (p *Project) lockRun(id string) (faults.Lock, error) {
	return p.fs.Lock(p.state("live", id+".lock"), nil)
}

// unlockRun ends the claim to a record. The file goes while it is locked, so that nobody takes
// a lock of a file that is about to go.
func (p *Project) unlockRun(id string, lock faults.Lock) error {
	return errors.Join(p.discard(p.state("live", id+".lock")), lock.Close())
}

// record writes what is known of a run, and what it made current: its record, the entries for the
// audit, with more of them if there are, and then the index. A run that the index has ended is on
// record, so whoever comes after a crash knows where to look.
func (p *Project) record(ctx context.Context, rec *pipeline.RunRecord, current []published, more ...audit.Entry) error {
	text, err := recordText(rec)
	if err != nil {
		return err
	}
	return p.recordAs(ctx, rec, text, current, append(more, chain(rec, text, current)...))
}

func (p *Project) recordAs(ctx context.Context, rec *pipeline.RunRecord, text []byte, current []published, entries []audit.Entry) error {
	err := p.audit.Record(ctx, p.state("runs", rec.Run+".json"), text, entries...)
	if err == nil {
		err = p.store.Change(ctx, func(c *store.Changes) error {
			err := c.PutRun(rec)
			for _, v := range current {
				err = errors.Join(err, p.putMade(c, rec, v))
			}
			return err
		})
	}
	if err != nil {
		p.keepEnd(rec.Run, text)
		return &pipeline.Error{
			Kind: pipeline.IO, Err: err, Msg: "the run is done (" + string(rec.Status) + "), but not on record yet: " + err.Error(),
			Evidence: []string{"once that can be, the next command puts it there, such as `penstock runs`; what was published stays"},
		}
	}
	return nil
}

// keepEnd keeps the record of a run that could not be put on record. One that is there already
// has its entry, or says as much.
func (p *Project) keepEnd(run string, text []byte) {
	_ = p.discard(p.state("runs", run+".json.tmp"))
	if _, err := p.fs.Stat(p.state("runs", run+".json")); errors.Is(err, fs.ErrNotExist) {
		_ = faults.WriteFile(p.fs, p.endOf(run), text) // else what the manifests say is all that is known
	}
}

// endOf is where the record of a run waits that could not be put on record.
func (p *Project) endOf(run string) string { return p.state("runs", run+".end.json.tmp") }
