package penstock

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/schedule"
	"github.com/penstock-data/penstock/pipeline"
)

// event is what a running partition tells of itself.
type event struct {
	place int
	// ended says that it will tell no more.
	ended bool
	// now is the plan by which it ran, or did not; nil if that could not be told.
	now *PartitionPlan
	rec *pipeline.RunRecord // nil: it was not run, or is tried again
	err error
	// wait is how long it is until it is tried again.
	wait time.Duration
}

// run runs what is to run, several at once. When it returns, nothing runs any more.
func (b *backfill) run(ctx context.Context) error {
	q := schedule.New(len(b.plan.Partitions), b.wants, func(i int) []int { return b.plan.Partitions[i].After }, b.opts.NewestFirst)
	for {
		for b.mayBegin(ctx) {
			i, ok := q.Next()
			if !ok {
				break
			}
			b.start(ctx, i)
		}
		if b.running == 0 {
			break
		}
		if e := <-b.events; b.take(e) {
			q.Ended(e.place)
		}
	}
	b.rec.Counts.Left = q.Left()
	return b.stopped(ctx)
}

// mayBegin reports whether one more may begin now.
func (b *backfill) mayBegin(ctx context.Context) bool {
	c := &b.rec.Counts
	return b.running < b.opts.Parallel && (b.opts.Limit <= 0 || b.begun < b.opts.Limit) &&
		(!b.opts.FailFast || c.Blocked+c.Failed == 0) && !b.draining() && ctx.Err() == nil
}

func (b *backfill) draining() bool {
	select {
	case <-b.opts.Drain:
		return true
	default:
		return false
	}
}

// stopped is why some were not begun, if somebody asked to stop.
func (b *backfill) stopped(ctx context.Context) error {
	err := ctx.Err()
	if err == nil && (b.rec.Counts.Left == 0 || !b.draining()) {
		return nil
	}
	return &pipeline.Error{Kind: pipeline.Canceled, Err: err, Msg: "backfill " + b.rec.ID + " was stopped: " + strconv.Itoa(b.rec.Counts.Left) + " of " + strconv.Itoa(b.rec.Counts.ToRun) + " partitions are left"}
}

// start runs the partition at a place beside the others.
func (b *backfill) start(ctx context.Context, i int) {
	b.running++
	b.begun++
	if f := b.opts.Listener.Begun; f != nil {
		f(b.plan.Partitions[i].Name)
	}
	go func() {
		e := b.partition(ctx, i)
		e.place, e.ended = i, true
		b.events <- e
	}()
}

// partition looks at a partition once more, and runs what is left of it to run.
func (b *backfill) partition(ctx context.Context, i int) (e event) {
	e.now, e.err = b.plan.again(ctx, i)
	if e.err != nil {
		e.rec = b.p.notRun(b.pl, &b.plan.Partitions[i], e.err)
	} else if e.now.Runs() {
		e.rec, e.err = b.attempts(ctx, i, e.now)
	}
	if err := b.plan.ended(i, e.now, e.rec); err != nil && e.err == nil {
		e.err = err
	}
	if e.rec != nil {
		b.share.tellNight(ctx, b.pl, e.rec)
	}
	return e
}

// notRun is the record of a run that could not begin.
func (p *Project) notRun(pl *pipeline.Pipeline, part *PartitionPlan, err error) *pipeline.RunRecord {
	rec := &pipeline.RunRecord{Pipeline: pl.Name, Partition: part.Name, Status: pipeline.Failed, Error: err.Error(), Started: p.clock.Now()}
	if pipeline.KindOf(err) == pipeline.Canceled {
		rec.Status = pipeline.Cancelled
	}
	return rec
}

// take counts what a partition tells, and reports whether it has ended.
func (b *backfill) take(e event) bool {
	planned, l := &b.plan.Partitions[e.place], b.opts.Listener
	if !e.ended {
		b.rec.Counts.Retries++
		if l.Retried != nil {
			l.Retried(planned.Name, e.err, e.wait)
		}
		return false
	}
	b.running--
	if e.now != nil && e.now.waits(planned) {
		b.rec.wait(planned.Name)
	}
	if e.rec == nil {
		b.begun--
		b.rec.Counts.NotRun++
		if l.NotRun != nil {
			l.NotRun(e.now)
		}
		return true
	}
	b.rec.count(e.rec)
	if l.Done != nil {
		l.Done(e.rec, e.err)
	}
	return true
}

// minMemory is what a run ought to have at least, in bytes: where several at once would have
// less, there are fewer.
const minMemory = 32 << 20

// shared is the project as one of n runs at once sees it: with a part of the workers and of the
// memory. It says how many there may be.
func (p *Project) shared(backfill string, n int) (*Project, int) {
	n = int(max(1, min(int64(n), p.opts.Memory/minMemory)))
	share := *p
	share.backfill = backfill
	share.opts.Workers = max(1, p.opts.Workers/n)
	share.opts.Memory /= int64(n)
	if n > 1 && p.opts.Listener != nil {
		share.opts.Listener = oneAtATime(p.opts.Listener)
	}
	return &share, n
}

// oneAtATime tells a listener what several runs do.
func oneAtATime(l *pipeline.Listener) *pipeline.Listener {
	var mu sync.Mutex
	return &pipeline.Listener{
		StageStarted: locked(&mu, l.StageStarted),
		Progress:     locked(&mu, l.Progress),
		StageDone:    locked(&mu, l.StageDone),
	}
}

func locked[E any](mu *sync.Mutex, f func(E)) func(E) {
	if f == nil {
		return nil
	}
	return func(e E) {
		mu.Lock()
		defer mu.Unlock()
		f(e)
	}
}
