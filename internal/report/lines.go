package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
)

// How much of a finding its lines tell; the record has more.
const (
	textSamples = 5
	textBlames  = 3
	textGroups  = 5
	textPast    = 4
)

func blameLines(f pipeline.Finding) []string {
	var lines []string
	for i, b := range f.Blame {
		if i == textBlames {
			return append(lines, fmt.Sprintf("and from %s more", figures.Plural(int64(len(f.Blame)-i), "source", "sources")))
		}
		lines = append(lines, blameText(b))
	}
	return lines
}

// blameText is what one file or row group has to do with a failure.
func blameText(b pipeline.Blame) string {
	text := oneLine(b.Source)
	if s := share(b.Failed, b.Total); s != "" {
		text = fmt.Sprintf("%s of the failures (%s of %s) come from %s", s, figures.Count(b.Failed), figures.Count(b.Total), text)
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
		lines = append(lines, "  and "+figures.Count(more)+" more")
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
		text += ", " + figures.Count(s.Rows) + " rows"
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
	return fmt.Sprintf("%s of %s failed", figures.Count(f.GroupsFailed), figures.Plural(f.GroupsJudged, "group", "groups"))
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
