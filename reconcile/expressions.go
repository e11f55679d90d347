package reconcile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/reconcile/words"
)

// The expressions of SQL over a pair of rows. l and r stand before the names of the columns of the
// sides: "l." and "r.", where they are joined, or "l_" and "r_", of a table of pairs.

// measure is the measure of a column, as given.
func (p *columnPair) measureOf(i int, side string) string {
	switch {
	case p.feedsMeasure():
		return fmt.Sprintf("%sm%d", side, i)
	case p.kind == kindInt:
		return fmt.Sprintf("CAST(%sc%d AS DECIMAL(38, 0))", side, i)
	case p.kind == kindDate:
		return fmt.Sprintf("CAST(%sc%d - DATE '1970-01-01' AS DECIMAL(38, 0))", side, i)
	}
	return fmt.Sprintf("%sc%d", side, i)
}

// rounded is the measure as it is compared.
func (p *columnPair) roundedOf(i int, side string) string {
	switch {
	case p.round == nil:
		return p.measureOf(i, side)
	case p.kind == kindNumber:
		return fmt.Sprintf("%sq%d", side, i)
	}
	return fmt.Sprintf("%sc%d", side, i)
}

// tolerated says whether the measures a and b are near enough; empty if they must be equal.
func (c Column) tolerated(p *columnPair, a, b string) string {
	var parts []string
	both := fmt.Sprintf("greatest(abs(%s), abs(%s))", a, b)
	finite := ""
	if p.floats {
		finite = fmt.Sprintf("isfinite(%s) AND isfinite(%s) AND ", a, b)
	}
	if c.Tolerance != "" {
		parts = append(parts, finite+p.within(a, b, c.Tolerance))
	}
	if c.Relative != "" {
		n, _ := share(c.Relative) // Bind read it
		parts = append(parts, fmt.Sprintf("%sCAST(abs(%s - %s) AS DOUBLE) <= %s * CAST(%s AS DOUBLE)", finite, a, b, double(n.float()*(1+slack)), both))
	}
	if c.Seconds > 0 {
		apart := c.Seconds
		if p.days() {
			apart /= 86400
		}
		n, _ := ofFloat(apart, 64)
		parts = append(parts, p.within(a, b, n.String()))
	}
	if parts == nil {
		return ""
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// slack is what floats may be beyond a bound, relative to their size: 1.1 and 1.0 are 0.1 apart.
const slack = 1e-12

// within says that the measures are at most so far apart.
func (p *columnPair) within(a, b, bound string) string {
	n, _, _ := parseNumber(bound) // Bind read it
	if p.floats {
		return fmt.Sprintf("abs(%s - %s) <= %s + %s * greatest(abs(%[1]s), abs(%[2]s))", a, b, double(n.float()), double(slack))
	}
	return fmt.Sprintf("abs(%s - %s) <= CAST('%s' AS DECIMAL(38, %d))", a, b, n.floor(int(p.scale)), p.scale)
}

func double(v float64) string {
	return "CAST('" + strconv.FormatFloat(v, 'g', -1, 64) + "' AS DOUBLE)"
}

// differs says that a pair does not agree in a column.
func (p *plan) differs(i int, l, r string) string {
	c := p.cols[i]
	equal := fmt.Sprintf("%sc%d IS NOT DISTINCT FROM %sc%[2]d", l, i, r)
	if near := p.column(c).tolerated(c, c.roundedOf(i, l), c.roundedOf(i, r)); near != "" {
		equal = fmt.Sprintf("(%s OR coalesce(%s, false))", equal, near)
	}
	return "NOT (" + equal + ")"
}

// column is what Options say of a compared column.
func (p *plan) column(c *columnPair) Column {
	for _, o := range p.o.Columns {
		if orElse(o.As, orElse(o.Left, o.Right)) == c.name {
			return o
		}
	}
	return Column{}
}

// cause says why a pair of the table y does not agree in a column.
func (p *plan) cause(i int, l, r string) string {
	c := p.cols[i]
	lc, rc := fmt.Sprintf("%sc%d", l, i), fmt.Sprintf("%sc%d", r, i)
	var when []string
	is := func(condition, cause string) {
		when = append(when, fmt.Sprintf("WHEN %s THEN '%s'", condition, cause))
	}
	blankOf := func(side int, prefix string) string {
		if sortOf(c.types[side]) == sortText {
			return fmt.Sprintf("%sb%d", prefix, i)
		}
		return "false"
	}
	texts := c.hasReadings()
	if texts {
		is(fmt.Sprintf("%s IS NULL AND %s OR %s IS NULL AND %s", lc, blankOf(1, r), rc, blankOf(0, l)), words.NullBlank)
	}
	is(fmt.Sprintf("%s IS NULL OR %s IS NULL", lc, rc), words.Value)
	a, b := c.measureOf(i, l), c.measureOf(i, r)
	switch {
	case c.isNumber():
		if c.floats {
			is(fmt.Sprintf("NOT isfinite(%s) OR NOT isfinite(%s)", a, b), words.Value)
		}
		is(fmt.Sprintf("CAST(abs(%s - %s) AS DOUBLE) < pow(10.0, -least(%sp%d, %sp%[4]d)) * (1 - 1e-9)", a, b, l, i, r), words.Rounding)
		is(fmt.Sprintf("%s = -%s AND %[1]s <> 0", a, b), words.Sign)
		var units []string
		for _, times := range []string{"1e1", "1e2", "1e3", "1e6"} {
			for _, pair := range [][2]string{{a, b}, {b, a}} {
				units = append(units, fmt.Sprintf("abs(CAST(%s AS DOUBLE) - CAST(%s AS DOUBLE) * %s) <= abs(CAST(%[1]s AS DOUBLE)) * 1e-15", pair[0], pair[1], times))
			}
		}
		is(fmt.Sprintf("%s <> 0 AND %s <> 0 AND (%s)", a, b, strings.Join(units, " OR ")), words.Unit)
	case c.isMoment():
		if unit := c.coarser(); unit > 0 {
			is(fmt.Sprintf("CAST(abs(%s - %s) AS DOUBLE) < %s", a, b, double(unit)), words.Rounding)
		}
	}
	if texts {
		is(fmt.Sprintf("EXISTS (SELECT 1 FROM f%d WHERE f%[1]d.lid = y.lid)", i), words.Format)
	}
	return "CASE " + strings.Join(when, " ") + " ELSE '" + words.Value + "' END"
}

// hasReadings reports whether a side is a text, which may mean the same as another.
func (p *columnPair) hasReadings() bool {
	return sortOf(p.types[0]) == sortText || sortOf(p.types[1]) == sortText
}

// coarser is the unit of the side with the coarser one, in that of the measure; 0 if they are the same.
func (p *columnPair) coarser() float64 {
	l, r := unitOf(p.types[0]), unitOf(p.types[1])
	if l == r || l == 0 || r == 0 || p.days() {
		return 0
	}
	return max(l, r)
}

// meant is the text of a value, to be read for what it may mean.
func (p *columnPair) meant(i, side int, prefix string) string {
	if sortOf(p.types[side]) == sortText {
		return prefix + p.given(i, side)
	}
	return fmt.Sprintf("%sc%d", prefix, i)
}

// shownOf is the text of a value in the result.
func (p *plan) shownOf(i, side int, prefix string) string {
	t := p.cols[i].types[side]
	switch {
	case showsOtherwise(t):
		return fmt.Sprintf("%st%d", prefix, i)
	case sortOf(t) == sortText:
		return prefix + p.cols[i].given(i, side)
	}
	return fmt.Sprintf("CAST(%s AS VARCHAR)", prefix+p.cols[i].given(i, side))
}

// asDelta is a difference of measures as the result has it; one of floats that does not fit is null.
func (p *plan) asDelta(c *columnPair, difference string) string {
	cast := "CAST"
	if c.floats {
		cast = "TRY_CAST"
	}
	return fmt.Sprintf("%s(%s AS DECIMAL(38, %d))", cast, difference, p.deltaScale)
}

// delta is the difference of a pair in a column.
func (p *plan) delta(i int, l, r string) string {
	c := p.cols[i]
	if !c.measured() {
		return p.noDelta()
	}
	return p.asDelta(c, c.measureOf(i, l)+" - "+c.measureOf(i, r))
}

func (p *plan) noDelta() string { return fmt.Sprintf("CAST(NULL AS DECIMAL(38, %d))", p.deltaScale) }

// total is the amount of a row, of a side; of no amount null.
func (p *plan) total(side string) string {
	if p.amount < 0 {
		return "CAST(NULL AS DECIMAL(38, 0))"
	}
	return p.cols[p.amount].measureOf(p.amount, side)
}

// passNames is an expression for the name of a pass by its number.
func (p *plan) passName(number string) string {
	names := []string{sql.Literal(KeyPass)}
	for _, c := range p.passes {
		names = append(names, sql.Literal(c.Name))
	}
	return fmt.Sprintf("([%s])[%s + 1]", strings.Join(names, ", "), number)
}
