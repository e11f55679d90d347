package penstock

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// listing is what a source would read of a partition now.
type listing struct {
	records []pipeline.InputRecord
	// lacks is why it can't be read: a file or a partition that is not there.
	lacks error
	// needs are partitions of datasets that are not published; after are places in the plan
	// of partitions that have to end first.
	needs []string
	after []int
	bytes int64
}

// partition finds the states of the units for a partition.
func (pr *planner) partition(ctx context.Context, part pipeline.Partition) (PartitionPlan, error) {
	plan := PartitionPlan{Partition: part, Name: part.String(), State: StateCurrent, Stages: make([]StagePlan, 0, len(pr.units))}
	clear(pr.listed)
	pr.part, pr.at = part, pr.place[plan.Name]
	for _, u := range pr.units {
		sp, err := pr.stage(ctx, u, &plan)
		if err != nil {
			return plan, err
		}
		plan.Stages = append(plan.Stages, sp)
	}
	if pr.selection.ByState() {
		names := pr.chosen(&plan)
		for i, u := range pr.units { // upstream first
			sp := &plan.Stages[i]
			sp.Run = sp.Run && (names[sp.Stage] || pr.watches(u, &plan))
		}
	}
	for _, sp := range plan.Stages {
		if slices.Index(states, sp.State) < slices.Index(states, plan.State) {
			plan.State = sp.State
		}
	}
	slices.Sort(plan.After)
	plan.After = slices.Compact(plan.After)
	return plan, nil
}

// planned notes the plan of a partition, for those that come after it.
func (pr *planner) planned(i int, plan *PartitionPlan) {
	pr.plans = append(pr.plans[:i], plan)
}

// stage finds the state of one unit.
func (pr *planner) stage(ctx context.Context, u *unit, plan *PartitionPlan) (StagePlan, error) {
	e := &evaluation{planner: pr, ctx: ctx, u: u, plan: plan, base: u.known[plan.Name]}
	e.sp = StagePlan{Stage: u.stage.Name, Dataset: u.basis.Dataset, State: StateCurrent}
	if err := e.evaluate(); err != nil {
		return e.sp, err
	}
	return e.sp, nil
}

// evaluation is one unit and partition on their way to a state.
type evaluation struct {
	*planner
	ctx  context.Context
	u    *unit
	plan *PartitionPlan
	base *store.Base // nil: nothing is known
	// manifest is set where base is what it says, and not the index.
	manifest *pipeline.Manifest
	basis    pipeline.Basis
	sp       StagePlan
	after    []int
}

func (e *evaluation) because(c Cause, format string, args ...any) {
	e.sp.Reasons = append(e.sp.Reasons, Reason{c, fmt.Sprintf(format, args...)})
}

func (e *evaluation) evaluate() error {
	e.find()
	lacking, err := e.read()
	if err != nil {
		return err
	}
	if err := e.compare(); err != nil {
		return err
	}
	e.decide()
	if lacking && e.sp.State != StateBlocked && e.sp.State != StateFailed && (e.sp.State != StateCurrent || !e.shows()) {
		e.sp.State = StateWaiting
	}
	if lacking {
		e.sp.Run = false
	}
	if e.watches(e.u, e.plan) {
		e.sp.Run = true
	}
	if e.sp.Run {
		e.plan.After = append(e.plan.After, e.after...)
	}
	return nil
}

func (e *evaluation) shows() bool { return e.u.stage.Output == nil || e.u.shows(e.plan.Partition) }

// find takes what is known from the manifest where the index does not know what readers see.
func (e *evaluation) find() {
	if e.u.stage.Output == nil || !e.shows() {
		return
	}
	b, m := e.sure(e.base, datasetOf(e.u.stage), e.plan.Partition)
	if b == nil { // a directory without a manifest, or with one that is damaged
		e.u.hide(e.plan.Partition)
		return
	}
	e.base, e.manifest, e.u.known[e.plan.Name] = b, m, b
}

// read finds what a run would read now, and reports whether some of it is not there.
func (e *evaluation) read() (lacking bool, err error) {
	e.basis = e.u.basis
	for _, name := range e.u.inputs {
		if up := e.byName[name]; up != nil {
			lacking = e.upstream(up) || lacking
			continue
		}
		l, err := e.source(name)
		if err != nil {
			return false, err
		}
		e.basis.Inputs = append(e.basis.Inputs, l.records...)
		e.after = append(e.after, l.after...)
		for _, n := range l.needs {
			e.because(CauseNeeds, "%s", n)
			lacking = true
		}
		if l.lacks != nil && !e.shows() {
			e.because(CauseNeeds, "source %q: %s", name, firstLine(l.lacks))
		}
	}
	return lacking, nil
}

// upstream adds what the unit reads of another one, and reports whether it is not there.
func (e *evaluation) upstream(up *unit) (lacking bool) {
	rec := pipeline.InputRecord{Name: up.stage.Name, Dataset: up.basis.Dataset, Partition: e.plan.Name}
	if b := up.known[e.plan.Name]; b != nil {
		rec.Data, rec.Version = b.Data, b.Version
	}
	e.basis.Inputs = append(e.basis.Inputs, rec)
	for _, sp := range e.plan.Stages {
		if sp.Stage != up.stage.Name || sp.Run {
			continue
		}
		if !up.shows(e.plan.Partition) {
			e.because(CauseNeeds, "%s is %s", up.stage.Name, sp.State)
			return true
		}
	}
	return false
}

// upRuns names the stages and partitions that will run and that the unit reads from.
func (e *evaluation) upRuns() []string {
	names := e.running(e.u, e.plan)
	for _, i := range e.after {
		names = append(names, e.plans[i].Name)
	}
	return names
}

// running names the stages of a partition that will run and that a unit reads from. Gates that only
// judge leave the rows as they are, but where they put some aside.
func (pr *planner) running(u *unit, plan *PartitionPlan) (names []string) {
	for _, sp := range plan.Stages {
		if sp.JudgeOnly && len(gates.Quarantining(pr.byName[sp.Stage].stage.Gates)) == 0 {
			continue
		}
		if sp.Run && slices.Contains(u.inputs, sp.Stage) {
			names = append(names, sp.Stage)
		}
	}
	return names
}

// watches reports whether a unit only judges, and something runs that it reads from: that must not
// be published without it, whatever is selected, and if it can't judge, not at all.
func (pr *planner) watches(u *unit, plan *PartitionPlan) bool {
	return u.stage.Output == nil && len(pr.running(u, plan)) > 0
}

// decide makes a state of what was found.
func (e *evaluation) decide() {
	sp, ups := &e.sp, e.upRuns()
	for _, name := range ups {
		e.because(CauseUpstream, "%s runs", name)
	}
	changed := len(sp.Reasons) > 0
	sp.JudgeOnly = sp.JudgeOnly && len(ups) == 0
	if e.base != nil {
		sp.Version = e.base.Version
	}
	switch {
	case e.base != nil && (e.base.Status == pipeline.Failed || e.base.Status == pipeline.Cancelled):
		sp.State, sp.JudgeOnly = StateFailed, false
		why := firstText(e.base.Why, string(e.base.Status))
		sp.Reasons = slices.DeleteFunc(sp.Reasons, func(r Reason) bool { return strings.Contains(why, r.What) }) // it is so still
		sp.Reasons = slices.Insert(sp.Reasons, 0, Reason{CauseRun, why})
	case e.base != nil && e.base.Status == pipeline.Blocked && !changed && e.freed():
		if sp.State = StateStale; !e.shows() {
			sp.State = StateMissing
		}
		e.because(CauseCode, "it is published always now, and only %s blocked the last run", e.base.Why)
	case e.base != nil && e.base.Status == pipeline.Blocked && !changed:
		sp.State = StateBlocked
		e.because(CauseRun, "%s", e.base.Why)
	case e.base == nil || !e.shows():
		sp.State, sp.JudgeOnly = StateMissing, false
		if e.base != nil && e.base.Version > 0 {
			e.because(CauseNever, "version %d was published, and is gone", e.base.Version)
		}
	case changed:
		sp.State = StateStale
	}
	sp.Run = e.runs()
	if e.opts.Force && e.wanted[sp.Stage] {
		e.because(CauseForced, "asked for")
		sp.Run, sp.JudgeOnly = true, false
	}
}

// freed reports whether an output that is published always was held by rules of other stages alone:
// when that was, it was not published always.
func (e *evaluation) freed() bool {
	s := e.u.stage
	if s.Output == nil || !s.Output.Always || e.base.Why == "" {
		return false
	}
	for gate := range strings.SplitSeq(e.base.Why, ", ") {
		if by, _, _ := strings.Cut(gate, "/"); madeOf(e.pl, s, by) {
			return false
		}
	}
	return true
}

// madeOf reports whether a stage is the one of a name, or made of it at any distance.
func madeOf(pl *pipeline.Pipeline, s *pipeline.Stage, name string) bool {
	return s.Name == name || slices.ContainsFunc(s.Inputs(), func(in string) bool {
		up := stageOf(pl, in)
		return up != nil && madeOf(pl, up, name)
	})
}

// runs reports whether a unit in its state is run, with these options.
func (e *evaluation) runs() bool {
	if !e.wanted[e.sp.Stage] {
		return false
	}
	only := e.opts.Missing || e.opts.Failed
	switch e.sp.State {
	case StateMissing:
		return !only || e.opts.Missing
	case StateFailed:
		return !only || e.opts.Failed
	case StateBlocked:
		return e.opts.Blocked
	case StateStale:
		return !only
	}
	return false
}
