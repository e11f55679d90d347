package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"path/filepath"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// outputs are the places one run writes to, one a stage with an output. It is the
// run's pipeline.Stager.
type outputs struct {
	staging map[string]*publish.Staging // by stage
}

// stage claims the partition in every output of the pipeline. Whoever holds one of
// them already is named in the error, and nothing stays claimed.
func (p *Project) stage(ctx context.Context, pl *pipeline.Pipeline, part pipeline.Partition, run string) (*outputs, error) {
	o := &outputs{staging: map[string]*publish.Staging{}}
	for i := range pl.Stages {
		s := &pl.Stages[i]
		if s.Output == nil {
			continue
		}
		st, err := p.publish.Begin(ctx, s.Output.Path, part, run)
		if err != nil {
			o.abort()
			return nil, err
		}
		o.staging[s.Name] = st
	}
	return o, nil
}

// Create implements pipeline.Stager.
func (o *outputs) Create(_ context.Context, s *pipeline.Stage, quarantine bool, name string) (pipeline.StagedFile, error) {
	kind := publish.Data
	if quarantine {
		kind = publish.Quarantine
	}
	return o.staging[s.Name].Create(kind, name)
}

// Trace implements pipeline.Stager.
func (o *outputs) Trace(_ context.Context, s *pipeline.Stage, name string) (pipeline.StagedFile, error) {
	return o.staging[s.Name].Create(publish.Lineage, name)
}

// Adopt implements pipeline.Stager.
func (o *outputs) Adopt(ctx context.Context, s *pipeline.Stage, name, from string) (pipeline.StagedFile, error) {
	return o.staging[s.Name].Adopt(ctx, name, from)
}

// abort removes what was staged and not published.
func (o *outputs) abort() {
	for _, st := range o.staging {
		_ = st.Abort() // what stays is swept when the partition is staged next
	}
}

// discard is abort, and drops what earlier runs hold of the partition: this one came after.
func (o *outputs) discard() (err error) {
	for _, st := range o.staging {
		err = errors.Join(err, st.Discard())
	}
	return err
}

// published is a version that is current now.
type published struct {
	manifest *pipeline.Manifest
	digest   string
}

// publish switches every output to what was staged, first those that others read.
func (b *manifests) publish(ctx context.Context) error {
	b.rec.Status = pipeline.Unchanged
	for _, s := range b.out.Stages {
		if s.Stage.Output == nil {
			continue
		}
		unchanged, err := b.commit(ctx, s)
		if err != nil {
			return err
		}
		if !unchanged {
			b.rec.Status = pipeline.Published
		}
	}
	return nil
}

// commit switches the output of a stage to what was staged, and reports whether that is what was
// published before.
func (b *manifests) commit(ctx context.Context, s *pipeline.StageOutcome) (unchanged bool, err error) {
	staged := b.outputs.staging[s.Stage.Name]
	if err := b.some.follow(ctx, s.Stage, staged); err != nil {
		return false, err
	}
	v, err := staged.Commit(ctx, b.manifest(s))
	if err != nil {
		return false, err
	}
	noteUndone(b.rec, staged.Current(), v.Manifest)
	now := published{v.Manifest, v.Digest}
	b.byStage[s.Stage.Name] = now
	b.current = append(b.current, now)
	b.rec.Outputs = append(b.rec.Outputs, outputRecord(v.Manifest, path.Join(v.Manifest.Dataset, b.env.Partition.Dir())))
	b.noteApprovals(v.Manifest)
	return v.Unchanged, nil
}

// noteApprovals puts the approvals that let a version through on the record of the run.
func (a *attempt) noteApprovals(m *pipeline.Manifest) {
	for _, f := range m.Findings {
		for i := range a.rec.Gates {
			if g := &a.rec.Gates[i]; f.Approved != nil && g.Stage == f.Stage && g.Name == f.Name {
				g.Approved = f.Approved
			}
		}
	}
}

// noteUndone puts on the record of the run that a version has taken the place of a release.
func noteUndone(rec *pipeline.RunRecord, before, now *pipeline.Manifest) {
	if before != nil && before.Release != nil && now.Release == nil {
		rec.Undone = append(rec.Undone, pipeline.Undone{
			Dataset: before.Dataset, Partition: before.Partition, Version: before.Version, Release: *before.Release,
		})
	}
}

// outputRecord describes a version that is current, at the directory that readers look at.
func outputRecord(m *pipeline.Manifest, visible string) pipeline.OutputRecord {
	rec := pipeline.OutputRecord{
		Dataset: m.Dataset, Path: visible, Version: m.Version, Rows: m.Rows, Files: []string{},
	}
	for _, f := range m.Files {
		rec.Files = append(rec.Files, path.Join(rec.Path, path.Base(f.Path)))
	}
	for _, f := range m.Quarantine {
		rec.Quarantine = append(rec.Quarantine, path.Join(publish.VersionDir(m.Dataset, visible, m.Version), f.Path))
	}
	return rec
}

// manifests writes the manifests of one run's outputs.
type manifests struct {
	*attempt
	out     *pipeline.Outcome
	byStage map[string]published
	// strays are findings that block the run and belong to no output: they stand in the
	// manifest of each, but of those that are published always. What judged those is in their
	// manifests, and nothing else.
	strays []pipeline.Finding
}

func (a *attempt) manifests(out *pipeline.Outcome) *manifests {
	return &manifests{attempt: a, out: out, byStage: map[string]published{}, strays: a.strays(out)}
}

func (b *manifests) manifest(s *pipeline.StageOutcome) *pipeline.Manifest {
	m := &pipeline.Manifest{
		Format: pipeline.ManifestFormat, Pipeline: b.pl.Name, Stage: s.Stage.Name,
		Dataset: datasetOf(s.Stage), Partition: b.rec.Partition,
		Files: s.Files, Quarantine: s.Quarantine, Lineage: s.Lineage, Rows: s.Record.RowsOut, Metrics: s.Metrics,
		Columns: s.Origins.Columns, RowsBy: s.Origins.RowsBy, RowsUnknown: s.Origins.RowsUnknown,
		Findings: []pipeline.Finding{}, Params: b.pl.Params, Key: s.Key,
		Run: b.rec.Run, Actor: b.rec.Actor, Command: b.rec.Command, Commit: b.rec.Commit, Penstock: b.rec.Penstock,
		FourEyes: b.p.opts.FourEyes, Always: s.Stage.Output.Always,
	}
	for _, f := range s.Schema.Fields() {
		m.Schema = append(m.Schema, pipeline.SchemaField{Name: f.Name, Type: pipeline.TypeName(f.Type), Nullable: f.Nullable})
	}
	code, gates := sha256.New(), sha256.New()
	seen := map[string]bool{}
	var visit func(s *pipeline.StageOutcome)
	visit = func(s *pipeline.StageOutcome) {
		rec := s.Record
		rec.Code, rec.Gates = s.Stage.Fingerprints()
		m.Stages = append(m.Stages, rec)
		m.Findings = append(m.Findings, s.Findings...)
		code.Write([]byte(s.Stage.Code()))
		if s.Stage.Gates != nil {
			gates.Write([]byte(s.Stage.Gates.String()))
		}
		for _, name := range s.Stage.Inputs() {
			if seen[name] {
				continue
			}
			seen[name] = true
			if in := b.inputs(name); in != nil {
				m.Inputs = append(m.Inputs, in...)
			} else if up := b.stageOutcome(name); up != nil {
				visit(up) // a stage without output is part of this one
			}
		}
	}
	visit(s)
	m.Code, m.Gates = hex.EncodeToString(code.Sum(nil)), hex.EncodeToString(gates.Sum(nil))
	if b.release != nil {
		b.release.describe(m)
	}
	if b.some != nil {
		b.some.describe(m, s.Stage)
	}
	if len(b.strays) > 0 && !s.Stage.Output.Always {
		m.Findings = append(m.Findings, b.strays...)
		m.Endorse(b.p.approvals(m.Dataset, b.env.Partition), b.p.clock.Now(), b.p.opts.FourEyes)
	}
	return m
}

// inputs are the records of a source, or of a dataset of this run: of the version it has
// just published, or of none where nothing was published yet. Nil is of neither.
func (b *manifests) inputs(name string) (all []pipeline.InputRecord) {
	if b.some != nil {
		if in, ok := b.some.inputs[name]; ok {
			return []pipeline.InputRecord{in}
		}
	}
	for _, in := range b.out.Inputs {
		if in.Name == name {
			all = append(all, in)
		}
	}
	if all != nil {
		return all
	}
	if v, ok := b.byStage[name]; ok {
		return []pipeline.InputRecord{v.input(name)}
	}
	up := b.stageOutcome(name)
	if up == nil || up.Stage.Output == nil {
		return nil
	}
	return []pipeline.InputRecord{{Name: name, Dataset: datasetOf(up.Stage), Partition: b.rec.Partition}}
}

// input is the record of the version as what a stage read.
func (v published) input(name string) pipeline.InputRecord {
	return pipeline.InputRecord{
		Name: name, Dataset: v.manifest.Dataset, Partition: v.manifest.Partition,
		Version: v.manifest.Version, Manifest: v.digest, Data: v.manifest.DataDigest(), Approved: v.manifest.ApprovedGates(),
	}
}

// datasetOf is the name of the dataset that a stage publishes.
func datasetOf(s *pipeline.Stage) string { return filepath.ToSlash(filepath.Clean(s.Output.Path)) }

func (b *manifests) stageOutcome(name string) *pipeline.StageOutcome {
	for _, s := range b.out.Stages {
		if s.Stage.Name == name {
			return s
		}
	}
	return nil
}
