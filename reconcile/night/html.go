package night

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/reconcile/totals"
	"github.com/penstock-data/penstock/reconcile/words"
)

//go:embed page.css
var pageStyle string

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"line": oneLine, "lines": visibleLines, "count": figures.Count, "amount": amount, "cause": causeWord, "values": values, "delta": deltaText,
		"age": ageText, "note": noteText, "moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"what": func(n *Night, b *Break) string { return n.what(b) }, "said": said, "sides": func(s *Sides) []Totals { return []Totals{s.Left, s.Right} },
		"rowShare": rowShare, "amountShare": amountShare, "balance": balanceBadge, "totals": totalRows, "table": countTable, "charts": charts,
		"headline": (*Night).headline, "unsaid": (*Night).unsaid, "heading": heading, "stateClass": stateClass, "sideName": sideName, "len64": func(p []Point) int64 { return int64(len(p)) },
	}).Parse(pageText))
})

// HTML writes the night as one page that needs nothing else: no script, no font, no picture.
func HTML(w io.Writer, n *Night) error {
	var b bytes.Buffer
	err := pageTemplate().Execute(&b, struct {
		N     *Night
		Style template.CSS
	}{n, template.CSS(pageStyle)})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func visibleLines(s string) string {
	var all []string
	for line := range strings.SplitSeq(s, "\n") {
		all = append(all, visible(strings.ReplaceAll(line, "\t", "    ")))
	}
	return strings.Join(all, "\n")
}

// said reports whether what the numbers rest on is among the reasons already.
func said(n *Night) bool {
	return slices.ContainsFunc(n.Why, func(w string) bool { return strings.Contains(w, n.Rests) })
}

func rowShare(s *Sides) string {
	matched, all := s.MatchedRows()
	if all == 0 {
		return ""
	}
	return share(float64(matched) / float64(all))
}

func amountShare(s *Sides) string {
	if x, ok := s.MatchedAmount(); ok {
		return share(x)
	}
	return ""
}

// badge is a word with its letter and class.
type badge struct {
	Icon, Word, Class string
	N                 int64
}

func balanceBadge(s *Sides) badge {
	switch s.Balance {
	case Balanced:
		return badge{Icon: "✓", Class: "calm", Word: s.BalanceText()}
	case Unbalanced:
		return badge{Icon: "✗", Class: "look", Word: s.BalanceText()}
	}
	return badge{Icon: "–", Class: "quiet", Word: s.BalanceText()}
}

// totalRow is a row of the table of both sides.
type totalRow struct {
	Name        string
	Left, Right totals.Side
}

func totalRows(s *Sides) []totalRow {
	var all []totalRow
	for _, p := range s.Passes {
		all = append(all, totalRow{"matched by " + p.Name, p.Left, p.Right})
	}
	if len(all) == 0 {
		all = append(all, totalRow{"matched", s.Left.Matched, s.Right.Matched})
	}
	return append(all, totalRow{"different", s.Left.Different, s.Right.Different}, totalRow{"only there", s.Left.Alone, s.Right.Alone},
		totalRow{"all", s.Left.All, s.Right.All})
}

// countsRow is a row of a table of counts.
type countsRow struct {
	Name, Unit string
	Counts     *Counts
	All        bool
	Strip      []badge
	Rest       int64 // how much shorter the strip is than the longest
}

// Cells are the counts in the order of the table.
func (r countsRow) Cells() []int64 {
	c := r.Counts
	return []int64{c.New, c.Reopened, c.Changed, c.Open, c.Accepted, c.Cleared}
}

type countsTable struct {
	Night *Night
	Head  string
	Rows  []countsRow
}

// countTable is the table of breaks by cause or by column.
func countTable(n *Night, by string) countsTable {
	t := countsTable{Night: n, Head: "Cause"}
	if by == "column" {
		t.Head = "Column"
		for i := range n.Columns {
			c := &n.Columns[i]
			name := c.Column
			if name == "" {
				name = "whole rows"
			}
			t.Rows = append(t.Rows, countsRow{Name: name, Unit: c.Unit, Counts: &c.Counts})
		}
	} else {
		for i := range n.Causes {
			t.Rows = append(t.Rows, countsRow{Name: causeWord(n.Causes[i].Cause), Counts: &n.Causes[i].Counts})
		}
	}
	var most int64
	for i := range t.Rows {
		most = max(most, t.Rows[i].strip())
	}
	for i := range t.Rows {
		for _, b := range t.Rows[i].Strip {
			t.Rows[i].Rest -= b.N
		}
		t.Rows[i].Rest += most
	}
	if by == "cause" {
		t.Rows = append(t.Rows, countsRow{Name: "all", Counts: n.Counts, All: true})
	}
	return t
}

// strip fills the row's strip, and gives how many breaks it stands for.
func (r *countsRow) strip() (total int64) {
	c := r.Counts
	for _, b := range []badge{
		{Class: words.New, N: c.New + c.Reopened},
		{Class: words.Changed, N: c.Changed},
		{Class: words.Open, N: c.Open},
		{Class: words.Accepted, N: c.Accepted},
		{Class: words.Cleared, N: c.Cleared},
	} {
		if total += b.N; b.N > 0 {
			r.Strip = append(r.Strip, b)
		}
	}
	return total
}

func stateClass(state string) string {
	if slices.Contains(words.States, state) {
		return state
	}
	return words.Open
}

func sideName(n *Night, i int) string {
	if n.Sides == nil {
		return []string{"left", "right"}[i]
	}
	return oneLine([]string{n.Sides.Left.Name, n.Sides.Right.Name}[i])
}

func heading(title string) string {
	switch title {
	case "new":
		return "New and reopened"
	case "cleared":
		return "Cleared this night"
	case "biggest":
		return "Biggest deltas"
	}
	return title
}

// chart is a trend as a figure.
type chart struct {
	series
	Chart template.HTML
}

// charts draws the trend; nothing of a single night.
func charts(n *Night) (all []chart) {
	if len(n.Trend) < 2 {
		return nil
	}
	for _, s := range n.trends() {
		all = append(all, chart{s, s.draw(n.Trend)})
	}
	return all
}

// Sizes of charts, in the units of their drawings; letters are about letterWidth wide.
const (
	chartWidth  = 340
	chartTop    = 12
	chartBottom = 84
	letterWidth = 6.1
)

// draw draws the values over the nights: shares and amounts as a line, counts as columns from nothing up.
func (s series) draw(nights []Point) template.HTML {
	low, high := bounds(s.Values)
	columns := strings.HasSuffix(s.Name, "breaks") && s.Name != "open breaks"
	if columns {
		low = 0
	}
	labels := [2]string{s.label(low, columns), s.label(high, columns)}
	left := letterWidth*float64(max(letters(labels[0]), letters(labels[1]))) + 12
	right := float64(chartWidth - 8)
	y := func(v float64) float64 {
		if high <= low {
			return (chartTop + chartBottom) / 2
		}
		return chartBottom - (chartBottom-chartTop)*(v-low)/(high-low)
	}
	step := (right - left) / float64(len(s.Values))
	x := func(i int) float64 { return left + step*(float64(i)+0.5) }
	var b strings.Builder
	guide := func(at float64, label string) {
		fmt.Fprintf(&b, `<line class="guide" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text text-anchor="end" x="%.1f" y="%.1f">%s</text>`,
			left, at, right, at, left-6, at+3.5, template.HTMLEscapeString(label))
	}
	if high > low {
		guide(chartTop, labels[1])
	}
	guide(y(low), labels[0])
	if columns {
		s.columns(&b, nights, x, y, step)
	} else {
		s.line(&b, nights, x, y)
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="100">%s</text><text text-anchor="end" x="%.1f" y="100">%s</text>`,
		left, template.HTMLEscapeString(cut(nights[0].Partition, 20)), right, template.HTMLEscapeString(cut(nights[len(nights)-1].Partition, 20)))
	title := fmt.Sprintf("%s over %d nights: least %s, greatest %s, now %s", s.Name, len(nights), labels[0], labels[1], s.Last)
	return template.HTML(fmt.Sprintf(`<svg class="chart" role="img" aria-label="%s" viewBox="0 0 %d 106">%s</svg>`, template.HTMLEscapeString(title), chartWidth, b.String()))
}

// maxLabel is how many letters a value on the axis has.
const maxLabel = 11

// label is the text of a value on the axis.
func (s series) label(v float64, columns bool) string {
	for i, have := range s.Values {
		switch {
		case have != v:
		case letters(s.Texts[i]) > maxLabel:
			return strconv.FormatFloat(v, 'g', 4, 64)
		default:
			return s.Texts[i]
		}
	}
	if columns {
		return "0"
	}
	return ""
}

func (s series) columns(b *strings.Builder, nights []Point, x func(int) float64, y func(float64) float64, step float64) {
	for i, v := range s.Values {
		if !(v > 0) {
			continue
		}
		class := "column"
		if i == len(s.Values)-1 {
			class = "column last"
		}
		width := min(step*0.72, 26)
		top := min(y(v), chartBottom-1)
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5">%s</rect>`,
			class, x(i)-width/2, top, width, chartBottom-top, s.title(nights, i))
	}
}

// line draws the values that are on record; where one is missing the line is cut.
func (s series) line(b *strings.Builder, nights []Point, x func(int) float64, y func(float64) float64) {
	var run []int
	flush := func() {
		var points []string
		for _, i := range run {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(s.Values[i])))
		}
		if len(run) > 1 {
			fmt.Fprintf(b, `<polygon class="area" points="%.1f,%d %s %.1f,%d"/><polyline class="trend" points="%s"/>`,
				x(run[0]), chartBottom, strings.Join(points, " "), x(run[len(run)-1]), chartBottom, strings.Join(points, " "))
		}
		run = nil
	}
	for i, v := range s.Values {
		if math.IsNaN(v) { // not on record
			flush()
			continue
		}
		run = append(run, i)
	}
	flush()
	for i, v := range s.Values {
		if math.IsNaN(v) {
			continue
		}
		class, radius := "point", 1.8
		if i == len(s.Values)-1 {
			class, radius = "now", 4
		}
		fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="%.1f">%s</circle>`, class, x(i), y(v), radius, s.title(nights, i))
	}
}

func (s series) title(nights []Point, i int) string {
	return "<title>" + template.HTMLEscapeString(oneLine(nights[i].Partition)+": "+s.Texts[i]) + "</title>"
}
