package night

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/totals"
)

// The widths of a line of text: what is asked for, but no less than the least.
const (
	usualWidth = 80
	leastWidth = 60
)

// Text writes the night for a terminal of so many letters a line; 0 is 80. It has no colours.
func Text(w io.Writer, n *Night, width int) error {
	if width <= 0 {
		width = usualWidth
	}
	t := &text{n: n, width: max(width, leastWidth)}
	t.head()
	t.sides()
	t.breaks()
	t.lists()
	t.trend()
	t.gates()
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	b     strings.Builder
	n     *Night
	width int
}

// line writes a line that is cut where the terminal ends.
func (t *text) line(format string, args ...any) {
	s := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	t.b.WriteString(fit(s, t.width) + "\n")
}

// wrapped writes a text on as many lines as it needs.
func (t *text) wrapped(indent, s string) {
	line := indent
	for _, word := range strings.Fields(oneLine(s)) {
		if letters(line)+1+letters(word) > t.width && strings.TrimSpace(line) != "" {
			t.line("%s", line)
			line = indent + "  "
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	t.line("%s", line)
}

func (t *text) head() {
	n := t.n
	title := oneLine(strings.TrimSpace(n.Pipeline + " " + n.Partition))
	if n.Run == "" && n.Dataset == "" {
		t.line("%s: %s", title, n.headline())
	} else {
		t.line("%s: %s, %s", title, n.Status, n.headline())
	}
	for _, w := range n.Why {
		t.wrapped("  ", w)
	}
	if n.Rests != "" && !slices.ContainsFunc(n.Why, func(w string) bool { return strings.Contains(w, n.Rests) }) {
		t.wrapped("  ", n.Rests)
	}
}

func (t *text) sides() {
	s := t.n.Sides
	if s == nil {
		t.line("")
		t.line("the totals of the sides are not on record")
		return
	}
	left, right := cut(s.Left.Name, 16), cut(s.Right.Name, 16)
	head := []string{"", left + " rows", right + " rows"}
	if s.Amount != "" {
		head = append(head, left+" "+cut(s.Amount, 12), right+" "+cut(s.Amount, 12))
	}
	table := [][]string{head}
	add := func(name string, l, r totals.Side) {
		row := []string{name, figures.Count(l.Rows), figures.Count(r.Rows)}
		if s.Amount != "" {
			row = append(row, amount(l.Total), amount(r.Total))
		}
		table = append(table, row)
	}
	for _, p := range s.Passes {
		add("matched by "+cut(p.Name, 16), p.Left, p.Right)
	}
	if len(s.Passes) == 0 {
		add("matched", s.Left.Matched, s.Right.Matched)
	}
	add("different", s.Left.Different, s.Right.Different)
	add("only there", s.Left.Alone, s.Right.Alone)
	add("all", s.Left.All, s.Right.All)
	t.line("")
	t.numbers(table)
	t.line("")
	t.wrapped("", s.MatchedText())
	t.wrapped("", s.BalanceText())
}

// MatchedText says in a sentence how much matched.
func (s *Sides) MatchedText() string {
	matched, all := s.MatchedRows()
	if all == 0 {
		return "matched: there are no rows on either side"
	}
	text := fmt.Sprintf("matched: %s of the rows", share(float64(matched)/float64(all)))
	if x, ok := s.MatchedAmount(); ok {
		text += fmt.Sprintf(", %s of %s", share(x), oneLine(s.Amount))
	}
	return text
}

// BalanceText says in a sentence whether the totals add up.
func (s *Sides) BalanceText() string {
	switch s.Balance {
	case Balanced:
		return "balance: what was read of both sides is what came out"
	case Unbalanced:
		return "balance: DOES NOT ADD UP: " + s.Gap
	}
	return "balance: what was read was not counted apart"
}

func (t *text) breaks() {
	c := t.n.Counts
	if c == nil || len(t.n.Causes) == 0 {
		if c != nil {
			t.line("")
			t.line("no breaks")
		}
		return
	}
	t.line("")
	if t.n.Dataset == "" {
		table := [][]string{{"breaks", "", "sum |delta|"}}
		for _, k := range t.n.Causes {
			table = append(table, []string{causeWord(k.Cause), figures.Count(k.Standing()), amount(k.Delta)})
		}
		table = append(table, []string{"all", figures.Count(c.Standing()), amount(c.Delta)})
		t.numbers(table)
		return
	}
	table := [][]string{{"breaks", "new", "reopened", "changed", "open", "accepted", "cleared", "sum |delta|"}}
	row := func(name string, c *Counts) {
		table = append(table, []string{name, some(c.New), some(c.Reopened), some(c.Changed), some(c.Open), some(c.Accepted), some(c.Cleared), amount(c.Delta)})
	}
	for i := range t.n.Causes {
		row(causeWord(t.n.Causes[i].Cause), &t.n.Causes[i].Counts)
	}
	row("all", c)
	t.numbers(table)
}

// nothing stands for 0 in a table.
const nothing = "·"

// some is a count; 0 does not catch the eye.
func some(n int64) string {
	if n == 0 {
		return nothing
	}
	return figures.Count(n)
}

// textShown is how many breaks of a list are shown as text.
const textShown = 10

func (t *text) lists() {
	n := t.n
	for _, l := range n.Lists() {
		if l.Total == 0 {
			continue
		}
		t.line("")
		age := ""
		if n.Dataset != "" {
			age = "age"
		}
		table := [][]string{{l.Title, "cause", "what", "delta", age, "values"}}
		shown := l.Breaks[:min(len(l.Breaks), textShown)]
		for _, b := range shown {
			note := values(b)
			if note == "" {
				note = noteText(b)
			} else if more := noteText(b); more != "" {
				note += "  " + more
			}
			table = append(table, []string{fit(cut(b.Key, 24), 24), causeWord(b.Cause), fit(cut(n.what(b), 18), 18), deltaText(b), ageText(b), note})
		}
		t.table("lllrrl", table)
		if more := l.Total - int64(len(shown)); more > 0 {
			t.line("and %s more", figures.Count(more))
		}
	}
}

// noteText says who has a break, and why it stands as it does.
func noteText(b *Break) string {
	var parts []string
	if b.Owner != "" {
		parts = append(parts, "@"+oneLine(b.Owner))
	}
	if b.Reason != "" {
		parts = append(parts, oneLine(b.Reason))
	}
	return strings.Join(parts, " ")
}

func (t *text) trend() {
	trends := t.n.trends()
	if len(t.n.Trend) < 2 || len(trends) == 0 {
		return
	}
	t.line("")
	t.line("%s, %s to %s", figures.Plural(int64(len(t.n.Trend)), "night", "nights"), oneLine(t.n.Trend[0].Partition), oneLine(t.n.Partition))
	var table [][]string
	for _, s := range trends {
		table = append(table, []string{s.Name, spark(s.Values), s.Last})
	}
	t.table("lll", table)
}

func (t *text) gates() {
	others := t.n.unsaid()
	if len(others) == 0 {
		return
	}
	t.line("")
	for _, g := range others {
		t.wrapped("", g.Text())
	}
}

// unsaid are the gates that Why does not name.
func (n *Night) unsaid() []Gate {
	return slices.DeleteFunc(slices.Clone(n.Gates), func(g Gate) bool { return slices.Contains(n.Why, g.Text()) })
}

// Text is a finding in a sentence.
func (g Gate) Text() string {
	verb := "warns"
	switch {
	case g.Approved != "":
		verb = "was overruled by " + g.Approved
	case g.Verdict == pipeline.ErrorVerdict:
		verb = "could not judge"
	case g.Blocks:
		verb = "blocked"
	}
	s := fmt.Sprintf("gate %q of stage %q %s: %s, %s expected", g.Name, g.Stage, verb, g.Observed, g.Expected)
	if g.At != "" {
		s = g.At + ": " + s
	}
	return s
}

// numbers writes a table whose first column names the rows, without columns in which there is
// nothing. What does not fit beside it goes into another table below: no number is cut.
func (t *text) numbers(table [][]string) {
	align := "l" + strings.Repeat("r", len(table[0])-1)
	widths := widthsOf(table)
	var part []int
	flush := func() {
		var some [][]string
		for _, row := range table {
			cells := []string{row[0]}
			for _, i := range part {
				cells = append(cells, row[i])
			}
			some = append(some, cells)
		}
		t.table(align[:1+len(part)], some)
		part = nil
	}
	wide := widths[0]
	for i := 1; i < len(align); i++ {
		if !slices.ContainsFunc(table[1:], func(row []string) bool { return row[i] != "" && row[i] != nothing }) {
			continue
		}
		if wide += 2 + widths[i]; wide > t.width && len(part) > 0 {
			flush()
			t.line("")
			wide = widths[0] + 2 + widths[i]
		}
		part = append(part, i)
	}
	flush()
}

func widthsOf(table [][]string) []int {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], letters(cell))
		}
	}
	return widths
}

// table writes rows in columns that are as wide as they need: l to the left, r to the right.
func (t *text) table(align string, table [][]string) {
	widths := widthsOf(table)
	for _, row := range table {
		var b strings.Builder
		for i, cell := range row {
			if widths[i] == 0 {
				continue
			}
			if b.Len() > 0 {
				b.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-letters(cell))
			if align[i] == 'r' {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString(cell)
		}
		t.line("%s", b.String())
	}
}

// letters is how many columns of a terminal a text takes.
func letters(s string) (n int) {
	for _, r := range s {
		n += columnsOfRune(r)
	}
	return n
}

// fit is a text in at most so many columns.
func fit(s string, most int) string {
	if letters(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += columnsOfRune(r); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// columnsOfRune is 2 of the wide letters of East Asia and of pictures, 0 of marks on the letter
// before.
func columnsOfRune(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide are the blocks that East Asian Width has as wide.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0xa4cf, 1}, {0xa960, 0xa97f, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1}},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1f9ff, 1}, {0x20000, 0x3fffd, 1}},
}

// NamedList is a list of the report with its title.
type NamedList struct {
	Title string
	List
}

// Lists are those of the report, in their order; the biggest are left out where they are the new ones.
func (n *Night) Lists() []NamedList {
	if n.Dataset == "" {
		return []NamedList{{"biggest", n.Biggest}}
	}
	all := []NamedList{{"new", n.New}, {fmt.Sprintf("open > %d days", n.AgedDays), n.Aged}, {"cleared", n.Cleared}}
	if n.Biggest.Total != n.New.Total {
		all = append(all, NamedList{"biggest", n.Biggest})
	}
	return all
}
