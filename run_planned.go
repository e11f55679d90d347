package penstock

import (
	"context"

	"github.com/penstock-data/penstock/pipeline"
)

// runPlanned runs of a partition what its plan says.
func (p *Project) runPlanned(ctx context.Context, pl *pipeline.Pipeline, plan *PartitionPlan) (*pipeline.RunRecord, error) {
	return p.runPartition(ctx, pl, plan.Partition)
}
