package gates

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// Of returns the judge of a stage: the rules, judged together in one pass.
func Of(rules ...Rule) pipeline.Judge {
	j := judge{}
	for _, r := range rules {
		j.rules = append(j.rules, r.withDefaults())
	}
	j.inputs = sync.OnceValue(j.findInputs)
	return j
}

type judge struct {
	rules  []Rule
	inputs func() []string // what findInputs gives; may be nil
}

func (j judge) String() string {
	var lines []string
	for _, r := range j.rules {
		lines = append(lines, r.String())
	}
	return strings.Join(lines, "\n")
}

// Inputs implements pipeline.Judge.
func (j judge) Inputs() []string {
	if j.inputs != nil {
		return slices.Clone(j.inputs())
	}
	return j.findInputs()
}

// Unsure implements pipeline.Unsure: what is quarantined may depend on when that is.
func (j judge) Unsure() string {
	for _, r := range j.rules {
		if r.Else == Quarantine && strings.Contains(r.String(), "now()") {
			return "gate " + r.Name + " quarantines rows by the time at which it is judged"
		}
	}
	return ""
}

// Asker names the first rule that looks things up in an input, and where it is written.
func (j judge) Asker(input string) (gate string, at pipeline.Pos) {
	for _, r := range j.rules {
		if slices.Contains((judge{rules: []Rule{r}}).findInputs(), input) {
			return r.withDefaults().Name, r.At
		}
	}
	return "", pipeline.Pos{}
}

func (j judge) findInputs() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var of func(c Check)
	of = func(c Check) {
		add(c.input)
		for _, text := range []string{c.text, c.warn} {
			if c.kind == expectCheck && text != "" {
				for _, name := range expr.InputsOf(text, exprFuncs()) {
					add(name)
				}
			}
		}
		for _, m := range c.members {
			of(m)
		}
	}
	for _, r := range j.rules {
		of(r.Check)
	}
	return names
}

// Bind implements pipeline.Judge.
func (j judge) Bind(schema *arrow.Schema, around pipeline.Surroundings) (*pipeline.BoundJudge, error) {
	b, err := j.bind(schema, around)
	if err != nil {
		return nil, err
	}
	return b.judge(), nil
}

func (j judge) bind(schema *arrow.Schema, around pipeline.Surroundings) (*bound, error) {
	b := &bound{schema: schema, around: around}
	var errs pipeline.Errors
	if err := b.findKey(j.rules); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, r := range j.rules {
		if r.Name == pipeline.Conservation {
			errs = append(errs, inGate(r, pipeline.Errorf(pipeline.Invalid, "every stage has a gate of this name, which counts its rows; give the rule another")))
			continue
		}
		if r.Name == pipeline.Balance {
			errs = append(errs, inGate(r, pipeline.Errorf(pipeline.Invalid, "operators that add up what they read and what they give have a gate of this name; give the rule another")))
			continue
		}
		if seen[r.Name] {
			errs = append(errs, inGate(r, pipeline.Errorf(pipeline.Invalid, "another rule of the stage has this name; give one of them a name of its own")))
			continue
		}
		seen[r.Name] = true
		if what := r.problem(); what != "" {
			errs = append(errs, inGate(r, pipeline.Errorf(pipeline.Invalid, "%s", what)))
			continue
		}
		if err := b.add(r); err != nil {
			errs = append(errs, inGate(r, err))
		}
	}
	if len(errs) > 0 {
		return nil, errs.Err()
	}
	// The number of rows is always kept: it costs nothing, and history begins with it.
	b.metric(boundCall{Call: expr.Call{Func: "rows", Text: "rows()"}, fn: metricNamed("rows")}, &boundRule{})
	return b, nil
}

// findKey finds the columns that name a row: those the stage has as its key, or else those
// of the first rule that wants them unique.
func (b *bound) findKey(rules []Rule) (err error) {
	if len(b.around.Key) > 0 {
		b.key, err = b.columnsOf(b.around.Key)
		b.read(b.key...)
		return err
	}
	for _, r := range rules {
		if r.Check.kind == uniqueCheck {
			b.key, _ = b.columnsOf(r.Check.columns) // the rule itself says what is wrong with them
			return nil
		}
	}
	return nil
}

// inGate names the rule an error belongs to, and its place.
func inGate(r Rule, err error) error {
	e := &pipeline.Error{Kind: pipeline.Invalid, At: r.At, Gate: r.Name, Err: err}
	var inExpr *expr.Error
	var ours *pipeline.Error
	switch {
	case errors.As(err, &inExpr):
		e.Msg, e.Evidence, e.Err = inExpr.Msg, inExpr.Snippet, nil
		if r.Check.text != "" {
			e.At = inExpr.At(r.TextAt)
		}
	case errors.As(err, &ours):
		e.Msg, e.Evidence, e.Err = ours.Msg, ours.Evidence, ours.Err
	}
	return e
}

// judge makes the result of Bind.
func (b *bound) judge() *pipeline.BoundJudge {
	j := &pipeline.BoundJudge{Notes: b.uncovered()}
	for _, c := range b.key {
		j.Key = append(j.Key, b.schema.Field(c).Name)
	}
	for _, in := range b.inputs {
		j.Inputs = append(j.Inputs, in.judgeInput())
	}
	for i := range b.schema.NumFields() {
		if b.reads[i] {
			j.Reads = append(j.Reads, i)
			if !b.handed[i] {
				j.Coded = append(j.Coded, i)
			}
		}
	}
	for _, quarantine := range []bool{true, false} {
		for _, p := range b.programsOf(quarantine, nil, nil).all {
			for _, note := range p.Fallbacks() {
				if !slices.Contains(j.Slow, note) {
					j.Slow = append(j.Slow, note)
				}
			}
		}
	}
	for _, r := range b.rules {
		if r.hidden {
			continue
		}
		if r.Else == Quarantine {
			j.Quarantines = true
			b.aside(r, j)
		}
		j.Rules = append(j.Rules, fmt.Sprintf("%s (%s): %s", r.Name, r.Severity, strings.TrimPrefix(r.Rule.String(), r.Name+": ")))
	}
	j.Open = func(ctx context.Context, h pipeline.Hearing) (pipeline.Court, error) {
		return openCourt(ctx, b, h)
	}
	return j
}

func (in *boundInput) judgeInput() pipeline.JudgeInput {
	ji := pipeline.JudgeInput{Input: in.name}
	for _, c := range slices.Sorted(maps.Keys(in.columns)) {
		ji.Columns = append(ji.Columns, in.schema.Field(c).Name)
	}
	return ji
}

// uncovered gives the notes on nulls of columns that no rule wants not null.
func (b *bound) uncovered() []string {
	covered := map[string]bool{}
	for _, r := range b.rules {
		if r.Check.label == "not_null" {
			for _, c := range r.Check.columns {
				covered[c] = true
			}
		}
	}
	var notes []string
	for _, n := range b.notes {
		if !covered[n.column] {
			notes = append(notes, n.text)
		}
	}
	return notes
}

// nullNote is a remark on a column that may be null.
type nullNote struct{ column, text string }
