package penstock

import (
	"context"
	"slices"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// runPlanned runs of a partition what its plan says: the stages that are to run, over what is
// published of those that are not. Of a stage that is only judged nothing is computed.
func (p *Project) runPlanned(ctx context.Context, pl *pipeline.Pipeline, plan *PartitionPlan) (*pipeline.RunRecord, error) {
	x, err := p.choose(ctx, pl, plan)
	defer x.readings.close() //nolint:errcheck // a lease that stays is swept
	if err != nil {
		return &pipeline.RunRecord{Pipeline: pl.Name, Partition: plan.Name, Status: pipeline.Failed, Error: err.Error()}, err
	}
	a, err := p.attempt(ctx, x.made, plan.Partition)
	if err != nil {
		return a.rec, err
	}
	a.some = x
	return a.end(ctx, a.run(ctx))
}

// someStages is a run of some stages of a pipeline.
type someStages struct {
	*excerpt
	// judged are the versions of which only the gates are run again, by stage.
	judged map[string]*versionAt
}

// choose makes the pipeline of what is to run. It holds leases on what it reads, also with an error.
func (p *Project) choose(ctx context.Context, pl *pipeline.Pipeline, plan *PartitionPlan) (*someStages, error) {
	x := &someStages{p.newExcerpt(ctx, pl, plan.Partition), map[string]*versionAt{}}
	x.computes = plan.runs
	for _, sp := range plan.Stages {
		s := stageOf(pl, sp.Stage)
		if !sp.Run || stageOf(x.made, sp.Stage) != nil {
			continue
		}
		if sp.JudgeOnly && s.Output != nil {
			done, err := x.judge(*s)
			if err != nil {
				return x, err
			}
			if done {
				continue
			}
		}
		if err := x.stage(*s); err != nil {
			return x, err
		}
	}
	if err := x.watch(); err != nil {
		return x, err
	}
	// The order is that of the file.
	slices.SortFunc(x.made.Stages, func(a, b pipeline.Stage) int { return placeOf(pl, a.Name) - placeOf(pl, b.Name) })
	return x, nil
}

func placeOf(pl *pipeline.Pipeline, stage string) int {
	return slices.IndexFunc(pl.Stages, func(s pipeline.Stage) bool { return s.Name == stage })
}

// watch puts in the stages that only judge what is computed: a stage of which only the gates were
// to run may be computed after all.
func (x *someStages) watch() error {
	for i := range x.of.Stages {
		s := &x.of.Stages[i]
		if s.Output != nil || !isUnit(x.of, s) || stageOf(x.made, s.Name) != nil {
			continue
		}
		_, inputs := describeUnit(x.of, s)
		if !slices.ContainsFunc(inputs, func(name string) bool { return stageOf(x.made, name) != nil && x.judged[name] == nil }) {
			continue
		}
		if err := x.stage(*s); err != nil {
			return err
		}
	}
	return nil
}

// judge puts in the gates of a stage alone, over what is published. It reports whether that is
// enough: not of a version with rows in quarantine, or some that were released, which other
// rules may put elsewhere, nor of one that was let through by approval.
func (x *someStages) judge(s pipeline.Stage) (bool, error) {
	v, err := x.read(&s)
	if err != nil {
		return false, err
	}
	m := v.manifest
	reordered := len(m.Lineage) > 0 && len(m.Files) > 10 // part-10 is read before part-2
	if len(m.Files) == 0 || len(m.Quarantine) > 0 || reordered || m.Release != nil || slices.ContainsFunc(m.Findings, pipeline.Finding.Blocks) {
		return false, nil
	}
	name := x.newName("published")
	x.judged[s.Name], x.inputs[name] = v, v.input(s.Name)
	x.made.Sources = append(x.made.Sources, pipeline.NamedSource{Name: name, Source: publishedSource{x.p, v, s.Output.Format}, At: s.At})
	s.From, s.Operators, s.OperatorsAt, s.Lineage = []string{name}, nil, nil, pipeline.UsualDepth // that of the version holds
	return true, x.stage(s)
}

// whole is a stage as the pipeline has it that the excerpt is of.
func (x *someStages) whole(s *pipeline.Stage) *pipeline.Stage { return stageOf(x.of, s.Name) }

// follow stages, of a stage that was only judged, the file that says where its rows came from.
func (x *someStages) follow(ctx context.Context, s *pipeline.Stage, to *publish.Staging) error {
	if x == nil || x.judged[s.Name] == nil {
		return nil
	}
	was := x.judged[s.Name].manifest
	for _, f := range was.Lineage {
		if err := to.Again(ctx, was.Version, publish.Lineage, f); err != nil {
			return err
		}
	}
	return nil
}

// describe says, in the manifest of a stage that was only judged, what its data was made by: what
// made the version before.
func (x *someStages) describe(m *pipeline.Manifest, s *pipeline.Stage) {
	v := x.judged[s.Name]
	if v == nil {
		return
	}
	was := v.manifest
	m.Judged = was.Version
	if was.Judged != 0 {
		m.Judged = was.Judged
	}
	m.Code, m.Inputs, m.Schema, m.Lineage = was.Code, was.Inputs, was.Schema, was.Lineage
	judgedColumns(m, was)
	for _, f := range was.Findings {
		if f.Stage != s.Name {
			m.Findings = append(m.Findings, f)
		}
	}
	stages := slices.Clone(was.Stages)
	for i := range stages {
		if now := &stages[i]; now.Name == s.Name {
			_, now.Gates = s.Fingerprints()
			now.RowsOut = m.Rows
			now.RowsQuarantined = 0
			for _, f := range m.Quarantine {
				now.RowsQuarantined += f.Rows
			}
		}
	}
	m.Stages = stages
}
