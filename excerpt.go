package penstock

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// excerpt is a pipeline made of some of the stages of another, for one partition. What other
// stages publish is read as readers see it.
type excerpt struct {
	p    *Project
	ctx  context.Context // of the call that makes it
	of   *pipeline.Pipeline
	part pipeline.Partition
	// computes says of a stage with an output that it is computed, and not read as it is
	// published; nil: none is.
	computes func(stage string) bool
	// gates are those of a stage; nil: as the pipeline has them.
	gates func(s *pipeline.Stage) pipeline.Judge
	// at gives the version of a stage's dataset that is read; nil is the current one.
	at func(s *pipeline.Stage) (*versionAt, error)

	made     *pipeline.Pipeline
	readings readings // until close
	// inputs are the records of the published datasets that are read, by name.
	inputs map[string]pipeline.InputRecord
}

func (p *Project) newExcerpt(ctx context.Context, of *pipeline.Pipeline, part pipeline.Partition) *excerpt {
	return &excerpt{
		p: p, ctx: ctx, of: of, part: part, readings: readings{p: p}, inputs: map[string]pipeline.InputRecord{},
		made: &pipeline.Pipeline{Name: of.Name, Partitions: of.Partitions, Params: of.Params, File: of.File, Texts: of.Texts, Lookback: of.Lookback},
	}
}

// newName is a name that nothing in the pipeline has.
func (x *excerpt) newName(name string) string {
	for has(x.of, name) || has(x.made, name) {
		name += "_"
	}
	return name
}

// has reports whether a source or a stage has a name.
func has(pl *pipeline.Pipeline, name string) bool {
	return stageOf(pl, name) != nil ||
		slices.ContainsFunc(pl.Sources, func(s pipeline.NamedSource) bool { return s.Name == name })
}

// include puts in a source or stage that the stage for reads, with all that it needs.
func (x *excerpt) include(name string, by *pipeline.Stage) error {
	if has(x.made, name) {
		return nil
	}
	for _, s := range x.of.Sources {
		if s.Name == name {
			x.made.Sources = append(x.made.Sources, s)
			return nil
		}
	}
	s := stageOf(x.of, name)
	switch {
	case s == nil:
		return nil // binding says so, at its place
	case s.Output == nil || x.computes != nil && x.computes(name):
		return x.stage(*s)
	}
	v, err := x.read(s)
	if err != nil {
		return &pipeline.Error{Kind: pipeline.KindOf(err), At: by.At, Stage: by.Name, Err: err}
	}
	x.inputs[name] = v.input(name)
	x.made.Sources = append(x.made.Sources, pipeline.NamedSource{Name: name, Source: publishedSource{x.p, v, s.Output.Format}, At: s.At})
	return nil
}

func (x *excerpt) read(s *pipeline.Stage) (*versionAt, error) {
	if x.at != nil {
		return x.at(s)
	}
	r, err := x.readings.take(x.ctx, datasetOf(s), x.part.Dir())
	if errors.Is(err, fs.ErrNotExist) {
		return x.p.readersSee(s, x.part) // which says what is missing
	}
	if err != nil {
		return nil, err
	}
	return &versionAt{published{r.Manifest, r.Digest}, path.Join(datasetOf(s), x.part.Dir())}, nil
}

// stage puts in a stage, and what it reads.
func (x *excerpt) stage(s pipeline.Stage) error {
	if x.gates != nil && s.Gates != nil {
		s.Gates = x.gates(&s)
	}
	x.made.Stages = append(x.made.Stages, s)
	for _, name := range s.Inputs() {
		if err := x.include(name, &s); err != nil {
			return err
		}
	}
	return nil
}

// records are the inputs of a run as lineage has them: what was read as it is published is
// named as such.
func (x *excerpt) records(inputs []pipeline.InputRecord) []pipeline.InputRecord {
	all := slices.Clone(inputs)
	for i, in := range all {
		if known, ok := x.inputs[in.Name]; ok {
			all[i] = known
		}
	}
	return all
}

// publishedSource is a version of a dataset, as it is kept: what is published meanwhile does not
// change it.
type publishedSource struct {
	p   *Project
	v   *versionAt
	own pipeline.Format
}

func (s publishedSource) String() string { return "published " + s.v.ref() }

// Resolve implements pipeline.Source. What gates found of the version is believed where its
// manifest is.
func (s publishedSource) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	m := s.v.manifest
	in, err := s.p.written(ctx, s.v, s.v.kept(m.Files), false, s.own)
	if err != nil {
		return nil, err
	}
	in.Approved, in.Tags = m.ApprovedGates(), map[string][]string{}
	m.TagsInto(in.Tags)
	if env.Believes != nil && env.Believes(filepath.Join(s.p.dir, filepath.FromSlash(s.v.visible)), s.v.digest) {
		in.States = m.Metrics
	}
	return in, nil
}
