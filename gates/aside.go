package gates

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// aside notes by which columns a rule puts rows aside, for lineage.
func (b *bound) aside(r *boundRule, j *pipeline.BoundJudge) {
	j.Aside = append(j.Aside, r.needs()...)
	for _, i := range r.members {
		j.Aside = append(j.Aside, b.rules[i].needs()...)
	}
	slices.Sort(j.Aside)
	j.Aside = slices.Compact(j.Aside)
}
