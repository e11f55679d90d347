package penstock

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// excerpt is a pipeline made of some of the stages of another, for one partition. What other
// stages publish is read as readers see it.
type excerpt struct {
	p    *Project
	of   *pipeline.Pipeline
	part pipeline.Partition
	// computes says of a stage with an output that it is computed, and not read as it is
	// published; nil: none is.
	computes func(stage string) bool
	// mute takes the gates of stages without output away.
	mute bool

	made *pipeline.Pipeline
	// inputs are the records of the published datasets that are read, by name.
	inputs map[string]pipeline.InputRecord
}

func (p *Project) newExcerpt(of *pipeline.Pipeline, part pipeline.Partition) *excerpt {
	return &excerpt{
		p: p, of: of, part: part, inputs: map[string]pipeline.InputRecord{},
		made: &pipeline.Pipeline{Name: of.Name, Partitions: of.Partitions, Params: of.Params, File: of.File, Lookback: of.Lookback},
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
	v, err := x.p.readersSee(s, x.part)
	if err != nil {
		return &pipeline.Error{Kind: pipeline.KindOf(err), At: by.At, Stage: by.Name, Err: err}
	}
	x.inputs[name] = v.input(name)
	x.made.Sources = append(x.made.Sources, pipeline.NamedSource{Name: name, Source: publishedSource{x.p, v, s.Output.Format}, At: s.At})
	return nil
}

// stage puts in a stage, and what it reads.
func (x *excerpt) stage(s pipeline.Stage) error {
	if x.mute && s.Output == nil {
		s.Gates = nil
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
