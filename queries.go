package penstock

import (
	"context"

	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// RunFilter chooses runs; empty fields choose all.
type RunFilter struct {
	Pipeline, Partition string
	Status              pipeline.Status
	// Backfill is the id of one.
	Backfill string
	// Limit is how many at most, the latest first; 0 means 50.
	Limit int
}

// Runs lists runs, the latest first.
func (p *Project) Runs(ctx context.Context, f RunFilter) ([]*pipeline.RunRecord, error) {
	return p.store.Runs(ctx, store.RunFilter(f))
}

// RunByID finds a run by its id, or by the beginning of it if only one has it.
func (p *Project) RunByID(ctx context.Context, id string) (*pipeline.RunRecord, error) {
	return p.store.Run(ctx, id)
}

// Versions lists the versions that are kept of a dataset's partition, oldest first;
// empty names stand for all.
func (p *Project) Versions(ctx context.Context, dataset, partition string) ([]*pipeline.Manifest, error) {
	return p.store.Versions(ctx, dataset, partition)
}

// Datasets lists the datasets of which something was published.
func (p *Project) Datasets(ctx context.Context) ([]string, error) { return p.store.Datasets(ctx) }

// Current reads the manifest of what readers see of a partition now. The error is
// fs.ErrNotExist where nothing was published.
func (p *Project) Current(dataset string, part pipeline.Partition) (*pipeline.Manifest, error) {
	m, _, err := p.publish.Current(dataset, part.Dir())
	return m, err
}
