package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/pipeline"
)

// report prints how a run ended, for people.
func (a *app) report(rec *pipeline.RunRecord) {
	if rec.Status == pipeline.Failed || rec.Status == pipeline.Cancelled {
		return // the error says it
	}
	a.print("%s %s: %s in %s (run %s)\n", rec.Pipeline, rec.Partition, rec.Status, seconds(rec.Seconds), rec.Run)
	for _, s := range rec.Stages {
		aside := ""
		if put := s.RowsQuarantined - s.RowsKeptAside; put > 0 {
			aside = fmt.Sprintf(", %s quarantined", count(put))
		}
		if s.RowsKeptAside > 0 {
			aside += fmt.Sprintf(", %s kept in quarantine", count(s.RowsKeptAside))
		}
		if s.RowsFiltered > 0 {
			aside += fmt.Sprintf(", %s filtered", count(s.RowsFiltered))
		}
		aside += changed(s)
		a.print("  stage %-20s %s in, %s out%s\n", s.Name, plural(s.RowsIn, "row", "rows"), count(s.RowsOut), aside)
	}
	for _, o := range rec.Outputs {
		a.print("  output %-19s version %d, %s%s\n", o.Path, o.Version, plural(o.Rows, "row", "rows"), asRecord(rec))
		for _, q := range o.Quarantine {
			a.print("  quarantine %s\n", q)
		}
	}
	a.showUndone(rec)
	a.reportGates(rec)
}

// asRecord says of what a run published that it was blocked all the same.
func asRecord(rec *pipeline.RunRecord) string {
	if rec.Status == pipeline.Blocked {
		return ", published as a record"
	}
	return ""
}

// changed names the operators of a stage that give another number of rows by nature.
func changed(s pipeline.StageRecord) (text string) {
	for _, o := range s.Operators {
		if o.Rows == pipeline.RowsOther {
			text += fmt.Sprintf(", %s: %s → %s", o.Short(), count(o.RowsIn), count(o.RowsOut))
		}
	}
	return text
}

func (a *app) reportGates(rec *pipeline.RunRecord) {
	tally := map[pipeline.Verdict]int{}
	var order []pipeline.Verdict
	for _, f := range rec.Gates {
		if routine(f) {
			continue
		}
		if tally[f.Verdict]++; tally[f.Verdict] == 1 {
			order = append(order, f.Verdict)
		}
	}
	if len(order) == 0 {
		return
	}
	var parts []string
	for _, v := range order {
		parts = append(parts, fmt.Sprintf("%d %s", tally[v], v))
	}
	a.print("  gates: %s\n", strings.Join(parts, ", "))
	for _, f := range rec.Gates {
		if f.Approved != nil {
			a.print("    %s\n", strings.Join(found(rec, f), "\n      "))
		}
		if f.Verdict == pipeline.Warn {
			a.print("    warning: %s\n", report.Headline(rec.Partition, f))
		}
	}
}

// routine reports whether a finding is one that every stage has and that says nothing new.
func routine(f pipeline.Finding) bool {
	return f.Name == pipeline.Conservation && f.Verdict == pipeline.Pass
}

// found is a finding like an error: its first line, then what there is to say of it.
func found(rec *pipeline.RunRecord, f pipeline.Finding) []string {
	return append([]string{report.Headline(rec.Partition, f)}, report.Lines(rec, f)...)
}

// blocked tells of each gate that kept the partition back.
func (a *app) blocked(project *penstock.Project, pl *pipeline.Pipeline, rec *pipeline.RunRecord) {
	kept := append(keptBack(project, pl, rec), heldText(project, rec)...)
	for _, f := range rec.Gates {
		if !f.Blocks() || f.Approved != nil {
			continue
		}
		fmt.Fprintln(a.stderr, strings.Join(append(found(rec, f), kept...), "\n\t"))
	}
}

// keptBack says what readers see now.
func keptBack(project *penstock.Project, pl *pipeline.Pipeline, rec *pipeline.RunRecord) []string {
	lines := report.Outcome(rec)
	for _, s := range pl.Stages {
		if s.Output == nil || rec.StatusOf(path.Clean(s.Output.Path)) == pipeline.Published {
			continue
		}
		part, err := pl.Partitions.Parse(rec.Partition)
		if err != nil {
			continue
		}
		where := path.Join(s.Output.Path, part.Dir())
		m, err := project.Current(s.Output.Path, part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			lines = append(lines, where+" does not exist")
		case err != nil:
			lines = append(lines, err.Error())
		default:
			lines = append(lines, fmt.Sprintf("%s stays at version %d, %s",
				where, m.Version, plural(m.Rows, "row", "rows")))
		}
	}
	return lines
}
