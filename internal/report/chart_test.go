package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// Every drawing is well-formed and has no coordinate that is no number, whatever it is of.
func TestChartsAreDrawn(t *testing.T) {
	extremes := [][]float64{{0}, {0, 0}, {1, 2, 3}, {-1e300, 1e300}, {math.MaxFloat64, -math.MaxFloat64}, {math.NaN(), 1}, {math.Inf(1), 0, math.Inf(-1)}, {5e-324, 0}}
	for _, values := range extremes {
		for _, now := range []*float64{nil, number64(1), number64(math.NaN())} {
			m := pipeline.Measure{Metric: hostile, Number: now, Past: past(values...)}
			for i := range values {
				m.Bins = append(m.Bins, pipeline.Bin{Low: values[i], High: values[min(i+1, len(values)-1)], Count: int64(i)})
			}
			for _, svg := range []string{string(trendChart(m, hostile)), string(binsChart(m)), string(sparkChart(m))} {
				wellFormed(t, svg)
			}
			spark(trend(m)) // it does not panic
		}
	}
	for _, m := range rich().Measures {
		wellFormed(t, string(trendChart(m, "now")))
		wellFormed(t, string(binsChart(m)))
	}
	wellFormed(t, string(heatChart(months(60))))
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v: %s", err, svg)
		}
		start, _ := tok.(xml.StartElement)
		for _, a := range start.Attr {
			if a.Name.Local != "aria-label" && (strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf")) {
				t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
}

// The least value is drawn lowest, the greatest highest, and order is kept.
func TestUnitKeepsOrder(t *testing.T) {
	values := []float64{-1e308, -3, 0, 1e-9, 2, 1e308}
	low, high := bounds(values)
	last := -1.0
	for _, v := range values {
		u := unit(v, low, high)
		if u < last || u < 0 || u > 1 {
			t.Errorf("unit(%g) is %g, after %g", v, u, last)
		}
		last = u
	}
	if unit(low, low, high) != 0 || unit(high, low, high) != 1 {
		t.Error("the ends are not at the ends")
	}
}

// Columns of bins with different widths have areas that are to each other like counts.
func TestDensities(t *testing.T) {
	bins := []pipeline.Bin{{Low: 0, High: 1, Count: 10}, {Low: 1, High: 5, Count: 10}, {Low: 5, High: 7, Count: 40}}
	heights, most, even := densities(bins)
	if even || most != heights[2] {
		t.Errorf("even %v, most %g of %v", even, most, heights)
	}
	for i, b := range bins {
		area := heights[i] * (b.High - b.Low)
		if ratio := area / float64(b.Count); math.Abs(ratio-4) > 1e-9 {
			t.Errorf("bin %d: %g of area for each row, want 4", i, ratio)
		}
	}
}
