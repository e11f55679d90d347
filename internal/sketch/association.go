package sketch

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// A Pair is a value of each of two columns.
type Pair [2]string

// cell is a pair's share, and those of its two values.
type cell struct{ both, row, column float64 }

// cells gives the pairs that came in order, their number, and those of the distinct values. It
// is not ok if a count is negative or all are zero.
func cells(counts map[Pair]int64) (all []cell, n float64, rows, columns int, ok bool) {
	inRow, inColumn := map[string]float64{}, map[string]float64{}
	order := slices.SortedFunc(maps.Keys(counts), func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, p := range order {
		c := float64(counts[p])
		if c < 0 {
			return nil, 0, 0, 0, false
		}
		if c > 0 {
			inRow[p[0]] += c
			inColumn[p[1]] += c
			n += c
		}
	}
	for _, p := range order {
		if c := float64(counts[p]); c > 0 {
			all = append(all, cell{c / n, inRow[p[0]] / n, inColumn[p[1]] / n})
		}
	}
	return all, n, len(inRow), len(inColumn), n > 0
}

// Independence is Pearson's test whether two columns are independent, of how often each pair of
// values came: the statistic n·(Σ p²/(p of row·p of column) - 1), the degrees of freedom
// (rows - 1)·(columns - 1), and p, the probability of a greater statistic. It is NaN if there are
// no counts or negative ones.
func Independence(counts map[Pair]int64) (stat, df, p float64) {
	all, n, rows, columns, ok := cells(counts)
	if !ok {
		return math.NaN(), math.NaN(), math.NaN()
	}
	sum := -1.0
	for _, c := range all {
		sum += c.both / c.row * (c.both / c.column)
	}
	stat, df = max(0, n*sum), float64(rows-1)*float64(columns-1)
	return stat, df, chiSquareP(stat, df)
}

// CramersV is how closely two columns are associated, from 0 to 1: √(χ²/n/(min(rows, columns) -
// 1)), without correction for bias. It is NaN if a column has less than two values, and as
// Independence is.
func CramersV(counts map[Pair]int64) float64 {
	_, n, rows, columns, _ := cells(counts)
	stat, _, _ := Independence(counts)
	least := min(rows, columns) - 1
	if least < 1 {
		return math.NaN()
	}
	return min(1, math.Sqrt(stat/n/float64(least)))
}

// MutualInformation is what a value of one column tells of the other, Σ p·ln(p/(p of row·p of
// column)), in nats; NaN as Independence is.
func MutualInformation(counts map[Pair]int64) float64 {
	all, _, _, _, ok := cells(counts)
	if !ok {
		return math.NaN()
	}
	sum := 0.0
	for _, c := range all {
		sum += c.both * math.Log(c.both/c.row/c.column)
	}
	return max(0, sum)
}
