package selection

import (
	"strings"
	"testing"
)

// The graph: a → b → d, a → c → d, d → e; f stands alone.
func graph() []Item {
	return []Item{
		{Name: "a", Tags: []string{"raw"}, State: "current", Result: "published"},
		{Name: "b", Tags: []string{"nightly"}, State: "stale", Result: "published", From: []int{0}},
		{Name: "c", Tags: []string{"nightly", "slow"}, State: "failed", Result: "failed", From: []int{0}},
		{Name: "d", State: "stale", Result: "unchanged", From: []int{1, 2}},
		{Name: "e_1", State: "missing", From: []int{3}},
		{Name: "f", Tags: []string{"raw"}, State: "blocked", Result: "blocked"},
	}
}

func names(items []Item, chosen []bool) string {
	var all []string
	for i, ok := range chosen {
		if ok {
			all = append(all, items[i].Name)
		}
	}
	return strings.Join(all, " ")
}

func TestChoose(t *testing.T) {
	for _, test := range []struct{ choose, exclude, want string }{
		{"", "", "a b c d e_1 f"},
		{"b", "", "b"},
		{"b+", "", "b d e_1"},
		{"+d", "", "a b c d"},
		{"1+d", "", "b c d"},
		{"a+1", "", "a b c"},
		{"+b+", "", "a b d e_1"},
		{"b c", "", "b c"},
		{"tag:nightly", "", "b c"},
		{"tag:nightly,state:stale", "", "b"},
		{"tag:raw+", "", "a b c d e_1 f"},
		{"state:stale", "", "b d"},
		{"state:failed+", "", "c d e_1"},
		{"result:failed result:blocked", "", "c f"},
		{"e*", "", "e_1"},
		{"*", "tag:raw", "b c d e_1"},
		{"", "state:current f", "b c d e_1"},
		{"+e_1,a+1", "", "a b c"},
		{"state:waiting", "", ""},
	} {
		var in, out []string
		if test.choose != "" {
			in = []string{test.choose}
		}
		if test.exclude != "" {
			out = []string{test.exclude}
		}
		s, err := Parse(in, out, graph())
		if err != nil {
			t.Fatalf("%q without %q: %v", test.choose, test.exclude, err)
		}
		if got := names(graph(), s.Choose(graph())); got != test.want {
			t.Errorf("%q without %q: %q, want %q", test.choose, test.exclude, got, test.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"clear":         `unknown stage "clear"`,
		"tag:nigtly":    `did you mean "nightly"?`,
		"state:zzzzzzz": `unknown state "zzzzzzz"; known are missing, failed, blocked`,
		"colour:red":    `unknown method "colour"`,
		"+":             `"+" names no stage`,
		"a+b":           `names no stage`,
		"a,":            `"" names no stage`,
		"[":             `is not a pattern`,
		" ":             `nothing is named`,
	} {
		_, err := Parse([]string{text}, nil, graph())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a+ +b", "tag:x,state:stale", "3+a+2", "*+*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse([]string{text}, []string{text}, graph())
		if err != nil {
			return
		}
		if got := names(graph(), s.Choose(graph())); got != "" {
			t.Errorf("%q without itself chooses %q", text, got)
		}
	})
}
