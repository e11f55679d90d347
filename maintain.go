package penstock

import (
	"cmp"
	"context"
	"slices"

	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/lineage/verify"
)

// Verify checks the project's invariants from what is on disk: every byte of every
// version against its manifest, the manifests against each other, the index against
// them. Breaches are in the report; the error is for what kept it from looking.
func (p *Project) Verify(ctx context.Context) (*verify.Report, error) {
	if err := p.store.Check(ctx); err != nil {
		return nil, err
	}
	index, err := p.store.Indexed(ctx)
	if err != nil {
		return nil, err
	}
	return verify.Project(ctx, p.dir, index)
}

// Rebuild makes the index anew from the manifests and the records of runs, and says
// how many of each it found. If one of them can't be read the index is left as it was. Nothing
// else may go on in the project.
func (p *Project) Rebuild(ctx context.Context) (runs, versions int, err error) {
	runs, versions, err = p.rebuild(ctx)
	if p.store.Broke(err) { // there is nothing in it that could be lost
		if err := p.store.Renew(ctx); err != nil {
			return 0, 0, err
		}
		return p.rebuild(ctx)
	}
	return runs, versions, err
}

func (p *Project) rebuild(ctx context.Context) (runs, versions int, err error) {
	err = p.store.Change(ctx, func(c *store.Changes) (err error) {
		if err := c.Forget(); err != nil {
			return err
		}
		if runs, err = p.rebuildRuns(c); err != nil {
			return err
		}
		versions, err = p.rebuildVersions(c)
		return err
	})
	return runs, versions, err
}

func (p *Project) rebuildVersions(c *store.Changes) (n int, err error) {
	datasets, err := p.publish.Datasets()
	if err != nil {
		return 0, err
	}
	for _, dataset := range datasets {
		kept, err := p.publish.Manifests(dataset)
		if err != nil {
			return n, err
		}
		for i := range kept {
			if err := p.putVersion(c, dataset, kept[:i+1]); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// rebuildRuns puts the records of runs into the index, in the order in which the runs began: what
// a run did not compute is as runs before it left it.
func (p *Project) rebuildRuns(c *store.Changes) (n int, err error) {
	type started struct {
		path string
		at   int64
	}
	names, err := p.recordNames()
	if err != nil {
		return 0, err
	}
	all := make([]started, len(names))
	for i, name := range names {
		all[i].path = p.state("runs", name+".json")
		rec, err := readRun(all[i].path)
		if err != nil {
			return 0, err
		}
		all[i].at = rec.Started.UnixNano()
	}
	slices.SortFunc(all, func(a, b started) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.path, b.path)) })
	for _, s := range all {
		rec, err := readRun(s.path)
		if err != nil {
			return n, err
		}
		if err := c.PutRun(rec); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
