package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) gateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Find gates, and rehearse them before they block",
		Example: "  penstock gate suggest pipeline.yaml --stage clean\n" +
			"  penstock gate test pipeline.yaml\n" +
			"  penstock gate backtest pipeline.yaml --gate volume --from 2001-01 --to 2001-12",
		Args: a.unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.suggestCommand(), a.gateTestCommand(), a.gateBacktestCommand())
	return cmd
}

// addGates adds the flags that choose gates.
func addGates(flags *pflag.FlagSet, f *penstock.GateFilter) {
	flags.StringArrayVar(&f.Gates, "gate", nil, "only the gate of this `name`; may be repeated (default: all)")
	flags.StringVar(&f.Stage, "stage", "", "only gates of this stage")
}

func (a *app) gateTestCommand() *cobra.Command {
	var (
		f         pipelineFlags
		choice    penstock.GateFilter
		partition string
		strict    bool
	)
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Run gates on the made-up rows that stand beside them",
		Long: `Runs each gate on its fixtures, the rows below "tests", which it has to pass or to
fail. The sources are resolved for one partition, to know the columns; none of their
rows is read. A gate with severity warn is tested as if it blocked.

Exit status: 0 every gate did as it was to do, 1 some did not, 2 anything else.`,
		Example: "  penstock gate test pipeline.yaml --gate volume",
		Args:    arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := a.bind(cmd, args[0], &f, partition)
			if err != nil {
				return err
			}
			tests, err := penstock.TestGates(cmd.Context(), plan, choice)
			if err != nil {
				return err
			}
			if a.output == "json" {
				err = a.printJSON(map[string]any{"pipeline": plan.Pipeline.Name, "gates": tests})
			} else {
				a.showTests(tests, strict)
			}
			if err == nil && slices.ContainsFunc(tests, func(t penstock.GateTest) bool { return wentWrong(t, strict) }) {
				err = errBlocked
			}
			return err
		},
	}
	f.add(cmd.Flags())
	addGates(cmd.Flags(), &choice)
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "the partition whose columns there are (default: the first of the file)")
	cmd.Flags().BoolVar(&strict, "strict", false, "a gate that was never shown to fail is a failure too")
	return cmd
}

func wentWrong(t penstock.GateTest, strict bool) bool {
	return len(t.Wrong) > 0 || strict && !t.ShownToFail()
}

func (a *app) showTests(tests []penstock.GateTest, strict bool) {
	for _, t := range tests {
		gate := fmt.Sprintf("stage %q: gate %q", t.Stage, t.Gate)
		if len(t.Wrong) == 0 && (!strict || t.ShownToFail()) {
			a.print("%s: ok %d pass, %d fail\n", gate, t.Passed, t.Failed)
		}
		for _, w := range t.Wrong {
			did := map[bool]string{true: "passed; it was to fail", false: "failed; it was to pass"}[w.Fail]
			if w.Finding.Verdict == pipeline.InsufficientHistory {
				did = "had too little history; give its past"
			}
			a.print("%s: FAIL: fixture %q (%s) %s: %s, %s expected (%s)\n", gate, w.Fixture, w.At, did, w.Finding.Observed, w.Finding.Expected, w.Finding.Verdict)
			for _, d := range w.Finding.Detail {
				a.print("\t%s\n", d)
			}
		}
		a.showUnproven(t, gate, strict)
	}
	wrong, fixtures := 0, 0
	for _, t := range tests {
		fixtures += t.Passed + t.Failed + len(t.Wrong)
		if wentWrong(t, strict) {
			wrong++
		}
	}
	a.print("%s, %s: %d failed\n", plural(int64(len(tests)), "gate", "gates"), plural(int64(fixtures), "fixture", "fixtures"), wrong)
}

// showUnproven says of a gate that nothing shows it to fail; where that is wrong it is a
// result, else a note.
func (a *app) showUnproven(t penstock.GateTest, gate string, strict bool) {
	what := ""
	switch {
	case t.NeverFails:
		what = "can never fail, whatever the rows are"
	case !t.ShownToFail() && !slices.ContainsFunc(t.Wrong, func(w gates.WrongFixture) bool { return w.Fail }):
		what = "was never shown to fail"
	default:
		return
	}
	if t.At.File != "" {
		gate = t.At.String() + ": " + gate
	}
	if strict && !t.ShownToFail() {
		a.print("%s: FAIL: %s\n", gate, what)
		return
	}
	a.say("note: %s %s", gate, what)
}
