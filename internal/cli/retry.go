package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) retryCommand() *cobra.Command {
	var (
		f            backfillFlags
		c            choice
		dry, blocked bool
	)
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "retry [FILE | BACKFILL]",
		Short: "Run again what failed",
		Long: `Runs again the partitions whose last run failed or was cancelled: of the pipeline of a
file, of a backfill, or of the last backfill. With --blocked also those that a gate blocked,
though nothing has changed since: without, they run once what they rest on has.

Exit status: as of ` + "`penstock backfill`" + `.`,
		Example: "  penstock retry\n" +
			"  penstock retry pipeline.yaml --blocked\n" +
			"  penstock retry b20261124T092402-4f2a9c --parallel 4",
		Args: arguments(0, 1, "a pipeline file, the id of a backfill, or nothing"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.plan.Failed, c.plan.Blocked = true, blocked
			o, err := f.options(cmd.Flags(), c.plan)
			if err != nil {
				return err
			}
			if err := out.settle(true); err != nil {
				return err
			}
			r := &filling{app: a, out: &out, options: o, flags: &f, dry: dry}
			if len(args) == 1 && isFile(args[0]) {
				return r.retryFile(cmd, args[0])
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			was, dir, err := a.backfillRecord(cmd.Context(), id)
			if err != nil {
				return err
			}
			r.options.Select, r.options.Exclude = append(was.Options.Select, c.plan.Select...), append(was.Options.Exclude, c.plan.Exclude...)
			return r.again(cmd, was, dir)
		},
	}
	f.add(cmd.Flags())
	c.addStages(cmd.Flags())
	out.add(cmd.Flags())
	cmd.Flags().BoolVar(&blocked, "blocked", false, "also what a gate blocked")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would run, and run nothing")
	return cmd
}

// isFile reports whether an argument is a pipeline file, there or not, and no id.
func isFile(arg string) bool {
	_, err := os.Stat(arg)
	ext := filepath.Ext(arg)
	return err == nil || ext == ".yaml" || ext == ".yml"
}

// retryFile runs again what failed of the pipeline of a file, whichever command ran it.
func (r *filling) retryFile(cmd *cobra.Command, file string) error {
	return r.run(cmd, file, func(project *penstock.Project, pl *pipeline.Pipeline) ([]pipeline.Partition, error) {
		return project.Unfinished(cmd.Context(), pl, r.options.Blocked)
	})
}
