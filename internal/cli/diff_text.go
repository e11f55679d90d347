package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// showDiff prints how two versions differ: first the rows, then the rest, at last why.
func (a *app) showDiff(d *penstock.Diff, values bool) {
	a.print("%s\n", diffTitle(d))
	a.showDiffRows(d)
	a.showDiffColumns(d)
	for _, m := range d.Metrics {
		a.print("  metric   %s/%s: %s\n", m.Stage, oneLine(m.Metric), fromTo(m.Before, m.After))
	}
	for _, g := range d.Gates {
		if g.Before != g.After || g.FailedBefore != g.FailedAfter || !g.After.Passes() {
			a.print("  gate     %s/%s: %s\n", g.Stage, oneLine(g.Gate), gateChange(g))
		}
	}
	a.showCauses(d)
	if d.NoKey != "" && !values {
		a.sayNoKey(d)
		return
	}
	a.showDiffered("added", d.AddedRows, d.Rows.Added)
	a.showDiffered("removed", d.RemovedRows, d.Rows.Removed)
	a.showDiffered("changed", d.ChangedRows, d.Rows.Changed)
}

// sayNoKey says how to see which rows they are: their places alone tell nobody anything.
func (a *app) sayNoKey(d *penstock.Diff) {
	if !d.Same {
		a.say("rows are not listed, for no column names them: give --key, or --show-values")
	}
}

func diffTitle(d *penstock.Diff) string {
	verdict := "differ"
	switch {
	case d.Identical && d.Same:
		verdict = "the same in every byte"
	case d.Same && len(d.Only) > 0:
		verdict = "the same in what was compared, " + strings.Join(d.Only, ", ") + "; the other columns were not"
	case d.Same:
		verdict = "the same rows, in other files"
	}
	if d.Before.Partition == d.After.Partition {
		return fmt.Sprintf("%s@%s v%d → v%d: %s", d.Dataset, d.After.Partition, d.Before.Version, d.After.Version, verdict)
	}
	return fmt.Sprintf("%s %s v%d → %s v%d: %s", d.Dataset, d.Before.Partition, d.Before.Version, d.After.Partition, d.After.Version, verdict)
}

func (a *app) showDiffRows(d *penstock.Diff) {
	r := d.Rows
	a.print("  rows     %s → %s: %s added, %s removed, %s changed, %s the same\n",
		count(d.Before.Rows), count(d.After.Rows), count(r.Added), count(r.Removed), count(r.Changed), count(r.Same))
	if d.Same {
		return
	}
	if d.NoKey != "" {
		a.print("  key      none: %s; whole rows are compared, so none can be said to have changed\n", d.NoKey)
		return
	}
	a.print("  key      %s%s\n", strings.Join(d.Key, ", "), keyRemarks(r))
}

// keyRemarks says what does not hold of a key.
func keyRemarks(r penstock.DiffedRows) (text string) {
	if r.SharedKeys > 0 {
		text += fmt.Sprintf("; %s several of the rows that differ: taken in the order in which they lie", plural(r.SharedKeys, "key names", "keys name"))
	}
	if r.NullKeys > 0 {
		text += fmt.Sprintf("; null in %s of the rows that differ: taken for equal", count(r.NullKeys))
	}
	return text
}

func (a *app) showDiffColumns(d *penstock.Diff) {
	for _, c := range d.Columns {
		var what []string
		switch {
		case c.Before == "":
			what = append(what, "added, "+c.After)
		case c.After == "":
			what = append(what, "removed, was "+c.Before)
		case c.Before != c.After:
			what = append(what, c.Before+" → "+c.After)
		}
		if c.Uncompared {
			what = append(what, "not compared: no value of the one type is one of the other")
		}
		if c.Rows > 0 {
			what = append(what, fmt.Sprintf("changed in %s", plural(c.Rows, "row", "rows")))
		}
		if c.Why != nil && !d.Unexplained {
			what = append(what, whyText(c.Why))
		}
		a.print("  column   %s: %s\n", oneLine(c.Column), strings.Join(what, "; "))
	}
}

// whyText says what made a column other than it was, the nearest first.
func whyText(w *lineage.ColumnWhy) string {
	var parts []string
	if len(w.Before)+len(w.After) > 0 {
		parts = append(parts, "made otherwise: "+fromTo(stepsText(w.Before), stepsText(w.After)))
	}
	if len(w.From) > 0 {
		parts = append(parts, originsText(w.From))
	}
	if len(w.RowsBy) > 0 {
		parts = append(parts, "which rows there are, "+originsText(w.RowsBy))
	}
	switch {
	case w.Unknown != "":
		parts = append(parts, "what it comes from is not known: "+oneLine(w.Unknown))
	case w.Unexplained:
		parts = append(parts, "NOT EXPLAINED: it comes from no input that differs, and no code does")
	case len(parts) == 0 && len(w.Stages) > 0:
		parts = append(parts, "from no input that differs; other code of "+strings.Join(w.Stages, ", "))
	case len(parts) == 0:
		parts = append(parts, "from no input that differs")
	}
	return strings.Join(parts, "; ")
}

func stepsText(steps []pipeline.ColumnStep) string {
	var parts []string
	for _, s := range steps {
		parts = append(parts, s.Stage+": "+s.How)
	}
	return strings.Join(parts, ", ")
}

// originsText names the columns whose values it has or, where there are none, those that decide
// which it has.
func originsText(from []pipeline.ColumnOrigin) string {
	var direct, others []string
	for _, o := range from {
		text, to := o.Input+"."+oneLine(o.Column), &others
		if o.How.Direct() {
			to = &direct
		}
		if !slices.Contains(*to, text) {
			*to = append(*to, text)
		}
	}
	if len(direct) > 0 {
		return "from " + few(direct)
	}
	return "by " + few(others)
}

// few names the first of many things.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

func fromTo(before, after string) string {
	return fmt.Sprintf("%s → %s", oneLine(firstOf(before, "nothing")), oneLine(firstOf(after, "nothing")))
}

func gateChange(g penstock.DiffedGate) string {
	switch {
	case g.Before == "":
		return fmt.Sprintf("new, %s (%s)", g.After, oneLine(g.ObservedAfter))
	case g.After == "":
		return fmt.Sprintf("gone, was %s (%s)", g.Before, oneLine(g.ObservedBefore))
	case g.Before == g.After:
		return fmt.Sprintf("%s, as before (%s)", g.After, fromTo(g.ObservedBefore, g.ObservedAfter))
	}
	return fmt.Sprintf("%s → %s (%s)", g.Before, g.After, fromTo(g.ObservedBefore, g.ObservedAfter))
}

// showCauses prints what differs between what the versions were made of.
func (a *app) showCauses(d *penstock.Diff) {
	if len(d.Causes) > 0 {
		a.print("  because\n")
		a.showBecause(d.Causes, "    ")
	}
	if !d.Unexplained {
		return
	}
	a.print("  NOT REPRODUCIBLE: the data differs, and nothing that it was made of does: no input, no code, no parameter\n")
	for _, why := range d.Unsure {
		a.print("    %s\n", oneLine(why))
	}
	if len(d.Unsure) == 0 {
		a.print("    no stage says why; `penstock verify --rerun %s` computes it once more\n", quoted(d.Dataset+"@"+d.After.Partition))
	}
}

func (a *app) showBecause(causes []lineage.Cause, indent string) {
	for _, c := range causes {
		a.print("%s%s\n", indent, causeText(c))
		a.showBecause(c.Because, indent+"  ")
	}
}

func causeText(c lineage.Cause) string {
	text := causeWhat(c)
	if c.Note != "" {
		text += "; " + oneLine(c.Note)
	}
	if !c.Explains {
		text += " (explains no other data)"
	}
	return text
}

func causeWhat(c lineage.Cause) string {
	name := oneLine(c.Name)
	switch c.Kind {
	case lineage.CauseRollback:
		return fmt.Sprintf("rolled back: %s is as in %s again, after %s", name, c.After, c.Before)
	case lineage.CauseRelease:
		return fmt.Sprintf("%s: %s", name, firstOf(c.After, c.Before+" before"))
	case lineage.CauseFile:
		return fmt.Sprintf("input %s: %s %s", c.Input, name, digests(c.Before, c.After))
	case lineage.CauseVersion:
		return fmt.Sprintf("input %s: %s %s", c.Input, name, fromTo(c.Before, c.After))
	case lineage.CauseSource:
		return fmt.Sprintf("input %s is read otherwise: %s", c.Input, fromTo(c.Before, c.After))
	case lineage.CauseCode:
		return stageChange("stage "+name, "does something else", c)
	case lineage.CauseGates:
		return stageChange("gates of "+name, "are others", c)
	case lineage.CauseParameter:
		return fmt.Sprintf("parameter %s: %s", name, fromTo(c.Before, c.After))
	case lineage.CauseApproval:
		return fmt.Sprintf("approved gates: %s", fromTo(c.Before, c.After))
	case lineage.CauseCommit:
		return fmt.Sprintf("commit %s%s", fromTo(c.Before, c.After), commitRange(c))
	}
	return fmt.Sprintf("%s %s", c.Kind, fromTo(c.Before, c.After))
}

func stageChange(what, differs string, c lineage.Cause) string {
	switch {
	case c.Before == "":
		return what + ": new"
	case c.After == "":
		return what + ": gone"
	}
	return fmt.Sprintf("%s: %s (%s)", what, differs, fromTo(c.Before, c.After))
}

func digests(before, after string) string {
	switch {
	case before == "":
		return fmt.Sprintf("added (sha256 %.12s)", after)
	case after == "":
		return fmt.Sprintf("removed (sha256 %.12s)", before)
	}
	return fmt.Sprintf("changed (sha256 %.12s → %.12s)", before, after)
}

// commitRange is what git shows of two commits.
func commitRange(c lineage.Cause) string {
	before, _, _ := strings.Cut(c.Before, "+")
	after, _, _ := strings.Cut(c.After, "+")
	if before == "" || after == "" || before == after {
		return ""
	}
	return fmt.Sprintf("; `git log %.12s..%.12s`", before, after)
}

// showDiffered lists rows that differ.
func (a *app) showDiffered(what string, rows []penstock.DiffedRow, all int64) {
	for _, r := range rows {
		var parts []string
		if r.Rows > 1 {
			parts = append(parts, count(r.Rows)+" rows")
		}
		if len(r.Key) > 0 {
			parts = append(parts, cellsText(r.Key))
		} else {
			parts = append(parts, fmt.Sprintf("%s row %d", oneLine(r.File), r.Row))
		}
		switch {
		case len(r.Columns) > 0 && len(r.After) > 0:
			parts = append(parts, changesText(r))
		case len(r.Columns) > 0:
			parts = append(parts, "in "+oneLine(strings.Join(r.Columns, ", ")))
		default:
			parts = append(parts, cellsText(append(r.Before, r.After...)))
		}
		a.print("  %-8s %s\n", what, strings.TrimSpace(strings.Join(parts, "  ")))
	}
	var shown int64
	for _, r := range rows {
		shown += max(r.Rows, 1)
	}
	if len(rows) > 0 && shown < all {
		a.print("  %-8s and %s more; --limit lists more\n", what, count(all-shown))
	}
}

func cellsText(cells []pipeline.Cell) string {
	var parts []string
	for _, c := range cells {
		parts = append(parts, oneLine(c.Column)+"="+oneLine(c.Value))
	}
	return strings.Join(parts, " ")
}

func changesText(r penstock.DiffedRow) string {
	var parts []string
	for i, c := range r.After {
		parts = append(parts, fmt.Sprintf("%s: %s → %s", oneLine(c.Column), oneLine(r.Before[i].Value), oneLine(c.Value)))
	}
	return strings.Join(parts, ", ")
}
