package report

import (
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
)

// maxMarkdown is how many bytes of Markdown are written: what a comment on GitHub holds.
const maxMarkdown = 65000

// maxTable is how many gates a table has.
const maxTable = 100

// Markdown writes the records for a pull request: a headline, a table of gates, and, folded
// away, what there is to say of those that did not pass. Of several partitions there is a
// table first; gates that passed are then not listed. What would be more than a comment
// holds is left out, and said to be.
func Markdown(w io.Writer, records []*pipeline.RunRecord) error {
	m := &markdown{}
	if len(records) > 1 {
		m.overview(records)
	}
	for _, rec := range records {
		if len(records) == 1 || statusGrade(rec.Status) != gradePassed || len(troubled(rec)) > 0 {
			m.run(rec, len(records) == 1)
		}
	}
	if m.left > 0 {
		fmt.Fprintf(&m.b, "\n%s left out: a comment holds no more.\n", figures.Plural(int64(m.left), "part was", "parts were"))
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// markdown is written piece by piece, so that what does not fit is left out whole.
type markdown struct {
	b    strings.Builder
	left int
}

func (m *markdown) put(piece string) {
	if m.b.Len()+len(piece) > maxMarkdown {
		m.left++
		return
	}
	m.b.WriteString(piece)
}

// troubled are the findings that are no plain pass, the worst first.
func troubled(rec *pipeline.RunRecord) []pipeline.Finding {
	var found []pipeline.Finding
	for _, f := range worstFirst(rec.Gates) {
		if g := gradeOf(f); g != gradePassed && g != gradeSkipped {
			found = append(found, f)
		}
	}
	return found
}

func (m *markdown) overview(records []*pipeline.RunRecord) {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s: %s\n\n", escape(records[0].Pipeline), statusCounts(records))
	b.WriteString("| | Partition | Gates | Rows in | Rows out | Quarantined | Took |\n|---|---|---|--:|--:|--:|--:|\n")
	for _, rec := range records {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", statusText(rec), escape(rec.Partition), gateCounts(rec.Gates),
			figures.Count(rec.RowsIn), figures.Count(rec.RowsOut), figures.Count(rec.RowsQuarantined), Seconds(rec.Seconds))
	}
	m.put(b.String() + "\n")
}

// statusCounts is how the runs ended, in words: "6 published, 1 blocked".
func statusCounts(records []*pipeline.RunRecord) string {
	n := map[pipeline.Status]int{}
	for _, rec := range records {
		n[rec.Status]++
	}
	parts := []string{figures.Plural(int64(len(records)), "partition", "partitions")}
	for _, s := range []pipeline.Status{
		pipeline.Failed, pipeline.Blocked, pipeline.Cancelled, pipeline.Running, pipeline.Published, pipeline.Unchanged,
	} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

func statusText(rec *pipeline.RunRecord) string {
	return statusGrade(rec.Status).icon() + " " + string(rec.Status)
}

func (m *markdown) run(rec *pipeline.RunRecord, all bool) {
	found := worstFirst(rec.Gates)
	if !all {
		found = troubled(rec)
	}
	m.put(runHead(rec))
	if rec.Error != "" {
		m.put("<pre>" + preformatted(rec.Error) + "</pre>\n\n")
	}
	if len(found) > 0 {
		m.put(gateTable(found))
	}
	for _, f := range troubled(rec) {
		m.put(folded(rec, f))
	}
}

func runHead(rec *pipeline.RunRecord) string {
	facts := []string{
		figures.Plural(rec.RowsIn, "row", "rows") + " in", figures.Count(rec.RowsOut) + " out", figures.Count(rec.RowsQuarantined) + " quarantined",
		"took " + Seconds(rec.Seconds),
	}
	for _, f := range [][2]string{{"run", rec.Run}, {"by", rec.Actor}, {"commit", short(rec.Commit)}} {
		if f[1] != "" {
			facts = append(facts, f[0]+" "+escape(f[1]))
		}
	}
	lines := []string{strings.Join(facts, " · ")}
	if counts := gateCounts(rec.Gates); counts != "" {
		lines = append(lines, "Gates: "+counts)
	}
	for _, o := range Outcome(rec) {
		lines = append(lines, escape(o))
	}
	return fmt.Sprintf("### %s %s %s: %s\n\n%s\n\n", statusGrade(rec.Status).icon(), escape(rec.Pipeline),
		escape(rec.Partition), rec.Status, strings.Join(lines, "  \n"))
}

// short is a commit as people name it.
func short(commit string) string {
	hash, rest, dirty := strings.Cut(commit, "-")
	if hash = hash[:min(len(hash), 12)]; dirty {
		return hash + "-" + rest
	}
	return hash
}

func gateTable(found []pipeline.Finding) string {
	var b strings.Builder
	b.WriteString("| | Gate | Observed | Expected | Decided by |\n|---|---|---|---|---|\n")
	for i, f := range found {
		if i == maxTable {
			fmt.Fprintf(&b, "\nand %s more\n", figures.Plural(int64(len(found)-i), "gate", "gates"))
			break
		}
		fmt.Fprintf(&b, "| %s %s | %s / **%s** | %s | %s | %s |\n", gradeOf(f).icon(), verdictText(f), escape(f.Stage), escape(f.Name),
			escape(f.Observed), escape(f.Expected), escape(strings.TrimPrefix(DecidedBy(f), "decided by: ")))
	}
	return b.String() + "\n"
}

// folded is what there is to say of a finding, under a line that opens it.
func folded(rec *pipeline.RunRecord, f pipeline.Finding) string {
	place := ""
	if f.At.File != "" {
		place = oneLine(f.At.String()) + "\n"
	}
	lines := append([]string{oneLine(f.Rule)}, Lines(rec, f)...)
	return fmt.Sprintf("<details><summary>%s %s: <code>%s / %s</code></summary>\n\n<pre>%s%s</pre>\n\n</details>\n\n", gradeOf(f).icon(),
		verdictText(f), preformatted(oneLine(f.Stage)), preformatted(oneLine(f.Name)), preformatted(place), preformatted(strings.Join(lines, "\n")))
}

// preformatted is a text for an element of HTML that takes it as it is; GitHub looks for no
// names, links or issues in there.
func preformatted(s string) string { return html.EscapeString(visible(s, true)) }

// escape is a text on one line of Markdown that is only itself: no markup, no link, no
// name that would be told, no issue that would be linked to.
func escape(s string) string {
	var b strings.Builder
	s = oneLine(s)
	for i, r := range s {
		rest := s[i+utf8.RuneLen(r):]
		switch {
		case strings.ContainsRune("\\`*_[]<>|~&$!", r), r == ':' && strings.HasPrefix(rest, "/"),
			r == '.' && strings.HasSuffix(strings.ToLower(s[:i]), "www"):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '@', r == '#':
			b.WriteRune(r)
			b.WriteString("&#8203;") // a space of no width: GitHub looks after markup is gone
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
