// Package selection reads the grammar by which stages are chosen, which is dbt's:
//
//	clean          the stage of this name; * stands for any letters
//	+clean         and all that it reads from; 2+clean: up to two steps away
//	clean+         and all that reads from it; clean+1: one step away
//	tag:nightly    stages with the tag
//	state:stale    stages in this state: missing, failed, blocked, stale, waiting, current
//	result:failed  stages whose last run ended so: published, unchanged, blocked, failed, cancelled
//	a b            what is in a or in b
//	a,b            what is in a and in b
package selection

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Item is what is chosen from.
type Item struct {
	Name string
	Tags []string
	// State and Result are as state: and result: name them; empty: none.
	State, Result string
	// From are the items it reads from, by their place.
	From []int
}

// Selection chooses items. The zero value chooses all.
type Selection struct {
	in, out []union
}

// union is the words of one flag: any of them chooses.
type union []intersection

// intersection is words with commas between: all of them must choose.
type intersection []term

// term is one word.
type term struct {
	method, value string
	up, down      int // steps; -1: all
}

// maxWords bounds a selection.
const maxWords = 1000

// States and Results are the values of state: and result:.
var (
	States  = []string{"missing", "failed", "blocked", "stale", "waiting", "current"}
	Results = []string{"published", "unchanged", "blocked", "failed", "cancelled"}
)

// Parse reads what is chosen and what is left out of it; nothing chosen is everything. Names
// and tags that no stage has are an error: a selection that chooses nothing is a mistake.
func Parse(choose, exclude []string, stages []Item) (*Selection, error) {
	s := &Selection{}
	for _, list := range []struct {
		texts []string
		to    *[]union
		flag  string
	}{{choose, &s.in, "--select"}, {exclude, &s.out, "--exclude"}} {
		for _, text := range list.texts {
			u, err := parse(text, stages)
			if err != nil {
				return nil, pipeline.Errorf(pipeline.Invalid, "%s %q: %w", list.flag, text, err).
					With(`write it like "clean+", "+report", "tag:nightly", "state:failed"`)
			}
			*list.to = append(*list.to, u)
		}
	}
	return s, nil
}

func parse(text string, stages []Item) (union, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "nothing is named")
	}
	if len(words) > maxWords {
		return nil, pipeline.Errorf(pipeline.Invalid, "more than %d words", maxWords)
	}
	var u union
	for _, word := range words {
		var all intersection
		for part := range strings.SplitSeq(word, ",") {
			t, err := parseTerm(part, stages)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		u = append(u, all)
	}
	return u, nil
}

func parseTerm(word string, stages []Item) (t term, err error) {
	rest := word
	if before, after, ok := strings.Cut(rest, "+"); ok && steps(before) {
		t.up, rest = count(before), after
	}
	if i := strings.LastIndexByte(rest, '+'); i >= 0 && steps(rest[i+1:]) {
		t.down, rest = count(rest[i+1:]), rest[:i]
	}
	if method, value, ok := strings.Cut(rest, ":"); ok {
		t.method, t.value = method, value
	} else {
		t.method, t.value = "stage", rest
	}
	if t.value == "" || strings.ContainsAny(t.value, "+:") {
		return t, pipeline.Errorf(pipeline.Invalid, "%q names no stage", word)
	}
	return t, t.check(stages)
}

// steps reports whether the text beside a "+" may be a number of steps.
func steps(text string) bool {
	return text == "" || strings.Trim(text, "0123456789") == "" && len(text) < 6
}

func count(text string) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return -1
}

func (t term) check(stages []Item) error {
	var known []string
	switch t.method {
	case "stage":
		for _, s := range stages {
			known = append(known, s.Name)
		}
		if _, err := path.Match(t.value, ""); err != nil {
			return pipeline.Errorf(pipeline.Invalid, "%q is not a pattern", t.value)
		}
		if slices.ContainsFunc(known, func(name string) bool { return t.named(name) }) {
			return nil
		}
	case "tag":
		for _, s := range stages {
			known = append(known, s.Tags...)
		}
		slices.Sort(known)
		known = slices.Compact(known)
	case "state":
		known = States
	case "result":
		known = Results
	default:
		return pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("method", t.method, []string{"tag", "state", "result"}))
	}
	if t.method != "stage" && slices.Contains(known, t.value) {
		return nil
	}
	return pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown(t.method, t.value, known))
}

func (t term) named(name string) bool {
	ok, err := path.Match(t.value, name)
	return ok && err == nil
}

// All says that nothing is left out, whatever the items.
func (s *Selection) All() bool { return len(s.in)+len(s.out) == 0 }

// ByState says that the choice depends on states or results.
func (s *Selection) ByState() bool {
	for _, u := range slices.Concat(s.in, s.out) {
		for _, all := range u {
			if slices.ContainsFunc(all, func(t term) bool { return t.method == "state" || t.method == "result" }) {
				return true
			}
		}
	}
	return false
}

// Choose reports of each item whether it is chosen.
func (s *Selection) Choose(items []Item) []bool {
	chosen := make([]bool, len(items))
	for i := range chosen {
		chosen[i] = len(s.in) == 0
	}
	for _, u := range s.in {
		for i, ok := range u.choose(items) {
			chosen[i] = chosen[i] || ok
		}
	}
	for _, u := range s.out {
		for i, ok := range u.choose(items) {
			chosen[i] = chosen[i] && !ok
		}
	}
	return chosen
}

func (u union) choose(items []Item) []bool {
	chosen := make([]bool, len(items))
	for _, all := range u {
		some := slices.Repeat([]bool{true}, len(items))
		for _, t := range all {
			for i, ok := range t.choose(items) {
				some[i] = some[i] && ok
			}
		}
		for i, ok := range some {
			chosen[i] = chosen[i] || ok
		}
	}
	return chosen
}

func (t term) choose(items []Item) []bool {
	start := make([]bool, len(items))
	for i, it := range items {
		start[i] = t.matches(it)
	}
	into := make([][]int, len(items)) // who reads from each
	for i, it := range items {
		for _, from := range it.From {
			into[from] = append(into[from], i)
		}
	}
	up := spread(start, t.up, func(i int) []int { return items[i].From })
	down := spread(start, t.down, func(i int) []int { return into[i] })
	for i := range up {
		up[i] = up[i] || down[i]
	}
	return up
}

func (t term) matches(it Item) bool {
	switch t.method {
	case "tag":
		return slices.Contains(it.Tags, t.value)
	case "state":
		return it.State == t.value
	case "result":
		return it.Result == t.value
	}
	return t.named(it.Name)
}

// spread adds what lies up to so many steps away; a negative number is any.
func spread(start []bool, steps int, next func(int) []int) []bool {
	all := slices.Clone(start)
	edge := all
	for n := 0; n != steps; n++ {
		further := make([]bool, len(all))
		grown := false
		for i, on := range edge {
			if !on {
				continue
			}
			for _, j := range next(i) {
				if !all[j] && !further[j] {
					further[j], grown = true, true
				}
			}
		}
		if !grown {
			break
		}
		all = slices.Clone(all)
		for i, on := range further {
			all[i] = all[i] || on
		}
		edge = further
	}
	return all
}
