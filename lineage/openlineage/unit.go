package openlineage

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// unit is a stage that publishes or judges, at the end of a run.
type unit struct {
	*Story
	StageJob
	basis *pipeline.Basis
	// manifest is that of the version that the run made, or found as it was; may be nil.
	manifest *pipeline.Manifest
	findings []pipeline.Finding
	end      Type
	why      string
}

func (s *Story) unit(b *pipeline.Basis) *unit {
	u := &unit{Story: s, basis: b, StageJob: StageJob{Stage: b.Stage, Dataset: b.Dataset, Job: JobFacets{JobType: jobType(stageType)}}}
	for _, j := range s.Stages {
		if j.Stage == b.Stage {
			u.StageJob = j
		}
	}
	if v := u.published(); v != nil && s.Manifest != nil {
		u.manifest = s.Manifest(b.Dataset, s.Record.Dir, v.Version)
	}
	for i := range s.Record.Gates {
		if f := &s.Record.Gates[i]; u.made(f.Stage) {
			u.findings = append(u.findings, *f)
		}
	}
	u.end, u.why = u.came()
	return u
}

// made reports whether a stage is the unit's, or one without output that it is made of.
func (u *unit) made(stage string) bool {
	_, ok := u.basis.Code[stage]
	if stage == u.Stage || !ok {
		return stage == u.Stage
	}
	for _, b := range u.Record.Bases { // of one that several are made of, the first tells
		if _, has := b.Code[stage]; has {
			return b.Stage == u.Stage
		}
	}
	return true
}

// published is the version that readers see since the run; nil if it published none.
func (u *unit) published() *pipeline.OutputRecord {
	for i := range u.Record.Outputs {
		if o := &u.Record.Outputs[i]; o.Dataset == u.Dataset && u.Dataset != "" {
			return o
		}
	}
	return nil
}

// came is what became of the unit, and why. What a run published stays, whatever became of the
// others; of a run that was blocked, what no gate of its own kept back was not published either.
func (u *unit) came() (Type, string) {
	end := u.Story.end()
	switch {
	case u.published() != nil, end == Complete && !u.skipped():
		return Complete, ""
	case end == Complete:
		return Abort, "not computed, for a stage before it was blocked; the run was approved of since"
	}
	why := u.Story.why()
	if u.Record.Status != pipeline.Blocked {
		return end, why
	}
	for i := range u.findings {
		if blocks(&u.findings[i]) {
			return Fail, why
		}
	}
	return Abort, why
}

// skipped reports whether the run, of which somebody has approved, did not come to the unit.
func (u *unit) skipped() bool {
	return slices.Contains(u.Record.NotRun, u.Stage) || len(u.Record.Approvals) > 0 && u.Dataset != ""
}

// blocks reports whether a finding kept back what it judged: nobody approved of it.
func blocks(f *pipeline.Finding) bool { return f.Blocks() && f.Approved == nil }

// inputs are the datasets that the unit read, each once.
func (u *unit) inputs() []InputDataset {
	records := u.basis.Inputs
	if u.manifest != nil {
		records = u.manifest.Inputs
	}
	all, at, read := []InputDataset{}, map[DatasetID]int{}, map[string]bool{}
	for _, r := range inOrder(records) {
		in, partition := u.input(&r), r.Dataset+"@"+r.Partition
		j, seen := at[in.DatasetID]
		if seen && !r.Missing && (r.Dataset == "" || !read[partition]) {
			all[j].join(&in)
		}
		read[partition] = true
		if seen {
			continue
		}
		at[in.DatasetID] = len(all)
		all = append(all, in)
	}
	return all
}

// inOrder is what was read, before what was not there to be read.
func inOrder(records []pipeline.InputRecord) []pipeline.InputRecord {
	there, missing := []pipeline.InputRecord{}, []pipeline.InputRecord(nil)
	for _, r := range records {
		if r.Missing {
			missing = append(missing, r)
		} else {
			there = append(there, r)
		}
	}
	return append(there, missing...)
}

// input is what was read of one, by its record.
func (u *unit) input(r *pipeline.InputRecord) InputDataset {
	id := u.inputID(r)
	in := InputDataset{DatasetID: id, Facets: DatasetFacets{DataSource: dataSource(id)}}
	if r.Dataset == "" {
		in.InputFacets.Statistics = readFiles(r.Files)
		return in
	}
	dir, known := u.dirOf(r)
	if r.Missing || !known {
		return in
	}
	in.Facets.Version, in.InputFacets.Subset = version(dir, r.Version), inputSubset(dir)
	if m := u.lookUp(r, dir); m != nil {
		in.Facets.Schema = schema(m.Schema)
		in.InputFacets.Statistics = readFiles(m.Files)
	}
	return in
}

func (u *unit) lookUp(r *pipeline.InputRecord, dir string) *pipeline.Manifest {
	if u.Manifest == nil || r.Version == 0 {
		return nil
	}
	return u.Manifest(r.Dataset, dir, r.Version)
}

// dirOf is the directory of the partition of an input; not known where nothing is kept of it.
func (u *unit) dirOf(r *pipeline.InputRecord) (dir string, known bool) {
	if u.PartitionDir != nil {
		if dir, known = u.PartitionDir(r.Dataset, r.Partition); known {
			return dir, true
		}
	}
	if r.Partition == u.Record.Partition {
		return u.Record.Dir, true
	}
	return "", r.Partition == pipeline.Partition{}.String()
}

// inputID names the dataset of an input.
func (u *unit) inputID(r *pipeline.InputRecord) DatasetID {
	if r.Dataset != "" {
		return locate(u.Dir, r.Dataset)
	}
	at := places(r)
	if len(at) == 0 {
		return DatasetID{Namespace: files, Name: path.Join("/", scrub(u.Pipeline), scrub(r.Name))}
	}
	return locateAll(u.Dir, at)
}

// join adds what was read of another partition of the same dataset.
func (d *InputDataset) join(other *InputDataset) {
	d.InputFacets.Statistics = d.InputFacets.Statistics.plus(other.InputFacets.Statistics)
	if d.Facets.Version != nil && other.Facets.Version != nil {
		d.Facets.Version.Version += "," + other.Facets.Version.Version
	}
	if a, b := d.InputFacets.Subset, other.InputFacets.Subset; a != nil && b != nil {
		a.Condition.Partitions = append(a.Condition.Partitions, b.Condition.Partitions...)
	}
}

// outputOf is the dataset that a stage writes.
func (s *Story) outputOf(j *StageJob) OutputDataset {
	id := locate(s.Dir, j.Dataset)
	out := OutputDataset{DatasetID: id, Facets: DatasetFacets{DataSource: dataSource(id)}}
	if j.Owner != "" {
		out.Facets.Ownership = &Ownership{facet("1-0-1", "OwnershipDatasetFacet"), []Owner{{Name: j.Owner}}}
	}
	if s.Record != nil {
		out.OutputFacets.Subset = outputSubset(s.Record.Dir)
	}
	return out
}

// output is what the unit wrote.
func (u *unit) output() OutputDataset {
	out := u.outputOf(&u.StageJob)
	if v := u.published(); v != nil {
		out.Facets.Version = version(u.Record.Dir, v.Version)
		n := int64(len(v.Files))
		out.OutputFacets.Statistics = &Statistics{Base: facet("1-0-2", "OutputStatisticsOutputDatasetFacet"), Rows: &v.Rows, Files: &n}
	}
	if m := u.manifest; m != nil {
		out.Facets.Schema = schema(m.Schema)
		out.Facets.ColumnLineage = u.columns(m)
		out.Facets.Tags = columnTags(m.Columns)
		out.Facets.Metrics = u.metrics(m)
		n := bytesOf(m.Files)
		out.OutputFacets.Statistics.Bytes = &n
	}
	return out
}

// gates is the end of the run of the unit's gates: what they found of what was written.
func (u *unit) gates(at time.Time) Event {
	e := u.event(Complete, at, u.gatesJob(&u.StageJob), runID(u.Run, u.Stage, "gates"))
	out := u.output()
	in := InputDataset{DatasetID: out.DatasetID, Facets: DatasetFacets{DataSource: out.Facets.DataSource, Schema: out.Facets.Schema, Version: out.Facets.Version}}
	in.InputFacets.Subset = inputSubset(u.Record.Dir)
	e.Inputs = []InputDataset{in}
	if len(u.findings) == 0 {
		e.EventType = u.end
		e.Run.Facets.ErrorMessage = errorMessage(u.why)
	}
	u.judge(&e, e.Inputs)
	return e
}

// judge tells what the gates found, of the first of what they looked at.
func (u *unit) judge(e *Event, of []InputDataset) {
	if len(u.findings) == 0 {
		return
	}
	var failed []string
	for i := range u.findings {
		if f := &u.findings[i]; blocks(f) {
			failed = append(failed, f.Name)
		}
	}
	if len(failed) > 0 {
		e.EventType = Fail
		e.Run.Facets.ErrorMessage = errorMessage("blocked by " + strings.Join(failed, ", "))
	}
	e.Run.Facets.Test = u.tests()
	if len(of) > 0 {
		of[0].InputFacets.Assertions = u.assertions()
	}
}
