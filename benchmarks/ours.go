package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// defaultMemory is the budget of what is run without a project, in bytes.
const defaultMemory = 4 << 30

// forceScan makes the gates of a run look at every row, whatever the file proves.
func forceScan(env *pipeline.Env) { env.ForceScan = true }

// rulesOf are gates: a rule for each pair, r1 and so on, and one of a sum, if there is any.
func rulesOf(pairs []pair, sum string) pipeline.Judge {
	var rules []gates.Rule
	for i, p := range pairs {
		r := gates.Rule{Name: fmt.Sprintf("r%d", i+1), Check: gates.Rows(p.cel)}
		if p.atMost > 0 {
			r.AtMost = gates.Share(p.atMost)
		}
		rules = append(rules, r)
	}
	if sum != "" {
		rules = append(rules, gates.Rule{Name: "total", Check: gates.Expect("sum(" + sum + ") > 0")})
	}
	return gates.Of(rules...)
}

// checking is a pipeline of one stage that judges a file and writes nothing.
func checking(s dataSet, path string) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name:    "checking",
		Sources: []pipeline.NamedSource{{Name: "data", Source: parquet.Files(path)}},
		Stages:  []pipeline.Stage{{Name: "check", From: []string{"data"}, Gates: rulesOf(s.rules, s.sum)}},
	}
}

// oursChecks binds and runs the checks, as a program would that embeds the engine.
func oursChecks(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	ctx := context.Background()
	m := begin()
	env := &pipeline.Env{
		Dir: j.Dir, Temp: j.Dir, Workers: j.workers(), Memory: pipeline.NewBudget(defaultMemory), Now: time.Now, Alloc: memory.DefaultAllocator,
	}
	if j.Variant == "scan" {
		forceScan(env)
	}
	plan, err := pipeline.Bind(ctx, checking(s, j.Path), env)
	if err != nil {
		return outcome{}, err
	}
	done, err := plan.Run(ctx, nil, nil)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{Work: m.end(), Rows: done.RowsIn}
	if done.Blocked {
		return outcome{}, blocked(done.Stages[0].Findings)
	}
	out.judged(done.Stages[0].Findings, done.Stages[0].Metrics["sum("+s.sum+")"])
	return out, nil
}

// blocked is the error of checks that ought to have passed.
func blocked(findings []pipeline.Finding) error {
	for _, f := range findings {
		if f.Blocks() {
			return fmt.Errorf("rule %s (%s): %s, %s expected: %v", f.Name, f.Rule, f.Observed, f.Expected, f.Detail)
		}
	}
	return fmt.Errorf("blocked, and no finding says why")
}

// judged takes in what was found: the rows that failed each row rule, the sum from its
// state or else as it is shown to people, and what decided.
func (o *outcome) judged(findings []pipeline.Finding, state json.RawMessage) {
	deciders := map[string]int{}
	for _, f := range findings {
		if f.Name == pipeline.Conservation {
			continue
		}
		deciders[f.DecidedBy]++
		if f.Name != "total" {
			o.Failed = append(o.Failed, f.RowsFailed)
			continue
		}
		_, shown, _ := strings.Cut(f.Observed, " = ")
		if n, err := strconv.ParseFloat(strings.ReplaceAll(shown, ",", ""), 64); err == nil {
			o.Sum, o.Digits = n, 5
		}
	}
	var floats sketch.FloatSum
	var whole sketch.IntSum
	switch {
	case floats.UnmarshalJSON(state) == nil:
		o.Sum, o.Digits = floats.Sum(), 0
	case whole.UnmarshalJSON(state) == nil:
		o.Sum, _ = new(big.Float).SetInt(whole.Sum()).Float64()
		o.Digits = 0
	}
	var notes []string
	for by, n := range deciders {
		notes = append(notes, fmt.Sprintf("%d by %s", n, by))
	}
	slices.Sort(notes)
	o.Note = "decided: " + strings.Join(notes, ", ")
}

// publishing is a pipeline of one stage whose output is warehouse/out: "gates" changes
// nothing and has ten rules, "filter" filters, derives and has three, "column" derives one.
func publishing(s dataSet, variant, path string) *pipeline.Pipeline {
	stage := pipeline.Stage{Name: "out", From: []string{"data"}, Output: &pipeline.Output{Path: "warehouse/out", Format: parquet.Format{}}}
	switch variant {
	case "gates":
		stage.Gates = rulesOf(s.rules, s.sum)
	case "filter":
		stage.Operators = []pipeline.Operator{operators.Filter(s.keep.cel), derive(s.derived...)}
		stage.Gates = rulesOf(s.kept, "")
	case "column":
		stage.Operators = []pipeline.Operator{derive(s.extra)}
	}
	return &pipeline.Pipeline{
		Name: "publishing", Stages: []pipeline.Stage{stage},
		Sources: []pipeline.NamedSource{{Name: "data", Source: parquet.Files(path)}},
	}
}

func derive(columns ...named) pipeline.Operator {
	var all []operators.Column
	for _, c := range columns {
		all = append(all, operators.Column{Name: c.name, Expr: c.cel})
	}
	return operators.Derive(all...)
}

// oursPublish runs a pipeline in a project and publishes its output, as users do.
func oursPublish(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	m := begin()
	run, err := runInProject(j, publishing(s, j.Variant, j.Path))
	if err != nil {
		return outcome{}, err
	}
	out := outcome{Work: m.end(), Rows: run.RowsOut}
	if run.Status != pipeline.Published {
		return outcome{}, fmt.Errorf("the run is %s: %w", run.Status, blocked(run.Gates))
	}
	for _, path := range run.Outputs[0].Files {
		out.Files = append(out.Files, filepath.Join(j.Dir, filepath.FromSlash(path)))
	}
	out.judged(run.Gates, nil)
	return out, nil
}

// oursAgain judges what the project in the directory published before, and is unchanged.
func oursAgain(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	if _, err := os.Stat(filepath.Join(j.Dir, "warehouse", "out", "_manifest.json")); err != nil {
		return outcome{}, err
	}
	m := begin()
	run, err := runInProject(j, checking(s, "warehouse/out/*.parquet"))
	if err != nil {
		return outcome{}, err
	}
	out := outcome{Work: m.end(), Rows: run.RowsIn}
	if run.Status == pipeline.Blocked {
		return outcome{}, blocked(run.Gates)
	}
	out.judged(run.Gates, nil)
	return out, nil
}

// runInProject opens the project in the job's directory, runs, and closes it.
func runInProject(j job, pl *pipeline.Pipeline) (*pipeline.RunRecord, error) {
	ctx := context.Background()
	project, err := penstock.Open(ctx, j.Dir, penstock.Options{Workers: j.workers(), Memory: j.Memory})
	if err != nil {
		return nil, err
	}
	run, err := project.Run(ctx, pl, "")
	if err != nil {
		project.Close()
		return nil, err
	}
	return run, project.Close()
}
