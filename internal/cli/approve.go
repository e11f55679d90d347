package cli

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) approveCommand() *cobra.Command {
	var (
		o        penstock.Approve
		fourEyes bool
		expires  string
	)
	cmd := &cobra.Command{
		Use:   "approve RUN",
		Short: "Publish what a blocked run left, in spite of its gates",
		Long: `Puts on record that you accept what a blocked run staged: just these bytes, under
just these rules. When every gate that blocks the run is approved of, it is
published as it is; whoever reads it can see by whom, and why. The approval also
lets a later run through that gives the same bytes under the same rules.

Exit status: 0 published, 1 some gate still blocks, 2 anything else.`,
		Example: `  penstock approve 20261124T092402-4f2a9c --gate volume --reason "the airport was closed"`,
		Args:    arguments(1, 1, "a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.For, o.Expires, err = parseExpiry(expires); err != nil {
				return err
			}
			project, err := a.openTelling(cmd.Context(), penstock.Options{
				FourEyes: fourEyes,
				Keep:     math.MaxInt32, // how many are kept is for the runs of the pipeline to say
			})
			if err != nil {
				return err
			}
			defer project.Close()
			done, err := project.Approve(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			return a.approved(done)
		},
	}
	cmd.Flags().StringArrayVar(&o.Gates, "gate", nil, "the gate that is overruled, `NAME` or STAGE/NAME; may be repeated")
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&expires, "expires", "", "when the approval ends, like `48h`, 7d or 2026-12-01 (that day included)")
	addFourEyes(cmd.Flags(), &fourEyes)
	return cmd
}

// addFourEyes adds the flag of commands that publish what was approved of.
func addFourEyes(flags *pflag.FlagSet, on *bool) {
	flags.BoolVar(on, "four-eyes", false, "who approves must be another than who ran")
}

// approved prints what came of a decision, and gives the error that stands for it.
func (a *app) approved(done *penstock.Approved) error {
	rec := done.Run
	if a.output == "json" {
		awaiting := done.Awaiting
		if awaiting == nil {
			awaiting = []pipeline.Finding{}
		}
		if err := a.printJSON(map[string]any{"run": summary(rec), "approvals": done.Approvals, "awaiting": awaiting}); err != nil {
			return err
		}
	} else {
		for _, ap := range done.Approvals {
			a.print("approved %s of %s@%s by %s\n", approvalText(ap), ap.Dataset, ap.Partition, ap.Actor)
			a.print("  of the bytes %.12s under the rules %.12s\n", ap.Bytes, ap.Rules)
		}
		for _, o := range done.Published {
			a.print("published %s: version %d, %s\n", o.Path, o.Version, plural(o.Rows, "row", "rows"))
		}
		a.showUndone(rec)
	}
	a.notJudged(done)
	if len(done.Awaiting) > 0 {
		for _, f := range done.Awaiting {
			fmt.Fprintf(a.stderr, "%s\n\tapproval awaited: %s\n\t%s\n", report.Headline(rec.Partition, f), strings.Join(report.Outcome(rec), "; "), approveLine(rec))
		}
		return errBlocked
	}
	if len(rec.NotRun) > 0 {
		a.say("not computed, for a stage before them was blocked: %s\n\trun the partition again for them", strings.Join(rec.NotRun, ", "))
	}
	return nil
}

// notJudged says loudly which gates were overruled that could not judge at all.
func (a *app) notJudged(done *penstock.Approved) {
	told := map[string]bool{}
	for _, ap := range done.Approvals {
		name := ap.Stage + "/" + ap.Gate
		if ap.Verdict == pipeline.ErrorVerdict && !told[name] {
			told[name] = true
			fmt.Fprintf(a.stderr, "WARNING: gate %s could not be evaluated: nobody knows whether the data is good, and you have accepted it unjudged\n", name)
		}
	}
}
