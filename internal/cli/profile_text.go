package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/profile"
)

const (
	// widest is how many characters a line has where the terminal does not say.
	widest = 100
	// maxNameWidth is how many of them a column's name takes.
	maxNameWidth = 28
	// maxValueWidth is how many a value takes.
	maxValueWidth = 24
	// maxTop is how many frequent values are shown.
	maxTop = 5
	// maxCodes is up to how many distinct numbers and times may be codes, whose frequent
	// values say something.
	maxCodes = 10
)

// lineWidth is how many characters fit on a line of stdout.
func (a *app) lineWidth() int {
	if n := a.width(); n > 0 {
		return min(max(n, 40), 140)
	}
	return widest
}

// profileText is a profile as people read it.
func (a *app) profileText(p *profile.Profile) string {
	t := &profileWriter{width: a.lineWidth(), color: a.colors(), name: 6, kind: 4, nulls: 5, distinct: 8}
	t.head(p)
	for i := range p.Columns {
		t.measure(&p.Columns[i])
	}
	t.columnHead()
	for i := range p.Columns {
		t.column(&p.Columns[i])
	}
	t.foot(p)
	return t.b.String()
}

// colors reports whether stdout is a terminal that may have colours.
func (a *app) colors() bool {
	f, ok := a.stdout.(*os.File)
	if a.noColor || !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// profileWriter writes a table of columns with details below each.
type profileWriter struct {
	b                           strings.Builder
	width                       int
	color                       bool
	name, kind, nulls, distinct int // widths
}

func (t *profileWriter) style(code, text string) string {
	if !t.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (t *profileWriter) head(p *profile.Profile) {
	parts := []string{
		plural(p.Rows, "row", "rows"), plural(int64(len(p.Columns)), "column", "columns"),
		plural(int64(p.Files), "file", "files"), report.Bytes(p.Bytes),
	}
	if len(p.Partitions) > 1 {
		parts = append(parts, plural(int64(len(p.Partitions)), "partition", "partitions"))
	}
	fmt.Fprintf(&t.b, "%s: %s, read in %s\n", t.style("1", p.Name), strings.Join(parts, ", "), seconds(p.Seconds))
	switch {
	case p.Duplicates == nil:
		fmt.Fprintf(&t.b, "duplicate rows: %s\n", p.DuplicatesNote)
	case *p.Duplicates == 0:
		t.b.WriteString("no duplicate rows\n")
	default:
		fmt.Fprintf(&t.b, "%s (%s)\n", plural(*p.Duplicates, "duplicate row", "duplicate rows"), report.Share(*p.Duplicates, p.Rows))
	}
}

// measure makes room for a column.
func (t *profileWriter) measure(c *profile.Column) {
	t.name = min(max(t.name, len([]rune(c.Name))), maxNameWidth)
	t.kind = min(max(t.kind, len([]rune(c.Type))), maxNameWidth)
	t.nulls = max(t.nulls, len([]rune(nullText(c))))
	t.distinct = max(t.distinct, len([]rune(distinctText(c))))
}

func (t *profileWriter) columnHead() {
	fmt.Fprintf(&t.b, "\n%s\n", t.style("2", fmt.Sprintf("%-*s  %-*s  %*s  %*s", t.name, "COLUMN", t.kind, "TYPE", t.nulls, "NULLS", t.distinct, "DISTINCT")))
}

func (t *profileWriter) column(c *profile.Column) {
	name := fmt.Sprintf("%-*s", t.name, cutText(c.Name, maxNameWidth))
	line := fmt.Sprintf("  %-*s  %*s  %*s", t.kind, cutText(c.Type, maxNameWidth), t.nulls, nullText(c), t.distinct, distinctText(c))
	used := len([]rune(name + line))
	bars, label := barsOf(c)
	if bars != "" && used+2+len([]rune(bars)) <= t.width {
		line += "  " + t.style("36", bars)
		if used += 2 + len([]rune(bars)); label != "" && used+2+len([]rune(label)) <= t.width {
			line += "  " + t.style("2", label)
		}
	}
	t.b.WriteString(t.style("1", name) + strings.TrimRight(line, " ") + "\n")
	room := t.width - t.name - 2
	for _, l := range wrapParts(detailsOf(c, room), room) {
		t.b.WriteString(strings.Repeat(" ", t.name+2) + l + "\n")
	}
}

// wrapParts puts texts into lines of up to width characters; one that is longer is cut.
func wrapParts(parts []string, width int) (lines []string) {
	line := ""
	for _, part := range parts {
		part = cutText(part, max(width, 20))
		switch {
		case line == "":
			line = part
		case len([]rune(line))+2+len([]rune(part)) <= width:
			line += "; " + part
		default:
			lines, line = append(lines, line), part
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func cutText(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

func nullText(c *profile.Column) string {
	if c.Nulls == 0 {
		return "0"
	}
	return report.Share(c.Nulls, c.Rows)
}

func distinctText(c *profile.Column) string {
	switch d := c.Distinct; {
	case d == nil:
		return ""
	case d.Exact:
		return count(d.N)
	default:
		return "≈" + count(d.N)
	}
}

// barsOf draws how the values of a column are spread, and says from where to where if those
// are not all.
func barsOf(c *profile.Column) (bars, label string) {
	if len(c.Bins) == 0 {
		return "", ""
	}
	var counts []int64
	for _, b := range c.Bins {
		counts = append(counts, b.Rows)
	}
	low, high := c.Bins[0].Low, c.Bins[len(c.Bins)-1].High
	if n := c.Numbers; n != nil && (number64(n.Min.String()) < low || number64(n.Max.String()) > high) {
		label = fmt.Sprintf("%s to %s, the middle 98%%", report.Number(low), report.Number(high))
	}
	return "▕" + report.Bars(counts) + "▏", label
}

func number64(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64) // one that was written as a number
	return v
}

// detailsOf is what there is to say of a column beside the table.
func detailsOf(c *profile.Column, room int) (parts []string) {
	n := c.Rows - c.Nulls
	if n == 0 {
		return []string{"no value at all"}
	}
	switch c.Unique() {
	case profile.Unique:
		parts = append(parts, "unique")
	case profile.NearlyUnique:
		parts = append(parts, "≈ all distinct")
	}
	switch {
	case c.Numbers != nil:
		parts = append(parts, numberDetails(c.Numbers, n)...)
	case c.Times != nil:
		parts = append(parts, timeDetails(c.Times, n)...)
	case c.Bools != nil:
		return append(parts, "true "+shareOf(c.Bools.True, n), "false "+shareOf(c.Bools.False, n))
	case c.Texts != nil:
		parts = append(parts, textDetails(c.Texts, n)...)
	}
	if v := topText(c, n, room); v != "" {
		parts = append(parts, v)
	}
	return parts
}

// shareOf is a share, or 0%.
func shareOf(n, of int64) string {
	if n == 0 {
		return "0%"
	}
	return report.Share(n, of)
}

func numberDetails(n *profile.Numbers, of int64) (parts []string) {
	if n.Min != "" {
		parts = append(
			parts, fmt.Sprintf("%s to %s", spaced(n.Min.String()), spaced(n.Max.String())),
			fmt.Sprintf("mean %s ± %s", report.Number(n.Mean), report.Number(n.Stddev)),
		)
		q := n.Quantiles
		text := fmt.Sprintf("1%% %s, quartiles %s | %s | %s, 99%% %s", report.Number(q[0]), report.Number(q[1]), report.Number(q[2]), report.Number(q[3]), report.Number(q[4]))
		if n.RankError > 0 {
			text += fmt.Sprintf(" (ranks ±%s)", percent(n.RankError))
		}
		parts = append(parts, text)
	}
	for _, s := range []struct {
		n    int64
		what string
	}{{n.Zeros, "zero"}, {n.Negatives, "negative"}, {n.NaN, "NaN"}, {n.Infinite, "infinite"}} {
		if s.n > 0 {
			parts = append(parts, report.Share(s.n, of)+" "+s.what)
		}
	}
	return parts
}

// percent is a small share.
func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 2, 64) + "%"
}

// spaced writes a number as it is, with its thousands apart if it is a whole one.
func spaced(text string) string {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return count(n)
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") {
		return report.Number(v)
	}
	return text
}

func timeDetails(t *profile.Times, of int64) []string {
	parts := []string{clock(t.Min) + " to " + clock(t.Max)}
	if t.Days >= 0 {
		days := plural(t.Days, "day", "days")
		switch {
		case t.Missing == 0:
			days += ", none missing"
		case len(t.Gaps) > 0:
			days += fmt.Sprintf(", %s missing: %s", count(t.Missing), strings.Join(t.Gaps, ", "))
			if t.Missing > int64(len(t.Gaps)) {
				days += ", …"
			}
		}
		parts = append(parts, days)
	}
	if t.Falls == 0 && of > 1 {
		parts = append(parts, "in order")
	}
	return parts
}

// clock is a time as people read it.
func clock(text string) string { return strings.TrimSuffix(strings.Replace(text, "T", " ", 1), ":00Z") }

func textDetails(t *profile.Texts, of int64) (parts []string) {
	if t.MinLength == t.MaxLength {
		parts = append(parts, plural(t.MaxLength, "character", "characters"))
	} else {
		parts = append(parts, fmt.Sprintf("%s to %s, mean %s", count(t.MinLength), plural(t.MaxLength, "character", "characters"), report.Number(roundTo(t.MeanLength))))
	}
	if t.Max != "" {
		parts = append(parts, shown(t.Min)+" to "+shown(t.Max))
	}
	for _, k := range t.Kinds {
		if 2*k.Rows > of-t.Empty {
			parts = append(parts, report.Share(k.Rows, of)+" "+k.Value)
		}
	}
	if t.Shape != "" {
		parts = append(parts, "like "+t.Shape)
	}
	if t.Empty > 0 {
		parts = append(parts, report.Share(t.Empty, of)+" empty")
	}
	if t.Blank > t.Empty {
		parts = append(parts, report.Share(t.Blank-t.Empty, of)+" blank")
	}
	return parts
}

func roundTo(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

// topText are the most frequent values with their shares, as many as there is room for.
func topText(c *profile.Column, of int64, room int) (text string) {
	if c.Unique() != profile.NotUnique || c.Texts == nil && (c.Distinct.N > maxCodes || of < 3*c.Distinct.N) {
		return ""
	}
	for i, v := range c.Values[:min(len(c.Values), maxTop)] {
		value := v.Value
		if c.Times != nil {
			value = clock(value)
		}
		next := shown(value) + " " + report.Share(v.Rows, of)
		if i > 0 {
			next = text + ", " + next
		}
		if len([]rune(next)) > room {
			return text
		}
		text = next
	}
	return text
}

// shown is a value on one line, quoted if it could be misread.
func shown(v string) string {
	v = cutText(v, maxValueWidth)
	if v == "" || strings.TrimSpace(v) != v || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(v)
	}
	return v
}

func (t *profileWriter) foot(p *profile.Profile) {
	var notes []string
	for _, c := range p.Correlations {
		if c.R > 0.9 || c.R < -0.9 {
			notes = append(notes, fmt.Sprintf("%s and %s go together: correlation %.3f", c.A, c.B, c.R))
		}
	}
	if p.CorrelationsNote != "" {
		notes = append(notes, "no correlations: "+p.CorrelationsNote)
	}
	if len(p.Withheld) > 0 {
		notes = append(notes, fmt.Sprintf("values of single rows withheld of %s; --show-values shows them", strings.Join(p.Withheld, ", ")))
	}
	if len(notes) > 0 {
		t.b.WriteString("\n")
	}
	for _, n := range notes {
		t.b.WriteString(n + "\n")
	}
}
