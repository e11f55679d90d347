// Package suggest proposes rules for a dataset from its profile. It is careful: what it
// proposes leaves room for what was not seen, and gives its reason. Whether a rule holds is
// for its caller to try.
package suggest

import (
	"slices"
	"time"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

// Candidate is a rule that may hold.
type Candidate struct {
	// Lines are its entry in a list of gates, the first begins with "- ". It is one rule.
	Lines []string
	// Why is the evidence, in a line.
	Why string
	// Untried says that it can't be tried on the data alone, and was held against what is
	// known of past partitions instead.
	Untried bool
	// Guess says that nothing speaks for it but that it may be so: where it does not hold
	// there is nothing to tell. Fallback is a guess of use only if no other unique rule holds.
	Guess, Fallback bool
	// Adjust, if not nil, gives the lines and the evidence anew, of how many rows of those
	// that were tried broke the rule, and the greatest share of a partition that did.
	Adjust func(failed, tried int64, worst float64) (lines []string, why string)
	// Refuted, if not empty, says what in the data speaks against it.
	Refuted string
}

// Context is what is known beside the profile.
type Context struct {
	// By is how the dataset is cut into partitions.
	By pipeline.By
	// Published says that the stage has an output, whose past can be asked for.
	Published bool
	// Now is the time of the profile.
	Now time.Time
	// Inputs are what the stage reads, if it has operators.
	Inputs []Input
	// Lookups are profiles of other sources of the pipeline, by their names.
	Lookups []Lookup
	// Has reports whether a rule of this kind on this column, or the whole with an empty
	// column, exists; nil: none does.
	Has func(kind, column string) bool
	// Named reports whether a rule has this name; nil: none has.
	Named func(name string) bool
}

// Input is a source or stage that the stage reads, and how many rows it has, or -1.
type Input struct {
	Name string
	Rows int64
}

// Lookup is a source that columns may refer to.
type Lookup struct {
	Name    string
	Profile *profile.Profile
}

// From proposes rules, those of the whole first, then column by column.
func From(p *profile.Profile, c Context) []Candidate {
	s := &suggester{Context: c, profile: p}
	s.volume()
	s.conserved()
	s.notNull()
	s.unique()
	for i := range p.Columns {
		s.column(&p.Columns[i])
	}
	return s.all
}

// leastRows is from how many values on a column says something about others like it.
const leastRows = 100

type suggester struct {
	Context
	profile *profile.Profile
	all     []Candidate
	names   []string
}

func (s *suggester) add(why string, lines ...string) {
	s.all = append(s.all, Candidate{Lines: lines, Why: why})
}

func (s *suggester) guess(why string, lines ...string) {
	s.all = append(s.all, Candidate{Lines: lines, Why: why, Guess: true})
}

func (s *suggester) has(kind, column string) bool { return s.Has != nil && s.Has(kind, column) }

// name is a name that no rule has yet.
func (s *suggester) name(name string) string {
	name = plainName(name)
	for slices.Contains(s.names, name) || s.Named != nil && s.Named(name) {
		name += "_2"
	}
	s.names = append(s.names, name)
	return name
}

func (s *suggester) column(c *profile.Column) {
	s.fewNulls(c)
	n := c.Rows - c.Nulls
	if n < leastRows {
		return
	}
	s.references(c)
	switch {
	case s.accepted(c, n):
	case c.Numbers != nil:
		s.between(c, n)
	case c.Texts != nil:
		s.format(c, n)
	case c.Times != nil:
		s.fresh(c)
	}
	s.ascending(c)
}
