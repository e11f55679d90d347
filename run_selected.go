package penstock

import (
	"context"

	"github.com/penstock-data/penstock/pipeline"
)

// RunSelected runs the stages of one partition that are chosen, whatever their state. What else
// they read is read as it was published. The record is never nil.
func (p *Project) RunSelected(ctx context.Context, pl *pipeline.Pipeline, partition string, o PlanOptions) (*pipeline.RunRecord, error) {
	failed := func(err error) (*pipeline.RunRecord, error) {
		return p.notRun(pl, &PartitionPlan{Name: partition}, err), err
	}
	part, err := pl.Partitions.Parse(partition)
	if err != nil {
		return failed(err)
	}
	o.Force = true
	plan, err := p.Plan(ctx, pl, []pipeline.Partition{part}, o)
	if err != nil {
		return failed(err)
	}
	one := &plan.Partitions[0]
	if !one.Runs() {
		problem := pipeline.Errorf(pipeline.Invalid, "nothing of %s %s can run", pl.Name, one.Name)
		for _, s := range one.Stages {
			for _, r := range s.Reasons {
				problem = problem.With(s.Stage + ": " + r.What)
			}
		}
		return failed(problem)
	}
	rec, err := p.runPlanned(ctx, pl, one)
	p.tellNight(ctx, pl, rec)
	return rec, err
}
