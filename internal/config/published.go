package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/published"
	"github.com/penstock-data/penstock/pipeline"
)

// dataset is a source of what stages publish.
func (d *decoder) dataset(n *node) pipeline.Source {
	s := published.Source{
		Dataset: strings.TrimSuffix(d.text(n.get("dataset"), "dataset"), "/"),
		Map:     published.Map(d.oneOf(n.get("map"), fieldOf(sourceObject, "map"))),
	}
	d.reach(&s, n)
	if err := pipeline.CheckOutputPath(s.Dataset); err != nil {
		d.fail(n.get("dataset").pos, "dataset: %v", err)
	}
	by, parts := n.get("by"), n.get("partitions")
	switch {
	case by != nil && parts != nil:
		d.fail(by.pos, "source: by is short for partitions; only one of them can stand here")
	case by != nil:
		s.Partitions = &pipeline.Scheme{By: granularity(d.oneOf(by, fieldOf(sourceObject, "by")))}
	case parts != nil:
		cut := d.scheme(parts, datasetPartitions)
		s.Partitions = &cut
	}
	if s.Partitions != nil && s.Partitions.By == pipeline.Whole && s.Map == published.Same {
		s.Map = published.Whole
	}
	return s
}

// reach reads which partitions are read, of a source or of a stage's past.
func (d *decoder) reach(s *published.Source, n *node) {
	last := n.get("last")
	if s.Last = int(d.int(last, "last", 0)); last != nil && s.Last < 1 {
		d.fail(last.pos, "last: expected 1 or more partitions, found %s", describe(last))
	}
	s.Offset = int(d.int(n.get("offset"), "offset", 0))
	s.Skip = d.oneOf(n.get("missing"), fieldOf(sourceObject, "missing")) == "skip"
	s.Drift = files.Drift(d.oneOf(n.get("drift"), fieldOf(sourceObject, "drift")))
	s.Schema = d.schema(n.get("schema"))
}

// past is what a stage reads of the past of another one, or of its own: an input that gets
// its meaning when all stages are known.
type past struct {
	at    pipeline.Pos
	by    string // the stage that reads it
	of    string // the stage whose past it is
	input string // the name of the input
	reads published.Source
}

// past reads one input with a window, and gives its name.
func (d *decoder) past(key, n *node) string {
	before := len(d.errs)
	if !d.object(n, pastObject) {
		return ""
	}
	p := past{at: n.pos, by: d.stage, of: key.text}
	if v := n.get("stage"); v != nil {
		p.of = d.text(v, "stage")
	}
	d.reach(&p.reads, n)
	if p.reads.Last <= 1 && p.reads.Offset == 0 && len(d.errs) == before {
		d.fail(n.pos, "from: %s: say which partitions of the past are read, with last or offset", key.text)
	}
	p.input = p.of
	if p.reads.Last > 1 {
		p.input += fmt.Sprintf("-last-%d", p.reads.Last)
	}
	if p.reads.Offset != 0 {
		p.input += fmt.Sprintf("-offset-%d", -p.reads.Offset)
	}
	for i, name := 2, p.input; slices.ContainsFunc(d.pasts, func(o past) bool { return o.input == p.input && (o.reads.String() != p.reads.String() || o.of != p.of) }); i++ {
		p.input = fmt.Sprintf("%s-%d", name, i)
	}
	d.pasts = append(d.pasts, p)
	return p.input
}

// unfold adds to the pipeline what reads the past of its stages: a source of what is published
// and, where the partition of the run belongs to the window, a stage that brings both together.
func (d *decoder) unfold(p *pipeline.Pipeline) {
	done := map[string]bool{}
	for _, of := range d.pasts {
		d.stage = of.by
		if !done[of.input] {
			done[of.input] = true
			d.unfoldOne(p, of)
		}
	}
	d.stage = ""
	d.addDecisions(p)
}

func (d *decoder) unfoldOne(p *pipeline.Pipeline, of past) {
	i := slices.IndexFunc(p.Stages, func(s pipeline.Stage) bool { return s.Name == of.of })
	if slices.ContainsFunc(p.Sources, func(s pipeline.NamedSource) bool { return s.Name == of.of }) {
		d.fail(of.at, "%s is a source, and the past is read of stages; a source of a dataset has last and offset itself", of.of)
		return
	}
	if i < 0 {
		var names []string
		for _, s := range p.Stages {
			names = append(names, s.Name)
		}
		d.fail(of.at, "%s", pipeline.Unknown("stage", of.of, names))
		return
	}
	if p.Stages[i].Output == nil {
		d.fail(of.at, "stage %s has no output, and so no past: give it one, or read the past of a stage that has", of.of)
		return
	}
	src := of.reads
	src.Dataset = p.Stages[i].Output.Path
	source := pipeline.NamedSource{Name: of.input, At: of.at}
	if src.Offset == 0 {
		if of.of == of.by {
			d.fail(of.at, "stage %s can't read the partition that it makes; set offset: -1 to read up to the one before", of.of)
			return
		}
		src.Last, src.Offset = src.Last-1, -1
		source.Name += "-before"
		p.Stages = append(p.Stages, pipeline.Stage{
			Name: of.input, From: []string{source.Name, of.of}, Operators: []pipeline.Operator{operators.Union()},
			Description: fmt.Sprintf("the last %d partitions of %s", of.reads.Last, of.of), At: of.at,
		})
	}
	source.Source = src
	p.Sources = append(p.Sources, source)
}

// checkDatasets finds what the sources of published data, and the partitions, say of each
// other that does not go together.
func (d *decoder) checkDatasets(p *pipeline.Pipeline) {
	for _, s := range p.Sources {
		if src, ok := s.Source.(published.Source); ok {
			if err := src.Check(p.Partitions); err != nil {
				d.fail(s.At, "source %q: %v", s.Name, err)
			}
		}
	}
}
