package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/figures"
)

// Bytes is a size as people read it.
func Bytes(n int64) string {
	switch {
	case n < 10<<10:
		return figures.Plural(n, "byte", "bytes")
	case n < 10<<20:
		return figures.Count(n>>10) + " KiB"
	}
	return figures.Count(n>>20) + " MiB"
}

// Seconds is a duration as people read it: 1m20.31s.
func Seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Millisecond).String()
}

// Share is n of total in percent, as people read it.
func Share(n, total int64) string { return share(n, total) }

// Number writes a value to five digits that count.
func Number(x float64) string { return number(x) }

// share is n of total in percent, to two digits that count; what is not all is never
// written as 100%, and what is not none never as 0%.
func share(n, total int64) string {
	if total <= 0 {
		return ""
	}
	percent := 100 * float64(n) / float64(total)
	text := strconv.FormatFloat(percent, 'f', decimals(percent), 64)
	switch {
	case n > 0 && n < total && percent < 0.001:
		return "less than 0.001%"
	case n < total && strings.TrimRight(text, "0") == "100." || n < total && text == "100":
		return "more than 99.9%"
	}
	return text + "%"
}

// decimals is how many digits behind the point a number of this size has.
func decimals(x float64) int {
	switch x = math.Abs(x); {
	case x == 0 || x >= 10:
		return 0
	case x >= 1:
		return 1
	case x >= 0.1:
		return 2
	default:
		return 3
	}
}

// number writes a value to five digits that count: 0.012346, 254,000, 1.2e+12.
func number(x float64) string {
	size := math.Abs(x)
	if size != 0 && (size < 1e-4 || size >= 1e12) || math.IsNaN(x) || math.IsInf(x, 0) {
		return strconv.FormatFloat(x, 'g', 4, 64)
	}
	if x == math.Trunc(x) {
		return figures.Thousands(strconv.FormatFloat(x, 'f', -1, 64))
	}
	digits := 4 - int(math.Floor(math.Log10(size)))
	text := strconv.FormatFloat(x, 'f', max(digits, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return figures.Thousands(text)
}
