package penstock

import (
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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
		for i := range kept {
			if err := p.rebuildVersion(ctx, kept[:i+1]); err != nil {
				return runs, versions, err
			}
			versions++
		}
	}
	return runs, versions, nil
}

// rebuildVersion puts the last of some versions of a partition into the index, and what it rests
// on where the record of its run is lost: what was released or rolled back rests on what the
// version before did.
func (p *Project) rebuildVersion(ctx context.Context, upTo []publish.Kept) error {
	v := upTo[len(upTo)-1]
	m := v.Manifest
	if err := p.store.PutVersion(ctx, m, v.Digest, v.Current); err != nil || !v.Current {
		return err
	}
	known, err := p.store.Base(ctx, m.Pipeline, m.Stage, m.Partition)
	if err != nil || known != nil && known.Version == m.Version {
		return err
	}
	if known == nil {
		for _, before := range slices.Backward(upTo[:len(upTo)-1]) {
			w := before.Manifest
			if w.Partition != m.Partition || m.Release == nil && m.Rollback == nil {
				break
			}
			if basis := basisOf(w); basis.Code != nil {
				if err := p.putBasis(ctx, w, basis); err != nil {
					return err
				}
				break
			}
		}
	}
	return p.putBasis(ctx, m, basisOf(m))
}

func (p *Project) putBasis(ctx context.Context, m *pipeline.Manifest, basis pipeline.Basis) error {
	return p.store.PutBases(ctx, &pipeline.RunRecord{
		Run: runOf(m), Pipeline: m.Pipeline, Partition: m.Partition, Status: pipeline.Published, Started: m.Published,
		Bases: []pipeline.Basis{basis},
	})
}

// rebuildRuns puts the records of runs into the index, in the order in which the runs began: what
// a run did not compute is as runs before it left it.
func (p *Project) rebuildRuns(ctx context.Context) (n int, err error) {
	type started struct {
		path string
		at   time.Time
	}
	var all []started
	err = filepath.WalkDir(p.state("runs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		rec, err := readRun(path)
		if err != nil {
			return err
		}
		all = append(all, started{path, rec.Started})
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.SortFunc(all, func(a, b started) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.path, b.path)) })
	for _, s := range all {
		rec, err := readRun(s.path)
		if err != nil {
			return n, err
		}
		if err := p.store.PutRun(ctx, rec); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// readRun reads the record of a run.
func readRun(path string) (*pipeline.RunRecord, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rec := &pipeline.RunRecord{}
	if err := json.Unmarshal(text, rec); err != nil {
		return nil, pipeline.Errorf(pipeline.IO, "%s is not the record of a run: %w", path, err).
			With("move it away and rebuild again; only the history of this run is lost")
	}
	return rec, nil
}
