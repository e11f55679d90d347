package penstock

import (
	"context"
	"slices"
	"sync"

	"github.com/penstock-data/penstock/internal/selection"
	"github.com/penstock-data/penstock/pipeline"
)

// State says how what is published of a stage stands to what a run would make now.
type State string

// The states, the worst first.
const (
	StateFailed  State = "failed"  // the last run could not finish
	StateBlocked State = "blocked" // a gate kept the last run back, and nothing has changed since
	StateMissing State = "missing" // it ought to be there, and was never published
	StateStale   State = "stale"   // something that it rests on has changed
	StateWaiting State = "waiting" // it needs a partition that is not there
	StateCurrent State = "current" // up to date
)

// states are all of them, the worst first.
var states = []State{StateFailed, StateBlocked, StateMissing, StateStale, StateWaiting, StateCurrent}

// Cause is what sort of thing made a stage what it is.
type Cause string

// The causes.
const (
	CauseInput    Cause = "input"    // a published input has a new version
	CauseLate     Cause = "late"     // files of a source changed after they were read
	CauseCode     Cause = "code"     // a stage does something else, or a source reads something else
	CauseGates    Cause = "gates"    // the rules of a stage are others
	CauseParam    Cause = "param"    // a parameter has another value
	CauseUpstream Cause = "upstream" // what it reads will be made anew
	CauseRun      Cause = "run"      // the last run failed, or was blocked
	CauseNever    Cause = "never"    // it was never published
	CauseNeeds    Cause = "needs"    // a partition that it needs is not there
	CauseForced   Cause = "forced"   // somebody asked for it
)

// Reason says why a stage is in its state.
type Reason struct {
	Cause Cause `json:"cause"`
	// What is a text for people, without the stage: "data/a.csv is larger by 20 bytes".
	What string `json:"what"`
}

// PlanOptions say what is planned. The zero value plans what is not up to date.
type PlanOptions struct {
	// Select and Exclude choose stages, in dbt's grammar: see package selection. Each text is
	// a list of words; nothing selected is everything.
	Select  []string `json:"select,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
	// Missing and Failed plan only what is missing, or what failed; both: either.
	Missing bool `json:"missing,omitempty"`
	Failed  bool `json:"failed,omitempty"`
	// Blocked plans what is blocked, too, though nothing has changed since.
	Blocked bool `json:"blocked,omitempty"`
	// Force plans all that is selected, whatever its state.
	Force bool `json:"force,omitempty"`
}

// Plan says of partitions in which state they are, and what would run. It is a picture: a run
// looks again before it begins.
type Plan struct {
	Pipeline   string          `json:"pipeline"`
	Partitions []PartitionPlan `json:"partitions"`

	planner *planner
	mu      sync.Mutex // held while a partition is looked at again
}

// PartitionPlan is the plan of one partition.
type PartitionPlan struct {
	Partition pipeline.Partition `json:"-"`
	// Name is how the partition is written.
	Name string `json:"partition"`
	// State is the worst of its stages' states.
	State  State       `json:"state"`
	Stages []StagePlan `json:"stages"`
	// After are the places in the plan of the partitions that have to end first.
	After []int `json:"-"`
	// Rows, Bytes and Seconds are what a run would read and take, going by the past; -1 where
	// nothing is known, 0 where nothing would run.
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// StagePlan is the plan of one stage that publishes, or only judges, for one partition.
type StagePlan struct {
	Stage string `json:"stage"`
	// Dataset is what it publishes; empty if it only judges.
	Dataset string   `json:"dataset,omitempty"`
	State   State    `json:"state"`
	Reasons []Reason `json:"reasons,omitempty"`
	// Run says that it would run; JudgeOnly that only its gates would, over what is published.
	Run       bool `json:"run"`
	JudgeOnly bool `json:"judge_only,omitempty"`
	// Version is the one that is current; 0 if none is.
	Version int64 `json:"version,omitempty"`
}

// Runs reports whether anything of the partition would run.
func (p *PartitionPlan) Runs() bool {
	return slices.ContainsFunc(p.Stages, func(s StagePlan) bool { return s.Run })
}

// runs reports whether a stage of the partition would run.
func (p *PartitionPlan) runs(stage string) bool {
	return slices.ContainsFunc(p.Stages, func(s StagePlan) bool { return s.Run && s.Stage == stage })
}

// Count is how many partitions are in a state.
func (p *Plan) Count(s State) (n int) {
	for i := range p.Partitions {
		if p.Partitions[i].State == s {
			n++
		}
	}
	return n
}

// Plan says of each partition what there is of it, why, and what would run. It reads the
// index, lists directories and looks at files, but reads no data, unless a file has another
// time and the same size: then its digest says whether it is the same.
func (p *Project) Plan(ctx context.Context, pl *pipeline.Pipeline, parts []pipeline.Partition, o PlanOptions) (*Plan, error) {
	pr, err := p.newPlanner(ctx, pl, parts, o)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Pipeline: pl.Name, planner: pr, Partitions: make([]PartitionPlan, len(parts))}
	for i, part := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if plan.Partitions[i], err = pr.partition(ctx, part); err != nil {
			return nil, err
		}
		pr.planned(i, &plan.Partitions[i])
	}
	pr.estimate(plan)
	return plan, nil
}

// newPlanner gathers what is known of the pipeline.
func (p *Project) newPlanner(ctx context.Context, pl *pipeline.Pipeline, parts []pipeline.Partition, o PlanOptions) (*planner, error) {
	if errs := pl.Check(); len(errs) > 0 {
		return nil, errs.Err()
	}
	order, err := pl.Order()
	if err != nil {
		return nil, err
	}
	pr := &planner{p: p, ctx: ctx, pl: pl, opts: o, order: order, dirs: newDirs(), byName: map[string]*unit{}, place: map[string]int{}, ran: map[int]bool{}, lost: map[lost]bool{}, listed: map[string]listing{}, foreign: map[string]known{}}
	if pr.selection, err = selection.Parse(o.Select, o.Exclude, pr.items(nil)); err != nil {
		return nil, err
	}
	for _, s := range order {
		if isUnit(pl, s) {
			pr.add(s)
		}
	}
	for i, part := range parts {
		pr.place[part.String()] = i
	}
	pr.wanted = pr.chosen(nil)
	if err := p.store.Bases(ctx, pl.Name, pr.remember); err != nil {
		return nil, err
	}
	return pr, pr.look()
}
