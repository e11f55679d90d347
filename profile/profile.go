package profile

import "encoding/json"

// Profile is what was found in a dataset.
type Profile struct {
	// Name is what was profiled, as the user called it.
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Files are those that were read, and Bytes their sizes.
	Files   int      `json:"files"`
	Bytes   int64    `json:"bytes"`
	Seconds float64  `json:"seconds"`
	Columns []Column `json:"columns"`
	// Partitions are those that were read, in order; one alone for what has none.
	Partitions []Partition `json:"partitions"`
	// Duplicates is how many rows are equal in all columns to one before them; nil if that
	// was not counted, and DuplicatesNote says why.
	Duplicates     *int64 `json:"duplicates,omitempty"`
	DuplicatesNote string `json:"duplicates_note,omitempty"`
	// Correlations are Pearson's of pairs of columns of numbers, the closest first: those
	// beyond 0.5 either way, at most twenty.
	Correlations     []Correlation `json:"correlations,omitempty"`
	CorrelationsNote string        `json:"correlations_note,omitempty"`
	// Withheld are the columns of texts whose values were left out by Withhold.
	Withheld []string `json:"withheld,omitempty"`
}

// Partition is one of those that were read. RowsIn is how many rows its stage read.
type Partition struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	RowsIn int64  `json:"rows_in"`
}

// Correlation is how close two columns of numbers go together, from -1 to 1.
type Correlation struct {
	A string  `json:"a"`
	B string  `json:"b"`
	R float64 `json:"r"`
}

// Column is what was found in a column. Of Numbers, Texts, Times and Bools it has at most
// one.
type Column struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // as pipeline.TypeName has it
	Nullable bool   `json:"nullable"`
	Rows     int64  `json:"rows"`
	Nulls    int64  `json:"nulls"`
	Distinct *Count `json:"distinct,omitempty"` // of the values that are not null
	// Values are those that came most often, the most frequent first: all of them where
	// there are few, else up to ten that are certain to be frequent.
	Values  []Value  `json:"values,omitempty"`
	Numbers *Numbers `json:"numbers,omitempty"`
	Texts   *Texts   `json:"texts,omitempty"`
	Times   *Times   `json:"times,omitempty"`
	Bools   *Bools   `json:"bools,omitempty"`
	// Bins are how numbers and times are spread, from the least to the greatest or, where
	// a few lie far out, between the quantiles of 1% and 99%; empty where all are the same.
	Bins []Bin `json:"bins,omitempty"`
}

// Count is a number that is exact, or estimated and between Low and High with all but a
// chance of 1 in 16,000.
type Count struct {
	N     int64 `json:"n"`
	Exact bool  `json:"exact"`
	Low   int64 `json:"low"`
	High  int64 `json:"high"`
}

// Uniqueness says whether each value of a column came once.
type Uniqueness string

// The answers. NearlyUnique is that an estimate can't tell.
const (
	Unique       Uniqueness = "unique"
	NearlyUnique Uniqueness = "≈ unique"
	NotUnique    Uniqueness = ""
)

// Unique says whether the values that are not null came once each. A column with less than
// two is not said to be.
func (c *Column) Unique() Uniqueness {
	n := c.Rows - c.Nulls
	switch d := c.Distinct; {
	case d == nil || n < 2 || d.High < n:
		return NotUnique
	case !d.Exact:
		return NearlyUnique
	}
	return Unique
}

// Value is a value as text, or the beginning of a long one, and how often it came.
type Value struct {
	Value string `json:"value"`
	Rows  int64  `json:"rows"`
}

// Bin is how many values, about, are from Low to High; times are in seconds from 1970.
type Bin struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Rows int64   `json:"rows"`
}

// Numbers is what is known of numbers. Min and Max are exact, and empty if no number is
// finite; mean and standard deviation are those of the finite ones, and 0 where there is none
// or it is beyond a double.
type Numbers struct {
	Min    json.Number `json:"min,omitempty"`
	Max    json.Number `json:"max,omitempty"`
	Mean   float64     `json:"mean"`
	Stddev float64     `json:"stddev"`
	// Quantiles are those of 1, 25, 50, 75 and 99%. The rank of each is right to
	// RankError, a share of the values; 0 is exact.
	Quantiles [5]float64 `json:"quantiles"`
	RankError float64    `json:"rank_error"`
	Zeros     int64      `json:"zeros"`
	Negatives int64      `json:"negatives"`
	NaN       int64      `json:"nan"`
	Infinite  int64      `json:"infinite"`
	// Whole says that the column's type has no fractions. Falls is how often a value is
	// below the one before it.
	Whole bool  `json:"whole"`
	Falls int64 `json:"falls"`

	below, atMost func(float64) int64
}

// Outside is how many values are below low or above high, at most, and how many are NaN.
func (n *Numbers) Outside(low, high float64) int64 {
	return n.below(low) + n.atMost(high) + n.NaN
}

// Texts is what is known of texts. Lengths are in characters.
type Texts struct {
	Min        string  `json:"min,omitempty"` // long ones are cut
	Max        string  `json:"max,omitempty"`
	MinLength  int64   `json:"min_length"`
	MaxLength  int64   `json:"max_length"`
	MeanLength float64 `json:"mean_length"`
	Empty      int64   `json:"empty"`
	Blank      int64   `json:"blank"` // the empty ones, and those of white space alone
	// Kinds are what the texts that are not empty look like, the most frequent first.
	Kinds []Value `json:"kinds,omitempty"`
	// Shape is a regular expression that all of them match, if all have one length and a
	// pattern; else empty.
	Shape string `json:"shape,omitempty"`
}

// Times is what is known of dates and timestamps.
type Times struct {
	Min string `json:"min"` // 2001-01-31, or RFC 3339
	Max string `json:"max"`
	// Days is how many days of the calendar (UTC) came, and Missing how many between the
	// first and the last did not; -1 if there are too many to count. Gaps are the first
	// few that are missing.
	Days    int64    `json:"days"`
	Missing int64    `json:"missing"`
	Gaps    []string `json:"gaps,omitempty"`
	Falls   int64    `json:"falls"` // how often a time is before the one before it
	// Midnight is how many have no time of day.
	Midnight int64 `json:"midnight"`
}

// Bools is how many are true and false.
type Bools struct {
	True  int64 `json:"true"`
	False int64 `json:"false"`
}

// Column finds a column by its name, or gives nil.
func (p *Profile) Column(name string) *Column {
	for i := range p.Columns {
		if p.Columns[i].Name == name {
			return &p.Columns[i]
		}
	}
	return nil
}

// few is how many distinct values a column may have that still are categories, and not data
// of single rows.
const few = 50

// Withhold leaves out values of single rows: the frequent values, and the bounds of texts, of
// each column that has more than fifty distinct ones. The bounds of numbers and times stay.
func (p *Profile) Withhold() {
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Distinct == nil || c.Distinct.Exact && c.Distinct.N <= few {
			continue
		}
		if c.Texts != nil && c.Texts.Max != "" {
			p.Withheld = append(p.Withheld, c.Name)
		}
		c.Values = nil
		if c.Texts != nil {
			c.Texts.Min, c.Texts.Max = "", ""
		}
	}
}
