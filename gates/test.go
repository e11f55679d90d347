package gates

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Tested is what came of the fixtures of a rule.
type Tested struct {
	Gate string       `json:"gate"`
	Rule string       `json:"rule"`
	At   pipeline.Pos `json:"at,omitzero"`
	// Passed and Failed count the fixtures on which the rule did as it was to do: passed,
	// or failed.
	Passed int `json:"passed"`
	Failed int `json:"failed"`
	// Wrong are those on which it did not.
	Wrong []WrongFixture `json:"wrong,omitempty"`
	// NeverFails says that the rule is proved to hold of any rows.
	NeverFails bool `json:"never_fails,omitempty"`
}

// WrongFixture is a fixture on which a rule did not do what it was to do.
type WrongFixture struct {
	Fixture string           `json:"fixture"`
	At      pipeline.Pos     `json:"at,omitzero"`
	Fail    bool             `json:"to_fail"` // what it was to do
	Finding pipeline.Finding `json:"finding"`
}

// ShownToFail reports whether some fixture made the rule fail, as it was to.
func (t *Tested) ShownToFail() bool { return t.Failed > 0 }

// Test runs a rule's fixtures through it, as if it were the only one at a stage of this
// schema and blocked what fails. A rule passes that gives pass or warn, or that skips
// what is empty as it was told; every other verdict is a failure, but that without enough
// history a rule does neither.
//
// A rule that puts failing rows aside, and has no at_most, is taken to fail where it puts one
// aside. The error says what is wrong with the rule or with values of its fixtures, all at
// once.
func Test(ctx context.Context, r Rule, schema *arrow.Schema, around pipeline.Surroundings, env *pipeline.Env) (*Tested, error) {
	r = r.withDefaults()
	t := &Tested{Gate: r.Name, Rule: r.Check.String(), At: r.At}
	r.Severity, r.Else = pipeline.Block, ""
	x := &trial{rule: r, schema: plainSchema(schema), around: around, env: env}
	around.Published = true // what was is made up too
	x.around = around
	b, err := x.bind()
	if err != nil {
		return nil, err
	}
	t.NeverFails = b.neverFails()
	var errs pipeline.Errors
	for i := range r.Tests {
		f := named(r.Tests, i)
		finding, err := x.run(ctx, &f)
		if err != nil {
			errs = append(errs, x.named(err))
			continue
		}
		t.count(f, finding)
	}
	return t, errs.Err()
}

// CheckFixtures reads the values of a rule's fixtures as Test does, and judges none. The error
// says which columns are not known and which values do not fit, all at once.
func CheckFixtures(r Rule, schema *arrow.Schema, around pipeline.Surroundings, env *pipeline.Env) error {
	r = r.withDefaults()
	if len(r.Tests) == 0 {
		return nil
	}
	r.Severity, r.Else = pipeline.Block, ""
	around.Published = true
	x := &trial{rule: r, schema: plainSchema(schema), around: around, env: env}
	var errs pipeline.Errors
	for i := range r.Tests {
		f := named(r.Tests, i)
		if err := x.read(&f); err != nil {
			errs = append(errs, x.named(err))
		}
	}
	return errs.Err()
}

// read makes all tables of a fixture batches, and lets them go.
func (x *trial) read(f *Fixture) error {
	b, err := x.bindAt(f)
	if err != nil {
		return err
	}
	var errs pipeline.Errors
	try := func(t table, schema *arrow.Schema) {
		batch, err := t.batch(schema, x.env.Alloc)
		if err != nil {
			errs = append(errs, err)
			return
		}
		batch.Release()
	}
	for i, rows := range f.Past {
		try(table{f, Place{Past: i + 1}, rows}, x.schema)
	}
	try(table{f, Place{}, f.Rows}, x.schema)
	for _, in := range b.inputs {
		try(table{f, Place{Input: in.name}, f.Inputs[in.name]}, in.schema)
	}
	return errs.Err()
}

// named is the i-th fixture; one without a name is called by its place.
func named(all []Fixture, i int) Fixture {
	f := all[i]
	if f.Name != "" {
		return f
	}
	n, what := 0, "pass"
	for _, other := range all[:i+1] {
		if other.Fail == f.Fail {
			n++
		}
	}
	if f.Fail {
		what = "fail"
	}
	f.Name = fmt.Sprintf("%s %d", what, n)
	return f
}

func (t *Tested) count(f Fixture, finding pipeline.Finding) {
	passed := finding.Verdict.Passes() || finding.Verdict == pipeline.Skipped
	switch {
	case finding.Verdict == pipeline.InsufficientHistory || passed == f.Fail:
		t.Wrong = append(t.Wrong, WrongFixture{f.Name, f.At, f.Fail, finding})
	case f.Fail:
		t.Failed++
	default:
		t.Passed++
	}
}

// trial runs fixtures through one rule.
type trial struct {
	rule   Rule
	schema *arrow.Schema
	around pipeline.Surroundings
	env    *pipeline.Env
}

// named names the gate in the errors of its fixtures.
func (x *trial) named(err error) error {
	var all pipeline.Errors
	if !errors.As(err, &all) {
		all = pipeline.Errors{err}
	}
	for i, e := range all {
		var ours *pipeline.Error
		if errors.As(e, &ours) && ours.Gate == "" {
			of := *ours
			of.Gate = x.rule.Name
			all[i] = &of
		}
	}
	return all.Err()
}

// bind types the rule without dictionaries.
func (x *trial) bind() (*bound, error) {
	around := x.around
	around.Inputs = x.input
	b, err := judge{rules: []Rule{x.rule}}.bind(x.schema, around)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// bindAt types the rule for the partition of a fixture.
func (x *trial) bindAt(f *Fixture) (_ *bound, err error) {
	in := *x
	if f.Partition != "" {
		if in.around.Partition, err = x.around.Partition.Scheme().Parse(f.Partition); err != nil {
			return nil, &pipeline.Error{Kind: pipeline.Invalid, At: f.At, Msg: fmt.Sprintf("fixture %q: %v", f.Name, err)}
		}
	}
	return in.bind()
}

func (x *trial) input(name string) *arrow.Schema {
	if x.around.Inputs == nil {
		return nil
	}
	return plainSchema(x.around.Inputs(name))
}

// run judges the rows of a fixture, and before them those of its past.
func (x *trial) run(ctx context.Context, f *Fixture) (found pipeline.Finding, err error) {
	b, err := x.bindAt(f)
	if err != nil {
		return found, err
	}
	var past []*pipeline.Manifest
	for i, rows := range f.Past {
		j, err := x.judge(ctx, b, f, table{f, Place{Past: i + 1}, rows}, past)
		if err != nil {
			return found, err
		}
		past = append(past, &pipeline.Manifest{Partition: fmt.Sprintf("past %d", i+1), Metrics: j.States})
	}
	j, err := x.judge(ctx, b, f, table{f, Place{}, f.Rows}, past)
	if err != nil {
		return found, err
	}
	return j.Findings[0], nil
}

// judge opens a court and shows it the rows.
func (x *trial) judge(ctx context.Context, b *bound, f *Fixture, rows table, past []*pipeline.Manifest) (*pipeline.Judgement, error) {
	batch, err := rows.batch(x.schema, x.env.Alloc)
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	h := pipeline.Hearing{Env: x.env, Past: latestFirst(past)}
	defer func() {
		for _, l := range h.Lookups {
			_ = l.Reader.Close() // it holds batches in memory, no more
		}
	}()
	for _, in := range b.inputs {
		of, err := table{f, Place{Input: in.name}, f.Inputs[in.name]}.batch(in.schema, x.env.Alloc)
		if err != nil {
			return nil, err
		}
		h.Lookups = append(h.Lookups, pipeline.Lookup{Reader: pipeline.Batches(of)})
	}
	c, err := openCourt(ctx, b, h)
	if err != nil {
		return nil, err
	}
	w := c.Unit(pipeline.Unit{Name: "fixture " + f.Name, First: 0, Env: x.env})
	if _, err := w.Observe(ctx, batch, nil); err != nil {
		return nil, err
	}
	if err := c.Merge(w); err != nil {
		return nil, err
	}
	return c.Judge(ctx, nil)
}

func latestFirst(past []*pipeline.Manifest) iter.Seq2[*pipeline.Manifest, error] {
	return func(yield func(*pipeline.Manifest, error) bool) {
		for _, m := range slices.Backward(past) {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// neverFails reports whether the rule that was added last is certain to hold of any rows.
func (b *bound) neverFails() bool {
	r := b.rules[len(b.rules)-1]
	switch {
	case len(r.by) > 0 || r.OnEmpty == EmptyFails:
		return false
	case r.Check.kind == expectCheck:
		p := r.expect.Prove(r.expect.counts())
		return p.Holds() && !p.MayNull
	case r.program == nil:
		return false
	case r.AtMost.by && r.AtMost.share >= 1:
		return true
	}
	p := r.program.Prove(-1, nil)
	return p.Holds() && !(p.MayNull && r.Nulls == NullsFail)
}

// counts are the calls of which it is known that they count, from 0.
func (s *statement) counts() map[int]pipeline.Facts {
	known := map[int]pipeline.Facts{}
	for i, call := range s.calls {
		if call.Past == nil && slices.Contains([]string{"rows", "count", "count_if", "nulls"}, call.Func) {
			known[i] = pipeline.Facts{Min: int64(0), HasNulls: true}
		}
	}
	return known
}
