package penstock

import (
	"path"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// died ends the record of a run whose process has died. What it had published before is on its
// record then, as the manifests tell it: nobody has to do it again. It gives those versions.
func (p *Project) died(rec *pipeline.RunRecord) (current []published) {
	rec.Status, rec.Error = pipeline.Failed, "the process ended in the middle of the run"
	left, names := 0, []string(nil)
	for i := range rec.Bases {
		unit := &rec.Bases[i]
		v := p.madeBy(rec, unit.Dataset)
		if v == nil {
			left++
			continue
		}
		if *unit = basisOf(v.manifest); v.manifest.Judged != 0 {
			unit.Code, unit.Inputs = nil, nil
		}
		current = append(current, v.published)
		names = append(names, unit.Dataset)
		rec.Outputs = append(rec.Outputs, outputRecord(v.manifest, v.visible))
		rec.RowsOut += v.manifest.Rows
		rec.RowsQuarantined += unit.RowsQuarantined
		takeOver(rec, v.manifest)
	}
	switch {
	case len(names) == 0:
	case left == 0:
		rec.Status, rec.Error = pipeline.Published, ""
	default:
		rec.Error += ", after it had published " + strings.Join(names, ", ")
	}
	return current
}

// takeOver puts on the record of a run what a manifest of its says of it.
func takeOver(rec *pipeline.RunRecord, m *pipeline.Manifest) {
	for _, in := range m.Inputs {
		if !in.FromStage() && !slices.ContainsFunc(rec.Inputs, func(r pipeline.InputRecord) bool { return r.Name == in.Name }) {
			rec.Inputs = append(rec.Inputs, in)
		}
	}
	for _, s := range m.Stages {
		if !slices.ContainsFunc(rec.Stages, func(r pipeline.StageRecord) bool { return r.Name == s.Name }) {
			rec.Stages = append(rec.Stages, s)
		}
	}
	for _, f := range m.Findings {
		if !slices.ContainsFunc(rec.Gates, func(g pipeline.Finding) bool { return g.Stage == f.Stage && g.Name == f.Name }) {
			rec.Gates = append(rec.Gates, f)
		}
	}
	if rec.Release == nil {
		rec.Release = m.Release
	}
	rec.Rollback = m.Rollback
}

// madeBy gives the current version of a run's partition of a dataset, if that run made it; else nil.
func (p *Project) madeBy(rec *pipeline.RunRecord, dataset string) *versionAt {
	if dataset == "" {
		return nil
	}
	for _, by := range []pipeline.By{pipeline.Whole, pipeline.Hour, pipeline.Day, pipeline.Week, pipeline.Month, pipeline.Key} {
		part := pipeline.Partition{By: by, Value: rec.Partition}
		m, digest, err := p.publish.Current(dataset, part.Dir())
		if err == nil && runOf(m) == rec.Run && m.Partition == rec.Partition {
			return &versionAt{published{m, digest}, path.Join(dataset, part.Dir())}
		}
	}
	return nil
}

// runOf is the run that made a version current: of a rollback it isn't the one that computed it.
func runOf(m *pipeline.Manifest) string {
	if m.Rollback != nil {
		return m.Rollback.Run
	}
	return m.Run
}
