package reconcile

import (
	"math"
	"strings"
)

func (b *binder) tolerances(what string, c Column, p *columnPair) {
	for _, option := range [][2]string{{"tolerance", c.Tolerance}, {"relative", c.Relative}} {
		if option[1] != "" && !p.isNumber() {
			b.fail("%s: %s is of numbers, and these are not; number: true reads them from texts", what, option[0])
		}
	}
	b.bound(what+": tolerance", c.Tolerance, p)
	if n, ok := share(c.Relative); c.Relative != "" {
		switch {
		case !ok || n.negative:
			b.fail("%s: relative: expected a number that is not negative, found %q", what, c.Relative)
		case n.float() >= 1: // anything is as near to 0 as that
			b.fail("%s: relative: expected a share of less than 1, or 100%%, found %q; 5%% is 0.05", what, c.Relative)
		}
	}
	if c.Round != nil && (!p.isNumber() || *c.Round < -18 || *c.Round > 18) {
		b.fail("%s: round is of numbers, to -18 to 18 places", what)
	}
	switch {
	case c.Seconds < 0 || math.IsNaN(c.Seconds) || math.IsInf(c.Seconds, 0):
		b.fail("%s: seconds: expected a number that is not negative, found %v", what, c.Seconds)
	case c.Seconds > 0 && !p.isMoment():
		b.fail("%s: seconds is of dates and times, and these are not; date reads them from texts", what)
	case c.Seconds > maxDays*86400:
		b.fail("%s: seconds: at most those of %d days, not %v", what, maxDays, c.Seconds)
	}
}

// bound is how far measures may be apart: a number that is not negative, and that the measure can
// have. Nil is no pair, of which it was said why.
func (b *binder) bound(what, text string, p *columnPair) {
	if text == "" {
		return
	}
	n, _, ok := parseNumber(text)
	if !ok || n.negative {
		b.fail("%s: expected a number that is not negative, found %q", what, text)
		return
	}
	switch {
	case p == nil || !p.measured():
		return
	case p.floats:
		if math.IsInf(n.float(), 0) {
			b.fail("%s: %s is more than a double holds", what, text)
		}
		return
	}
	if _, fits := n.floor(int(p.scale)).decimal(p.scale); !fits {
		b.fail("%s: %s is more than a decimal(38, %d) holds, in which column %s is compared", what, text, p.scale, p.name)
	}
}

// share reads "0.001" or "0.1%".
func share(text string) (number, bool) {
	rest, percent := strings.CutSuffix(text, "%")
	n, _, ok := parseNumber(strings.TrimSpace(rest))
	if percent && n.digits != "" {
		n.exp -= 2
	}
	return n, ok
}
