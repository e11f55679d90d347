package config

import (
	"strings"
	"testing"

	"github.com/penstock-data/penstock/gates"
)

const head = "name: p\nsources: {s: {parquet: in.parquet}}\nstages:\n"

// TestAddRules adds rules in every way a list may be written: they come behind those that
// are there, which stay, as does every line that is none of the list.
func TestAddRules(t *testing.T) {
	for name, c := range map[string]struct {
		stage string
		had   int
	}{
		"dashes":               {"  a:\n    from: s\n    gates:\n      - rows: x > 0\n      - name: two\n        rows: y > 0 # last\n    output: {csv: out/a}\n", 2},
		"dashes below the key": {"  a:\n    from: s\n    gates:\n    - {name: one, rows: x > 0}\n    - name: two\n      rows: |\n        y > 0\n\n        && x > 0\n\n    output: {csv: out/a}\n", 2},
		"brackets":             {"  a:\n    from: s\n    gates: [{name: 'a, ]', rows: x > 0}, {not_null: [x, y]}] # why\n    output: {csv: out/a}\n", 2},
		"brackets over lines":  {"  a:\n    from: s\n    gates: [\n      {rows: x > 0},\n      {not_null: [x,\n        y]},\n    ]\n    output: {csv: out/a}\n", 2},
		"an empty list":        {"  a:\n    from: s\n    gates: []\n", 0},
		"no list, an output":   {"  a:\n    from: s\n    # where to\n    output: {csv: out/a}\n", 0},
		"no list, no output":   {"  a:\n      from: s\n\n  # the next\n  b: {from: a}\n", 0},
		"at the end":           {"  a:\n    from: s\n    gates:\n      - rows: x > 0", 1},
		"a comment at the end": {"  a:\n    from: s\n    gates:\n      - rows: x > 0\n      # no more\n# done\n", 1},
		"ends of Windows":      {"  a:\r\n    from: s\r\n    gates:\r\n      - rows: x > 0\r\n    output: {csv: out/a}\r\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			before := head + c.stage
			if strings.Contains(before, "\r") {
				before = strings.ReplaceAll(head, "\n", "\r\n") + c.stage
			}
			after, err := AddRules("p.yaml", []byte(before), "a", [][]string{
				{"# why", "- {name: new, rows: x > 1}"}, {"# because", "- between: {y: [0, 1]}", "  at_most: 1%"},
			})
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse("p.yaml", after, Options{})
			if err != nil {
				t.Fatalf("%v\n%s", err, after)
			}
			was, err := Parse("p.yaml", []byte(before), Options{})
			if err != nil {
				t.Fatal(err)
			}
			rules := gates.Rules(p.Stages[0].Gates)
			if len(rules) != c.had+2 || rules[c.had].Name != "new" || rules[c.had+1].Name != "between_y" || rules[c.had+1].AtMost.String() != "1%" {
				t.Fatalf("rules are %v\n%s", rules, after)
			}
			for i, r := range gates.Rules(was.Stages[0].Gates) {
				if r.String() != rules[i].String() {
					t.Errorf("rule %s became %s", r, rules[i])
				}
			}
			if strings.Count(before, "\r\n") > 0 && strings.Count(string(after), "\n") != strings.Count(string(after), "\r\n") {
				t.Errorf("ends of lines are mixed: %q", after)
			}
			for line := range strings.Lines(before) {
				if line = strings.TrimRight(line, "\r\n"); !strings.Contains(string(after), line) && !strings.ContainsAny(line, "[]") && !strings.HasSuffix(line, ",") {
					t.Errorf("lost the line %q of\n%s", line, after)
				}
			}
		})
	}
}

func TestAddRulesRefuses(t *testing.T) {
	for stage, want := range map[string]string{
		"  a: {from: s}\n": "p.yaml:4:7: stage \"a\": is written in brackets, to which no rules can be added\n\twrite it with a line for each key",
		"  a:\n    from: s\n    gates: [{rows: x > 0}, # one\n      {rows: y > 0}]\n": "p.yaml:6:12: the list of gates is written so that no rules can be added\n\twrite it with a dash for each rule",
		"  b:\n    from: s\n": "p.yaml: has no stage a",
	} {
		if _, err := AddRules("p.yaml", []byte(head+stage), "a", nil); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", stage, err, want)
		}
	}
}
