package sketch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Histogram counts values in bins with fixed edges, exactly. It is made by NewHistogram.
type Histogram struct {
	edges  []float64
	counts []int64 // below, the bins, above
	nan    int64
}

const mostEdges = 10_000

// NewHistogram gives the state of no values with bins between edges, from 2 to 10,000 that
// ascend strictly; the first may be -Inf, the last +Inf.
func NewHistogram(edges ...float64) (*Histogram, error) {
	if len(edges) < 2 || len(edges) > mostEdges {
		return nil, fmt.Errorf("%d edges, from 2 to %d expected", len(edges), mostEdges)
	}
	for i, e := range edges {
		if e != e || i > 0 && e <= edges[i-1] {
			return nil, fmt.Errorf("edge %d is %v, which is not above the one before", i+1, e)
		}
	}
	return &Histogram{edges: slices.Clone(edges), counts: make([]int64, len(edges)+1)}, nil
}

// Add takes in a value.
func (s *Histogram) Add(v float64) {
	if v != v || len(s.edges) == 0 {
		s.nan++
		return
	}
	i, found := slices.BinarySearch(s.edges, v)
	if found && i < len(s.edges)-1 {
		i++
	}
	s.counts[i]++
}

// Merge takes in the values of another state, which must have the same edges.
func (s *Histogram) Merge(o *Histogram) error {
	if !slices.Equal(s.edges, o.edges) {
		return errors.New("histograms with different edges do not merge")
	}
	for i, n := range o.counts {
		s.counts[i] = plus(s.counts[i], n)
	}
	s.nan = plus(s.nan, o.nan)
	return nil
}

// Bins are the bins in order. A value is in the bin whose Low it is at least and whose High it
// is below; the last bin has its High too.
func (s *Histogram) Bins() []Bin {
	var all []Bin
	for i, e := range s.edges {
		if i > 0 {
			all = append(all, Bin{s.edges[i-1], e, s.counts[i]})
		}
	}
	return all
}

// Outside is how many values were below the first edge, above the last, and NaN.
func (s *Histogram) Outside() (below, above, nan int64) {
	if len(s.counts) == 0 {
		return 0, 0, s.nan
	}
	return s.counts[0], s.counts[len(s.edges)], s.nan
}

type storedHistogram struct {
	Edges  []number `json:"edges"`
	Counts []int64  `json:"counts"`
	NaN    int64    `json:"nan"`
}

// MarshalJSON writes the state: the counts are those below, in each bin, and above.
func (s *Histogram) MarshalJSON() ([]byte, error) {
	out := storedHistogram{Edges: make([]number, len(s.edges)), Counts: s.counts, NaN: s.nan}
	for i, e := range s.edges {
		out.Edges[i] = number(e)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Histogram) UnmarshalJSON(text []byte) error {
	var in storedHistogram
	if err := strict(text, &in, "edges", "counts", "nan"); err != nil {
		return err
	}
	edges := make([]float64, len(in.Edges))
	for i, e := range in.Edges {
		edges[i] = float64(e)
	}
	r, err := NewHistogram(edges...)
	if err != nil {
		return err
	}
	if len(in.Counts) != len(r.counts) || !validCounts(in.Counts...) || !validCounts(in.NaN) {
		return errCount
	}
	r.counts, r.nan = in.Counts, in.NaN
	*s = *r
	return nil
}
