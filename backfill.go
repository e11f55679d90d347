package penstock

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// BackfillOptions say how partitions are run. The zero value runs those that are not up to date,
// one after the other, the oldest first.
type BackfillOptions struct {
	PlanOptions
	// Parallel is how many partitions run at once; 0: one. They share the workers and the
	// memory of the project, so there are fewer where each would have too little.
	Parallel int `json:"parallel,omitempty"`
	// NewestFirst begins with the latest partition, as far as none has to end before it.
	NewestFirst bool `json:"newest_first,omitempty"`
	// FailFast begins no more once one was blocked or failed.
	FailFast bool `json:"fail_fast,omitempty"`
	// Limit is how many are run at most; 0: all.
	Limit int `json:"limit,omitempty"`
	// Retries is how often a partition is tried again that failed by what may heal, like an
	// error of the disk; 0: twice. A negative number: never.
	Retries int `json:"retries,omitempty"`

	// Resume is the id of a backfill that is gone on with.
	Resume string `json:"-"`
	// Drain, when it is closed, lets no more partitions begin; those that run are run to their
	// end. To cancel the context stops them, too.
	Drain <-chan struct{} `json:"-"`
	// Listener is told how it goes.
	Listener *BackfillListener `json:"-"`
}

// BackfillListener is told how a backfill goes. Nil functions are left out. Calls come one at a
// time and must return soon.
type BackfillListener struct {
	// Planned is told before the first partition begins.
	Planned func(*BackfillRecord, *Plan)
	// Begun is told of each partition that begins to run.
	Begun func(partition string)
	// Retried is told of an error after which a partition is tried again, and when.
	Retried func(partition string, err error, wait time.Duration)
	// Done is told the record of a run and its error.
	Done func(*pipeline.RunRecord, error)
	// NotRun is told of each partition that was to run and has not: it is up to date, for what
	// it rests on came out as it was, or it waits for what was not published.
	NotRun func(*PartitionPlan)
}

// Backfill runs what the plan of the partitions says. Each partition has its own verdict: one that
// is blocked or fails keeps back only what depends on it. The error says why the backfill ended
// before its time, and is nil where it came to its end, whatever became of the partitions: the
// record, which is also kept in the project, counts them. The same call again goes on with what
// is left.
func (p *Project) Backfill(ctx context.Context, pl *pipeline.Pipeline, parts []pipeline.Partition, o BackfillOptions) (*BackfillRecord, error) {
	b := &backfill{p: p, pl: pl, opts: o.withDefaults()}
	if err := b.begin(ctx, InOrder(parts)); err != nil {
		return nil, err
	}
	err := b.run(ctx)
	return b.rec, b.end(err)
}

// defaultRetries is how often a partition is tried again.
const defaultRetries = 2

func (o BackfillOptions) withDefaults() BackfillOptions {
	o.Parallel, o.Retries = max(o.Parallel, 1), max(o.Retries, -1)
	if o.Retries == 0 {
		o.Retries = defaultRetries
	}
	if o.Listener == nil {
		o.Listener = &BackfillListener{}
	}
	return o
}

// InOrder gives partitions each once, those of time in its order.
func InOrder(parts []pipeline.Partition) []pipeline.Partition {
	seen := make(map[string]bool, len(parts))
	all := make([]pipeline.Partition, 0, len(parts))
	for _, part := range parts {
		if name := part.String(); !seen[name] {
			seen[name] = true
			all = append(all, part)
		}
	}
	slices.SortStableFunc(all, func(a, b pipeline.Partition) int { return a.Start.Compare(b.Start) })
	return all
}

// backfill is one on its way.
type backfill struct {
	p       *Project
	pl      *pipeline.Pipeline
	opts    BackfillOptions
	rec     *BackfillRecord
	lock    faults.Lock
	plan    *Plan
	done    map[string]bool // what had a verdict before it was gone on with
	share   *Project        // with the part of workers and memory that a run has
	running int
	begun   int
	events  chan event
}

// begin plans, and puts the backfill on the record.
func (b *backfill) begin(ctx context.Context, parts []pipeline.Partition) (err error) {
	if err := b.p.maySign(); err != nil {
		return err
	}
	if b.rec, err = b.record(ctx); err != nil {
		return err
	}
	if b.lock, err = b.p.lockRun(b.rec.ID); err != nil {
		return lockedBackfill(b.rec.ID, err)
	}
	// No index says that it is running: only its lock tells that its end may not be on record.
	if err := b.p.fs.SyncDir(b.p.state("live")); err != nil {
		return errors.Join(err, b.p.unlockRun(b.rec.ID, b.lock))
	}
	if err := b.prepare(ctx, parts); err != nil {
		return errors.Join(err, b.p.unlockRun(b.rec.ID, b.lock))
	}
	return nil
}

func (b *backfill) prepare(ctx context.Context, parts []pipeline.Partition) (err error) {
	if b.plan, err = b.p.Plan(ctx, b.pl, parts, b.opts.PlanOptions); err != nil {
		return err
	}
	b.rec.Partitions, b.rec.Counts.Partitions = Names(parts), len(parts)
	all := !b.opts.Missing && !b.opts.Failed
	for i := range parts {
		if b.wants(i) {
			b.rec.Counts.ToRun++
		} else if part := &b.plan.Partitions[i]; all && part.State == StateBlocked && !part.Runs() {
			b.rec.Counts.Awaiting++
			b.rec.Awaiting = named(b.rec.Awaiting, part.Name)
		}
	}
	b.p.teller.fillBegins(b.rec)
	if err := b.p.writeBackfill(b.rec); err != nil {
		return err
	}
	b.share, b.opts.Parallel = b.p.shared(b.rec.ID, min(b.opts.Parallel, max(b.rec.Counts.ToRun, 1)))
	b.events = make(chan event, b.opts.Parallel)
	if f := b.opts.Listener.Planned; f != nil {
		f(b.rec, b.plan)
	}
	return nil
}

// wants reports whether the partition at a place is to run.
func (b *backfill) wants(i int) bool {
	part := &b.plan.Partitions[i]
	return part.Runs() && !b.done[part.Name]
}

// end puts the end of the backfill on the record.
func (b *backfill) end(err error) error {
	b.rec.finish(b.p.clock.Now(), err)
	if werr := b.p.writeBackfill(b.rec); werr != nil { // whoever opens the project next ends it
		return errors.Join(err, werr, b.lock.Close())
	}
	err = errors.Join(err, b.p.unlockRun(b.rec.ID, b.lock))
	b.p.teller.ended(b.rec.ID)
	return err
}
