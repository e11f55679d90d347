package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
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
		text += fmt.Sprintf(", %s of %s read", figures.Count(f.GroupsRead), figures.Plural(f.Groups, "row group", "row groups"))
	}
	if f.BytesRead > 0 {
		text += fmt.Sprintf(" (%s)", Bytes(f.BytesRead))
	}
	if f.RowsTested > 0 {
		text += ", " + figures.Plural(f.RowsTested, "row", "rows") + " tested"
	}
	return text
}

// failedLines says what the headline does not: how many rows were null.
func failedLines(f pipeline.Finding) []string {
	if f.RowsNull == 0 {
		return nil
	}
	return []string{figures.Plural(f.RowsNull, "row", "rows") + " null, beside those tested"}
}

// Outcome says what a run did to its outputs, a line each. Of a run that failed its error
// says it.
func Outcome(rec *pipeline.RunRecord) []string {
	var lines []string
	for _, o := range rec.Outputs {
		what := fmt.Sprintf("version %d, %s", o.Version, figures.Plural(o.Rows, "row", "rows"))
		switch rec.Status {
		case pipeline.Blocked:
			lines = append(lines, fmt.Sprintf("%s was published as a record: %s", oneLine(o.Path), what))
		case pipeline.Unchanged:
			lines = append(lines, fmt.Sprintf("unchanged: %s %s", oneLine(o.Path), what))
		default:
			lines = append(lines, fmt.Sprintf("published %s %s", oneLine(o.Path), what))
		}
	}
	switch {
	case rec.Status == pipeline.Blocked && len(lines) == 0:
		return []string{"nothing was published"}
	case rec.Status == pipeline.Blocked:
		return append(lines, "nothing else was published")
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
