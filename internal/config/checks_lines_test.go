package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/gates"
)

// checkLine is a way to say a check, and what it must find.
type checkLine struct {
	at   string // the file and line, for messages
	name string // of the check, as others call it
	// One of these: an item of a list of gates, the text of stages, or Go that no test here
	// runs.
	gate, stages, code string
	// stagesNamed are those that stages has.
	stagesNamed []string
	remark      string
	// bad is how rows are changed so that the check does not hold, gives its verdict then.
	bad   *node
	gives string
}

// checkPage is a file of testdata/checks: the names of one tool, or the kinds of checks.
type checkPage struct {
	title, doc string
	lines      []checkLine
}

// readChecks reads a file of testdata/checks.
func readChecks(t *testing.T, name string) checkPage {
	t.Helper()
	path := filepath.Join("testdata/checks", name+".yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parseYAML(path, text)
	if err != nil {
		t.Fatal(err)
	}
	source := strings.Split(string(text), "\n")
	page := checkPage{title: root.get("title").text, doc: root.get("doc").text}
	for _, n := range root.get("checks").values {
		page.lines = append(page.lines, readLine(t, n, source))
	}
	return page
}

func readLine(t *testing.T, n *node, source []string) checkLine {
	t.Helper()
	l := checkLine{at: fmt.Sprintf("%s:%d", n.pos.File, n.pos.Line), gives: "fail", bad: n.get("bad")}
	for i, key := range n.keys {
		v := n.values[i]
		switch key.text {
		case "name":
			l.name = v.text
		case "gate":
			line := source[v.pos.Line-1]
			l.gate = strings.TrimSpace(line[strings.Index(line, "gate:")+len("gate:"):])
		case "stages":
			l.stages = v.text
			stages, err := parseYAML("stages", []byte(v.text))
			if err != nil {
				t.Fatalf("%s: %v", l.at, err)
			}
			for _, k := range stages.keys {
				l.stagesNamed = append(l.stagesNamed, k.text)
			}
		case "code":
			l.code = v.text
		case "remark":
			l.remark = v.text
		case "gives":
			l.gives = v.text
		case "bad":
		default:
			t.Fatalf("%s: unknown field %q", l.at, key.text)
		}
	}
	if l.name == "" || l.gate == "" && l.stages == "" && l.code == "" || l.code == "" && l.bad == nil {
		t.Fatalf("%s: a line has a name, a gate, stages or code, and rows that are bad for it", l.at)
	}
	return l
}

// toolPages are the files of other tools' names.
var toolPages = []string{"great_expectations", "soda", "dbt", "deequ", "pandera"}

// examples are the lines of the vocabulary itself; what is bad for each stands in a file.
func examples(t *testing.T) (all []checkLine) {
	t.Helper()
	const path = "testdata/checks/named.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := parseYAML(path, text)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, s := range gates.Vocabulary() {
		known[s.Name] = true
		if bad.get(s.Name) == nil {
			t.Errorf("%s: what is bad for %s?", path, s.Name)
			continue
		}
		all = append(all, checkLine{at: "vocabulary: " + s.Name, name: s.Name, gate: "{" + s.Name + ": " + s.Example + "}", bad: bad.get(s.Name), gives: "fail"})
	}
	for _, k := range bad.keys {
		if !known[k.text] {
			t.Errorf("%s: no check is named %s", path, k.text)
		}
	}
	return all
}

func allCheckLines(t *testing.T) (all []checkLine) {
	t.Helper()
	all = examples(t)
	for _, name := range append([]string{"metrics", "kinds"}, toolPages...) {
		for _, l := range readChecks(t, name).lines {
			if l.code == "" {
				all = append(all, l)
			}
		}
	}
	return all
}

// The 103 kinds are all there, in order, and no name of a tool is there twice by mistake.
func TestEveryKindIsSaid(t *testing.T) {
	var numbers []string
	for _, l := range readChecks(t, "kinds").lines {
		number, _, _ := strings.Cut(l.name, " ")
		if len(numbers) == 0 || numbers[len(numbers)-1] != number {
			numbers = append(numbers, number)
		}
	}
	for i := range 103 {
		if i >= len(numbers) || numbers[i] != fmt.Sprint(i+1) {
			t.Fatalf("kind %d is not there, or not in its place", i+1)
		}
	}
	for _, name := range toolPages {
		var seen []string
		for _, l := range readChecks(t, name).lines {
			if slices.Contains(seen, l.name) && seen[len(seen)-1] != l.name {
				t.Errorf("%s: %s is there twice", l.at, l.name)
			}
			seen = append(seen, l.name)
		}
	}
}
