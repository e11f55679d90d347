package config

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// A where that is true of every row, and groups of which there is only one, change nothing
// of what a check says, of good rows and of bad ones.
func TestWhereAndByOfAllRowsChangeNothing(t *testing.T) {
	var lines []checkLine
	for _, l := range examples(t) {
		if l.alone() || strings.HasPrefix(l.gate, "{schema") || strings.HasPrefix(l.gate, "{same_schema") {
			continue
		}
		lines = append(lines, l.with("where: bell > -99.0"))
		if !strings.Contains(l.gate, "countries") && !strings.Contains(l.gate, "banned") {
			lines = append(lines, l.with("by: [version]"))
		}
	}
	b := newBench(t)
	var groups [][]int
	for i := range lines {
		if i > 0 && fmt.Sprint(plain(lines[i].bad)) == fmt.Sprint(plain(lines[i-1].bad)) {
			groups[len(groups)-1] = append(groups[len(groups)-1], i)
			continue
		}
		groups = append(groups, []int{i})
	}
	b.expectAllBad(lines, groups)
	b.expectGood(lines)
}

func (l checkLine) with(option string) checkLine {
	l.name += " with " + option
	l.gate = "{" + option + ", " + strings.TrimPrefix(l.gate, "{")
	return l
}

// What each check says of no rows is written down.
func TestChecksOnNoRows(t *testing.T) {
	const path = "testdata/checks/empty.txt"
	b := newBench(t)
	var lines []checkLine
	for _, l := range examples(t) {
		if !l.ofHistory() {
			lines = append(lines, l)
		}
	}
	s := sampleOf(sampleDays)
	s.rows["orders"] = s.rows["orders"][:0]
	s.write(b, sampleDays)
	var all []int
	for i := range lines {
		all = append(all, i)
	}
	rec := b.run(lines, all, sampleDays)
	var got bytes.Buffer
	for i, l := range lines {
		var verdicts []string
		for _, f := range l.findings(rec, i) {
			if text := string(f.Verdict); !slices.Contains(verdicts, text) {
				verdicts = append(verdicts, text)
			}
		}
		fmt.Fprintf(&got, "%-22s %s\n", l.name, strings.Join(verdicts, ", "))
	}
	if *rewrite {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, got.Bytes()) {
		t.Errorf("%s is out of date (%v):\n%s", path, err, got.Bytes())
	}
}

// A value is missing, invalid or valid: the three add up to the rows, also where the
// condition is null, and shares are of what they say.
func TestMissingInvalidAndValidAreAll(t *testing.T) {
	lines := []checkLine{
		{name: "counts", gate: `{expect: 'nulls(note) + count_if(note in ["first", "gift"]) + count_if(!(note in ["first", "gift"])) == rows()'}`},
		{name: "share of tested", gate: `{expect: 'share(note == "gift") * double(count(note)) > 5.99 && share(note == "gift") < 0.34 && count_if(note == "gift") / rows() == 0.25'}`},
		{name: "nulls are counted", gate: `{expect: 'null_share(note) == 0.25 && count(note) == 18 && nulls(note) == 6'}`},
		{name: "tolerance is of those tested", gate: `{rows: note != "gift", at_most: 34%}`},
		{name: "and of all, if nulls fail", gate: `{rows: note != "gift", at_most: 50%, nulls: fail}`},
	}
	newBench(t).expectGood(lines)
	for _, l := range []string{`{rows: note != "gift", at_most: 33%}`, `{rows: note != "gift", at_most: 49%, nulls: fail}`} {
		b := newBench(t)
		lines := []checkLine{{name: "too many", gate: l}}
		sampleOf(sampleDays).write(b, sampleDays)
		if f := lines[0].findings(b.run(lines, []int{0}, sampleDays), 0)[0]; f.Verdict != pipeline.Fail {
			t.Errorf("%s: %s, %s", l, f.Verdict, f.Observed)
		}
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	project, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: 2, HoldFor: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := project.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{T: t, dir: dir, project: project, written: map[string]string{}}
}
