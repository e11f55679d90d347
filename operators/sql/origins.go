package sql

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// copied says that every column is the one in its place, of rows that others decide.
func copied(schema *arrow.Schema, rows []pipeline.Use) *pipeline.Origins {
	o := &pipeline.Origins{Rows: pipeline.Origin{From: rows}}
	for i := range schema.NumFields() {
		o.Columns = append(o.Columns, pipeline.Origin{From: uses([]pipeline.Column{{Index: i}}, pipeline.Copied)})
	}
	return o
}

// uses are columns that are all used in one way.
func uses(columns []pipeline.Column, how pipeline.Way) (all []pipeline.Use) {
	for _, c := range columns {
		all = append(all, pipeline.Use{Column: c, How: how})
	}
	return all
}

// origins say of which side a column is: of a full join, a key that both sides call the same is
// of both.
func (o join) origins(keys [][2]string, left, right *arrow.Schema) *pipeline.Origins {
	at := func(input int, name string) pipeline.Column {
		return pipeline.Column{Input: input, Index: []*arrow.Schema{left, right}[input].FieldIndices(name)[0]}
	}
	all := &pipeline.Origins{}
	var on []pipeline.Column
	shared := map[string]bool{}
	for _, k := range keys {
		on = append(on, at(0, k[0]), at(1, k[1]))
		shared[k[0]] = shared[k[0]] || k[0] == k[1]
	}
	slices.SortFunc(on, func(a, b pipeline.Column) int { return a.Input*1e6 + a.Index - b.Input*1e6 - b.Index })
	all.Rows.From = uses(slices.Compact(on), pipeline.Joined)
	for _, f := range left.Fields() {
		from := uses([]pipeline.Column{at(0, f.Name)}, pipeline.Copied)
		if o.Kind == "full" && shared[f.Name] {
			from = uses([]pipeline.Column{at(0, f.Name), at(1, f.Name)}, pipeline.Computed)
		}
		all.Columns = append(all.Columns, pipeline.Origin{From: from})
	}
	if o.Kind == "semi" || o.Kind == "anti" {
		return all
	}
	for _, f := range right.Fields() {
		if !shared[f.Name] {
			all.Columns = append(all.Columns, pipeline.Origin{From: uses([]pipeline.Column{at(1, f.Name)}, pipeline.Copied)})
		}
	}
	return all
}
