package sketch

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Set is a small set of texts with how often each came, exactly, up to a limit; with more distinct
// ones it is Over and forgets them. It is made by NewSet. The state is the same for any
// order and split of the values.
//
// Texts beyond 256 bytes are told apart by a 128-bit hash.
type Set struct {
	limit  int
	count  int64
	over   bool
	values map[string]*int64
}

const (
	usualLimit = 1000
	mostValues = 1 << 20
)

// NewSet gives the state of no values, which keeps as many distinct ones as the limit says,
// 1,048,576 at most; 1,000 if it is not positive.
func NewSet(limit int) *Set {
	if limit <= 0 {
		limit = usualLimit
	}
	return &Set{limit: min(limit, mostValues), values: map[string]*int64{}}
}

// Add takes in a value.
func (s *Set) Add(value string) { s.AddN(value, 1) }

// AddN takes in a value that came n times; nothing if n is not positive. The text is copied.
func (s *Set) AddN(value string, n int64) {
	if n > 0 {
		s.add(keyText(value), n)
	}
}

func (s *Set) add(key string, n int64) {
	if s.limit == 0 {
		*s = *NewSet(0)
	}
	s.count = plus(s.count, n)
	if s.over {
		return
	}
	if c := s.values[key]; c != nil {
		*c = plus(*c, n)
		return
	}
	if len(s.values) == s.limit {
		s.over, s.values = true, nil
		return
	}
	s.values[strings.Clone(key)] = &n
}

// Merge takes in the values of another state, which must have the same limit.
func (s *Set) Merge(o *Set) error {
	if s.limit != o.limit {
		return errors.New("sets with different limits do not merge")
	}
	if o.over {
		s.over, s.values = true, nil
		s.count = plus(s.count, o.count)
		return nil
	}
	for key, n := range o.values {
		s.add(key, *n)
	}
	return nil
}

// Count is the number of values, whether they are kept or not.
func (s *Set) Count() int64 { return s.count }

// Over reports whether there were more distinct values than the limit.
func (s *Set) Over() bool { return s.over }

// Len is the number of distinct values; 0 if the set is Over.
func (s *Set) Len() int { return len(s.values) }

// Has reports whether a value came; false if the set is Over.
func (s *Set) Has(value string) bool { return s.values[keyText(value)] != nil }

// Counts is how often each value came, for the caller to keep; nil if the set is Over. A text
// beyond 256 bytes is its first 240 and a hash.
func (s *Set) Counts() map[string]int64 {
	if s.over {
		return nil
	}
	all := make(map[string]int64, len(s.values))
	for key, n := range s.values {
		all[key] = *n
	}
	return all
}

// Items are the values as people see them, in order, and how often each came.
func (s *Set) Items() []Item {
	all := make([]Item, 0, len(s.values))
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		text, isCut := showText(key)
		n := *s.values[key]
		all = append(all, Item{text, isCut, n, n})
	}
	return all
}

type storedValue struct {
	Value bytesText `json:"value"`
	Count int64     `json:"count"`
}

type storedSet struct {
	Limit  int           `json:"limit"`
	Count  int64         `json:"count"`
	Over   bool          `json:"over"`
	Values []storedValue `json:"values"`
}

// MarshalJSON writes the state, its values in order.
func (s *Set) MarshalJSON() ([]byte, error) {
	out := storedSet{s.limit, s.count, s.over, make([]storedValue, 0, len(s.values))}
	for key, n := range s.values {
		out.Values = append(out.Values, storedValue{bytesText(key), *n})
	}
	slices.SortFunc(out.Values, func(a, b storedValue) int { return cmp.Compare(a.Value, b.Value) })
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Set) UnmarshalJSON(text []byte) error {
	var in storedSet
	if err := strict(text, &in, "limit", "count", "over", "values"); err != nil {
		return err
	}
	if in.Limit < 1 || in.Limit > mostValues || len(in.Values) > in.Limit || !validCounts(in.Count) ||
		in.Over && (len(in.Values) > 0 || in.Count <= int64(in.Limit)) {
		return errCount
	}
	r := NewSet(in.Limit)
	for _, v := range in.Values {
		if !validCounts(v.Count) || v.Count == 0 || !validKey(string(v.Value)) || r.values[string(v.Value)] != nil {
			return errCount
		}
		r.add(string(v.Value), v.Count)
	}
	if !in.Over && r.count != in.Count {
		return errCount
	}
	r.count = in.Count
	if in.Over {
		r.over, r.values = true, nil
	}
	*s = *r
	return nil
}
