package penstock

import (
	"cmp"
	"context"
	"slices"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// Impact is what depends on a stage or a source of a pipeline, at any distance.
type Impact struct {
	Pipeline string `json:"pipeline"`
	// Change is the stage or source that is to be changed, Column the column of it, if only that.
	Change string `json:"change"`
	Column string `json:"column,omitempty"`

	Stages   []ImpactStage   `json:"stages"`
	Datasets []ImpactDataset `json:"datasets"`
	// Pipelines are the others that have a stage among them.
	Pipelines []string `json:"pipelines"`
	// Columns are those that come from it, Unsure why some may be missing.
	Columns []ImpactColumn `json:"columns"`
	// RowsOf are the datasets of which it decides which rows there are.
	RowsOf []string `json:"rows_of,omitempty"`
	Unsure []string `json:"unsure,omitempty"`
	// Tags are those of the stages.
	Tags []string `json:"tags"`
	// Held is what is published of the datasets together.
	lineage.Held
}

// ImpactStage is a stage, and the gates that judge what leaves it.
type ImpactStage struct {
	Pipeline string   `json:"pipeline"`
	Stage    string   `json:"stage"`
	Gates    []string `json:"gates,omitempty"`
	// Recorded says that it is known from manifests alone: its file was not among those read.
	Recorded bool `json:"recorded,omitempty"`
}

// ImpactDataset is a dataset, and how much is published of it.
type ImpactDataset struct {
	Dataset string `json:"dataset"`
	First   string `json:"first,omitempty"`
	Last    string `json:"last,omitempty"`
	lineage.Held
}

// ImpactColumn is a column of a dataset, and how it comes from what is to be changed.
type ImpactColumn struct {
	Dataset string       `json:"dataset"`
	Column  string       `json:"column"`
	How     pipeline.Way `json:"how,omitempty"`
	Tags    []string     `json:"tags,omitempty"`
}

// gated is a judge that names its rules, as that of package gates does: all, those that read a
// column, and whether one that puts rows aside does.
type gated interface {
	Names() []string
	Reading(column string) []string
	AsideBy(column string) bool
}

// Impact says what depends on a stage or source of a pipeline, of a column of it if one is named:
// in this pipeline, in others that are given, and in what is on record of further ones.
func (p *Project) Impact(ctx context.Context, pl *pipeline.Pipeline, others []*pipeline.Pipeline, change, column string) (*Impact, error) {
	root, err := changed(pl, change)
	if err != nil {
		return nil, err
	}
	all := append([]*pipeline.Pipeline{pl}, others...)
	flows, err := p.FlowsWith(ctx, all)
	if err != nil {
		return nil, err
	}
	x := &impact{p: p, pl: pl, others: all, graph: lineage.Datasets(flows, true), Impact: Impact{Pipeline: pl.Name, Change: change, Column: column}}
	reached := x.graph.Reach([]lineage.Node{root}, lineage.Down, -1)
	if column != "" {
		if reached, err = x.byColumn(ctx, root, reached); err != nil {
			return nil, err
		}
	} else if err := x.columnsOf(ctx, root, reached); err != nil {
		return nil, err
	}
	for _, n := range x.downwards(reached) {
		x.add(n)
	}
	x.settle()
	return &x.Impact, nil
}

// downwards are nodes in an order in which each comes after what leads to it.
func (x *impact) downwards(nodes []lineage.Node) []lineage.Node {
	before := map[lineage.Node]int{}
	for _, n := range nodes {
		before[n] = len(x.graph.Reach([]lineage.Node{n}, lineage.Up, -1))
	}
	slices.SortStableFunc(nodes, func(a, b lineage.Node) int { return before[a] - before[b] })
	return nodes
}

// changed is the node of a stage or source.
func changed(pl *pipeline.Pipeline, name string) (lineage.Node, error) {
	if stageOf(pl, name) != nil {
		return lineage.Node{Pipeline: pl.Name, Stage: name}, nil
	}
	var names []string
	for _, s := range pl.Sources {
		if s.Name == name {
			return inputNode(pl, name), nil
		}
		names = append(names, s.Name)
	}
	for _, s := range pl.Stages {
		names = append(names, s.Name)
	}
	return lineage.Node{}, pipeline.Errorf(pipeline.Invalid, "%s: %s", cmp.Or(pl.File, pl.Name), pipeline.Unknown("stage or source", name, names))
}

// impact collects an Impact.
type impact struct {
	p      *Project
	pl     *pipeline.Pipeline
	others []*pipeline.Pipeline // with pl
	graph  *lineage.Graph
	// all are the columns that are known of each dataset; nil where none was named.
	all map[string][]string
	Impact
}

func (x *impact) add(n lineage.Node) {
	switch n.Kind() {
	case lineage.StageKind:
		x.stage(n)
	case lineage.DatasetKind:
		d := ImpactDataset{Dataset: n.Dataset}
		if f := x.graph.Flow(n); f != nil {
			d.Held, d.First, d.Last = f.Held, f.First, f.Last
		}
		x.Datasets = append(x.Datasets, d)
		x.Add(d.Held)
	}
}

func (x *impact) stage(n lineage.Node) {
	found := ImpactStage{Pipeline: n.Pipeline, Stage: n.Stage, Recorded: true}
	for _, pl := range x.others {
		s := stageOf(pl, n.Stage)
		if pl.Name != n.Pipeline || s == nil {
			continue
		}
		found.Recorded = false
		x.Tags = append(x.Tags, s.Tags...)
		if g, ok := s.Gates.(gated); ok {
			found.Gates = x.gatesOf(n, s, g)
		}
	}
	x.Stages = append(x.Stages, found)
	if n.Pipeline != x.pl.Name {
		x.Pipelines = append(x.Pipelines, n.Pipeline)
	}
}

// settle sorts what was collected.
func (x *impact) settle() {
	slices.Sort(x.Pipelines)
	x.Pipelines = slices.Compact(append([]string{}, x.Pipelines...))
	for _, c := range x.Columns {
		x.Tags = append(x.Tags, c.Tags...)
	}
	slices.Sort(x.Tags)
	x.Tags = slices.Compact(append([]string{}, x.Tags...))
	slices.Sort(x.Unsure)
	x.Unsure = slices.Compact(x.Unsure)
	x.Stages, x.Datasets, x.Columns = append([]ImpactStage{}, x.Stages...), append([]ImpactDataset{}, x.Datasets...), append([]ImpactColumn{}, x.Columns...)
}
