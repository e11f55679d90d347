package gates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	return j
}

type judge struct{ rules []Rule }

func (j judge) String() string {
	var lines []string
	for _, r := range j.rules {
		lines = append(lines, r.String())
	}
	return strings.Join(lines, "\n")
}

// Inputs implements pipeline.Judge.
func (j judge) Inputs() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, r := range j.rules {
		add(r.Check.input)
		if r.Check.kind == expectCheck {
			for _, name := range countedInputs(r.Check.text) {
				add(name)
			}
		}
	}
	return names
}

// countedInputs are the names in rows("name") of a statement that is typed later.
func countedInputs(statement string) []string {
	var names []string
	for _, args := range expr.ConstantCalls(statement, "rows") {
		if name, ok := args[0].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// Bind implements pipeline.Judge.
func (j judge) Bind(schema *arrow.Schema) (*pipeline.BoundJudge, error) {
	b := &bound{schema: schema}
	var errs pipeline.Errors
	seen := map[string]bool{}
	for _, r := range j.rules {
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
	return b.judge(), nil
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

// bound is the rules typed against a schema.
type bound struct {
	schema  *arrow.Schema
	rules   []*boundRule
	metrics []*boundMetric
	inputs  []pipeline.JudgeInput
	reads   map[int]bool
	handed  map[int]bool // columns that metrics and keys are given as they are
	notes   []nullNote
}

// boundRule is one rule with what it needs.
type boundRule struct {
	Rule
	program *expr.Program // of a row check
	where   *expr.Program
	expect  *expr.Expect
	metrics []int // for each call of expect: an index in bound.metrics, or -1-lookup
	columns []int // of unique and references
	lookup  int   // of references, an index in bound.inputs
	differs []string
}

// boundMetric is a metric that some rule needs, computed once.
type boundMetric struct {
	text  string // with the rule's where
	arg   *expr.Program
	where *expr.Program
	fn    metricFunc
	typ   arrow.DataType
}

func (b *bound) add(r Rule) (err error) {
	br := &boundRule{Rule: r}
	if r.Where != "" {
		if br.where, err = b.condition(r.Where, "where"); err != nil {
			return err
		}
	}
	switch r.Check.kind {
	case rowCheck:
		err = b.addRows(br)
	case expectCheck:
		err = b.addExpect(br)
	case uniqueCheck, referenceCheck:
		err = b.addKeys(br)
	case schemaCheck:
		br.differs, err = r.Check.schema.differences(b.schema)
		for i := range b.schema.NumFields() {
			b.read(i)
		}
	}
	b.rules = append(b.rules, br)
	return err
}

func (b *bound) read(columns ...int) {
	if b.reads == nil {
		b.reads = map[int]bool{}
	}
	for _, c := range columns {
		b.reads[c] = true
	}
}

func (b *bound) hand(columns ...int) {
	if b.handed == nil {
		b.handed = map[int]bool{}
	}
	for _, c := range columns {
		b.handed[c] = true
	}
}

// condition compiles an expression that must give a bool.
func (b *bound) condition(text, what string) (*expr.Program, error) {
	p, err := expr.Compile(text, b.schema)
	if err != nil {
		return nil, err
	}
	if p.Type().ID() != arrow.BOOL {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s wants a condition, %s gives a %s", what, text, pipeline.TypeName(p.Type()))
	}
	b.read(p.Columns()...)
	return p, nil
}

func (b *bound) addRows(br *boundRule) (err error) {
	text := br.Check.text
	if br.Check.predicate != nil {
		if text, err = br.Check.predicate(b.schema); err != nil {
			return err
		}
	}
	if br.program, err = b.condition(text, br.Check.label); err != nil {
		return err
	}
	if br.Nulls != NullsFail && br.Check.label != "not_null" {
		b.noteNulls(br)
	}
	return nil
}

// noteNulls warns of columns that may be null and that no rule wants to be there.
func (b *bound) noteNulls(br *boundRule) {
	for _, c := range br.program.Columns() {
		f := b.schema.Field(c)
		if !f.Nullable {
			continue
		}
		b.notes = append(b.notes, nullNote{f.Name, fmt.Sprintf(
			"gate %q: %s may be null, and null is not tested; add not_null: [%s], or nulls: fail", br.Name, f.Name, f.Name)})
	}
}

func (b *bound) addExpect(br *boundRule) (err error) {
	if br.expect, err = expr.CompileExpect(br.Check.text, b.schema, exprFuncs()); err != nil {
		return err
	}
	for _, call := range br.expect.Calls {
		if call.Func == "rows" && len(call.Consts) == 1 {
			br.metrics = append(br.metrics, -1-b.input(pipeline.JudgeInput{Input: call.Consts[0].(string)}))
			continue
		}
		br.metrics = append(br.metrics, b.metric(call, br))
	}
	return nil
}

func (b *bound) input(in pipeline.JudgeInput) int {
	if i := slices.Index(b.inputs, in); i >= 0 {
		return i
	}
	b.inputs = append(b.inputs, in)
	return len(b.inputs) - 1
}

func (b *bound) metric(call expr.Call, br *boundRule) int {
	text := call.Text
	if br.where != nil {
		text += " where " + br.Where
	}
	if i := slices.IndexFunc(b.metrics, func(m *boundMetric) bool { return m.text == text }); i >= 0 {
		return i
	}
	m := &boundMetric{text: text, where: br.where}
	for _, f := range metricFuncs {
		if f.Name == call.Func {
			m.fn = f
		}
	}
	if len(call.Args) > 0 {
		m.arg, m.typ = call.Args[0], call.Args[0].Type()
		b.read(m.arg.Columns()...)
		if c, is := m.arg.Column(); is {
			b.hand(c)
		}
	}
	b.metrics = append(b.metrics, m)
	return len(b.metrics) - 1
}

func (b *bound) addKeys(br *boundRule) error {
	names := br.Check.columns
	if br.Check.kind == referenceCheck {
		br.lookup = b.input(pipeline.JudgeInput{Input: br.Check.input, Column: names[1]})
		names = names[:1]
	}
	if len(names) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "%s: of which columns?", br.Check.label)
	}
	for _, name := range names {
		if err := exists(b.schema, name); err != nil {
			return err
		}
		br.columns = append(br.columns, b.schema.FieldIndices(name)[0])
	}
	b.read(br.columns...)
	b.hand(br.columns...)
	return nil
}

// judge makes the result of Bind.
func (b *bound) judge() *pipeline.BoundJudge {
	// The number of rows is always kept: it costs nothing, and history begins with it.
	b.metric(expr.Call{Func: "rows", Text: "rows()"}, &boundRule{})
	j := &pipeline.BoundJudge{Inputs: b.inputs, Notes: b.uncovered()}
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
		j.Quarantines = j.Quarantines || r.Else == Quarantine
		j.Rules = append(j.Rules, fmt.Sprintf("%s (%s): %s", r.Name, r.Severity, strings.TrimPrefix(r.Rule.String(), r.Name+": ")))
	}
	j.Open = func(ctx context.Context, env *pipeline.Env, lookups []pipeline.Reader, stored map[string]json.RawMessage) (pipeline.Court, error) {
		return openCourt(ctx, b, env, lookups, stored)
	}
	return j
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
