package penstock

import (
	"context"

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

// ended takes note of how a partition ended. It is safe for concurrent use.
func (p *Plan) ended(i int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planner.ran[i] = true
	return p.planner.recall(p.Partitions[i].Partition)
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
		pr.remember(b)
		if b.Version == 0 || u.stage.Output == nil {
			continue
		}
		if dir := part.Dir(); dir != "" {
			u.visible[dir] = true
		} else {
			u.visible["_manifest.json"] = true
		}
	}
	return nil
}
