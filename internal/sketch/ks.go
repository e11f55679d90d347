package sketch

import "math"

// KolmogorovSmirnov is the greatest distance between the distributions of two states, the share
// of values up to x in one less that in the other, over all x: an estimate, and bounds, which are
// certain. It is NaN if one of them has no values.
func KolmogorovSmirnov(a, b *Quantiles) (d, low, high float64) {
	if a.count == 0 || b.count == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	for _, keys := range [][]uint64{a.ends(), b.ends()} {
		for _, k := range keys {
			ae, al, ah := a.share(k)
			be, bl, bh := b.share(k)
			d = max(d, math.Abs(ae-be))
			low = max(low, al-bh, bl-ah)
			high = max(high, ah-bl, bh-al)
		}
	}
	return d, low, high
}

func (s *Quantiles) share(k uint64) (estimate, low, high float64) {
	e, l, h := s.rank(k)
	n := float64(s.count)
	return float64(e) / n, float64(l) / n, float64(h) / n
}

// ends are the keys at which what is known of ranks changes.
func (s *Quantiles) ends() []uint64 {
	keys := []uint64{s.min, s.max}
	for _, st := range s.steps() {
		keys = append(keys, st.key)
	}
	return keys
}
