package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// How much of a finding its lines tell; the record has more.
const (
	textSamples = 5
	textBlames  = 3
	textGroups  = 5
	textPast    = 4
)

// Headline is a finding in one line, like an error: where it stands in the pipeline
// file, stage, gate, what it did to the partition, what was observed and expected.
func Headline(partition string, f pipeline.Finding) string {
	place := ""
	if f.At.File != "" {
		place = oneLine(f.At.String()) + ": "
	}
	return fmt.Sprintf("%sstage %q: gate %q %s", place, f.Stage, f.Name, outcome(partition, f))
}

// outcome is what a headline says after the name of the gate.
func outcome(partition string, f pipeline.Finding) string {
	var verb string
	switch gradeOf(f) {
	case gradePassed:
		verb = "passes"
	case gradeApproved:
		verb = "was overruled for"
	case gradeError:
		verb = "could not judge"
	case gradeBlocked:
		verb = "blocked"
	case gradeSkipped:
		verb = "was skipped for"
	default:
		verb = "warns of"
	}
	return fmt.Sprintf("%s %s: %s, %s expected", verb, oneLine(partition), oneLine(f.Observed), oneLine(f.Expected))
}

// Lines are what there is to say of a finding after its headline, a line each, without
// indent: what decided it, how many rows failed, which files they come from, the first of
// them, the groups that failed, how it was on partitions before, and who approved.
func Lines(rec *pipeline.RunRecord, f pipeline.Finding) []string {
	lines := append([]string{DecidedBy(f)}, failedLines(f)...)
	for _, d := range f.Detail {
		for line := range strings.SplitSeq(d, "\n") {
			lines = append(lines, visible(line, true))
		}
	}
	lines = append(lines, blameLines(f)...)
	lines = append(lines, sampleLines(f, textSamples)...)
	lines = append(lines, groupLines(f)...)
	lines = append(lines, pastLines(rec, f)...)
	lines = append(lines, approvalLines(f.Approved)...)
	lines = append(lines, aboutLines(f)...)
	for i, line := range lines {
		lines[i] = noCommand(line)
	}
	return lines
}

// noCommand quotes a line that GitHub would obey: it looks at all that a step prints, behind
// any spaces.
func noCommand(line string) string {
	if text := strings.TrimSpace(line); strings.HasPrefix(text, "::") || strings.HasPrefix(text, "##[") {
		return strconv.Quote(text)
	}
	return line
}

// DecidedBy says which evidence decided a finding and what had to be read for it.
func DecidedBy(f pipeline.Finding) string {
	text := "decided by: " + f.DecidedBy
	if f.Groups > 0 {
		text += fmt.Sprintf(", %s of %s read", Count(f.GroupsRead), Plural(f.Groups, "row group", "row groups"))
	}
	if f.BytesRead > 0 {
		text += fmt.Sprintf(" (%s)", Bytes(f.BytesRead))
	}
	if f.RowsTested > 0 {
		text += ", " + Plural(f.RowsTested, "row", "rows") + " tested"
	}
	return text
}

// failedLines is the share of failed rows: of the rows tested, beside those that are null.
func failedLines(f pipeline.Finding) []string {
	if f.RowsFailed == 0 && f.RowsNull == 0 {
		return nil
	}
	text := fmt.Sprintf("%s of %s failed", Count(f.RowsFailed), Plural(f.RowsTested, "row", "rows"))
	if s := share(f.RowsFailed, f.RowsTested); s != "" {
		text += " (" + s + ")"
	}
	return []string{text + ", " + Count(f.RowsNull) + " null"}
}

func blameLines(f pipeline.Finding) []string {
	var lines []string
	for i, b := range f.Blame {
		if i == textBlames {
			return append(lines, fmt.Sprintf("and from %s more", Plural(int64(len(f.Blame)-i), "source", "sources")))
		}
		lines = append(lines, blameText(b))
	}
	return lines
}

// blameText is what one file or row group has to do with a failure.
func blameText(b pipeline.Blame) string {
	text := oneLine(b.Source)
	if s := share(b.Failed, b.Total); s != "" {
		text = fmt.Sprintf("%s of the failures (%s of %s) come from %s", s, Count(b.Failed), Count(b.Total), text)
	}
	if b.Without != "" {
		text += "; without it " + oneLine(b.Without)
		if b.Holds {
			text += ", and the gate would pass"
		}
	}
	return text
}

// sampleLines names the first rows that failed, and how many more there are.
func sampleLines(f pipeline.Finding, most int) []string {
	if len(f.Samples) == 0 {
		return nil
	}
	lines := []string{"rows that failed:"}
	var shown int64
	for _, s := range f.Samples[:min(most, len(f.Samples))] {
		lines = append(lines, "  "+sampleText(s))
		shown += max(s.Rows, 1)
	}
	if more := f.RowsFailed - shown; more > 0 {
		lines = append(lines, "  and "+Count(more)+" more")
	}
	return lines
}

// sampleText is a row by where it was and its key; its values are told if they are known.
func sampleText(s pipeline.RowSample) string {
	text := oneLine(s.Source)
	if s.Row >= 0 {
		text += fmt.Sprintf(", row %d", s.Row)
	}
	if len(s.Key) > 0 {
		text += ": " + cellsText(s.Key)
	}
	if s.Rows > 1 {
		text += ", " + Count(s.Rows) + " rows"
	}
	if len(s.Values) > 0 {
		text += " (" + cellsText(s.Values) + ")"
	}
	return strings.TrimPrefix(text, ": ")
}

func cellsText(cells []pipeline.Cell) string {
	var parts []string
	for _, c := range cells {
		parts = append(parts, oneLine(c.Column)+"="+value(c.Value))
	}
	return strings.Join(parts, ", ")
}

func groupLines(f pipeline.Finding) []string {
	if f.GroupsJudged == 0 && len(f.ByGroup) == 0 {
		return nil
	}
	lines := []string{groupsText(f)}
	for i, g := range f.ByGroup {
		if i == textGroups {
			return append(lines, fmt.Sprintf("  and %d more", len(f.ByGroup)-i))
		}
		lines = append(lines, fmt.Sprintf("  %s: %s, %s", oneLine(g.Group), g.Verdict, oneLine(g.Observed)))
	}
	return lines
}

func groupsText(f pipeline.Finding) string {
	return fmt.Sprintf("%s of %s failed", Count(f.GroupsFailed), Plural(f.GroupsJudged, "group", "groups"))
}

// measuresOf are the metrics a finding is about.
func measuresOf(rec *pipeline.RunRecord, f pipeline.Finding) []pipeline.Measure {
	var found []pipeline.Measure
	for _, name := range f.Measures {
		for _, m := range rec.Measures {
			if m.Stage == f.Stage && m.Metric == name {
				found = append(found, m)
			}
		}
	}
	return found
}

// pastLines says how the metrics of a finding were on the partitions before.
func pastLines(rec *pipeline.RunRecord, f pipeline.Finding) []string {
	var lines []string
	for _, m := range measuresOf(rec, f) {
		if len(m.Past) > 0 {
			lines = append(lines, pastText(m))
		}
	}
	return lines
}

func pastText(m pipeline.Measure) string {
	var parts []string
	for _, p := range m.Past[max(0, len(m.Past)-textPast):] {
		parts = append(parts, oneLine(p.Partition)+" "+number(p.Value))
	}
	return fmt.Sprintf("%s %s  before: %s; now %s", oneLine(m.Metric), spark(trend(m)), strings.Join(parts, ", "), measureText(m))
}

// measureText is the value of a metric, with its error where it is not exact.
func measureText(m pipeline.Measure) string {
	text := oneLine(m.Text)
	if text == "" && m.Number != nil {
		text = number(*m.Number)
	}
	if m.Error > 0 {
		text += " ± " + number(m.Error)
	}
	return text
}

func approvalLines(a *pipeline.Approval) []string {
	if a == nil {
		return nil
	}
	text := fmt.Sprintf("approved by %s on %s: %s", oneLine(a.Actor), moment(a.At), oneLine(a.Reason))
	if !a.Expires.IsZero() {
		text += ", until " + moment(a.Expires)
	}
	return []string{text}
}

// moment is a time as reports give it: in UTC, to the minute.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// aboutLines say what the gate is for and whom to ask.
func aboutLines(f pipeline.Finding) []string {
	var lines []string
	if f.Description != "" {
		lines = append(lines, "about: "+oneLine(f.Description))
	}
	if f.Owner != "" {
		lines = append(lines, "owner: "+oneLine(f.Owner))
	}
	return lines
}

// Outcome says what a run did to its outputs, a line each. Of a run that failed its error
// says it.
func Outcome(rec *pipeline.RunRecord) []string {
	if rec.Status == pipeline.Blocked {
		return []string{"nothing was published"}
	}
	var lines []string
	for _, o := range rec.Outputs {
		verb := "published"
		if rec.Status == pipeline.Unchanged {
			verb = "unchanged:"
		}
		lines = append(lines, fmt.Sprintf("%s %s version %d, %s", verb, oneLine(o.Path), o.Version, Plural(o.Rows, "row", "rows")))
	}
	return lines
}

// gateCounts is the tally in words: "1 blocked, 2 warnings, 9 passed".
func gateCounts(found []pipeline.Finding) string {
	var parts []string
	for g, n := range tally(found) {
		word := grade(g).word()
		if grade(g) == gradeWarned && n > 1 {
			word = "warnings"
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(parts, ", ")
}
