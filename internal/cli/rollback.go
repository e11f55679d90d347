package cli

import (
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) rollbackCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "rollback DATASET@PARTITION [VERSION]",
		Short: "Make an earlier version of a partition current again",
		Long: `Makes an earlier version, by default the one before, current again: as a new version of
the same bytes, in one atomic step. What was made of the version before is stale from then on;
the partition itself stays as it is until something that it rests on changes.

Exit status: 0 done, 2 anything else.`,
		Example: `  penstock rollback warehouse/clean@2001-07 3 --reason "the new feed counts in miles"`,
		Args:    arguments(1, 2, "a partition, like warehouse/clean@2001-07, and perhaps a version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRef(args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				if r.version, err = strconv.ParseInt(strings.TrimPrefix(args[1], "v"), 10, 64); err != nil || r.version < 1 {
					return usage("%q is not a version; they count from 1", args[1])
				}
			}
			// How many are kept is for the runs of the pipeline to say.
			project, err := a.openTelling(cmd.Context(), penstock.Options{Keep: math.MaxInt32})
			if err != nil {
				return err
			}
			defer project.Close()
			rec, err := project.Rollback(cmd.Context(), r.dataset, firstOf(r.partition, "all"), r.version, reason)
			if err != nil {
				return err
			}
			return a.rolledBack(rec)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

func (a *app) rolledBack(rec *pipeline.RunRecord) error {
	if a.output == "json" {
		return a.printJSON(summary(rec))
	}
	out, by := rec.Outputs[0], rec.Rollback
	a.print("%s@%s is as in version %d again, %s: version %d\n", out.Dataset, rec.Partition, by.To, plural(out.Rows, "row", "rows"), out.Version)
	a.print("\tversion %d is kept; `penstock rollback %s %d --reason …` brings it back\n", by.From, quoted(out.Dataset)+"@"+rec.Partition, by.From)
	a.print("\t`penstock plan FILE` tells what is stale now\n")
	return nil
}

// showRollback says which version was made current again, by whom and why.
func (a *app) showRollback(r *pipeline.Rollback) {
	if r != nil {
		a.print("  rollback to version %d, from version %d\n", r.To, r.From)
		a.print("  reason  %s (%s)\n", oneLine(r.Reason), r.Actor)
	}
}

func (a *app) gcCommand() *cobra.Command {
	var (
		dryRun bool
		keep   int
	)
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove what nothing needs any more",
		Long: `Removes what dead runs were writing, held versions past their time, private files of runs
that are over, and, with --keep, earlier versions beyond that number. It never removes what is
current, what a run is writing, a version that somebody reads, or what Penstock did not make.`,
		Example: "  penstock gc --dry-run\n  penstock gc --keep 2",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := penstock.Options{Keep: math.MaxInt32}
			if cmd.Flags().Changed("keep") {
				if o.Keep = keep; keep == 0 {
					o.Keep = -1
				}
			}
			project, err := a.openWith(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer project.Close()
			c, err := project.GC(cmd.Context(), dryRun)
			if err != nil {
				return err
			}
			return a.collected(c, dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only list what would be removed")
	cmd.Flags().IntVar(&keep, "keep", 0, "earlier versions kept of each partition (default: all that runs left)")
	return cmd
}

func (a *app) collected(c *penstock.Collected, dryRun bool) error {
	if a.output == "json" {
		return a.printJSON(c)
	}
	for _, g := range c.Removed {
		a.print("%s: %s\n", g.Path, g.What)
	}
	for _, name := range c.Busy {
		a.print("%s: a run is writing it; left alone\n", name)
	}
	did := "removed"
	if dryRun {
		did = "would be removed"
	}
	a.print("%s and %s bytes %s\n", plural(c.Files, "file", "files"), count(c.Bytes), did)
	return nil
}
