// Package report turns the records of runs into what people and other programs read:
// lines of text, JUnit XML, annotations of GitHub, Markdown, and a page of HTML. It
// opens no file and asks no clock; the same records give the same bytes. Whatever comes
// from data, files or people is escaped for where it goes.
package report

import (
	"io"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// A Writer writes a report of one run, or of several partitions of one pipeline, in the
// order they ran. Its error is that of the io.Writer.
type Writer func(io.Writer, []*pipeline.RunRecord) error

// Kinds are the reports that go to a file, by the names they are asked for with.
func Kinds() map[string]Writer {
	return map[string]Writer{"junit": JUnit, "html": HTML, "markdown": Markdown}
}

// grade is what a finding means for its partition, the worst first.
type grade int

const (
	gradeBlocked grade = iota
	gradeError
	gradeApproved // blocked, but somebody let it through
	gradeWarned
	gradeSkipped
	gradePassed
	grades // how many there are
)

// gradeOf gives the grade of a finding. What is approved of is never a pass.
func gradeOf(f pipeline.Finding) grade {
	switch {
	case f.Verdict == pipeline.Pass:
		return gradePassed
	case f.Approved != nil:
		return gradeApproved
	case f.Verdict == pipeline.ErrorVerdict:
		return gradeError
	case f.Blocks():
		return gradeBlocked
	case f.Verdict == pipeline.Skipped:
		return gradeSkipped
	default:
		return gradeWarned
	}
}

func (g grade) word() string {
	return [...]string{"blocked", "not judged", "approved", "warning", "skipped", "passed"}[g]
}

// icon is a letter that tells the grade where there is no colour.
func (g grade) icon() string { return [...]string{"✗", "!", "◆", "▲", "–", "✓"}[g] }

// class names the grade in style sheets.
func (g grade) class() string {
	return [...]string{"blocked", "error", "approved", "warned", "skipped", "passed"}[g]
}

// verdictText is the grade in a word, and the verdict where the word does not say it.
func verdictText(f pipeline.Finding) string {
	switch f.Verdict {
	case pipeline.NoData:
		return gradeOf(f).word() + ", no data"
	case pipeline.InsufficientHistory:
		return gradeOf(f).word() + ", too little history"
	}
	return gradeOf(f).word()
}

// worstFirst gives the findings by grade; those of one grade stay as they are.
func worstFirst(found []pipeline.Finding) []pipeline.Finding {
	sorted := slices.Clone(found)
	slices.SortStableFunc(sorted, func(a, b pipeline.Finding) int { return int(gradeOf(a)) - int(gradeOf(b)) })
	return sorted
}

// tally counts the findings of each grade.
func tally(found []pipeline.Finding) (n [grades]int) {
	for _, f := range found {
		n[gradeOf(f)]++
	}
	return n
}

// finished reports whether the run came to an end of its own, so that its gates count.
func finished(s pipeline.Status) bool {
	return s == pipeline.Published || s == pipeline.Unchanged || s == pipeline.Blocked
}

// statusGrade is the grade that a status is shown as.
func statusGrade(s pipeline.Status) grade {
	switch s {
	case pipeline.Published, pipeline.Unchanged:
		return gradePassed
	case pipeline.Blocked:
		return gradeBlocked
	case pipeline.Failed:
		return gradeError
	default:
		return gradeSkipped
	}
}
