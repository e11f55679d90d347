package profile

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/penstock-data/penstock/internal/sketch"
)

// maxValues is up to how many distinct values are kept, with how often each came.
const maxValues = 1000

// tally counts values, exactly while there are few of them; from then on it estimates how
// many are distinct. It is the same for any order and split of the values.
type tally[K cmp.Ordered] struct {
	counts map[K]int64 // nil once there were too many
	hll    *sketch.Distinct
	hash   func(K) uint64
	// keep makes a key that lives on; nil: it does.
	keep func(K) K
	// over is told each value, and how often it came, once there are too many: first those
	// that were kept, in order.
	over func(K, int64)
}

func newTally[K cmp.Ordered](hash func(K) uint64) tally[K] {
	return tally[K]{counts: map[K]int64{}, hash: hash}
}

// add takes in a value that came n times.
func (t *tally[K]) add(k K, n int64) {
	if t.counts == nil {
		t.estimate(k, n)
		return
	}
	if was, ok := t.counts[k]; ok {
		t.counts[k] = was + n
		return
	}
	if t.keep != nil {
		k = t.keep(k)
	}
	t.counts[k] = n
	if len(t.counts) > maxValues {
		t.spill()
	}
}

func (t *tally[K]) estimate(k K, n int64) {
	t.hll.Add(t.hash(k))
	if t.over != nil {
		t.over(k, n)
	}
}

// spill forgets the values.
func (t *tally[K]) spill() {
	counts := t.counts
	t.counts, t.hll = nil, new(sketch.Distinct)
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		t.estimate(k, counts[k])
	}
}

func (t *tally[K]) merge(o *tally[K]) {
	switch {
	case o.counts != nil:
		for _, k := range slices.Sorted(maps.Keys(o.counts)) {
			t.add(k, o.counts[k])
		}
	default:
		if t.counts != nil {
			t.spill()
		}
		t.hll.Merge(o.hll)
	}
}

// count is how many distinct values there are among n.
func (t *tally[K]) count(n int64) *Count {
	if t.counts != nil {
		d := int64(len(t.counts))
		return &Count{N: d, Exact: true, Low: d, High: d}
	}
	v, low, high := t.hll.Estimate()
	c := &Count{N: int64(math.Round(v)), Low: max(maxValues+1, int64(low)), High: min(n, int64(math.Ceil(high)))}
	c.N = min(max(c.N, c.Low), c.High)
	return c
}

// maxShown is how many values of a column are named where there are many.
const maxShown = 10

// values are those that came most often: all if there are few.
func (t *tally[K]) values(text func(K) string) (all []Value) {
	if t.counts == nil {
		return nil
	}
	order := slices.SortedFunc(maps.Keys(t.counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(t.counts[b], t.counts[a]), cmp.Compare(a, b))
	})
	if len(order) > few {
		order = order[:maxShown]
	}
	for _, k := range order {
		all = append(all, Value{text(k), t.counts[k]})
	}
	return all
}

// order tells how often a value is below the one before it.
type order[T cmp.Ordered] struct {
	any         bool
	first, last T
	falls       int64
}

func (o *order[T]) add(v T) {
	if !o.any {
		o.any, o.first, o.last = true, v, v
		return
	}
	if v < o.last {
		o.falls++
	}
	o.last = v
}

// follow takes in the values that come after.
func (o *order[T]) follow(next *order[T]) {
	switch {
	case !next.any:
	case !o.any:
		*o = *next
	default:
		if next.first < o.last {
			o.falls++
		}
		o.falls, o.last = o.falls+next.falls, next.last
	}
}
