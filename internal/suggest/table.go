package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

const (
	// leastPast is from how many partitions on a rule asks for their past, pastMedian how
	// many of them it asks for.
	leastPast, pastMedian = 4, 6
	// least is from how many rows on a number of them is expected.
	least = 20
)

// volume proposes how many rows there have to be.
func (s *suggester) volume() {
	parts := s.profile.Partitions
	if s.has("volume", "") || len(parts) == 0 {
		return
	}
	var rows []int64
	for _, p := range parts {
		rows = append(rows, p.Rows)
	}
	timed := s.By != pipeline.Whole && s.By != pipeline.Key
	if timed && s.Published && len(parts) >= leastPast {
		c := Candidate{
			Lines:   []string{fmt.Sprintf("- {name: %s, expect: 'rows() > 0.5 * history(%d).median(rows())'}", s.name("volume"), pastMedian)},
			Why:     fmt.Sprintf("%s to %s rows in %d partitions", figures.Count(slices.Min(rows)), figures.Count(slices.Max(rows)), len(parts)),
			Untried: true,
		}
		for i := 1; i < len(parts); i++ {
			if median := medianOf(rows[max(0, i-pastMedian):i]); 2*float64(rows[i]) <= median && c.Refuted == "" {
				c.Refuted = fmt.Sprintf("%s has %s, the median of those before is %s", parts[i].Name, figures.Plural(rows[i], "row", "rows"), report.Number(median))
			}
		}
		s.all = append(s.all, c)
		if c.Refuted == "" {
			return
		}
	}
	fewest := slices.Min(rows)
	if fewest < least {
		return
	}
	why := figures.Count(fewest) + " rows"
	if len(parts) > 1 {
		why = fmt.Sprintf("at least %s in each of %d partitions", why, len(parts))
	}
	s.add(why, fmt.Sprintf("- {name: %s, expect: rows() >= %d}", s.name("volume"), int64(niceDown(float64(fewest)/2))))
}

func medianOf(rows []int64) float64 {
	sorted := slices.Sorted(slices.Values(rows))
	n := len(sorted)
	return float64(sorted[(n-1)/2]+sorted[n/2]) / 2
}

// conserved proposes that a stage has as many rows as what it reads.
func (s *suggester) conserved() {
	if len(s.Inputs) != 1 || s.Inputs[0].Rows != s.profile.Rows || s.has("conserved", "") {
		return
	}
	in := s.Inputs[0]
	s.add(
		fmt.Sprintf("%s rows in, %s out", figures.Count(in.Rows), figures.Count(s.profile.Rows)),
		fmt.Sprintf("- {name: %s, expect: 'rows() == rows(%q)'}", s.name("nothing_lost"), in.Name),
	)
}

// notNull proposes the columns without a null, as one rule.
func (s *suggester) notNull() {
	var columns []string
	for _, c := range s.profile.Columns {
		if c.Nulls == 0 && c.Rows >= leastRows && !s.has("not_null", c.Name) {
			columns = append(columns, yamlText(c.Name))
		}
	}
	if len(columns) > 0 {
		s.add("0 of "+figures.Count(s.profile.Rows)+" null", "- not_null: ["+strings.Join(columns, ", ")+"]")
	}
}

// maxNulls is up to which share of nulls a column has few.
const maxNulls = 0.2

// fewNulls proposes how many of a column may be null, if they are few.
func (s *suggester) fewNulls(c *profile.Column) {
	share := float64(c.Nulls) / float64(max(c.Rows, 1))
	if c.Nulls == 0 || c.Rows < leastRows || share > maxNulls || s.has("null_share", c.Name) {
		return
	}
	s.add(
		fmt.Sprintf("%s of %s null (%s)", figures.Count(c.Nulls), figures.Count(c.Rows), report.Share(c.Nulls, c.Rows)),
		fmt.Sprintf("- {name: %s, expect: %s}", s.name("nulls_of_"+c.Name), yamlText(fmt.Sprintf("null_share(%s) <= %v", Ident(c.Name), niceUp(2*share)))),
	)
}

// maxKey is how many columns a row may have that are proposed as its key.
const maxKey = 8

// unique proposes columns whose values may be keys, of the whole or of each partition, or,
// if there are none, the whole row.
func (s *suggester) unique() {
	if s.has("unique", "") {
		return
	}
	found := false
	for _, c := range s.profile.Columns {
		n := c.Rows - c.Nulls
		switch {
		case n < leastRows || !keyType(&c):
		case c.Unique() != profile.NotUnique:
			found = true
			s.add(fmt.Sprintf("%s values, each once", figures.Count(n)), "- unique: ["+yamlText(c.Name)+"]")
		case len(s.profile.Partitions) > 1 && c.Nulls == 0 && c.Distinct.High >= s.most():
			s.guess(fmt.Sprintf("each value once in each of %d partitions", len(s.profile.Partitions)), "- unique: ["+yamlText(c.Name)+"]")
		}
	}
	p := s.profile
	if found || p.Duplicates == nil || *p.Duplicates > 0 || p.Rows < leastRows || len(p.Columns) > maxKey {
		return
	}
	var columns []string
	for _, c := range p.Columns {
		if c.Nulls > 0 {
			return // rows with a null are not tested
		}
		columns = append(columns, yamlText(c.Name))
	}
	s.all = append(s.all, Candidate{
		Why:   "no two of " + figures.Count(p.Rows) + " rows are equal",
		Lines: []string{"- unique: [" + strings.Join(columns, ", ") + "]"}, Fallback: true,
	})
}

// most is how many rows the largest partition has.
func (s *suggester) most() (n int64) {
	for _, p := range s.profile.Partitions {
		n = max(n, p.Rows)
	}
	return n
}

// keyType reports whether values that differ mean something: measures and times do so by
// chance.
func keyType(c *profile.Column) bool {
	return c.Texts != nil || c.Numbers != nil && c.Numbers.Whole
}
