package operators

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// originate adds the column to those that came before it, or puts it in the place of one: a
// column that is nothing but another is that one, all else is computed.
func (d *derived) originate(c Column, before []pipeline.Origin) []pipeline.Origin {
	values, conditions := d.program.Origins()
	how := pipeline.Computed
	if i, plain := d.program.Column(); plain && d.cast == nil && sameValues(d.program, i) {
		how = pipeline.Copied
	}
	var o pipeline.Origin
	var texts []string // of columns of the same operator that it is made of
	use := func(columns []int, how pipeline.Way) {
		for _, i := range columns {
			o.From = append(o.From, through(before[i], how)...)
			if t := before[i].Text; t != "" && !slices.Contains(texts, t) {
				texts = append(texts, t)
			}
		}
	}
	use(values, how)
	use(conditions, pipeline.Conditional)
	o.Text = strings.Join(append(texts, c.text()), ", then ")
	after := slices.Clone(before)
	if d.place == len(after) {
		return append(after, o)
	}
	after[d.place] = o
	return after
}

// sameValues reports whether a program that is nothing but a column gives it in its own type.
func sameValues(p *expr.Program, column int) bool {
	return arrow.TypeEqual(pipeline.ValueType(p.Type()), pipeline.ValueType(p.Schema().Field(column).Type))
}

// through are the uses of what a column is made of, if it is used so itself.
func through(o pipeline.Origin, how pipeline.Way) []pipeline.Use {
	var all []pipeline.Use
	for _, u := range o.From {
		all = append(all, pipeline.Use{Column: u.Column, How: pipeline.Through(u.How, how)})
	}
	return all
}
