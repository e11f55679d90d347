package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/suggest"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

// has reports whether a stage has a rule that says what a suggestion of the kind would, of a
// column or, if that is empty, of the whole.
func has(rules []gates.Rule, kind, column string) bool {
	return slices.ContainsFunc(rules, func(r gates.Rule) bool {
		c := r.Check
		if c.Kind() == kind && (column == "" || kind == "unique" && slices.Equal(c.Columns(), []string{column}) || kind != "unique" && slices.Contains(c.Columns(), column)) {
			return true
		}
		text := c.String()
		switch kind {
		case "volume":
			return c.Kind() == "row_count" || c.Kind() == "expect" && strings.Contains(text, "rows()")
		case "conserved":
			return c.Kind() == "expect" && strings.Contains(text, `rows("`)
		case "null_share":
			return c.Kind() == "expect" && strings.Contains(text, "null_share("+suggest.Ident(column)) || c.Kind() == "not_null" && slices.Contains(c.Columns(), column)
		case "fresh":
			return c.Kind() == "fresh" || c.Kind() == "expect" && strings.Contains(text, "max("+suggest.Ident(column))
		case "falls":
			return c.Kind() == "expect" && strings.Contains(text, "falls("+suggest.Ident(column))
		case "within":
			return c.Kind() == "rows" && strings.Contains(text, "partition_start()")
		case "between", "matches":
			return c.Kind() == "rows" && mentions(text, column)
		}
		return false
	})
}

func mentions(text, column string) bool {
	found, err := regexp.MatchString(`(^|\W)`+regexp.QuoteMeta(column)+`(\W|$)`, text)
	return err == nil && found
}

// ruleOf reads a candidate as a pipeline file has it.
func ruleOf(c suggest.Candidate, lookups []suggest.Lookup, inputs []pipeline.NamedSource) (gates.Rule, error) {
	var b strings.Builder
	b.WriteString("name: suggest\nsources:\n  _data: {parquet: data.parquet}\n")
	for _, l := range lookups {
		fmt.Fprintf(&b, "  %s: {parquet: data.parquet}\n", l.Name)
	}
	for _, in := range inputs {
		if !slices.ContainsFunc(lookups, func(l suggest.Lookup) bool { return l.Name == in.Name }) {
			fmt.Fprintf(&b, "  %s: {parquet: data.parquet}\n", in.Name)
		}
	}
	b.WriteString("stages:\n  _stage:\n    from: _data\n    gates:\n")
	for _, l := range c.Lines {
		b.WriteString("      " + l + "\n")
	}
	pl, err := config.Parse("suggestion", []byte(b.String()), config.Options{})
	if err != nil {
		return gates.Rule{}, err
	}
	rules := gates.Rules(pl.Stages[0].Gates)
	if len(rules) != 1 {
		return gates.Rule{}, pipeline.Errorf(pipeline.Internal, "a suggestion of %d rules", len(rules))
	}
	return rules[0], nil
}

// trial is what came of trying a rule.
type trial struct {
	why           string // it does not hold; empty: it does
	failed, tried int64  // rows
	worst         float64
}

// try judges candidates on every partition.
func try(ctx context.Context, o *opened, candidates []suggest.Candidate, lookups []suggest.Lookup) ([]trial, error) {
	trials := make([]trial, len(candidates))
	var rules []gates.Rule
	var of []int // the candidate of each rule
	names := map[string]bool{}
	if o.pipeline != nil {
		for _, r := range gates.Rules(o.stagePlan().Gates) {
			names[r.Name] = true
		}
	}
	for i, c := range candidates {
		r, err := ruleOf(c, lookups, o.sources())
		switch {
		case c.Refuted != "":
			trials[i].why = c.Refuted
		case err != nil:
			trials[i].why = firstLine(err)
		case names[r.Name]:
			trials[i].why = fmt.Sprintf("a rule has the name %q", r.Name)
		case !c.Untried:
			rules, of = append(rules, r), append(of, i)
		}
		names[r.Name] = true
	}
	found, err := judge(ctx, o, rules)
	for i, t := range found {
		trials[of[i]] = t
	}
	return trials, err
}

func (o *opened) stagePlan() pipeline.Stage {
	i := slices.IndexFunc(o.pipeline.Stages, func(st pipeline.Stage) bool { return st.Name == o.stage })
	return o.pipeline.Stages[i]
}

// sources are what rules may name: sources, and stages as if they were.
func (o *opened) sources() (all []pipeline.NamedSource) {
	if o.pipeline == nil {
		return nil
	}
	all = slices.Clone(o.pipeline.Sources)
	for _, st := range o.pipeline.Stages {
		all = append(all, pipeline.NamedSource{Name: st.Name})
	}
	return all
}

// judge tries rules, whose names differ, on every partition.
func judge(ctx context.Context, o *opened, rules []gates.Rule) ([]trial, error) {
	trials := make([]trial, len(rules))
	for _, part := range o.parts {
		plan, stage, err := bindAll(ctx, part, rules, trials)
		if err != nil {
			return nil, err
		}
		out, err := plan.Run(ctx, nil, nil)
		if err != nil {
			return nil, err
		}
		for _, f := range findingsOf(out, stage) {
			if i := slices.IndexFunc(rules, func(r gates.Rule) bool { return r.Name == f.Name }); i >= 0 {
				trials[i].take(part.Env.Partition, f)
			}
		}
	}
	return trials, nil
}

// take takes in what a partition says of the rule.
func (t *trial) take(part pipeline.Partition, f pipeline.Finding) {
	t.failed, t.tried = t.failed+f.RowsFailed, t.tried+f.RowsTested
	t.worst = max(t.worst, float64(f.RowsFailed)/float64(max(f.RowsTested, 1)))
	if f.Verdict != pipeline.Pass && t.why == "" {
		t.why = fmt.Sprintf("%s: %s, %s", part, f.Verdict, f.Observed)
	}
}

// bindAll binds the rules that hold so far. Of those that can't be bound it notes why.
func bindAll(ctx context.Context, part profile.Part, rules []gates.Rule, trials []trial) (*pipeline.Plan, string, error) {
	var open []gates.Rule
	for i, r := range rules {
		if trials[i].why == "" {
			open = append(open, r)
		}
	}
	pl, stage := part.Judged(gates.Of(open...))
	plan, err := pipeline.Bind(ctx, pl, part.Env)
	if err == nil || len(open) == 0 {
		return plan, stage, err
	}
	found := false
	for i, r := range rules {
		pl, _ := part.Judged(gates.Of(r))
		if _, berr := pipeline.Bind(ctx, pl, part.Env); berr != nil && trials[i].why == "" {
			trials[i].why, found = firstLine(berr), true
		}
	}
	if !found {
		return nil, "", err
	}
	return bindAll(ctx, part, rules, trials)
}

func findingsOf(out *pipeline.Outcome, stage string) []pipeline.Finding {
	for _, s := range out.Stages {
		if s.Stage.Name == stage {
			return s.Findings
		}
	}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
