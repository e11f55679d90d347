package penstock

import (
	"context"
	"slices"
	"time"

	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/lineage"
	datasets "github.com/penstock-data/penstock/operators/published"
	"github.com/penstock-data/penstock/pipeline"
)

// LineageQuery says what a graph is wanted of.
type LineageQuery struct {
	// Name is a dataset, or the path of a file, perhaps with # and the beginning of a digest.
	// Empty: all that is on record, whatever the rest says.
	Name string
	// Partition and Version are those of a dataset; empty and 0 are all.
	Partition string
	Version   int64
	// Up and Down are the ways that are followed, in at most Depth steps; a negative Depth has no
	// end.
	Up, Down bool
	Depth    int
}

// Lineage is the graph of all versions on record.
func (p *Project) Lineage(ctx context.Context) (*lineage.Graph, error) {
	return p.LineageOf(ctx, LineageQuery{})
}

// LineageOf is the graph of what a query reaches: it takes as long as that is large, however much
// else is on record. An edge that lies on no way of the query is not in it.
func (p *Project) LineageOf(ctx context.Context, q LineageQuery) (*lineage.Graph, error) {
	all, err := p.store.Lineage(ctx, store.LineageQuery(q))
	if err != nil {
		return nil, err
	}
	return lineage.Build(all), nil
}

// Flows gives the stages that made what was current at a time, of all pipelines, with what they read
// and how much of it there was. A zero time is now.
func (p *Project) Flows(ctx context.Context, at time.Time) ([]*lineage.Flow, error) {
	return p.store.Flows(ctx, at)
}

// FlowsOf gives the stages of a pipeline as it is described, whether it was run or not. Stages that
// publish nothing are flows of their own.
func FlowsOf(pl *pipeline.Pipeline) []*lineage.Flow {
	var all []*lineage.Flow
	for i := range pl.Stages {
		s := &pl.Stages[i]
		f := &lineage.Flow{Pipeline: pl.Name, Stage: s.Name, Stages: []string{s.Name}}
		if s.Output != nil {
			f.Dataset = datasetOf(s)
		}
		for _, name := range s.Inputs() {
			f.Inputs = append(f.Inputs, inputNode(pl, name))
		}
		all = append(all, f)
	}
	return all
}

// inputNode is what a name stands for that a stage reads.
func inputNode(pl *pipeline.Pipeline, name string) lineage.Node {
	if s := stageOf(pl, name); s != nil {
		if s.Output != nil {
			return lineage.Node{Dataset: datasetOf(s)}
		}
		return lineage.Node{Pipeline: pl.Name, Stage: name}
	}
	i := slices.IndexFunc(pl.Sources, func(s pipeline.NamedSource) bool { return s.Name == name })
	if i < 0 {
		return lineage.Node{Source: name}
	}
	if from, ok := pl.Sources[i].Source.(datasets.Source); ok {
		return lineage.Node{Dataset: from.Path()}
	}
	return lineage.Node{Source: pl.Sources[i].Reads(pipeline.Partition{})}
}
