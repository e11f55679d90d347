package suggest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

const (
	// maxAccepted is up to how many texts are listed, maxCodes up to how many whole
	// numbers; each has to be there leastSeen times.
	maxAccepted, maxCodes, leastSeen = 20, 10, 5
)

// accepted proposes the values of a column that has few, and reports whether it did or
// there is a rule that does.
func (s *suggester) accepted(c *profile.Column, n int64) bool {
	if s.has("accepted", c.Name) {
		return true
	}
	d := c.Distinct
	most := int64(maxAccepted)
	if c.Numbers != nil && c.Numbers.Whole {
		most = maxCodes
	}
	if d == nil || !d.Exact || d.N < 2 || d.N > most || c.Texts == nil && (c.Numbers == nil || !c.Numbers.Whole) || int64(len(c.Values)) != d.N {
		return false
	}
	if c.Values[len(c.Values)-1].Rows < leastSeen || n < leastRows*d.N/2 {
		return false
	}
	var values []string
	order := slices.SortedFunc(slices.Values(c.Values), func(a, b profile.Value) int {
		return cmp.Or(cmp.Compare(number(a.Value), number(b.Value)), cmp.Compare(a.Value, b.Value))
	})
	for _, v := range order {
		if strings.HasSuffix(v.Value, "…") {
			return false // it was cut
		}
		if c.Texts != nil {
			v.Value = yamlText(v.Value)
		}
		values = append(values, v.Value)
	}
	s.add(
		fmt.Sprintf("%d values in %s rows, the rarest %s", d.N, figures.Count(n), times(c.Values[len(c.Values)-1].Rows)),
		fmt.Sprintf("- accepted: {%s: [%s]}", yamlText(c.Name), strings.Join(values, ", ")),
	)
	return true
}

func times(n int64) string { return figures.Plural(n, "time", "times") }

// maxOutside is up to which share of the values may lie outside of proposed bounds.
const maxOutside = 0.005

// between proposes bounds of numbers: as far from the middle 98% as that is wide. Those
// beyond have to be few.
func (s *suggester) between(c *profile.Column, n int64) {
	t := c.Numbers
	if s.has("between", c.Name) || t.Min == "" || t.NaN > 0 || t.Infinite > 0 {
		return
	}
	least, greatest := number(t.Min.String()), number(t.Max.String())
	seen := fmt.Sprintf("from %s to %s", readable(least), readable(greatest))
	if c.Unique() != profile.NotUnique && t.Whole {
		if least >= 0 {
			s.add(seen+", each once", fmt.Sprintf("- between: {%s: [%d, null]}", yamlText(c.Name), int64(min(least, 1))))
		}
		return
	}
	from, to := t.Quantiles[0], t.Quantiles[len(t.Quantiles)-1]
	span := to - from
	if !(span > 0) {
		return
	}
	low, high := niceDown(from-span), niceUp(to+span)
	if least >= 0 {
		low = max(low, 0)
	}
	if greatest <= 0 {
		high = min(high, 0)
	}
	if t.Whole {
		low, high = math.Floor(low), math.Ceil(high)
	}
	line := fmt.Sprintf("- between: {%s: [%s, %s]}", yamlText(c.Name), plain(low), plain(high))
	why := fmt.Sprintf("%s, 98%% from %s to %s", seen, readable(from), readable(to))
	share := float64(t.Outside(low, high)) / float64(n)
	switch {
	case share == 0:
		s.add(why, line)
	case share <= maxOutside:
		s.all = append(s.all, Candidate{Lines: []string{line, atMost(share)}, Why: why, Adjust: func(failed, tried int64, worst float64) ([]string, string) {
			if failed == 0 {
				return []string{line}, why
			}
			return []string{line, atMost(worst)}, fmt.Sprintf("%s, %s of %s outside of this", why, figures.Count(failed), figures.Count(tried))
		}})
	}
}

// atMost lets twice a share of the rows fail.
func atMost(share float64) string { return fmt.Sprintf("  at_most: %s%%", plain(niceUp(200*share))) }

// formats are the row predicates that stand for a kind of text.
var formats = map[string]string{
	"email": "is_email", "url": "is_url", "uuid": "is_uuid", "ipv4": "is_ipv4", "json": "is_json",
	"date": "is_date", "integer": "is_integer",
}

// format proposes what every text looks like.
func (s *suggester) format(c *profile.Column, n int64) {
	t := c.Texts
	if s.has("matches", c.Name) {
		return
	}
	if t.Shape != "" && t.Empty == 0 && len(t.Kinds) == 0 && c.Distinct.N >= 10 {
		s.add(fmt.Sprintf("all %s look like it", figures.Count(n)), fmt.Sprintf("- matches: {%s: %s}", yamlText(c.Name), quoted(t.Shape)))
		return
	}
	for _, k := range t.Kinds {
		if f := formats[k.Value]; f != "" && k.Rows == n && c.Distinct.N >= 10 {
			s.add(fmt.Sprintf("all %s are of this format", figures.Count(n)),
				fmt.Sprintf("- {name: %s, rows: %s}", s.name("format_of_"+c.Name), yamlText(f+"("+Ident(c.Name)+")")))
			return
		}
	}
}

// slack is how long before the end of a partition its last row may be.
var slack = map[pipeline.By]string{pipeline.Month: "48h", pipeline.Week: "24h", pipeline.Day: "6h", pipeline.Hour: "30m"}

// fresh proposes when the rows of a partition, or the last of all, have to be.
func (s *suggester) fresh(c *profile.Column) {
	x := Ident(c.Name)
	if allowed := slack[s.By]; allowed != "" {
		if !s.has("within", c.Name) {
			s.guess(fmt.Sprintf("from %s to %s, each in its %s", day(c.Times.Min), day(c.Times.Max), s.By),
				fmt.Sprintf("- {name: %s, rows: %s}", s.name("within_"+string(s.By)), yamlText(x+" >= partition_start() && "+x+" < partition_end()")))
		}
		if !s.has("fresh", c.Name) {
			s.guess(fmt.Sprintf("the last of each %s is at most %s before its end", s.By, allowed),
				fmt.Sprintf("- {name: %s, expect: %s}", s.name("fresh_"+c.Name), yamlText(fmt.Sprintf(`max(%s) >= partition_end() - duration("%s")`, x, allowed))))
		}
		return
	}
	last, err := time.Parse(time.RFC3339, c.Times.Max)
	if err != nil {
		last, err = time.Parse(time.DateOnly, c.Times.Max)
	}
	age := s.Now.Sub(last)
	if err != nil || s.By != pipeline.Whole || age < 0 || age > 7*24*time.Hour || s.has("fresh", c.Name) {
		return
	}
	hours := max(48, int(math.Ceil(2*age.Hours()/24))*24)
	s.add(fmt.Sprintf("the last is %s old", age.Round(time.Hour)),
		fmt.Sprintf("- {name: %s, expect: %s}", s.name("fresh_"+c.Name), yamlText(fmt.Sprintf(`now() - max(%s) < duration("%dh")`, x, hours))))
}

func day(text string) string { return text[:min(len(text), len(time.DateOnly))] }

// ascending proposes that a column never falls, if it never did.
func (s *suggester) ascending(c *profile.Column) {
	inOrder := c.Times != nil && c.Times.Falls == 0 ||
		c.Numbers != nil && c.Numbers.Whole && c.Numbers.Falls == 0 && c.Unique() != profile.NotUnique
	if !inOrder || c.Distinct.N < 10 || s.has("falls", c.Name) {
		return
	}
	s.add(fmt.Sprintf("in order over %s rows", figures.Count(c.Rows-c.Nulls)),
		fmt.Sprintf("- {name: %s, expect: %s}", s.name("ordered_by_"+c.Name), yamlText("falls("+Ident(c.Name)+") == 0")))
}

// references proposes the column of another source that has all values of a column.
func (s *suggester) references(c *profile.Column) {
	if s.has("references", c.Name) || c.Distinct == nil || c.Distinct.N < 3 {
		return
	}
	for _, l := range s.Lookups {
		for i := range l.Profile.Columns {
			if other := &l.Profile.Columns[i]; refers(c, other, l.Name) {
				s.guess(fmt.Sprintf("all %s values are among the %s there", figures.Count(c.Distinct.N), figures.Count(other.Distinct.N)),
					fmt.Sprintf("- references: {%s: %s}", yamlText(c.Name), yamlText(l.Name+"."+other.Name)))
			}
		}
	}
}

// refers reports whether the values of a column may all be those of another, which has each
// once. Whole numbers are alike by chance: their names have to be too.
func refers(c, other *profile.Column, source string) bool {
	if other.Unique() == profile.NotUnique || other.Nulls > 0 || c.Distinct.Low > other.Distinct.High {
		return false
	}
	switch {
	case c.Texts != nil && other.Texts != nil:
		return c.Texts.Min >= other.Texts.Min && c.Texts.Max <= other.Texts.Max && c.Texts.Max != ""
	case c.Numbers != nil && other.Numbers != nil && c.Numbers.Whole && other.Numbers.Whole:
		return alike(c.Name, other.Name, source) &&
			number(c.Numbers.Min.String()) >= number(other.Numbers.Min.String()) && number(c.Numbers.Max.String()) <= number(other.Numbers.Max.String())
	}
	return false
}

// alike reports whether a column's name is that of another one in a source, or is made of
// the names of both: customer_id, of id in customers.
func alike(name, other, source string) bool {
	name, other, source = strings.ToLower(name), strings.ToLower(other), strings.ToLower(source)
	return name == other || strings.HasPrefix(name, strings.TrimSuffix(source, "s")) || strings.HasSuffix(name, "_"+other) && other != "id"
}

// number reads a number; what is none is 0.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) {
		return 0
	}
	return v
}
