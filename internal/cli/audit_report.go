package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage/audit"
)

// reportFlags are those of audit report.
type reportFlags struct {
	auditFlags
	from, to, output string
}

func (a *app) auditReportCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Say who ran what, when, with which data, judged how, overruled by whom and why",
		Long: `Lists the runs of a period, and the approvals, releases and rollbacks, with what was read and
made, by their digests; the verdicts that were no pass, who overruled them, why and until when.
It verifies the record first, and says what it found. --from and --to are dates or times, and
both are included; a date is that of this machine's clock.

Exit status: 0 the record holds, 1 it does not.`,
		Example: "  penstock audit report --from 2026-11-01 --to 2026-11-30 -o html > november.html",
		Args:    arguments(0, 0, "no arguments"),
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.auditReport(cmd, f) }
	f.add(cmd)
	cmd.Flags().StringVar(&f.from, "from", "", "the first `day` or time; default: the beginning")
	cmd.Flags().StringVar(&f.to, "to", "", "the last `day` or time; default: now")
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "how it is written: text, csv, json or html")
	return cmd
}

func (a *app) auditReport(cmd *cobra.Command, f reportFlags) error {
	if f.output == "jsonl" { // it is an object a line
		f.output = "json"
	}
	if outputs := []string{"text", "csv", "json", "html"}; !slices.Contains(outputs, f.output) {
		return usage("unknown output %q; known are text, csv, json, html", f.output)
	}
	from, to, err := f.period()
	if err != nil {
		return err
	}
	o, err := f.options()
	if err != nil {
		return err
	}
	dir, demands, err := a.audited()
	if err != nil {
		return err
	}
	l, err := penstock.ReportAudit(cmd.Context(), dir, from, to, demands, o)
	if err != nil {
		return err
	}
	if err := a.writeLedger(l, f.output); err != nil {
		return err
	}
	if !l.Verified.Holds() {
		if f.output != "text" {
			a.say("the record does not hold: %s", oneLine(l.Verified.Problems[0].String()))
		}
		return errBlocked
	}
	return nil
}

func (f *reportFlags) period() (from, to time.Time, err error) {
	if from, err = moment("--from", f.from, false); err != nil {
		return from, to, err
	}
	to, err = moment("--to", f.to, true)
	if err == nil && !to.IsZero() && to.Before(from) {
		err = usage("--to %s is before --from %s", f.to, f.from)
	}
	return from, to, err
}

func (a *app) writeLedger(l *audit.Ledger, output string) error {
	switch output {
	case "csv":
		return l.WriteCSV(a.stdout)
	case "json":
		return l.WriteJSON(a.stdout)
	case "html":
		return l.WriteHTML(a.stdout)
	}
	a.showLedger(l)
	return nil
}

// moment reads a date or a time; the end of a period is that of the day.
func moment(flag, text string, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		if end {
			day = day.AddDate(0, 0, 1).Add(-time.Nanosecond)
		}
		return day, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("%s %q is neither a date nor a time", flag, text).With("write it like 2026-11-01, 2026-11-01T08:30 or 2026-11-01T08:30:00Z")
}

func (a *app) showLedger(l *audit.Ledger) {
	for _, r := range l.Rows {
		a.print("%s  %-8s %s %s: %s, by %s (run %s, entry %d)\n", r.Time.Local().Format(time.DateTime), r.Act,
			r.Pipeline, r.Partition, r.Status, oneLine(r.Actor), r.Run, r.Entry)
		a.showLines("why", []string{r.Reason})
		if !r.Until.IsZero() {
			a.showLines("until", []string{r.Until.Local().Format(time.DateTime)})
		}
		a.showLines("judged", r.Verdicts)
		a.showLines("overridden", r.Overridden)
		a.showLines("error", []string{strings.SplitN(r.Error, "\n", 2)[0]})
		a.showLines("more", r.Details)
		a.showLines("read", r.Inputs)
		a.showLines("made", r.Outputs)
		a.showLines("code", r.Code)
		a.showLines("commit", []string{r.Commit})
		a.showLines("command", []string{r.Command})
	}
	if len(l.Rows) == 0 {
		a.print("nothing was done in this period\n")
	}
	a.print("\n%s, %s\n", l.Project, plural(int64(len(l.Rows)), "act", "acts"))
	a.showAudit(l.Verified, true)
}

func (a *app) showLines(name string, lines []string) {
	for _, line := range lines {
		if line != "" {
			a.print("  %-10s %s\n", name, oneLine(line))
		}
		name = ""
	}
}
