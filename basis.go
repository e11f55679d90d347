package penstock

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/host"
	"github.com/penstock-data/penstock/pipeline"
)

// units are what a pipeline is planned by: its stages that publish, and those that only
// judge. Others are part of those that read from them.
func units(pl *pipeline.Pipeline) (all []pipeline.Basis) {
	for i := range pl.Stages {
		if s := &pl.Stages[i]; isUnit(pl, s) {
			all = append(all, unitOf(s))
		}
	}
	return all
}

func unitOf(s *pipeline.Stage) pipeline.Basis {
	b := pipeline.Basis{Stage: s.Name}
	if s.Output != nil {
		b.Dataset = datasetOf(s)
	}
	return b
}

func isUnit(pl *pipeline.Pipeline, s *pipeline.Stage) bool {
	return s.Output != nil || !slices.ContainsFunc(pl.Stages, func(other pipeline.Stage) bool {
		return slices.Contains(other.Inputs(), s.Name)
	})
}

// made visits a stage and, once each, the stages without output that it reads from.
func made(pl *pipeline.Pipeline, s *pipeline.Stage, visit func(*pipeline.Stage)) {
	seen := map[string]bool{}
	var walk func(*pipeline.Stage)
	walk = func(s *pipeline.Stage) {
		visit(s)
		for _, name := range s.Inputs() {
			if seen[name] {
				continue
			}
			seen[name] = true
			if up := stageOf(pl, name); up != nil && up.Output == nil {
				walk(up)
			}
		}
	}
	walk(s)
}

// stageOf finds a stage by its name; nil if there is none.
func stageOf(pl *pipeline.Pipeline, name string) *pipeline.Stage {
	for i := range pl.Stages {
		if pl.Stages[i].Name == name {
			return &pl.Stages[i]
		}
	}
	return nil
}

// describeUnit fills in what a unit is made by, and gives the names of what it reads: sources, and
// stages that publish.
func describeUnit(pl *pipeline.Pipeline, s *pipeline.Stage) (b pipeline.Basis, inputs []string) {
	b = unitOf(s)
	b.Code, b.Gates, b.Params = map[string]string{}, map[string]string{}, pl.Params
	made(pl, s, func(s *pipeline.Stage) {
		code, gates := s.Fingerprints()
		b.Code[s.Name] = code
		if gates != "" {
			b.Gates[s.Name] = gates
		}
		for _, name := range s.Inputs() {
			if up := stageOf(pl, name); (up == nil || up.Output != nil) && !slices.Contains(inputs, name) {
				inputs = append(inputs, name)
			}
		}
	})
	return b, inputs
}

// rests puts on the record what each unit of the run rests on. A run that a gate blocked, or that
// failed, says what it rests on, too, as far as it came: it need not be repeated for the same.
func (a *attempt) rests(out *pipeline.Outcome) {
	b := a.manifests(out)
	for _, v := range a.current {
		for _, s := range out.Stages {
			if s.Stage.Output != nil && datasetOf(s.Stage) == v.manifest.Dataset {
				b.byStage[s.Stage.Name] = v
			}
		}
	}
	for i := range a.rec.Bases {
		unit := &a.rec.Bases[i]
		v, published := b.byStage[unit.Stage]
		switch s := stageOf(a.pl, unit.Stage); {
		case a.release != nil:
		case a.some != nil:
			*unit = b.basis(a.some.of, a.some.whole(s))
			if a.some.judged[unit.Stage] != nil {
				unit.Code, unit.Inputs = nil, nil // they are what they were
			}
		default:
			*unit = b.basis(a.pl, s)
		}
		if published {
			unit.Settle(v.manifest)
		}
	}
}

// basis is what a stage of a pipeline, as the run read it, rests on.
func (b *manifests) basis(pl *pipeline.Pipeline, s *pipeline.Stage) pipeline.Basis {
	basis, inputs := describeUnit(pl, s)
	for _, name := range inputs {
		basis.Inputs = append(basis.Inputs, b.inputs(name)...)
	}
	made(pl, s, func(s *pipeline.Stage) {
		if o := b.stageOutcome(s.Name); o != nil {
			basis.Seconds += o.Record.Seconds
		}
	})
	return basis
}

// basisOf is what a version rests on, as its manifest says. What was released or rolled back rests
// on what the version before did.
func basisOf(m *pipeline.Manifest) pipeline.Basis {
	b := pipeline.Basis{Stage: m.Stage, Dataset: m.Dataset}
	b.Settle(m)
	if m.Release != nil || m.Rollback != nil {
		return b
	}
	b.Code, b.Gates, b.Params, b.Inputs = map[string]string{}, map[string]string{}, m.Params, m.Inputs
	for _, s := range m.Stages {
		b.Seconds += s.Seconds
		if s.Code != "" {
			b.Code[s.Name] = s.Code
		}
		if s.Gates != "" {
			b.Gates[s.Name] = s.Gates
		}
	}
	return b
}

// checkout remembers which commit is checked out.
type checkout struct {
	sync.Mutex
	asked  time.Time
	commit string
}

// commitFor is how long the commit that is checked out is taken to be the same.
const commitFor = 10 * time.Second

// commit is the commit that is checked out. To ask git takes longer than to run a small
// partition, so it is not asked for each.
func (p *Project) commit(ctx context.Context) string {
	p.git.Lock()
	defer p.git.Unlock()
	if now := p.clock.Now(); p.git.asked.IsZero() || now.Sub(p.git.asked) > commitFor {
		p.git.asked, p.git.commit = now, host.Commit(ctx, p.dir)
	}
	return p.git.commit
}
