package sketch

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
)

// Frequent finds the most frequent texts with room for a bounded number of them, and counts them
// within bounds that are certain. It is made by NewFrequent.
//
// It is the summary of Misra and Gries (1982), merged after Agarwal et al. (2012), which also
// remembers how often each item was seen since it is kept: an item that was never dropped is
// counted exactly. A value that is not kept came at most n/(capacity+1) times of n.
//
// Of a text beyond 256 bytes the first 240 are kept and a 128-bit hash, by which it is counted.
type Frequent struct {
	capacity int
	count    int64
	missed   int64 // how often a value that is not kept came at most
	items    map[string]*tracked
}

// tracked is an item that is kept.
type tracked struct {
	seen   int64 // since it is kept
	missed int64 // before, at most
}

const mostItems = 1 << 16

// NewFrequent gives the state of no values, which keeps so many items, from 1 to 65,536, and
// at times twice as many.
func NewFrequent(capacity int) *Frequent {
	return &Frequent{capacity: max(1, min(capacity, mostItems)), items: map[string]*tracked{}}
}

// Add takes in a value.
func (s *Frequent) Add(value string) { s.AddN(value, 1) }

// AddN takes in a value that came n times; nothing if n is not positive. The text is copied.
func (s *Frequent) AddN(value string, n int64) {
	if n <= 0 {
		return
	}
	if s.items == nil {
		*s = *NewFrequent(s.capacity)
	}
	s.count = plus(s.count, n)
	key := keyText(value)
	if it := s.items[key]; it != nil {
		it.seen = plus(it.seen, n)
		return
	}
	s.items[strings.Clone(key)] = &tracked{n, s.missed}
	if len(s.items) > 2*s.capacity {
		s.prune(s.capacity)
	}
}

// plus adds counts; it stays at the greatest one.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (t tracked) high() int64 { return plus(t.seen, t.missed) }

// prune drops all but n items at most, those with the greatest upper bounds.
func (s *Frequent) prune(n int) {
	if len(s.items) <= n {
		return
	}
	highs := make([]int64, 0, len(s.items))
	for _, it := range s.items {
		highs = append(highs, it.high())
	}
	slices.Sort(highs)
	s.missed = max(s.missed, highs[len(highs)-1-n])
	for key, it := range s.items {
		if it.high() <= s.missed {
			delete(s.items, key)
		}
	}
}

var errCapacity = errors.New("states with different capacities do not merge")

// Merge takes in the values of another state, which must have the same capacity.
func (s *Frequent) Merge(o *Frequent) error {
	if s.capacity != o.capacity {
		return errCapacity
	}
	if s.items == nil {
		s.items = map[string]*tracked{}
	}
	for key, it := range s.items {
		if o.items[key] == nil {
			it.missed = plus(it.missed, o.missed)
		}
	}
	for key, it := range o.items {
		if mine := s.items[key]; mine != nil {
			mine.seen, mine.missed = plus(mine.seen, it.seen), plus(mine.missed, it.missed)
		} else {
			s.items[key] = &tracked{it.seen, plus(it.missed, s.missed)}
		}
	}
	s.count, s.missed = plus(s.count, o.count), plus(s.missed, o.missed)
	if len(s.items) > 2*s.capacity {
		s.prune(s.capacity)
	}
	return nil
}

// Compact drops all but n items: for keeping.
func (s *Frequent) Compact(n int) { s.prune(max(0, n)) }

// Count is the number of values.
func (s *Frequent) Count() int64 { return s.count }

// Missed is how often a value that is not kept came at most; 0 if all are kept.
func (s *Frequent) Missed() int64 { return s.missed }

// An Item is a value, or the beginning of one if Cut, and how often it came: at least Low, at
// most High times.
type Item struct {
	Value     string
	Cut       bool
	Low, High int64
}

// Top is the k most frequent values as far as is known, the likely most frequent first; fewer if
// fewer are kept. The set is certain if no other value came as often as one of these, the order
// if each came more often than the next: not where there are ties.
func (s *Frequent) Top(k int) (top []Item, setCertain, orderCertain bool) {
	all := s.sorted()
	k = max(0, min(k, len(all)))
	least, other := int64(math.MaxInt64), s.missed
	orderCertain = true
	for i, e := range all[:k] {
		value, isCut := showText(string(e.Value))
		top = append(top, Item{value, isCut, e.Seen, plus(e.Seen, e.Missed)})
		orderCertain = orderCertain && top[i].High < least
		least = min(least, e.Seen)
	}
	for _, e := range all[k:] {
		other = max(other, plus(e.Seen, e.Missed))
	}
	setCertain = other < least || other == 0
	return top, setCertain, orderCertain
}

type storedItem struct {
	Value  bytesText `json:"value"`
	Seen   int64     `json:"seen"`
	Missed int64     `json:"missed"`
}

// sorted gives the items, those with the greatest upper bound first.
func (s *Frequent) sorted() []storedItem {
	all := make([]storedItem, 0, len(s.items))
	for key, it := range s.items {
		all = append(all, storedItem{bytesText(key), it.seen, it.missed})
	}
	slices.SortFunc(all, func(a, b storedItem) int {
		return cmp.Or(cmp.Compare(plus(b.Seen, b.Missed), plus(a.Seen, a.Missed)), cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.Value, b.Value))
	})
	return all
}

type storedFrequent struct {
	Capacity int          `json:"capacity"`
	Count    int64        `json:"count"`
	Missed   int64        `json:"missed"`
	Items    []storedItem `json:"items"`
}

// MarshalJSON writes the state, all its items: see Compact.
func (s *Frequent) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedFrequent{s.capacity, s.count, s.missed, s.sorted()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Frequent) UnmarshalJSON(text []byte) error {
	var in storedFrequent
	if err := strict(text, &in, "capacity", "count", "missed", "items"); err != nil {
		return err
	}
	if in.Capacity < 1 || in.Capacity > mostItems || len(in.Items) > 2*in.Capacity ||
		!validCounts(in.Count, in.Missed) {
		return errCount
	}
	r := &Frequent{in.Capacity, in.Count, in.Missed, make(map[string]*tracked, len(in.Items))}
	left := in.Count - in.Missed // for what of the items is more than the missed
	for _, it := range in.Items {
		left -= it.Seen + it.Missed - in.Missed
		if !validCounts(it.Seen, it.Missed) || it.Seen == 0 || it.Missed > in.Missed ||
			it.Seen+it.Missed <= in.Missed || left < 0 || !validKey(string(it.Value)) {
			return errCount
		}
		r.items[string(it.Value)] = &tracked{it.Seen, it.Missed}
	}
	if len(r.items) != len(in.Items) || left < 0 {
		return errCount
	}
	*s = *r
	return nil
}
