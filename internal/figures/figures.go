// Package figures writes numbers as people read them.
package figures

import (
	"strconv"
	"strings"
)

// Count writes a number with its thousands apart: 508,239.
func Count(n int64) string { return Thousands(strconv.FormatInt(n, 10)) }

// Thousands sets the digits before the point of a decimal number apart.
func Thousands(s string) string {
	whole, fraction, point := strings.Cut(s, ".")
	start := 1
	if strings.HasPrefix(whole, "-") {
		start = 2
	}
	for i := len(whole) - 3; i >= start; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		return whole + "." + fraction
	}
	return whole
}

// Plural writes a number and what it counts.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}
