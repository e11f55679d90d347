package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
)

func (a *app) gateBacktestCommand() *cobra.Command {
	var (
		f    pipelineFlags
		o    penstock.BacktestOptions
		stop string
	)
	cmd := &cobra.Command{
		Use:   "backtest FILE",
		Short: "Judge gates, as they are in the file, on partitions that were published",
		Long: `Judges each gate on the partitions that are published, as of when they were. What
their manifests have stored is not computed again; rows are read only where that does
not say enough. Nothing is written.

With --stop it also says which threshold would have stopped that share of them.

Exit status: 0 whatever the gates say, 2 if they could not be asked.`,
		Example: "  penstock gate backtest pipeline.yaml --gate volume --from 2001-01 --to 2001-12\n" +
			"  penstock gate backtest pipeline.yaml --gate volume --stop 5%",
		Args: arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if stop != "" {
				share, err := parseShare(stop)
				if err != nil {
					return err
				}
				o.Stop = &share
			}
			project, pl, err := a.load(cmd, args[0], &f, nil)
			if err != nil {
				return err
			}
			defer project.Close()
			b, err := project.Backtest(cmd.Context(), pl, o)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(b)
			}
			told := map[string]bool{} // notes of a stage are said once
			for i, g := range b.Gates {
				if i > 0 {
					a.print("\n")
				}
				a.showBacktest(g)
				for _, note := range g.Notes {
					if !told[g.Stage+": "+note] {
						a.print("note: %s\n", note)
					}
					told[g.Stage+": "+note] = true
				}
			}
			return nil
		},
	}
	f.add(cmd.Flags())
	addGates(cmd.Flags(), &o.GateFilter)
	cmd.Flags().StringVar(&o.From, "from", "", "the first partition (default: the first that is published)")
	cmd.Flags().StringVar(&o.To, "to", "", "the last one, included (default: the last that is published)")
	cmd.Flags().StringVar(&stop, "stop", "", "a `share` of the partitions, like 5%: which threshold would have stopped it?")
	return cmd
}

func parseShare(text string) (float64, error) {
	num, percent := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share >= 0 && share <= 1) {
		return 0, usage("--stop %q: expected a share of the partitions, like 5%%", text)
	}
	return share, nil
}

// showBacktest prints what one gate says.
func (a *app) showBacktest(g penstock.BacktestGate) {
	a.print("stage %q: gate %q: %s\n", g.Stage, g.Gate, g.Rule)
	rows := [][]string{{"PARTITION", "OBSERVED", "VERDICT", "MARGIN", "DECIDED BY", "ROWS READ"}}
	for _, p := range g.Partitions {
		observed, decided, read := p.Finding.Observed, p.Finding.DecidedBy, count(p.RowsRead)
		if p.Error != "" {
			observed, decided, read = "not judged", "-", "-"
		}
		rows = append(rows, []string{p.Partition, observed, string(p.Verdict), margin(g, p), decided, read})
	}
	a.print("%s", table("lllrlr", rows))
	for _, p := range g.Partitions {
		if p.Error != "" {
			a.print("%s: %s\n", p.Partition, strings.ReplaceAll(p.Error, "\n", "\n\t"))
		}
	}
	n := plural(int64(len(g.Partitions)), "partition", "partitions")
	a.print("would have stopped %d of %s%s\n", len(g.Stopped), n, listed(g.Stopped))
	if len(g.Warned) > 0 {
		a.print("would have warned of %d%s\n", len(g.Warned), listed(g.Warned))
	}
	if len(g.NotJudged) > 0 {
		a.print("could not judge %d, which stops a run too%s\n", len(g.NotJudged), listed(g.NotJudged))
	}
	if s := g.StopAt; s != nil {
		a.print("to stop at most %s, %d of %d: %s would have stopped %d%s\n", percentText(s.Share), s.Most, s.Of, s.Limit, len(s.Partitions), listed(s.Partitions))
	}
}

func listed(partitions []string) string {
	if len(partitions) == 0 {
		return ""
	}
	return ": " + strings.Join(partitions, ", ")
}

// margin is how far a partition was from the limit.
func margin(g penstock.BacktestGate, p penstock.BacktestPartition) string {
	if p.Margin == nil {
		return "-"
	}
	v := *p.Margin
	switch {
	case strings.HasSuffix(g.Limit, "%"):
		return fmt.Sprintf("%+.3g%%", v*100)
	case v == math.Trunc(v) && math.Abs(v) < 1<<53 && v >= 0:
		return "+" + count(int64(v))
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return count(int64(v))
	}
	return fmt.Sprintf("%+.6g", v)
}

func percentText(share float64) string { return strconv.FormatFloat(share*100, 'g', 6, 64) + "%" }
