package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// ReleaseOptions say which quarantined rows go through the gates again.
type ReleaseOptions struct {
	// Stage, or the Dataset it publishes, is whose rows; one of them.
	Stage, Dataset string
	Partition      string
	// Rules chooses rows that broke none but these; empty: all rows.
	Rules []string
	// Rows is a file with what takes the place of the rows: parquet, csv, jsonl or arrow, with
	// the columns of the dataset. If it has the columns _source and _row as well, they say
	// whose place a row takes, and the others stay in quarantine; else it has as many rows.
	Rows string
	// Waive names rules that put no row aside this time, and only warn.
	Waive []string
	// Reason is why, for the record.
	Reason string
}

// Release makes a version of a partition of what is published of it and of rows that are
// quarantined beside it. No operator runs; the stage's gates, as the pipeline has them now,
// judge all of it. What breaks a rule that quarantines goes to quarantine again, and what
// is not released stays there: no row is lost. The record is that of a run; its id is
// empty, and nothing was run, where nothing is quarantined.
func (p *Project) Release(ctx context.Context, pl *pipeline.Pipeline, o ReleaseOptions) (*pipeline.RunRecord, error) {
	r, err := p.newRelease(ctx, pl, o)
	defer r.close()
	if err != nil {
		return &pipeline.RunRecord{Pipeline: pl.Name, Partition: o.Partition, Status: pipeline.Failed, Error: err.Error()}, err
	}
	if len(r.from.manifest.Quarantine) == 0 {
		out := outputRecord(r.from.manifest, r.from.visible)
		return &pipeline.RunRecord{
			Pipeline: pl.Name, Partition: r.part.String(), Status: pipeline.Unchanged, Outputs: []pipeline.OutputRecord{out}, Gates: []pipeline.Finding{},
		}, nil
	}
	a, err := p.attempt(ctx, r.pl, r.part)
	if err != nil {
		return a.rec, err
	}
	a.release = r
	a.env.Past, a.env.Aside = nil, r.aside
	return a.end(ctx, r.run(ctx, a))
}

// release is rows on their way out of quarantine.
type release struct {
	p     *Project
	opts  ReleaseOptions
	part  pipeline.Partition
	stage *pipeline.Stage // as the pipeline has it
	from  *versionAt
	// pl is what is run: the stage's gates, but for those that are waived, over what is
	// published and released.
	pl      *pipeline.Pipeline
	excerpt *excerpt // pl, and the published datasets that the gates look things up in
	waived  []string

	source     releasedSource
	quarantine *pipeline.Input // of the version before
	index      *asideIndex
	fixed      *pipeline.Input // the file of corrected rows; nil: none
	fixedAt    pipeline.File
	fixedRows  int64
	at         time.Time
	said       *pipeline.Release // in the manifest
}

// newRelease finds what is released, and all mistakes that can be seen without running.
func (p *Project) newRelease(ctx context.Context, pl *pipeline.Pipeline, o ReleaseOptions) (*release, error) {
	r := &release{p: p, opts: o, at: p.clock.Now().UTC().Truncate(time.Second)}
	var err error
	if r.stage, err = chosenStage(pl, o); err != nil {
		return nil, err
	}
	if r.part, err = pl.Partitions.Parse(o.Partition); err != nil {
		return nil, err
	}
	if strings.TrimSpace(o.Reason) == "" {
		return nil, pipeline.Errorf(pipeline.Invalid, "a release needs a reason, for the record").
			With(`say why the rows are good now, like --reason "the sensor was recalibrated"`)
	}
	if r.from, err = p.readersSee(r.stage, r.part); err != nil {
		return nil, err
	}
	if err := r.describeRun(ctx, pl); err != nil || len(r.from.manifest.Quarantine) == 0 {
		return r, err
	}
	return r, r.prepare(ctx)
}

// chosenStage finds the stage whose rows are released.
func chosenStage(pl *pipeline.Pipeline, o ReleaseOptions) (*pipeline.Stage, error) {
	if (o.Stage == "") == (o.Dataset == "") {
		return nil, pipeline.Errorf(pipeline.Invalid, "which rows? name a stage or a dataset, one of them")
	}
	var stages, datasets []string
	for i := range pl.Stages {
		s := &pl.Stages[i]
		if s.Output == nil {
			continue
		}
		if s.Name == o.Stage || datasetOf(s) == path.Clean(filepath.ToSlash(o.Dataset)) {
			return s, nil
		}
		stages, datasets = append(stages, s.Name), append(datasets, datasetOf(s))
	}
	if o.Stage != "" {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("stage", o.Stage, stages)).
			With("stages with an output can have quarantined rows")
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("dataset", o.Dataset, datasets))
}

// readersSee gives the current version of a stage's output.
func (p *Project) readersSee(s *pipeline.Stage, part pipeline.Partition) (*versionAt, error) {
	visible := path.Join(datasetOf(s), part.Dir())
	m, digest, err := p.publish.Current(datasetOf(s), part.Dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, pipeline.Errorf(pipeline.Invalid, "nothing is published of %s@%s: %s does not exist", datasetOf(s), part, visible).
			With("run the partition first; `penstock quarantine ls` lists what is quarantined")
	}
	if err != nil {
		return nil, err
	}
	return &versionAt{published{m, digest}, visible}, nil
}

// describeRun makes the pipeline that is run.
func (r *release) describeRun(ctx context.Context, pl *pipeline.Pipeline) error {
	s := *r.stage
	x := r.p.newExcerpt(ctx, pl, r.part)
	x.gates = func(s *pipeline.Stage) pipeline.Judge {
		if s.Output == nil {
			return nil // what they hold was judged before
		}
		return s.Gates
	}
	s.From, s.Operators, s.OperatorsAt = []string{x.newName("released")}, nil, nil
	if len(r.opts.Waive) > 0 {
		var err error
		if s.Gates, err = gates.Waive(s.Gates, r.opts.Waive...); err != nil {
			return &pipeline.Error{Kind: pipeline.Invalid, At: s.At, Stage: s.Name, Err: err}
		}
		r.waived = slices.Compact(slices.Sorted(slices.Values(r.opts.Waive)))
	}
	x.made.Sources = []pipeline.NamedSource{{Name: s.From[0], Source: &r.source, At: s.At}}
	r.pl, r.excerpt = x.made, x
	return x.stage(s)
}

// close gives back the leases on what the gates look up; r may be nil.
func (r *release) close() {
	if r != nil && r.excerpt != nil {
		_ = r.excerpt.readings.close() // a lease that stays is swept
	}
}

// run carries the rows through the gates and publishes what passes.
func (r *release) run(ctx context.Context, a *attempt) (err error) {
	a.env.Memory.Force(int64(len(r.index.chosen)) * indexBytes)
	if a.outputs, err = a.p.stage(ctx, r.pl, r.part, a.rec.Run); err != nil {
		return err
	}
	defer a.outputs.abort()
	if err := a.still(r.from, "look at what is quarantined now, and release again"); err != nil {
		return err
	}
	plan, err := pipeline.Bind(ctx, r.pl, a.env)
	if err != nil {
		return err
	}
	err = a.carry(ctx, plan)
	a.rec.Inputs, a.rec.Release = r.records(a.rec.Inputs), r.said
	return err
}

// describe says in the manifest what the version was made of.
func (r *release) describe(m *pipeline.Manifest) {
	code := sha256.Sum256([]byte("release of " + r.stage.Code()))
	m.Code = hex.EncodeToString(code[:])
	m.Inputs = r.records(m.Inputs)
	r.columns(m)
	m.Release = &pipeline.Release{
		Version: r.from.manifest.Version, Rules: r.opts.Rules, Rows: r.index.rows, Kept: r.index.kept(),
		Reason: strings.TrimSpace(r.opts.Reason), Actor: r.p.opts.Actor, At: r.at,
	}
	if r.fixed != nil {
		m.Release.Corrected = &r.fixedAt
	}
	for _, name := range r.waived {
		w := pipeline.Waiver{Rule: name}
		for _, f := range m.Findings {
			if f.Name == name && f.Stage == r.stage.Name {
				w.Rows = f.RowsFailed
			}
		}
		m.Release.Waived = append(m.Release.Waived, w)
	}
	if before := r.from.manifest.Release; before != nil {
		for _, w := range before.Waived {
			if !slices.Contains(r.waived, w.Rule) {
				m.Release.Lapsed = append(m.Release.Lapsed, w.Rule)
			}
		}
	}
	r.said = m.Release
}

// records are the inputs as lineage has them: the version before, the rows that it had
// quarantined, the corrected ones, and what gates looked up.
func (r *release) records(inputs []pipeline.InputRecord) (all []pipeline.InputRecord) {
	for _, in := range r.excerpt.records(inputs) {
		if in.Name != r.pl.Sources[0].Name {
			all = append(all, in)
			continue
		}
		quarantine := pipeline.InputRecord{Name: "quarantine", Source: "quarantine of " + r.from.ref()}
		for _, f := range in.Files {
			if slices.ContainsFunc(r.quarantine.Files, func(q pipeline.File) bool { return q.Path == f.Path }) {
				quarantine.Files = append(quarantine.Files, f)
			}
		}
		all = append(all, r.from.input(r.stage.Name), quarantine)
		if r.fixed != nil {
			i := slices.IndexFunc(in.Files, func(f pipeline.File) bool { return f.Path == r.fixed.Files[0].Path })
			r.fixedAt = in.Files[i]
			r.fixedAt.Rows = r.fixedRows
			all = append(all, pipeline.InputRecord{Name: "corrected", Source: "corrected rows", Files: []pipeline.File{r.fixedAt}})
		}
	}
	return all
}

// aside is the run's pipeline.Env.Aside.
func (r *release) aside(s *pipeline.Stage, schema *arrow.Schema) (pipeline.Reader, error) {
	if s.Name != r.stage.Name || r.index.kept() == 0 {
		return nil, nil
	}
	return r.keptRows(schema), nil
}
