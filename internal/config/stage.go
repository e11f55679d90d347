package config

import (
	"strings"

	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

func (d *decoder) readStage(key, n *node) pipeline.Stage {
	d.stage = key.text
	defer func() { d.stage = "" }()
	s := pipeline.Stage{Name: key.text, At: key.pos}
	if !d.object(n, stageObject) {
		return s
	}
	s.Description = d.text(n.get("description"), "description")
	s.Owner = d.text(n.get("owner"), "owner")
	s.Tags = d.texts(n.get("tags"), "tags")
	var names []string
	s.From, names = d.from(n.get("from"))
	d.operators(&s, names, n.get("operators"))
	s.Columns = d.columns(n.get("columns"))
	s.Key = d.texts(n.get("key"), "key")
	if g := n.get("gates"); g != nil {
		s.Gates = d.gates(g)
	}
	if o := n.get("output"); o != nil {
		s.Output = d.output(o)
	}
	d.ledger(&s, n.get("operators"))
	s.Lineage = pipeline.Depth(d.oneOf(n.get("lineage"), fieldOf(stageObject, "lineage")))
	return s
}

// from gives the inputs of a stage and the names they have in SQL.
func (d *decoder) from(n *node) (inputs, names []string) {
	if n == nil {
		return nil, nil
	}
	var named []pair
	switch n.kind {
	case mapping:
		named = d.pairs(n, "from")
	case sequence:
		for _, item := range n.values {
			if item.kind == mapping && len(item.keys) == 1 {
				named = append(named, pair{item.keys[0], item.values[0]})
			} else {
				named = append(named, pair{item, item})
			}
		}
	default:
		inputs = d.texts(n, "from")
		return inputs, inputs
	}
	for _, p := range named {
		if p.value.kind == mapping && p.value != p.key {
			inputs, names = append(inputs, d.past(p.key, p.value)), append(names, p.key.text)
			continue
		}
		name := d.text(p.value, "from")
		inputs = append(inputs, name)
		if p.key == p.value {
			names = append(names, name) // with its parameters
		} else {
			names = append(names, p.key.text)
		}
	}
	return inputs, names
}

func (d *decoder) output(n *node) *pipeline.Output {
	if !d.object(n, outputObject) {
		return nil
	}
	o := &pipeline.Output{Always: d.oneOf(n.get("publish"), fieldOf(outputObject, "publish")) != ""}
	compression := d.oneOf(n.get("compression"), fieldOf(outputObject, "compression"))
	for _, f := range formats {
		v := n.get(f)
		if v == nil {
			continue
		}
		for _, option := range []string{"compression", "sorted_by", "bloom"} {
			if c := n.get(option); c != nil && f != "parquet" {
				d.fail(c.pos, "output: %s belongs to parquet", option)
			}
		}
		o.Path = strings.TrimSuffix(d.text(v, f), "/")
		switch f {
		case "csv":
			o.Format = csv.Format{}
		case "jsonl":
			o.Format = jsonl.Format{}
		case "ipc":
			o.Format = ipc.Format{}
		default:
			o.Format = parquet.Format{
				Compression: compression,
				SortedBy:    d.texts(n.get("sorted_by"), "sorted_by"), Bloom: d.texts(n.get("bloom"), "bloom"),
			}
		}
		if err := pipeline.CheckOutputPath(o.Path); err != nil {
			d.errs = append(d.errs, &pipeline.Error{Kind: pipeline.Invalid, At: v.pos, Stage: d.stage, Err: err})
		}
	}
	return o
}
