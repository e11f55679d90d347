package config

import (
	"slices"

	"github.com/penstock-data/penstock/operators/published"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// ledger is a stage with a ledger of breaks, and where that is written.
type ledger struct {
	stage string
	at    pipeline.Pos
}

// breaks reads the operator of a ledger. What it is of is the stage that it reads, if nothing
// else is said.
func (d *decoder) breaks(n *node, inputs []string) pipeline.Operator {
	o := breaks.Options{}
	if n.kind == mapping {
		o.Dataset = d.text(n.get("dataset"), "dataset")
		keep := n.get("keep")
		if o.Keep = int(d.int(keep, "keep", 0)); keep != nil && o.Keep < 1 {
			d.fail(keep.pos, "breaks: keep: expected 1 or more partitions, found %s", describe(keep))
		}
	}
	if o.Dataset == "" && len(inputs) > 0 {
		o.Dataset = inputs[0]
	}
	return breaks.Ledger(o)
}

// ledger gives a stage whose first operator is a ledger what that reads besides: its own
// partition before, and the decisions.
func (d *decoder) ledger(s *pipeline.Stage, operators *node) {
	if operators == nil {
		return
	}
	for i, item := range operators.values {
		if item.kind != mapping || len(item.keys) != 1 || item.keys[0].text != "breaks" {
			continue
		}
		switch {
		case i > 0:
			d.fail(item.pos, "breaks: it has to be the first operator of its stage")
		case len(s.From) != 1:
			d.fail(item.pos, "breaks: it reads one stage, with the operator reconcile; this one reads %d", len(s.From))
		case s.Output == nil:
			d.fail(item.pos, "breaks: the next night reads the ledger: give the stage an output")
		default:
			before := past{
				at: item.pos, by: s.Name, of: s.Name, input: s.Name + "-before",
				reads: published.Source{Offset: -1, Skip: true},
			}
			d.pasts = append(d.pasts, before)
			d.ledgers = append(d.ledgers, ledger{s.Name, item.pos})
			s.From = append(s.From, before.input, s.Name+"-decisions")
		}
	}
}

// addDecisions adds the sources of what was decided about the breaks of ledgers.
func (d *decoder) addDecisions(p *pipeline.Pipeline) {
	for _, l := range d.ledgers {
		d.stage = l.stage
		i := slices.IndexFunc(p.Stages, func(s pipeline.Stage) bool { return s.Name == l.stage })
		switch by := p.Partitions.By; {
		case by == pipeline.Whole || by == pipeline.Key:
			d.fail(l.at, "breaks: a ledger goes from night to night, and this pipeline has no partitions by hour, day, week or month")
		case i >= 0 && p.Stages[i].Output != nil:
			p.Sources = append(p.Sources, pipeline.NamedSource{
				Name: l.stage + "-decisions", Source: breaks.Decisions{Dataset: p.Stages[i].Output.Path}, At: l.at,
			})
		}
	}
	d.stage = ""
}
