package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) validateCommand() *cobra.Command {
	var f pipelineFlags
	var partition string
	cmd := &cobra.Command{
		Use:   "validate FILE",
		Short: "Check a pipeline file without running it",
		Long: `Reads the file, resolves its sources for one partition, and types every operator
and gate against the schemas. All problems are reported at once. No row is read,
but for what CSV and JSON need to infer their schema.`,
		Example: "  penstock validate pipeline.yaml --partition 2001-01",
		Args:    arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := a.bind(cmd, args[0], &f, partition)
			if err != nil {
				return err
			}
			if err := penstock.CheckFixtures(plan); err != nil {
				return err
			}
			gates := 0
			for _, s := range plan.Stages {
				if s.Judge != nil {
					gates += len(s.Judge.Rules)
					for _, note := range s.Judge.Notes {
						a.say("note: stage %q: %s", s.Name, note)
					}
				}
			}
			if a.output == "json" {
				return a.printJSON(map[string]any{"valid": true, "pipeline": plan.Pipeline.Name, "stages": len(plan.Stages), "gates": gates})
			}
			a.print("%s is valid: %s, %s\n", args[0], plural(int64(len(plan.Stages)), "stage", "stages"), plural(int64(gates), "gate", "gates"))
			return nil
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "the partition to check with (default: the first of the file)")
	return cmd
}

// bind binds the pipeline for the partition, or for the first one it has.
func (a *app) bind(cmd *cobra.Command, file string, f *pipelineFlags, partition string) (*pipeline.Plan, error) {
	project, pl, err := a.load(cmd, file, f, nil)
	if err != nil {
		return nil, err
	}
	defer project.Close()
	var part pipeline.Partition
	if partition != "" || pl.Partitions.By == pipeline.Whole {
		part, err = pl.Partitions.Parse(partition)
	} else {
		part, err = firstPartition(pl.Partitions)
	}
	if err != nil {
		return nil, err
	}
	return pipeline.Bind(cmd.Context(), pl, project.Env(pl, part))
}

// firstPartition is the first of the file, which need not say where its partitions end.
func firstPartition(s pipeline.Scheme) (pipeline.Partition, error) {
	if s.By != pipeline.Whole && s.By != pipeline.Key && s.From != "" && s.To == "" {
		return s.Anyway(s.From)
	}
	parts, err := s.Range("", "")
	switch {
	case err != nil:
		return pipeline.Partition{}, err
	case len(parts) == 0:
		return pipeline.Partition{}, usage("the pipeline has no partition").With("name one with --partition")
	}
	return parts[0], nil
}

// stageExplained is one stage in `explain -o json`.
type stageExplained struct {
	Stage     string              `json:"stage"`
	Reads     map[string][]string `json:"reads"`
	Operators []string            `json:"operators"`
	Gates     []string            `json:"gates"`
	Columns   []string            `json:"columns"`
	Output    string              `json:"output,omitempty"`
	// Unsure are why what it publishes may come out otherwise from the same inputs.
	Unsure []string `json:"unsure,omitempty"`
	Notes  []string `json:"notes,omitempty"`
}

func (a *app) explainCommand() *cobra.Command {
	var f pipelineFlags
	var partition string
	cmd := &cobra.Command{
		Use:     "explain FILE",
		Short:   "Show what a run would do: columns read, operators, gates, outputs",
		Example: "  penstock explain pipeline.yaml --partition 2001-01",
		Args:    arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := a.bind(cmd, args[0], &f, partition)
			if err != nil {
				return err
			}
			if a.output == "json" {
				var all []stageExplained
				for _, s := range plan.Stages {
					all = append(all, explained(plan, s))
				}
				return a.printJSON(map[string]any{
					"pipeline": plan.Pipeline.Name, "partition": plan.Env.Partition.String(), "partitions": plan.Pipeline.Partitions.String(), "stages": all,
				})
			}
			a.explain(plan)
			return nil
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "the partition to explain (default: the first of the file)")
	return cmd
}

func explained(plan *pipeline.Plan, s *pipeline.StagePlan) stageExplained {
	e := stageExplained{Stage: s.Name, Reads: map[string][]string{}, Operators: []string{}, Gates: []string{}}
	if in := plan.Inputs[s.From[0]]; in != nil {
		if n := s.Skips(in); n > 0 {
			e.Notes = append(e.Notes, fmt.Sprintf("%d of %d splits of %s are not read: what is known of them proves that the first operator wants none of their rows",
				n, len(in.Splits), s.From[0]))
		}
	}
	for i, name := range s.From {
		e.Reads[name] = s.Needs[i]
	}
	for i, op := range s.Operators {
		e.Operators = append(e.Operators, op.String())
		e.Notes = append(e.Notes, s.Bounds[i].Notes...)
	}
	for _, c := range s.Origins.Columns {
		if c.Unknown != "" && s.Output != nil {
			e.Notes = append(e.Notes, fmt.Sprintf("where column %s comes from is not known: %s", c.Column, c.Unknown))
		}
	}
	if s.Judge != nil {
		e.Gates = append(e.Gates, s.Judge.Rules...)
		e.Notes = append(append(e.Notes, s.Judge.Notes...), s.Judge.Slow...)
	}
	for _, c := range s.Out.Fields() {
		e.Columns = append(e.Columns, c.Name+" "+pipeline.TypeName(c.Type))
	}
	if s.Output != nil {
		e.Output = fmt.Sprintf("%s as %s", s.Output.Path, s.Output.Format)
		e.Unsure = plan.Pipeline.Unsure(s.Name)
	}
	return e
}

func (a *app) explain(plan *pipeline.Plan) {
	a.print("%s %s\n", plan.Pipeline.Name, plan.Env.Partition)
	if p := plan.Pipeline; p.Partitions.By != pipeline.Whole {
		late := "late data open any of them again"
		if p.Lookback > 0 {
			late = "late data open the newest " + plural(int64(p.Lookback), "partition", "partitions") + " again"
		}
		a.print("partitions %s; %s\n", p.Partitions, late)
	}
	for _, src := range plan.Pipeline.Sources {
		in := plan.Inputs[src.Name]
		var rows, bytes int64
		for _, s := range in.Splits {
			rows += max(s.Rows, 0)
		}
		for _, f := range in.Files {
			bytes += f.Bytes
		}
		known := "rows not known before reading"
		if rows > 0 {
			known = plural(rows, "row", "rows")
		}
		a.print("source %s: %s, %s bytes, %s, %s\n", src.Name, plural(int64(len(in.Files)), "file", "files"),
			count(bytes), known, plural(int64(len(in.Splits)), "split", "splits"))
		if in.Published != nil {
			a.print("  reads   %s: %s\n", src.Source, reached(in.Published))
		}
	}
	for _, s := range plan.Stages {
		e := explained(plan, s)
		a.print("stage %s\n", e.Stage)
		for _, name := range s.From {
			a.print("  reads   %s: %s\n", name, strings.Join(e.Reads[name], ", "))
		}
		for _, op := range e.Operators {
			a.print("  then    %s\n", strings.ReplaceAll(strings.TrimSpace(op), "\n", "\n          "))
		}
		for _, g := range e.Gates {
			a.print("  gate    %s\n", g)
		}
		a.print("  gives   %s\n", strings.Join(e.Columns, ", "))
		if e.Output != "" {
			a.print("  output  %s\n", e.Output)
		}
		for _, why := range e.Unsure {
			a.print("  unsure  to give the same bytes again: %s\n", why)
		}
		for _, n := range e.Notes {
			a.print("  note    %s\n", n)
		}
	}
}

// reached says which published partitions are read: "7 partitions, 2026-01-01..2026-01-07, 2 of
// them not published".
func reached(all []pipeline.InputRecord) string {
	if len(all) == 0 {
		return "no partition"
	}
	text := plural(int64(len(all)), "partition", "partitions") + ", " + all[0].Partition
	if len(all) > 1 {
		text += ".." + all[len(all)-1].Partition
	}
	missing := 0
	for _, in := range all {
		if in.Missing {
			missing++
		}
	}
	if missing > 0 {
		text += fmt.Sprintf(", %d of them not published", missing)
	}
	return text
}
