package gates

import (
	"fmt"
	"time"
)

// maxPast is how many past partitions a check may ask for.
const maxPast = 400

// wholeOf is a whole number, as a file or Go code gives it.
func wholeOf(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	}
	return 0, false
}

// numberOf is a number, as a file or Go code gives it.
func numberOf(v any) (n float64, ok bool) {
	if whole, isWhole := wholeOf(v); isWhole {
		return float64(whole), true
	}
	return asNumber(v)
}

// overOf is how many past partitions a check asks for.
func overOf(arg map[string]any, otherwise, least int64) (int64, error) {
	v, has := arg["over"]
	if !has {
		return otherwise, nil
	}
	n, ok := wholeOf(v)
	if !ok || n < least || n > maxPast {
		return 0, fmt.Errorf("over: expected %d to %d past partitions, found %s", least, maxPast, shownValue(v))
	}
	return n, nil
}

// seasonOf is the season of a forecast, and how many past partitions it looks at.
func seasonOf(arg map[string]any) (season, over int64, err error) {
	season, ok := wholeOf(arg["season"])
	if !ok || season < 1 || season > maxPast/2 {
		return 0, 0, fmt.Errorf("season: expected 1 to %d partitions, found %s", maxPast/2, shownValue(arg["season"]))
	}
	if over, err = overOf(arg, min(4*season, maxPast), 1); err == nil && over < 2*season {
		err = fmt.Errorf("over: expected at least two seasons, %d past partitions, found %d; leave it out for four seasons", 2*season, over)
	}
	return season, over, err
}

// notNegative refuses a number below zero.
func notNegative(name string, v any) error {
	if n, ok := numberOf(v); ok && n < 0 {
		return fmt.Errorf("%s: expected 0 or more, found %s", name, shownValue(v))
	}
	return nil
}

// inOrder refuses a least value above the greatest, where both are numbers, or times that
// are written alike. A bound that is nil is open.
func inOrder(low, high any) error {
	if above(low, high) {
		return fmt.Errorf("expected [least, greatest], found %s, which no value is between; swap them", list([]any{low, high}))
	}
	return nil
}

func above(low, high any) bool {
	a, isNumber := numberOf(low)
	b, too := numberOf(high)
	if isNumber && too {
		return a > b
	}
	from, isText := low.(string)
	to, areTexts := high.(string)
	if !isText || !areTexts {
		return false
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		a, err := time.Parse(layout, from)
		b, other := time.Parse(layout, to)
		if err == nil && other == nil {
			return a.After(b)
		}
	}
	return false
}
