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
			return c.Kind() == "expect" && strings.Contains(text, "null_share("+column) || c.Kind() == "not_null" && slices.Contains(c.Columns(), column)
		case "fresh":
			return c.Kind() == "fresh" || c.Kind() == "expect" && strings.Contains(text, "max("+column)
		case "falls":
			return c.Kind() == "expect" && strings.Contains(text, "falls("+column)
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

// try judges candidates on every partition, and gives for each why it does not hold; empty:
// it does.
func try(ctx context.Context, o *opened, candidates []suggest.Candidate, lookups []suggest.Lookup) ([]string, error) {
	reasons := make([]string, len(candidates))
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
			reasons[i] = c.Refuted
		case err != nil:
			reasons[i] = firstLine(err)
		case names[r.Name]:
			reasons[i] = fmt.Sprintf("a rule has the name %q", r.Name)
		case !c.Untried:
			rules, of = append(rules, r), append(of, i)
		}
		names[r.Name] = true
	}
	found, err := judge(ctx, o, rules)
	for i, why := range found {
		reasons[of[i]] = why
	}
	return reasons, err
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

// judge gives for each rule why it does not hold; empty: it holds of every partition.
func judge(ctx context.Context, o *opened, rules []gates.Rule) ([]string, error) {
	reasons := make([]string, len(rules))
	for _, part := range o.parts {
		var open []gates.Rule
		for i, r := range rules {
			if reasons[i] == "" {
				open = append(open, r)
			}
		}
		pl, stage := part.Judged(gates.Of(open...))
		plan, err := pipeline.Bind(ctx, pl, part.Env)
		if err != nil {
			pl, _ := part.Judged(nil)
			if _, berr := pipeline.Bind(ctx, pl, part.Env); berr != nil {
				return nil, berr
			}
			for i, r := range rules {
				pl, _ := part.Judged(gates.Of(r))
				if _, err := pipeline.Bind(ctx, pl, part.Env); err != nil && reasons[i] == "" {
					reasons[i] = firstLine(err)
				}
			}
			open = slices.DeleteFunc(open, func(r gates.Rule) bool {
				return reasons[slices.IndexFunc(rules, func(o gates.Rule) bool { return o.Name == r.Name })] != ""
			})
			pl, _ = part.Judged(gates.Of(open...))
			if plan, err = pipeline.Bind(ctx, pl, part.Env); err != nil {
				return nil, err
			}
		}
		out, err := plan.Run(ctx, nil, nil)
		if err != nil {
			return nil, err
		}
		for _, f := range findingsOf(out, stage) {
			i := slices.IndexFunc(rules, func(r gates.Rule) bool { return r.Name == f.Name })
			if i >= 0 && f.Verdict != pipeline.Pass {
				reasons[i] = fmt.Sprintf("%s: %s, %s", part.Env.Partition, f.Verdict, f.Observed)
			}
		}
	}
	return reasons, nil
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
