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
	return lineage.Node{Source: readsOf(pl, pl.Sources[i])}
}

// readsOf is NamedSource.Reads of any partition of a pipeline.
func readsOf(pl *pipeline.Pipeline, s pipeline.NamedSource) string {
	text, by := s.Source.String(), pl.Partitions
	if timed := by.By != pipeline.Whole && by.By != pipeline.Key; timed && by.Zone != nil && by.Zone.String() != "UTC" {
		text += " in " + by.Zone.String()
	}
	return text
}

// FlowsWith gives the stages of pipelines as they are described, with how much is published by them,
// and those that are on record of all other pipelines.
func (p *Project) FlowsWith(ctx context.Context, all []*pipeline.Pipeline) ([]*lineage.Flow, error) {
	recorded, err := p.Flows(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	var flows []*lineage.Flow
	read := map[string]bool{}
	for _, pl := range all {
		read[pl.Name] = true
		for _, f := range FlowsOf(pl) {
			for _, r := range recorded {
				if f.Dataset != "" && r.Dataset == f.Dataset {
					f.Add(r.Held)
				}
			}
			flows = append(flows, f)
		}
	}
	for _, r := range recorded {
		if !read[r.Pipeline] {
			flows = append(flows, r)
		}
	}
	return flows, nil
}

// LastOf gives, of the datasets among some nodes of a graph of flows, the version of their last
// partition that was current at a time.
func (p *Project) LastOf(ctx context.Context, flows *lineage.Graph, nodes []lineage.Node, at time.Time) (last []lineage.Node, err error) {
	for _, n := range nodes {
		f := flows.Flow(n)
		if n.Kind() != lineage.DatasetKind || f == nil || f.Partitions == 0 {
			continue
		}
		g, err := p.LineageOf(ctx, LineageQuery{Name: n.Dataset, Partition: f.Last, Up: true})
		if err != nil {
			return nil, err
		}
		last = append(last, lineage.Latest(g.AsOf(at).Find(n.Dataset, f.Last, 0))...)
	}
	return last, nil
}

// ColumnsOf is the graph of the columns of some versions, as far as they are on record.
func (p *Project) ColumnsOf(ctx context.Context, nodes []lineage.Node) (*lineage.ColumnGraph, error) {
	var found []*pipeline.Manifest
	for _, n := range nodes {
		if n.Kind() != lineage.VersionKind {
			continue
		}
		versions, err := p.Versions(ctx, n.Dataset, n.Partition)
		if err != nil {
			return nil, err
		}
		for _, m := range versions {
			if m.Version == n.Version {
				found = append(found, m)
			}
		}
	}
	return lineage.Columns(found), nil
}
