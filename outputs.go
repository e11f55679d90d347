package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// published is a version that is current now.
type published struct {
	manifest *pipeline.Manifest
	digest   string
}

// publish switches every output to what was staged, first those that others read.
func (a *attempt) publish(ctx context.Context, out *pipeline.Outcome) error {
	b := &manifests{attempt: a, out: out, byStage: map[string]published{}}
	a.rec.Status = pipeline.Unchanged
	for _, s := range out.Stages {
		if s.Stage.Output == nil {
			continue
		}
		v, err := a.outputs.staging[s.Stage.Name].Commit(ctx, b.manifest(s))
		if err != nil {
			return err
		}
		now := published{v.Manifest, v.Digest}
		b.byStage[s.Stage.Name] = now
		a.current = append(a.current, now)
		if !v.Unchanged {
			a.rec.Status = pipeline.Published
		}
		a.rec.Outputs = append(a.rec.Outputs, outputRecord(v.Manifest, a.env.Partition))
	}
	return nil
}

func outputRecord(m *pipeline.Manifest, part pipeline.Partition) pipeline.OutputRecord {
	rec := pipeline.OutputRecord{
		Dataset: m.Dataset, Path: path.Join(m.Dataset, part.Dir()), Version: m.Version, Rows: m.Rows, Files: []string{},
	}
	for _, f := range m.Files {
		rec.Files = append(rec.Files, path.Join(rec.Path, path.Base(f.Path)))
	}
	for _, f := range m.Quarantine {
		rec.Quarantine = append(rec.Quarantine, path.Join(publish.VersionDir(m.Dataset, part, m.Version), f.Path))
	}
	return rec
}

// manifests writes the manifests of one run's outputs.
type manifests struct {
	*attempt
	out     *pipeline.Outcome
	byStage map[string]published
}

func (b *manifests) manifest(s *pipeline.StageOutcome) *pipeline.Manifest {
	m := &pipeline.Manifest{
		Format: pipeline.ManifestFormat, Pipeline: b.pl.Name, Stage: s.Stage.Name,
		Dataset: filepath.ToSlash(filepath.Clean(s.Stage.Output.Path)), Partition: b.rec.Partition,
		Files: s.Files, Quarantine: s.Quarantine, Rows: s.Record.RowsOut, Metrics: s.Metrics,
		Findings: []pipeline.Finding{}, Params: b.pl.Params,
		Run: b.rec.Run, Actor: b.rec.Actor, Command: b.rec.Command, Commit: b.rec.Commit, Penstock: b.rec.Penstock,
	}
	for _, f := range s.Schema.Fields() {
		m.Schema = append(m.Schema, pipeline.SchemaField{Name: f.Name, Type: pipeline.TypeName(f.Type), Nullable: f.Nullable})
	}
	code, gates := sha256.New(), sha256.New()
	seen := map[string]bool{}
	var visit func(s *pipeline.StageOutcome)
	visit = func(s *pipeline.StageOutcome) {
		m.Stages = append(m.Stages, s.Record)
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
			if in, ok := b.input(name); ok {
				m.Inputs = append(m.Inputs, in)
			} else if up := b.stageOutcome(name); up != nil {
				visit(up) // a stage without output is part of this one
			}
		}
	}
	visit(s)
	m.Code, m.Gates = hex.EncodeToString(code.Sum(nil)), hex.EncodeToString(gates.Sum(nil))
	return m
}

// input is the record of a source, or of a dataset this run has just published.
func (b *manifests) input(name string) (pipeline.InputRecord, bool) {
	for _, in := range b.out.Inputs {
		if in.Name == name {
			return in, true
		}
	}
	v, ok := b.byStage[name]
	if !ok {
		return pipeline.InputRecord{}, false
	}
	return pipeline.InputRecord{
		Name: name, Dataset: v.manifest.Dataset, Partition: v.manifest.Partition,
		Version: v.manifest.Version, Manifest: v.digest,
	}, true
}

func (b *manifests) stageOutcome(name string) *pipeline.StageOutcome {
	for _, s := range b.out.Stages {
		if s.Stage.Name == name {
			return s
		}
	}
	return nil
}
