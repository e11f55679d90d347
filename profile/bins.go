package profile

import (
	"math"

	"github.com/penstock-data/penstock/internal/sketch"
)

// maxBins is how many bins a profile has.
const maxBins = 24

// binsOf tells how values are spread: from the least to the greatest or, if some lie far
// out, between the quantiles of 1% and 99%. whole says that they have no fractions.
func binsOf(q *sketch.Quantiles, whole bool) (all []Bin) {
	low, high := q.Min(), q.Max()
	from, _, _ := q.Quantile(shares[0])
	to, _, _ := q.Quantile(shares[len(shares)-1])
	if from < to && (high-low)/3 > to-from {
		low, high = from, to
	}
	if !(low < high) || math.IsInf(high-low, 0) {
		return nil
	}
	n := maxBins
	if whole {
		n = int(min(float64(n), high-low+1))
	}
	before := rank(q, math.Nextafter(low, math.Inf(-1)))
	for i := range n {
		b := Bin{Low: edge(low, high, i, n, whole), High: edge(low, high, i+1, n, whole)}
		end := math.Nextafter(b.High, math.Inf(-1))
		if i == n-1 {
			b.High, end = high, high
		}
		upto := rank(q, end)
		b.Rows = max(0, upto-before)
		before = max(before, upto)
		all = append(all, b)
	}
	return all
}

// edge is where bin i of n begins. Whole numbers have edges that are whole.
func edge(low, high float64, i, n int, whole bool) float64 {
	if whole {
		return low + math.Round((high-low+1)*float64(i)/float64(n))
	}
	return low + (high-low)/float64(n)*float64(i) // in this order nothing overflows
}

// rank is how many values are at most x, about.
func rank(q *sketch.Quantiles, x float64) int64 {
	low, high := q.Rank(x)
	return (low + high) / 2
}
