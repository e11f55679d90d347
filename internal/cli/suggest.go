package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/suggest"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

func (a *app) suggestCommand() *cobra.Command {
	var s subject
	cmd := &cobra.Command{
		Use:   "suggest DATASET | FILE…",
		Short: "Propose rules that the data keeps, with reasons",
		Long: `Profiles a dataset, a stage or files, and proposes rules with room for what was not
seen. Every rule is tried on the data first, one partition after the other; those that
do not hold are left out.

Of a pipeline file the rules are printed as a diff of it, which ` + "`git apply`" + ` takes;
rules that the stage has are not proposed again. Of anything else they are printed as
a list to paste. No file is changed. What is proposed may show values: those of columns
that have few.`,
		Example: "  penstock gate suggest pipeline.yaml --stage clean | git apply\n" +
			"  penstock gate suggest 'data/*.parquet'",
		Args: arguments(1, 1000, subjectArgs),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			p := a.newProgress()
			o, err := a.find(cmd, &s, args)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.close()) }()
			return a.suggest(cmd, &s, o, p)
		},
	}
	s.addTo(cmd)
	return cmd
}

// suggestion is a rule in `gate suggest -o json`.
type suggestion struct {
	Rule []string `json:"rule"`
	Why  string   `json:"why"`
	// LeftOut is why the rule is not proposed after all.
	LeftOut string `json:"left_out,omitempty"`
}

func (a *app) suggest(cmd *cobra.Command, s *subject, o *opened, p *progress) error {
	found, err := a.scan(cmd, p, o, s.exact)
	if err != nil {
		return err
	}
	about, err := a.around(cmd.Context(), s, o, found)
	if err != nil {
		return err
	}
	candidates := suggest.From(found, about)
	trials, err := try(cmd.Context(), o, candidates, about.Lookups)
	if err != nil {
		return err
	}
	kept, out := sorted(candidates, trials)
	return a.suggested(cmd.Context(), s, o, found, kept, out)
}

// sorted parts the rules that hold from those that are worth a word though they don't.
func sorted(candidates []suggest.Candidate, trials []trial) (kept, out []suggestion) {
	key := false
	for i, c := range candidates {
		if t := trials[i]; c.Adjust != nil && t.why == "" {
			c.Lines, c.Why = c.Adjust(t.failed, t.tried, t.worst)
		}
		one := suggestion{c.Lines, c.Why, trials[i].why}
		switch {
		case c.Fallback && key:
		case one.LeftOut == "":
			kept = append(kept, one)
			key = key || strings.HasPrefix(c.Lines[0], "- unique:")
		case !c.Guess:
			out = append(out, one)
		}
	}
	return kept, out
}

// suggested prints the rules that hold, and says what was left out.
func (a *app) suggested(ctx context.Context, s *subject, o *opened, p *profile.Profile, kept, out []suggestion) error {
	text, err := o.written(ctx, s, kept)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{
			"of": o.name, "rows": p.Rows, "suggestions": append([]suggestion{}, kept...), "left_out": append([]suggestion{}, out...), "text": text,
		})
	}
	for _, l := range out {
		a.say("left out: %s\n\t%s", strings.TrimPrefix(l.Rule[0], "- "), l.LeftOut)
	}
	if len(kept) == 0 {
		a.say("no rule to propose for %s, of %s", o.name, plural(p.Rows, "row", "rows"))
		return nil
	}
	a.print("%s", text)
	a.say("%s, tried on %s", plural(int64(len(kept)), "rule", "rules"), plural(p.Rows, "row", "rows"))
	return nil
}

// entry is a suggestion as a list of gates has it.
func (s suggestion) entry() []string { return append([]string{"# " + s.Why}, s.Rule...) }

// written are the rules as a diff of the pipeline file, or as a list.
func (o *opened) written(ctx context.Context, s *subject, kept []suggestion) (string, error) {
	if len(kept) == 0 {
		return "", nil
	}
	var entries [][]string
	for _, k := range kept {
		entries = append(entries, k.entry())
	}
	if o.pipeline == nil {
		var b strings.Builder
		b.WriteString("gates:\n")
		for _, l := range slices.Concat(entries...) {
			b.WriteString("  " + l + "\n")
		}
		return b.String(), nil
	}
	file := o.pipeline.File
	before, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	after, err := config.AddRules(file, before, o.stage, entries)
	if err != nil {
		return "", err
	}
	if err := o.binds(ctx, s, after); err != nil {
		return "", err
	}
	return unifiedDiff(named(file), string(before), string(after)), nil
}

// binds checks that a changed pipeline file is a valid one.
func (o *opened) binds(ctx context.Context, s *subject, text []byte) error {
	params, err := s.paramValues()
	if err != nil {
		return err
	}
	pl, err := config.Parse(o.pipeline.File, text, config.Options{Params: params, Dir: o.project.Dir(), Env: os.LookupEnv})
	if err != nil {
		return err
	}
	_, err = pipeline.Bind(ctx, pl, o.project.Env(pl, o.parts[0].Env.Partition))
	return err
}

// named is a file's name in a diff: from the working directory, if it is below.
func named(file string) string {
	if abs, err := filepath.Abs(file); err == nil {
		if dir, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(dir, abs); err == nil && !strings.HasPrefix(rel, "..") {
				return filepath.ToSlash(rel)
			}
		}
	}
	return strings.TrimPrefix(filepath.ToSlash(filepath.Clean(file)), "/")
}

// around is what is known beside the profile.
func (a *app) around(ctx context.Context, s *subject, o *opened, p *profile.Profile) (suggest.Context, error) {
	c := suggest.Context{By: o.parts[0].Env.Partition.By, Now: o.parts[0].Env.Now()}
	if o.pipeline == nil {
		c.Published = o.project != nil
		return c, nil
	}
	i := slices.IndexFunc(o.pipeline.Stages, func(st pipeline.Stage) bool { return st.Name == o.stage })
	stage := o.pipeline.Stages[i]
	c.Published = stage.Output != nil
	if len(stage.From) == 1 && len(stage.Operators) > 0 {
		in := suggest.Input{Name: stage.From[0]}
		for _, part := range p.Partitions {
			in.Rows += part.RowsIn
		}
		c.Inputs = []suggest.Input{in}
	}
	rules := gates.Rules(stage.Gates)
	c.Has = func(kind, column string) bool { return has(rules, kind, column) }
	c.Named = func(name string) bool {
		return slices.ContainsFunc(rules, func(r gates.Rule) bool { return r.Name == name })
	}
	var err error
	c.Lookups, err = o.lookups(ctx, s, &stage)
	return c, err
}

// maxLookup is up to how many bytes a source may have to be looked into for keys.
const maxLookup = 256 << 20

// lookups profiles the sources that columns of the stage may refer to.
func (o *opened) lookups(ctx context.Context, s *subject, stage *pipeline.Stage) (all []suggest.Lookup, err error) {
	for _, src := range o.pipeline.Sources {
		if o.feeds(src.Name, stage) {
			continue
		}
		p, err := o.lookup(ctx, s, src)
		if err != nil {
			return nil, err
		}
		if p != nil {
			all = append(all, suggest.Lookup{Name: src.Name, Profile: p})
		}
	}
	return all, nil
}

// feeds reports whether the rows of a stage come from a source, also through other stages:
// its own values are then found there whatever they are.
func (o *opened) feeds(source string, stage *pipeline.Stage) bool {
	for _, from := range stage.From {
		if from == source {
			return true
		}
		i := slices.IndexFunc(o.pipeline.Stages, func(s pipeline.Stage) bool { return s.Name == from })
		if i >= 0 && o.feeds(source, &o.pipeline.Stages[i]) {
			return true
		}
	}
	return false
}

func (o *opened) lookup(ctx context.Context, s *subject, src pipeline.NamedSource) (p *profile.Profile, err error) {
	parts, done, err := o.project.ProfileParts(penstock.ProfileInput{Pipeline: o.pipeline, Stage: src.Name, Partitions: s.partitions})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	in, err := src.Source.Resolve(ctx, parts[0].Env)
	if err != nil {
		return nil, err
	}
	var bytes int64
	for _, f := range in.Files {
		bytes += f.Bytes
	}
	if bytes > maxLookup {
		return nil, nil
	}
	return profile.Scan(ctx, src.Name, parts, profile.Options{}, nil)
}
