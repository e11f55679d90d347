package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) releaseCommand() *cobra.Command {
	var (
		f pipelineFlags
		o penstock.ReleaseOptions
	)
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "release FILE",
		Short: "Publish quarantined rows, through the gates again",
		Long: `Makes a version of a partition of what is published of it and of rows that are
quarantined beside it. The gates of the stage, as FILE has them now, judge all of
it. What breaks a rule that quarantines goes to quarantine again, unless the rule is
waived; what is not released stays there. No row is lost.

--rows gives a file with corrected rows in place of the quarantined ones. If it has
their columns _source and _row, these say whose place a row takes, and rows that are
not in it stay in quarantine; else it has to have as many rows as are released.

Exit status: 0 published or unchanged, 1 a gate blocked, 2 anything else.`,
		Example: "  penstock quarantine release pipeline.yaml --stage clean --partition 2001-03 --waive plausible_delay --reason \"a blizzard\"\n" +
			"  penstock quarantine release pipeline.yaml --stage clean --partition 2001-03 --rows fixed.jsonl --reason \"typing errors\"",
		Args: arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.settle(true); err != nil {
				return err
			}
			p := a.newProgress()
			f.tells = true
			project, pl, err := a.load(cmd, args[0], &f, p.listener())
			if err != nil {
				return out.unread(args[0], o.Partition, err)
			}
			defer project.Close()
			if o.Partition == "" && pl.Partitions.By != pipeline.Whole {
				return usage("which partition? %s has one for each %s", args[0], pl.Partitions.By).
					With("give --partition; `penstock quarantine ls` lists those that have quarantined rows")
			}
			if o.Rows != "" {
				if o.Rows, err = filepath.Abs(o.Rows); err != nil {
					return err
				}
			}
			p.pipeline = pl.Name
			rec, err := project.Release(cmd.Context(), pl, o)
			p.end()
			return out.ended([]*pipeline.RunRecord{rec}, a.released(project, pl, rec, o, err, out.takeStdout()))
		},
	}
	f.add(cmd.Flags())
	out.add(cmd.Flags())
	cmd.Flags().StringVar(&o.Stage, "stage", "", "the stage whose rows are released")
	cmd.Flags().StringVar(&o.Dataset, "dataset", "", "the dataset whose rows are released, in place of --stage")
	cmd.Flags().StringVarP(&o.Partition, "partition", "p", "", "the partition, like 2001-03 or eu")
	cmd.Flags().StringArrayVar(&o.Rules, "rule", nil, "only rows that broke no rule but this `NAME`; may be repeated")
	cmd.Flags().StringVar(&o.Rows, "rows", "", "a `FILE` with corrected rows: parquet, csv, jsonl or arrow")
	cmd.Flags().StringArrayVar(&o.Waive, "waive", nil, "a rule, by `NAME`, that puts no row aside this time and only warns; may be repeated")
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, for the record")
	return cmd
}

// released prints what came of a release.
func (a *app) released(project *penstock.Project, pl *pipeline.Pipeline, rec *pipeline.RunRecord, o penstock.ReleaseOptions, err error, taken bool) error {
	if err == nil && rec.Run == "" {
		v := rec.Outputs[0]
		a.say("nothing is quarantined of %s in %s: version %d of %s has put no rows aside",
			what(v.Dataset, rec.Partition), project.Dir(), v.Version, v.Path)
		if a.output == "json" {
			return a.printJSON(summary(rec))
		}
		return nil
	}
	err = a.ended(project, onlyReleased(pl, o), rec, err, taken)
	if err != nil || rec.Release == nil {
		return err
	}
	if a.output != "json" && !taken {
		a.showRelease(rec.Release, rec.Stages)
	}
	if lapsed := rec.Release.Lapsed; len(lapsed) > 0 {
		a.say("note: waived for the version before, and not now: %s; published rows that break it went back to quarantine\n\tgive --waive again to publish them",
			strings.Join(lapsed, ", "))
	}
	a.say("note: the next run of %s computes it from its inputs again, and then quarantines what breaks a rule", rec.Partition)
	if after := readersOf(pl, rec.Stages[len(rec.Stages)-1].Name); len(after) > 0 {
		a.say("note: made of the version before, and not made again: %s", strings.Join(after, ", "))
	}
	return nil
}

// onlyReleased is the pipeline with the one stage whose rows are released.
func onlyReleased(pl *pipeline.Pipeline, o penstock.ReleaseOptions) *pipeline.Pipeline {
	one := *pl
	one.Stages = nil
	for _, s := range pl.Stages {
		if s.Output != nil && (s.Name == o.Stage || o.Dataset != "" && filepath.Clean(s.Output.Path) == filepath.Clean(o.Dataset)) {
			one.Stages = append(one.Stages, s)
		}
	}
	return &one
}

// readersOf are the datasets that are made of a stage, at any distance.
func readersOf(pl *pipeline.Pipeline, stage string) (datasets []string) {
	after := map[string]bool{stage: true}
	for range pl.Stages {
		for _, s := range pl.Stages {
			for _, in := range s.Inputs() {
				after[s.Name] = after[s.Name] || after[in]
			}
		}
	}
	for _, s := range pl.Stages {
		if s.Name != stage && after[s.Name] && s.Output != nil {
			datasets = append(datasets, s.Output.Path)
		}
	}
	return datasets
}

// showRelease says what was released, by whom and why. The stages are those of the run; only
// the one whose rows were released has any in quarantine.
func (a *app) showRelease(r *pipeline.Release, stages []pipeline.StageRecord) {
	if r == nil {
		return
	}
	from := ""
	if r.Corrected != nil {
		from = " as corrected by " + r.Corrected.Path
	}
	after := int64(0)
	for _, s := range stages {
		after += s.RowsQuarantined
	}
	a.print("  release %s of version %d through the gates again%s, %s in quarantine after it\n",
		plural(r.Rows, "row", "rows"), r.Version, from, count(after))
	for _, w := range r.Waived {
		a.print("  waived  %s: %s published\n", oneLine(w.Rule), plural(w.Rows, "row that breaks it is", "rows that break it are"))
	}
	a.print("  reason  %s (%s)\n", oneLine(r.Reason), r.Actor)
}
