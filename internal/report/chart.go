package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
)

// Sizes of charts, in the units of their drawings; letters are about letterWidth wide.
const (
	chartWidth  = 340
	letterWidth = 6.1
	maxPoints   = 90 // of a trend, the latest
	maxBars     = 10 // of texts
	maxLabel    = 24 // letters of a text
)

// drawing is an SVG being written. Colours are those of the page's style sheet, by class.
type drawing struct {
	b             strings.Builder
	width, height float64
}

func newDrawing(width, height float64) *drawing { return &drawing{width: width, height: height} }

// add writes an element with a title that is shown when it is pointed at.
func (d *drawing) add(element, title, format string, args ...any) {
	fmt.Fprintf(&d.b, "<%s "+format, append([]any{element}, args...)...)
	if title == "" {
		d.b.WriteString("/>")
		return
	}
	fmt.Fprintf(&d.b, "><title>%s</title></%s>", html.EscapeString(oneLine(title)), element)
}

func (d *drawing) rect(class, title string, x, y, width, height float64) {
	d.add("rect", title, `class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5"`, class, x, y, max(width, 0), max(height, 0))
}

func (d *drawing) dot(class, title string, x, y, radius float64) {
	d.add("circle", title, `class="%s" cx="%.1f" cy="%.1f" r="%.1f"`, class, x, y, radius)
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.add("line", "", `class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"`, class, x1, y1, x2, y2)
}

// text writes a text that starts, ends or has its middle at x: anchor is start, end or
// middle.
func (d *drawing) text(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(&d.b, `<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, class, anchor, x, y, html.EscapeString(oneLine(s)))
}

// svg is the drawing with a title that tells it to those who can't see it.
func (d *drawing) svg(class, title string) template.HTML {
	title = html.EscapeString(oneLine(title))
	return template.HTML(fmt.Sprintf(`<svg class="%s" role="img" aria-label="%s" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">%s</svg>`,
		class, title, d.width, d.height, d.width, d.height, d.b.String()))
}

// cutLabel shortens a text for a chart.
func cutLabel(s string) string {
	if r := []rune(oneLine(s)); len(r) > maxLabel {
		return string(r[:maxLabel-1]) + "…"
	}
	return oneLine(s)
}

// trendChart draws a metric over past partitions, the present one marked; nothing if there
// was none before.
func trendChart(m pipeline.Measure, partition string) template.HTML {
	past := m.Past[max(0, len(m.Past)-maxPoints):]
	if len(past) == 0 {
		return ""
	}
	m.Past = past
	values := trend(m)
	low, high := bounds(values)
	left := letterWidth*float64(max(len(number(low)), len(number(high)))) + 8
	const top, bottom, right = 10, 82, chartWidth - 10
	d := newDrawing(chartWidth, 104)
	at := func(i int) (x, y float64) {
		x = left + 6 + (right-left-12)*float64(i)/float64(max(len(values)-1, 1))
		return x, bottom - (bottom-top)*unit(values[i], low, high)
	}
	d.guides(left, right, top, bottom, low, high)
	d.path(len(values), at)
	for i, p := range past {
		x, y := at(i)
		d.dot("point", p.Partition+": "+number(p.Value), x, y, 2.2)
	}
	if m.Number != nil {
		x, y := at(len(past))
		d.dot("now", partition+": "+measureText(m), x, y, 4.5)
	}
	d.text("axis", "start", left, 99, past[0].Partition)
	last := partition
	if m.Number == nil {
		last = past[len(past)-1].Partition
	}
	d.text("axis", "end", right, 99, last)
	return d.svg("chart", fmt.Sprintf("%s over %s: least %s, greatest %s, now %s", m.Metric,
		figures.Plural(int64(len(values)), "partition", "partitions"), number(low), number(high), measureText(m)))
}

// guides draws where the greatest and least values are, and names them.
func (d *drawing) guides(left, right, top, bottom, low, high float64) {
	if low == high {
		d.line("guide", left, (top+bottom)/2, right, (top+bottom)/2)
		d.text("axis", "end", left-5, (top+bottom)/2+4, number(low))
		return
	}
	d.line("guide", left, top, right, top)
	d.line("guide", left, bottom, right, bottom)
	d.text("axis", "end", left-5, top+4, number(high))
	d.text("axis", "end", left-5, bottom+4, number(low))
}

// path draws a line through points.
func (d *drawing) path(n int, at func(int) (x, y float64)) {
	var points []string
	for i := range n {
		x, y := at(i)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	d.add("polyline", "", `class="trend" points="%s"`, strings.Join(points, " "))
}

// sparkChart is a trend as small as a word.
func sparkChart(m pipeline.Measure) template.HTML {
	values := trend(m)
	values = values[max(0, len(values)-maxPoints):]
	if len(values) < 2 {
		return ""
	}
	low, high := bounds(values)
	d := newDrawing(96, 20)
	at := func(i int) (x, y float64) {
		return 4 + 88*float64(i)/float64(len(values)-1), 16 - 12*unit(values[i], low, high)
	}
	d.path(len(values), at)
	x, y := at(len(values) - 1)
	d.dot("now", "", x, y, 3)
	return d.svg("spark", m.Metric+" over past partitions")
}

// binsChart draws the distribution of a metric's argument: of numbers as columns, of texts
// as bars; nothing if there is none.
func binsChart(m pipeline.Measure) template.HTML {
	var most, total int64
	texts := false
	for _, b := range m.Bins {
		most, total, texts = max(most, b.Count), total+b.Count, texts || b.Label != ""
	}
	switch {
	case most == 0:
		return ""
	case texts:
		return textBins(m, most)
	}
	return numberBins(m, total)
}

// numberBins draws columns over their numbers. Where bins are not of one width, it is the
// area of a column that stands for its count.
func numberBins(m pipeline.Measure, total int64) template.HTML {
	const top, bottom, left, right = 8, 72, 6, chartWidth - 6
	low, high := m.Bins[0].Low, m.Bins[len(m.Bins)-1].High
	heights, most, even := densities(m.Bins)
	d := newDrawing(chartWidth, 92)
	for i, b := range m.Bins {
		x1, x2 := unit(float64(i), 0, float64(len(m.Bins))), unit(float64(i+1), 0, float64(len(m.Bins)))
		if !even {
			x1, x2 = unit(b.Low, low, high), unit(b.High, low, high)
		}
		height := (bottom - top) * heights[i] / most
		if b.Count > 0 {
			height = max(height, 1)
		}
		title := fmt.Sprintf("%s to %s: %s (%s)", number(b.Low), number(b.High), figures.Count(b.Count), share(b.Count, total))
		d.rect("bar", title, left+(right-left)*x1+0.5, bottom-height, (right-left)*(x2-x1)-1, height)
	}
	d.line("guide", left, bottom, right, bottom)
	d.text("axis", "start", left, 88, number(low))
	d.text("axis", "end", right, 88, number(high))
	return d.svg("chart", fmt.Sprintf("distribution for %s: %s from %s to %s", m.Metric,
		figures.Plural(int64(len(m.Bins)), "bin", "bins"), number(low), number(high)))
}

// densities are the heights of columns, and the greatest of them. If all are of one width,
// or one has none, they are counts.
func densities(bins []pipeline.Bin) (heights []float64, most float64, even bool) {
	least, widest := math.Inf(1), 0.0
	for _, b := range bins {
		least, widest = min(least, b.High-b.Low), max(widest, b.High-b.Low)
	}
	even = !(least > 0) || widest-least < widest/100 || math.IsInf(widest, 0)
	for _, b := range bins {
		h := float64(b.Count)
		if !even {
			h /= (b.High - b.Low) / widest
		}
		heights, most = append(heights, h), max(most, h)
	}
	return heights, most, even
}

// textBins draws a bar for each text, the most frequent as wide as there is room.
func textBins(m pipeline.Measure, most int64) template.HTML {
	shown := m.Bins[:min(len(m.Bins), maxBars)]
	letters, digits := 0, 0
	for _, b := range shown {
		letters, digits = max(letters, len([]rune(cutLabel(named(b.Label))))), max(digits, len(figures.Count(b.Count)))
	}
	left, right := letterWidth*float64(letters)+8, chartWidth-letterWidth*float64(digits)-10
	d := newDrawing(chartWidth, 18*float64(len(shown))+4)
	for i, b := range shown {
		y := 18 * float64(i)
		width := max((right-left)*float64(b.Count)/float64(most), 1)
		d.text("label", "end", left-6, y+14, cutLabel(named(b.Label)))
		d.rect("bar", named(b.Label)+": "+figures.Count(b.Count), left, y+4, width, 13)
		d.text("axis", "start", left+width+5, y+14, figures.Count(b.Count))
	}
	return d.svg("chart", fmt.Sprintf("most frequent for %s: %s, %s times", m.Metric, named(shown[0].Label), figures.Count(shown[0].Count)))
}

// named is a text for people, who can't see an empty one.
func named(label string) string {
	if label == "" {
		return `""`
	}
	return label
}
