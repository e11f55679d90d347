package penstock

import (
	"context"

	"github.com/penstock-data/penstock/pipeline"
)

// Backfill runs the partitions one after the other. A partition that is blocked or
// fails does not keep the others from running; cancelling does. done is told each
// record and its error as soon as it is there; nil: nobody. The records are those
// of the partitions that were begun.
func (p *Project) Backfill(ctx context.Context, pl *pipeline.Pipeline, parts []pipeline.Partition,
	done func(*pipeline.RunRecord, error),
) ([]*pipeline.RunRecord, error) {
	var records []*pipeline.RunRecord
	for _, part := range parts {
		if err := ctx.Err(); err != nil {
			return records, err
		}
		rec, err := p.runPartition(ctx, pl, part)
		records = append(records, rec)
		if done != nil {
			done(rec, err)
		}
		if err != nil && pipeline.KindOf(err) == pipeline.Canceled {
			return records, err
		}
	}
	return records, nil
}
