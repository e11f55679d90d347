package sketch

import (
	"encoding/json"
	"errors"
	"slices"
)

type storedQuantiles struct {
	Count  int64      `json:"count"`
	NaN    int64      `json:"nan"`
	Min    number     `json:"min"`
	Max    number     `json:"max"`
	Over   int64      `json:"over"`
	Under  int64      `json:"under"`
	Levels [][]number `json:"levels"`
}

// MarshalJSON writes the state, all its items: see Compact.
func (s *Quantiles) MarshalJSON() ([]byte, error) {
	levels := s.levels
	for len(levels) > 0 && len(levels[len(levels)-1]) == 0 {
		levels = levels[:len(levels)-1]
	}
	out := storedQuantiles{Count: s.count, NaN: s.nan, Over: s.over, Under: s.under, Levels: make([][]number, len(levels))}
	if s.count > 0 {
		out.Min, out.Max = number(valueOf(s.min)), number(valueOf(s.max))
	}
	for h, level := range levels {
		out.Levels[h] = make([]number, len(level))
		for i, k := range level {
			out.Levels[h][i] = number(valueOf(k))
		}
	}
	if len(levels) > 0 {
		slices.Sort(out.Levels[0])
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Quantiles) UnmarshalJSON(text []byte) error {
	var in storedQuantiles
	if err := strict(text, &in, "count", "nan", "min", "max", "over", "under", "levels"); err != nil {
		return err
	}
	if !validCounts(in.Count, in.NaN, in.Over, in.Under) || max(in.Over, in.Under) > in.Count || len(in.Levels) > 54 {
		return errCount
	}
	if in.Min != in.Min || in.Max != in.Max {
		return errors.New("least or greatest value is NaN")
	}
	r := Quantiles{count: in.Count, nan: in.NaN, over: in.Over, under: in.Under}
	if in.Count > 0 {
		r.min, r.max = keyOf(float64(in.Min)), keyOf(float64(in.Max))
	}
	weight := int64(0)
	for h, level := range in.Levels {
		if h == 0 && len(level) >= firstCapacity || h > 0 && len(level) >= capacity || int64(len(level)) > in.Count>>h {
			return errCount
		}
		weight += int64(len(level)) << h
		keys, err := r.readLevel(level)
		if err != nil {
			return err
		}
		r.levels = append(r.levels, keys)
	}
	if weight != in.Count {
		return errCount
	}
	*s = r
	return nil
}

// readLevel checks that the items of a level are sorted and within the least and greatest
// value.
func (s *Quantiles) readLevel(level []number) ([]uint64, error) {
	keys := make([]uint64, len(level))
	last := s.min
	for i, v := range level {
		k := keyOf(float64(v))
		if v != v || k < last || k > s.max {
			return nil, errors.New("items of a level are not in order")
		}
		keys[i], last = k, k
	}
	return keys, nil
}
