package penstock

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/lineage/verify"
	"github.com/penstock-data/penstock/pipeline"
)

// Verify checks the project's invariants from what is on disk: every byte of every
// version against its manifest, the manifests against each other, the index against
// them. Breaches are in the report; the error is for what kept it from looking.
func (p *Project) Verify(ctx context.Context) (*verify.Report, error) {
	index, err := p.store.Indexed(ctx)
	if err != nil {
		return nil, err
	}
	return verify.Project(ctx, p.dir, index)
}

// Rebuild makes the index anew from the manifests and the records of runs, and says
// how many of each it found.
func (p *Project) Rebuild(ctx context.Context) (runs, versions int, err error) {
	if err := p.store.Forget(ctx); err != nil {
		return 0, 0, err
	}
	if runs, err = p.rebuildRuns(ctx); err != nil {
		return runs, 0, err
	}
	datasets, err := p.publish.Datasets()
	if err != nil {
		return runs, 0, err
	}
	for _, dataset := range datasets {
		kept, err := p.publish.Manifests(dataset)
		if err != nil {
			return runs, versions, err
		}
		for _, v := range kept {
			if err := p.rebuildVersion(ctx, v); err != nil {
				return runs, versions, err
			}
			versions++
		}
	}
	return runs, versions, nil
}

// rebuildVersion puts a version into the index, and what it rests on where the record of its
// run is lost.
func (p *Project) rebuildVersion(ctx context.Context, v publish.Kept) error {
	m := v.Manifest
	if err := p.store.PutVersion(ctx, m, v.Digest, v.Current); err != nil || !v.Current {
		return err
	}
	known, err := p.store.Base(ctx, m.Pipeline, m.Stage, m.Partition)
	if err != nil || known != nil && known.Version == m.Version {
		return err
	}
	return p.store.PutBases(ctx, &pipeline.RunRecord{
		Run: m.Run, Pipeline: m.Pipeline, Partition: m.Partition, Status: pipeline.Published, Started: m.Published,
		Bases: []pipeline.Basis{basisOf(m)},
	})
}

func (p *Project) rebuildRuns(ctx context.Context) (n int, err error) {
	err = filepath.WalkDir(p.state("runs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rec pipeline.RunRecord
		if err := json.Unmarshal(text, &rec); err != nil {
			return pipeline.Errorf(pipeline.IO, "%s is not the record of a run: %w", path, err).
				With("move it away and rebuild again; only the history of this run is lost")
		}
		n++
		return p.store.PutRun(ctx, &rec)
	})
	return n, err
}
