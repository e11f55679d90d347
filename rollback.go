package penstock

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Rollback makes an earlier version of a partition current again, as a new version of the same
// bytes; 0 is the one before. Nothing is computed. What was made of the version before is stale
// then; the partition itself is not, until something that it rests on changes. The record is
// never nil: it is that of a run.
func (p *Project) Rollback(ctx context.Context, dataset, partition string, version int64, reason string) (*pipeline.RunRecord, error) {
	rec := &pipeline.RunRecord{Partition: partition, Status: pipeline.Failed, Outputs: []pipeline.OutputRecord{}, Gates: []pipeline.Finding{}}
	part, v, err := p.findPartition(dataset, partition)
	if err == nil && strings.TrimSpace(reason) == "" {
		err = pipeline.Errorf(pipeline.Invalid, "a rollback needs a reason, for the record").
			With(`say why, like --reason "the new feed counts in miles"`)
	}
	if err != nil {
		rec.Error = err.Error()
		return rec, err
	}
	pl := &pipeline.Pipeline{
		Name: v.manifest.Pipeline, Params: v.manifest.Params,
		Stages: []pipeline.Stage{{Name: v.manifest.Stage, Output: &pipeline.Output{Path: v.manifest.Dataset}}},
	}
	a, err := p.attempt(ctx, pl, part)
	if err != nil {
		return a.rec, err
	}
	return a.end(ctx, a.rollback(ctx, v, version, strings.TrimSpace(reason)))
}

func (a *attempt) rollback(ctx context.Context, from *versionAt, version int64, reason string) error {
	v, err := a.p.publish.Rollback(ctx, from.manifest.Dataset, a.env.Partition, version, pipeline.Rollback{
		Run: a.rec.Run, Reason: reason, Actor: a.p.opts.Actor,
	})
	if err != nil {
		return err
	}
	m := v.Manifest
	a.rec.Status = pipeline.Published
	if v.Unchanged {
		a.rec.Status = pipeline.Unchanged
	}
	a.rec.Rollback, a.rec.RowsOut = m.Rollback, m.Rows
	a.rec.Bases = []pipeline.Basis{basisOf(m)}
	a.current = []published{{m, v.Digest}}
	a.rec.Outputs = append(a.rec.Outputs, outputRecord(m, from.visible))
	return nil
}

// findPartition finds what is published of a partition of a dataset, by its name.
func (p *Project) findPartition(dataset, name string) (pipeline.Partition, *versionAt, error) {
	dataset = path.Clean(dataset)
	dirs, err := p.publish.Partitions(dataset)
	if err != nil {
		return pipeline.Partition{}, nil, err
	}
	for _, dir := range append(dirs, "") {
		by, value, _ := strings.Cut(dir, "=")
		part := pipeline.Partition{By: pipeline.By(by), Value: value}
		if part.String() != name {
			continue
		}
		m, digest, err := p.publish.Current(dataset, dir)
		switch {
		case err == nil:
			return part, &versionAt{published{m, digest}, path.Join(dataset, dir)}, nil
		case !errors.Is(err, fs.ErrNotExist):
			return part, nil, err
		}
	}
	e := pipeline.Errorf(pipeline.Invalid, "nothing is published of %s@%s", dataset, name)
	if near := nearestPartition(dirs, name); near != "" {
		return pipeline.Partition{}, nil, e.With("did you mean " + dataset + "@" + near + "?")
	}
	return pipeline.Partition{}, nil, e.With("`penstock runs` lists what was run")
}

// nearestPartition is the name of a partition that looks like another.
func nearestPartition(dirs []string, name string) string {
	names := make([]string, len(dirs))
	for i, dir := range dirs {
		_, names[i], _ = strings.Cut(dir, "=")
	}
	slices.Sort(names)
	return pipeline.Nearest(name, names)
}
