package penstock

import (
	"context"
	"slices"

	"github.com/penstock-data/penstock/internal/schedule"
	"github.com/penstock-data/penstock/pipeline"
)

// again looks once more at the partition at a place of the plan, when those it comes after have
// ended: what they made may be what was there before, and then nothing is left to do. It is
// safe for concurrent use.
func (p *Plan) again(ctx context.Context, i int) (*PartitionPlan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr := p.planner
	pr.ctx = ctx
	if err := pr.recall(p.Partitions[i].Partition); err != nil {
		return nil, err
	}
	now, err := pr.partition(ctx, p.Partitions[i].Partition)
	if err != nil {
		return nil, err
	}
	now.Rows, now.Bytes, now.Seconds = p.Partitions[i].Rows, p.Partitions[i].Bytes, p.Partitions[i].Seconds
	return &now, nil
}

// ended takes note of how the partition at a place ended: now is the plan by which it ran, rec the
// record of that, or nil. What was to run and came to nothing, so that it may not be read, is lost
// to those that come after. It is safe for concurrent use.
func (p *Plan) ended(i int, now *PartitionPlan, rec *pipeline.RunRecord) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planner.ran[i] = true
	for k, sp := range p.Partitions[i].Stages {
		if sp.Run && (now == nil || now.Stages[k].Run && !hasPublished(rec, sp.Dataset) || now.Stages[k].waits()) {
			p.planner.lost[lost{i, sp.Stage}] = true
		}
	}
	return p.planner.recall(p.Partitions[i].Partition)
}

// hasPublished reports whether a run published a dataset, or found it as it was.
func hasPublished(rec *pipeline.RunRecord, dataset string) bool {
	if rec == nil {
		return false
	}
	s := rec.StatusOf(dataset)
	return s == pipeline.Published || s == pipeline.Unchanged
}

// waits reports whether a stage is not run because something that it needs is not there.
func (s *StagePlan) waits() bool {
	return !s.Run && (s.State == StateWaiting || slices.ContainsFunc(s.Reasons, func(r Reason) bool { return r.Cause == CauseNeeds }))
}

// waits reports whether some stage waits that was to run by an earlier plan of the partition.
func (p *PartitionPlan) waits(planned *PartitionPlan) bool {
	for k := range p.Stages {
		if planned.Stages[k].Run && p.Stages[k].waits() {
			return true
		}
	}
	return false
}

// recall reads what the index knows of a partition now.
func (pr *planner) recall(part pipeline.Partition) error {
	for _, u := range pr.units {
		b, err := pr.p.store.Base(pr.ctx, pr.pl.Name, u.stage.Name, part.String())
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		if pr.remember(b); b.Version > 0 && u.known[b.Partition] == b && u.stage.Output != nil {
			u.visible[entryOf(part)] = true
		}
	}
	return nil
}

// Order gives the places of what would run, as they would begin one by one.
func (p *Plan) Order(newestFirst bool) (places []int) {
	q := schedule.New(len(p.Partitions), func(i int) bool { return p.Partitions[i].Runs() },
		func(i int) []int { return p.Partitions[i].After }, newestFirst)
	for i, ok := q.Next(); ok; i, ok = q.Next() {
		places = append(places, i)
		q.Ended(i)
	}
	return places
}
