package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

const (
	// maxPaired is up to how many columns of numbers each pair is looked at.
	maxPaired = 20
	// maxCorrelations is how many are told, leastCorrelation from which on.
	maxCorrelations  = 20
	leastCorrelation = 0.5
)

// paired are the columns of numbers of a schema, if they are not too many.
func paired(s *arrow.Schema) (columns []int, note string) {
	for i, f := range s.Fields() {
		t := pipeline.ValueType(f.Type)
		if t != f.Type {
			continue
		}
		if arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || arrow.IsDecimal(t.ID()) {
			columns = append(columns, i)
		}
	}
	if len(columns) > maxPaired {
		return nil, fmt.Sprintf("%d columns of numbers are more than %d", len(columns), maxPaired)
	}
	return columns, ""
}

// pairs has the co-moments of each pair of columns, the second before the first.
type pairs struct {
	columns []int
	of      []sketch.CoMoments
	values  [][]float64
}

func newPairs(columns []int) *pairs {
	n := len(columns)
	return &pairs{columns: columns, of: make([]sketch.CoMoments, n*max(n-1, 0)/2), values: make([][]float64, n)}
}

func (p *pairs) add(batch arrow.RecordBatch) {
	if len(p.columns) < 2 {
		return
	}
	for i, c := range p.columns {
		p.values[i] = p.values[i][:0]
		a := batch.Column(c)
		for row := range a.Len() {
			v := math.NaN()
			if a.IsValid(row) {
				v = floatOf(a, row)
			}
			p.values[i] = append(p.values[i], v)
		}
	}
	at := 0
	for i := range p.columns {
		for j := range i {
			addPairs(&p.of[at], p.values[i], p.values[j])
			at++
		}
	}
}

func addPairs(m *sketch.CoMoments, x, y []float64) {
	for i := range x {
		if d := x[i] - y[i]; d-d == 0 { // both are finite
			m.Add(x[i], y[i])
		}
	}
}

func (p *pairs) end() { p.values = nil }

func (p *pairs) follow(o *pairs) {
	for i := range p.of {
		p.of[i].Merge(&o.of[i])
	}
}

// tell gives the closest.
func (p *pairs) tell(s *arrow.Schema) (all []Correlation) {
	at := 0
	for i := range p.columns {
		for j := range i {
			if r := p.of[at].Correlation(); math.Abs(r) >= leastCorrelation {
				all = append(all, Correlation{s.Field(p.columns[j]).Name, s.Field(p.columns[i]).Name, r})
			}
			at++
		}
	}
	slices.SortStableFunc(all, func(a, b Correlation) int { return cmp.Compare(math.Abs(b.R), math.Abs(a.R)) })
	return all[:min(len(all), maxCorrelations)]
}
