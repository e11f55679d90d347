package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) runCommand() *cobra.Command {
	var (
		f         pipelineFlags
		partition string
	)
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run one partition and publish it if its gates pass",
		Long: `Runs the pipeline for one partition. If every blocking gate passes, the outputs
are published, each by one atomic switch; otherwise nothing becomes visible.

Exit status: 0 published or unchanged, 1 a gate blocked, 2 anything else.`,
		Example: "  penstock run pipeline.yaml --partition 2001-01\n" +
			"  penstock run pipeline.yaml --partition 2001-01 --report junit=out.xml --report html=run.html",
		Args: arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.settle(true); err != nil {
				return err
			}
			p := a.newProgress()
			project, pl, err := a.load(cmd, args[0], &f, p.listener())
			if err != nil {
				return out.unread(args[0], partition, err)
			}
			defer project.Close()
			if partition == "" && pl.Partitions.By != pipeline.Whole {
				return usage("which partition? %s has one for each %s", args[0], pl.Partitions.By).
					With("give --partition, or run all of them with `penstock backfill`")
			}
			p.begin(pl.Name, partition)
			rec, err := project.Run(cmd.Context(), pl, partition)
			p.end()
			return out.ended([]*pipeline.RunRecord{rec}, a.ended(project, pl, rec, err, out.takeStdout()))
		},
	}
	f.add(cmd.Flags())
	out.add(cmd.Flags())
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "the partition, like 2001-01 or eu")
	return cmd
}

// ended prints the end of one run and gives the error that stands for it. Nothing is
// printed of a run that went well where a report takes stdout.
func (a *app) ended(project *penstock.Project, pl *pipeline.Pipeline, rec *pipeline.RunRecord, err error, taken bool) error {
	if a.output == "json" {
		if jerr := a.printJSON(summary(rec)); jerr != nil {
			return jerr
		}
	} else if !taken {
		a.report(rec)
	}
	if err != nil {
		return err
	}
	if rec.Status == pipeline.Blocked {
		a.blocked(project, pl, rec)
		return errBlocked
	}
	return nil
}

func (a *app) backfillCommand() *cobra.Command {
	var (
		f        pipelineFlags
		from, to string
		names    []string
	)
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "backfill FILE",
		Short: "Run a range of partitions, one after the other",
		Long: `Runs every partition of the range, the oldest first. One that is blocked or fails
does not keep the others from being published.

Exit status: 0 all published or unchanged, 1 a gate blocked, 2 a run failed.`,
		Example: "  penstock backfill pipeline.yaml --from 2001-01 --to 2001-07",
		Args:    arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.settle(true); err != nil {
				return err
			}
			p := a.newProgress()
			project, pl, err := a.load(cmd, args[0], &f, p.listener())
			if err != nil {
				return out.unread(args[0], "", err)
			}
			defer project.Close()
			parts, err := chosen(pl, names, from, to)
			if err != nil {
				return err
			}
			return a.backfill(cmd, project, pl, parts, p, &out)
		},
	}
	f.add(cmd.Flags())
	out.add(cmd.Flags())
	cmd.Flags().StringVar(&from, "from", "", "the first partition (default: partitions.from of the file)")
	cmd.Flags().StringVar(&to, "to", "", "the last partition, included (default: partitions.to of the file)")
	cmd.Flags().StringArrayVarP(&names, "partition", "p", nil, "a partition, or a range `2001-01..2001-03`; may be repeated")
	return cmd
}

func (a *app) backfill(cmd *cobra.Command, project *penstock.Project, pl *pipeline.Pipeline, parts []pipeline.Partition, p *progress, out *reports) error {
	var blocked, failed bool
	p.of(pl.Name, parts)
	records, err := project.Backfill(cmd.Context(), pl, parts, func(rec *pipeline.RunRecord, err error) {
		p.end()
		switch err := a.ended(project, pl, rec, err, out.takeStdout()); {
		case errors.Is(err, errBlocked):
			blocked = true
		case err != nil && pipeline.KindOf(err) != pipeline.Canceled:
			failed = true
			a.complain(err)
		}
		p.next()
	})
	p.end()
	if a.output == "text" && !out.takeStdout() && len(parts) > 1 {
		a.tally(records, len(parts))
	}
	switch {
	case err != nil:
	case failed:
		err = errReported
	case blocked:
		err = errBlocked
	}
	return out.ended(records, err)
}

// tally sums up a backfill in a line.
func (a *app) tally(records []*pipeline.RunRecord, of int) {
	n := map[pipeline.Status]int{}
	for _, r := range records {
		n[r.Status]++
	}
	a.print("%d of %d partitions: %d published, %d unchanged, %d blocked, %d failed\n",
		len(records), of, n[pipeline.Published], n[pipeline.Unchanged], n[pipeline.Blocked], n[pipeline.Failed]+n[pipeline.Cancelled])
}

// chosen are the partitions that flags name: one by one, by ranges, or from … to.
func chosen(pl *pipeline.Pipeline, names []string, from, to string) ([]pipeline.Partition, error) {
	if len(names) == 0 {
		return pl.Partitions.Range(from, to)
	}
	if from != "" || to != "" {
		return nil, usage("--partition and --from, --to exclude each other")
	}
	var parts []pipeline.Partition
	for _, name := range names {
		first, last, isRange := cutRange(name)
		if isRange {
			some, err := pl.Partitions.Range(first, last)
			if err != nil {
				return nil, err
			}
			parts = append(parts, some...)
			continue
		}
		part, err := pl.Partitions.Parse(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}
