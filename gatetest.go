package penstock

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// GateFilter chooses gates of a pipeline; empty fields choose all.
type GateFilter struct {
	// Gates are names of rules, Stage that of the stage they stand at.
	Gates []string
	Stage string
}

// GateTest is what came of the fixtures of one gate.
type GateTest struct {
	Stage string `json:"stage"`
	gates.Tested
}

// TestGates runs the fixtures of the chosen gates of a bound pipeline through them. No row
// of its sources is read. The error says what is wrong with the choice or the fixtures; what
// a gate did wrong is in the results.
func TestGates(ctx context.Context, plan *pipeline.Plan, f GateFilter) ([]GateTest, error) {
	chosen, err := f.choose(plan.Pipeline)
	if err != nil {
		return nil, err
	}
	var errs pipeline.Errors
	tests := []GateTest{}
	for _, c := range chosen {
		t, err := gates.Test(ctx, c.rule, schemaIn(plan, c.stage.Name), around(plan, c.stage), plan.Env)
		if err != nil {
			errs = append(errs, inStage(err, c.stage)...)
			continue
		}
		tests = append(tests, GateTest{c.stage.Name, *t})
	}
	return tests, errs.Err()
}

// CheckFixtures reads the fixtures of all gates of a plan, and judges none: the error says
// which of their columns and values do not fit, all at once.
func CheckFixtures(plan *pipeline.Plan) error {
	var errs pipeline.Errors
	for i := range plan.Pipeline.Stages {
		s := &plan.Pipeline.Stages[i]
		for _, r := range gates.Rules(s.Gates) {
			if err := gates.CheckFixtures(r, schemaIn(plan, s.Name), around(plan, s), plan.Env); err != nil {
				errs = append(errs, inStage(err, s)...)
			}
		}
	}
	return errs.Err()
}

// around is what the gates of a stage are told of a plan.
func around(plan *pipeline.Plan, s *pipeline.Stage) pipeline.Surroundings {
	return pipeline.Surroundings{
		Inputs: func(name string) *arrow.Schema { return schemaIn(plan, name) }, Partition: plan.Env.Partition, Key: s.Key,
		Published: s.Output != nil, Now: plan.Env.Now(),
	}
}

// schemaIn is that of a source or stage of a plan, or nil.
func schemaIn(plan *pipeline.Plan, name string) *arrow.Schema {
	if in := plan.Inputs[name]; in != nil {
		return in.Schema
	}
	for _, s := range plan.Stages {
		if s.Name == name {
			return s.Out
		}
	}
	return nil
}

// inStage names the stage in errors of its gates.
func inStage(err error, s *pipeline.Stage) (all pipeline.Errors) {
	var add func(error)
	add = func(err error) {
		switch e := err.(type) { //nolint:errorlint // only our own outermost errors are named
		case pipeline.Errors:
			for _, one := range e {
				add(one)
			}
		case *pipeline.Error:
			named := *e
			named.Stage = s.Name
			all = append(all, &named)
		default:
			all = append(all, err)
		}
	}
	add(err)
	return all
}

// chosenGate is a rule at its stage.
type chosenGate struct {
	stage *pipeline.Stage
	rule  gates.Rule
}

// choose finds the gates in the order of the file.
func (f GateFilter) choose(pl *pipeline.Pipeline) (chosen []chosenGate, err error) {
	var stages, names []string
	found := map[string]bool{}
	for i := range pl.Stages {
		s := &pl.Stages[i]
		stages = append(stages, s.Name)
		if f.Stage != "" && f.Stage != s.Name {
			continue
		}
		for _, r := range gates.Rules(s.Gates) {
			names = append(names, r.Name)
			if len(f.Gates) == 0 || slices.Contains(f.Gates, r.Name) {
				found[r.Name] = true
				chosen = append(chosen, chosenGate{s, r})
			}
		}
	}
	if f.Stage != "" && !slices.Contains(stages, f.Stage) {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("stage", f.Stage, stages))
	}
	for _, name := range f.Gates {
		if !found[name] {
			return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("gate", name, names))
		}
	}
	if len(chosen) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "no gate to rehearse: %s has none", pl.Name)
	}
	return chosen, nil
}
