package gates

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// aside notes by which columns a rule puts rows aside, for lineage.
func (b *bound) aside(r *boundRule, j *pipeline.BoundJudge) {
	rules := []*boundRule{r}
	for _, i := range r.members {
		rules = append(rules, b.rules[i])
	}
	for _, r := range rules {
		j.Aside = append(j.Aside, r.needs()...)
		if r.Check.kind != referenceCheck {
			continue
		}
		in := b.inputs[r.input]
		set := in.keys[r.keys]
		read := slices.Clone(set.columns)
		if set.where != nil {
			read = append(read, set.where.Columns()...)
		}
		by := pipeline.JudgeInput{Input: in.name}
		for _, c := range read {
			by.Columns = append(by.Columns, in.schema.Field(c).Name)
		}
		j.AsideBy = append(j.AsideBy, by)
	}
	slices.Sort(j.Aside)
	j.Aside = slices.Compact(j.Aside)
}
