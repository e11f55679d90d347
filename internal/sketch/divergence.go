package sketch

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// paired gives the counts of two distributions in the order of their values, and the totals. It is
// not ok if a count is negative or a total zero.
func paired(a, b map[string]int64) (as, bs []float64, na, nb float64, ok bool) {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]int64{}
	}
	maps.Copy(all, b)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if a[k] < 0 || b[k] < 0 {
			return nil, nil, 0, 0, false
		}
		if a[k] == 0 && b[k] == 0 {
			continue
		}
		as, bs = append(as, float64(a[k])), append(bs, float64(b[k]))
		na, nb = na+float64(a[k]), nb+float64(b[k])
	}
	return as, bs, na, nb, na > 0 && nb > 0
}

// ChiSquare is Pearson's test whether observed counts could have come from the shares that the
// reference has, taken as exact: the statistic Σ(o-e)²/e with e = n·share, the number of
// values less one as degrees of freedom, and p, the probability of a greater statistic. A
// value that the reference lacks makes it infinite and p 0. It is NaN if there are no counts
// or negative ones.
func ChiSquare(observed, reference map[string]int64) (stat, df, p float64) {
	os, rs, no, nr, ok := paired(observed, reference)
	if !ok {
		return math.NaN(), math.NaN(), math.NaN()
	}
	for i, o := range os {
		e := no * (rs[i] / nr)
		stat += (o - e) * (o - e) / e
	}
	df = float64(len(os) - 1)
	return stat, df, chiSquareP(stat, df)
}

// ChiSquareTwo is Pearson's test whether both counts could have come from the same distribution,
// both being samples: that of independence in the table of two rows. A value that one lacks
// is in order. It is NaN if there are no counts or negative ones.
func ChiSquareTwo(a, b map[string]int64) (stat, df, p float64) {
	as, bs, na, nb, ok := paired(a, b)
	if !ok {
		return math.NaN(), math.NaN(), math.NaN()
	}
	for i := range as {
		share := (as[i] + bs[i]) / (na + nb)
		ea, eb := na*share, nb*share
		stat += (as[i]-ea)*(as[i]-ea)/ea + (bs[i]-eb)*(bs[i]-eb)/eb
	}
	df = float64(len(as) - 1)
	return stat, df, chiSquareP(stat, df)
}

// chiSquareP gives the probability of a greater statistic.
func chiSquareP(stat, df float64) float64 {
	switch {
	case stat != stat || df < 0:
		return math.NaN()
	case stat == 0 || df == 0:
		return 1
	case math.IsInf(stat, 1):
		return 0
	}
	return mathext.GammaIncRegComp(df/2, stat/2)
}

// smoothing is what is added to each count before shares are compared by their quotient, so that
// a value that one lacks does not make it infinite.
const smoothing = 0.5

// smoothed gives shares: (count + 1/2)/(n + k/2) of k values that either has.
func smoothed(counts []float64, n float64) []float64 {
	shares := make([]float64, len(counts))
	for i, c := range counts {
		shares[i] = (c + smoothing) / (n + smoothing*float64(len(counts)))
	}
	return shares
}

// KL is the divergence of Kullback and Leibler of observed counts from a reference, Σ p·ln(p/q),
// in nats. The shares are (count + 1/2)/(n + k/2) of the k values that either has. It is
// NaN if there are no counts or negative ones.
func KL(observed, reference map[string]int64) float64 {
	os, rs, no, nr, ok := paired(observed, reference)
	if !ok {
		return math.NaN()
	}
	q, sum := smoothed(rs, nr), 0.0
	for i, p := range smoothed(os, no) {
		sum += p * math.Log(p/q[i])
	}
	return max(0, sum)
}

// PSI is the population stability index of two distributions, Σ (p-q)·ln(p/q), with shares as in
// KL. Below 0.1 is commonly taken for stable, above 0.25 for changed.
func PSI(a, b map[string]int64) float64 { return Jeffreys(a, b) }

// Jeffreys is the symmetric divergence KL(a, b) + KL(b, a), in nats; that is PSI.
func Jeffreys(a, b map[string]int64) float64 {
	as, bs, na, nb, ok := paired(a, b)
	if !ok {
		return math.NaN()
	}
	q, sum := smoothed(bs, nb), 0.0
	for i, p := range smoothed(as, na) {
		sum += (p - q[i]) * math.Log(p/q[i])
	}
	return sum
}

// LInfinity is the greatest difference of the shares of a value, without smoothing. It is NaN if
// there are no counts or negative ones.
func LInfinity(a, b map[string]int64) float64 {
	as, bs, na, nb, ok := paired(a, b)
	if !ok {
		return math.NaN()
	}
	d := 0.0
	for i := range as {
		d = max(d, math.Abs(as[i]/na-bs[i]/nb))
	}
	return d
}

// Entropy is Shannon's, -Σ p·ln p, in nats; NaN if there are no counts or negative ones.
func Entropy(counts map[string]int64) float64 {
	cs, _, n, _, ok := paired(counts, counts)
	if !ok {
		return math.NaN()
	}
	sum := 0.0
	for _, c := range cs {
		sum -= c / n * math.Log(c/n)
	}
	return sum + 0 // not -0
}
