package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) runCommand() *cobra.Command {
	var (
		f         pipelineFlags
		partition string
		c         choice
	)
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run one partition and publish it if its gates pass",
		Long: `Runs the pipeline for one partition. If every blocking gate passes, the outputs
are published, each by one atomic switch; otherwise nothing becomes visible. With --select
some of its stages are run, over what is published of the others.

Exit status: 0 published or unchanged, 1 a gate blocked, 2 anything else; of a pipeline with a
night, 2 also where all went well and its report could not be written, or nobody be told.`,
		Example: "  penstock run pipeline.yaml --partition 2001-01\n" +
			"  penstock run pipeline.yaml --partition 2001-01 --select clean+\n" +
			"  penstock run pipeline.yaml --partition 2001-01 --report junit=out.xml --report html=run.html",
		Args: arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.settle(true); err != nil {
				return err
			}
			p := a.newProgress()
			f.tells = true
			project, pl, err := a.load(cmd, args[0], &f, p.listener())
			if err != nil {
				return out.unread(args[0], partition, err)
			}
			defer project.Close()
			if partition == "" && pl.Partitions.By != pipeline.Whole {
				return usage("which partition? %s has one for each %s", args[0], pl.Partitions.By).
					With("give --partition, or run all of them with `penstock backfill`")
			}
			p.pipeline = pl.Name
			run := project.Run
			if len(c.plan.Select)+len(c.plan.Exclude) > 0 {
				run = func(ctx context.Context, pl *pipeline.Pipeline, partition string) (*pipeline.RunRecord, error) {
					return project.RunSelected(ctx, pl, partition, c.plan)
				}
			}
			rec, err := run(cmd.Context(), pl, partition)
			p.end()
			return a.nights.status(out.ended([]*pipeline.RunRecord{rec}, a.ended(project, pl, rec, err, out.takeStdout())))
		},
	}
	f.add(cmd.Flags())
	out.add(cmd.Flags())
	c.addStages(cmd.Flags())
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
