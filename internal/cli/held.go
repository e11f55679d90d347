package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func approvalText(ap pipeline.Approval) string {
	text := fmt.Sprintf("%s/%s (%s)", ap.Stage, ap.Gate, ap.Verdict)
	if !ap.Expires.IsZero() {
		text += " until " + ap.Expires.Local().Format(time.DateTime)
	}
	return text
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
	died, _ := project.Died(rec)
	switch {
	case died:
		return string(rec.Status) + ", died"
	case len(project.Held(rec)) > 0:
		return string(rec.Status) + ", held"
	case len(rec.Approvals) > 0 && rec.Status != pipeline.Blocked:
		return string(rec.Status) + ", approved"
	}
	return string(rec.Status)
}
