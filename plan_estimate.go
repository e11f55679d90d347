package penstock

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// estimate says what the partitions that run would read and how long they would take. What
// was run before is taken to be as it was; of what was not, the middle of the others is.
func (pr *planner) estimate(plan *Plan) {
	past := map[string]*usual{}
	for _, u := range pr.units {
		past[u.stage.Name] = u.usual()
	}
	for i := range plan.Partitions {
		part := &plan.Partitions[i]
		for _, sp := range part.Stages {
			if !sp.Run {
				continue
			}
			u, common := pr.byName[sp.Stage], past[sp.Stage]
			b := u.known[part.Name]
			switch {
			case b != nil && b.Seconds > 0:
				part.add(b.Rows, b.BytesIn, b.Seconds)
			case common != nil:
				part.add(common.rows, common.bytes, common.seconds)
			default:
				part.add(-1, -1, -1)
			}
		}
	}
}

// add adds what a stage takes; -1 is not known, and then neither is the sum.
func (p *PartitionPlan) add(rows, bytes int64, seconds float64) {
	if p.Seconds < 0 || seconds < 0 {
		p.Rows, p.Bytes, p.Seconds = -1, -1, -1
		return
	}
	p.Rows += rows
	p.Bytes += bytes
	p.Seconds += seconds
}

// usual is what a partition of a unit is like.
type usual struct {
	rows, bytes int64
	seconds     float64
}

// usual is the middle of the partitions that were run; nil if none was.
func (u *unit) usual() *usual {
	var rows, bytes []int64
	var seconds []float64
	for _, b := range u.known {
		if b.Status == pipeline.Published || b.Status == pipeline.Unchanged {
			rows, bytes, seconds = append(rows, b.Rows), append(bytes, b.BytesIn), append(seconds, b.Seconds)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	slices.Sort(rows)
	slices.Sort(bytes)
	slices.Sort(seconds)
	return &usual{rows[len(rows)/2], bytes[len(bytes)/2], seconds[len(seconds)/2]}
}
