package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock"
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
			project, err := a.openWith(cmd.Context(), penstock.Options{
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

// parseExpiry reads a time from now on, like 48h or 7d, or a date, which is included.
func parseExpiry(text string) (after time.Duration, at time.Time, err error) {
	if text == "" {
		return 0, at, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return 0, day.AddDate(0, 0, 1), nil
	}
	after, ok := parseSpan(text)
	if !ok || after <= 0 {
		return 0, at, usage("--expires %q is neither a time to come nor a date", text).With("write it like 48h, 7d or 2026-12-01")
	}
	return after, at, nil
}

// maxDays bounds a span of days.
const maxDays = 36500

// parseSpan reads a duration as Go writes it, or days: 7d.
func parseSpan(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0 && n <= maxDays
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// span is a flag for times as people write them.
type span time.Duration

func (s *span) Set(text string) error {
	d, ok := parseSpan(text)
	if !ok {
		return fmt.Errorf("%q is not a time; write it like 48h or 7d", text)
	}
	*s = span(d)
	return nil
}

func (s *span) Type() string { return "time" }

func (s *span) String() string {
	d := time.Duration(*s)
	if day := 24 * time.Hour; d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
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
		for _, o := range rec.Outputs {
			a.print("published %s: version %d, %s\n", o.Path, o.Version, plural(o.Rows, "row", "rows"))
		}
	}
	a.notJudged(done)
	if len(done.Awaiting) > 0 {
		for _, f := range done.Awaiting {
			fmt.Fprintf(a.stderr, "%s\n\tapproval awaited: nothing was published\n\t%s\n", findingText(rec, f), approveLine(rec))
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

func approvalText(ap pipeline.Approval) string {
	text := fmt.Sprintf("%s/%s (%s)", ap.Stage, ap.Gate, ap.Verdict)
	if !ap.Expires.IsZero() {
		text += " until " + ap.Expires.Local().Format(time.DateTime)
	}
	return text
}

// showApproval prints who let a partition through in spite of a gate, and why.
func (a *app) showApproval(indent string, ap *pipeline.Approval) {
	if ap != nil {
		a.print("%sapproved by %s on %s: %s\n", indent, ap.Actor, ap.At.Local().Format(time.DateTime), oneLine(ap.Reason))
	}
}

// oneLine keeps a text that somebody gave from looking like several lines of ours.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// approveLine is the command that overrules whatever blocks a run still.
func approveLine(rec *pipeline.RunRecord) string {
	var gates strings.Builder
	for _, f := range rec.Gates {
		if f.Blocks() && f.Approved == nil {
			gates.WriteString(" --gate " + quoted(gateName(rec, f)))
		}
	}
	return fmt.Sprintf("`penstock approve %s%s --reason …` publishes it as it is", rec.Run, gates.String())
}

// gateName names a gate as shortly as the run allows.
func gateName(rec *pipeline.RunRecord, f pipeline.Finding) string {
	for _, g := range rec.Gates {
		if g.Name == f.Name && g.Stage != f.Stage {
			return f.Stage + "/" + f.Name
		}
	}
	return f.Name
}

// quoted is a word as a shell takes it.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./", r)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// heldText says how the gates that blocked a run can be overruled, while they can be.
func heldText(project *penstock.Project, rec *pipeline.RunRecord) []string {
	held := project.Held(rec)
	switch {
	case rec.Error != "":
		return []string{rec.Error}
	case len(held) == 0 || len(held) < len(rec.Held):
		return nil
	}
	until := held[0].Until
	for _, h := range held {
		if h.Until.Before(until) {
			until = h.Until
		}
	}
	return []string{fmt.Sprintf("held until %s: %s", until.Local().Format("2006-01-02 15:04"), approveLine(rec))}
}

// showHeld prints what waits for a decision, and what was decided.
func (a *app) showHeld(project *penstock.Project, rec *pipeline.RunRecord) {
	for _, h := range project.Held(rec) {
		a.print("  held    %s: %s, until %s\n", h.Path, plural(h.Rows, "row", "rows"), h.Until.Local().Format(time.DateTime))
	}
	for _, ap := range rec.Approvals {
		a.print("  approved %s of %s@%s by %s on %s: %s\n", approvalText(ap), ap.Dataset, ap.Partition, ap.Actor,
			ap.At.Local().Format(time.DateTime), oneLine(ap.Reason))
	}
	if len(rec.NotRun) > 0 {
		a.print("  not run %s\n", strings.Join(rec.NotRun, ", "))
	}
}

// statusText is how a run ended, and whether it waits for a decision or was decided.
func statusText(project *penstock.Project, rec *pipeline.RunRecord) string {
	switch {
	case len(project.Held(rec)) > 0:
		return string(rec.Status) + ", held"
	case len(rec.Approvals) > 0 && rec.Status != pipeline.Blocked:
		return string(rec.Status) + ", approved"
	}
	return string(rec.Status)
}
