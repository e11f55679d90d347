package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

var rewrite = flag.Bool("rewrite", false, "write what the reports are into testdata")

// writers are all formats, by the names of their golden files.
var writers = map[string]Writer{
	"junit.xml": JUnit, "html": HTML, "markdown.md": Markdown,
	"github.txt": func(w io.Writer, records []*pipeline.RunRecord) error { return GitHub(w, records, "sub") },
	"text.txt": func(w io.Writer, records []*pipeline.RunRecord) error {
		for _, rec := range records {
			for _, f := range rec.Gates {
				if _, err := io.WriteString(w, block(rec, f)+"\n"); err != nil {
					return err
				}
			}
		}
		return nil
	},
}

func written(t *testing.T, write Writer, records []*pipeline.RunRecord) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every format of a run that has everything, and of several, is in testdata.
func TestGolden(t *testing.T) {
	for name, write := range writers {
		for of, records := range map[string][]*pipeline.RunRecord{"one": {rich()}, "four": months(4)} {
			if of == "four" && name == "html" {
				continue // its golden file would only be large
			}
			got := written(t, write, records)
			file := filepath.Join("testdata", of+"."+name)
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s (-rewrite writes it anew): %s", file, d)
			}
		}
	}
}

// Every format can take a record with nothing in it, and sixty with everything.
func TestExtremes(t *testing.T) {
	for name, write := range writers {
		for _, records := range [][]*pipeline.RunRecord{nil, {{}}, {{Gates: []pipeline.Finding{{}}, Measures: []pipeline.Measure{{Bins: []pipeline.Bin{{}}}}}}, months(60)} {
			if got := written(t, write, records); name != "html" && name != "junit.xml" && strings.ContainsFunc(got, unseen) {
				t.Errorf("%s: holds a letter that can't be seen", name)
			}
		}
	}
}

// unseen are letters that change how a terminal or an editor shows others.
func unseen(r rune) bool {
	return r == unicode.ReplacementChar || r != '\n' && r != '\t' && !unicode.IsPrint(r)
}

// What is read back of JUnit's XML is what was said, and its counts are those of its cases.
func TestJUnitReadBack(t *testing.T) {
	text := written(t, JUnit, append(months(4), rich()))
	var all junitSuites
	if err := xml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Suites) != 5 {
		t.Fatalf("%d suites, want 5", len(all.Suites))
	}
	for _, s := range all.Suites {
		var failures, errs, skipped int
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errs || s.Skipped != skipped {
			t.Errorf("suite %s says %d tests, %d failures, %d errors, %d skipped; found %d, %d, %d, %d",
				s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases), failures, errs, skipped)
		}
	}
	last := all.Suites[4]
	if got, want := [4]int{last.Tests, last.Failures, last.Errors, last.Skipped}, [4]int{8, 3, 1, 1}; got != want {
		t.Errorf("tests, failures, errors, skipped are %v, want %v", got, want)
	}
	if got, want := last.Cases[5].Name, visible(hostile, false); got != want {
		t.Errorf("name read back is %q, want %q", got, want)
	}
	if got := last.Cases[5].SystemOut; !strings.Contains(got, "warns of 2001-07: mean(amount) = 48.2, between 30 and 45 expected") {
		t.Errorf("a warning passes with its text; found %q", got)
	}
	if c := all.Suites[1].Cases; len(c) != 1 || c[0].Error == nil || c[0].File != "pipelines/orders.yaml" || c[0].Line != 7 {
		t.Errorf("a failed run is a case with an error at its place; found %+v", c)
	}
}

// No text gets out of its annotation, and no more are written than GitHub shows.
func TestGitHubLimits(t *testing.T) {
	n := map[string]int{}
	for line := range strings.Lines(written(t, writers["github.txt"], months(60))) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(line, "::"), " ")
		if !strings.HasPrefix(line, "::"+kind+" ") {
			t.Errorf("no annotation: %q", line)
		}
		n[kind]++
	}
	if n["error"] != 10 || n["warning"] != 10 || n["notice"] != 1 || len(n) != 3 {
		t.Errorf("found %v, want 10 errors, 10 warnings and a notice", n)
	}
	if text := written(t, writers["github.txt"], months(1)); text != "" {
		t.Errorf("a run that passes has annotations: %s", text)
	}
}

func TestMarkdownFits(t *testing.T) {
	text := written(t, Markdown, months(60))
	if len(text) > 65536 || !strings.HasSuffix(text, "left out: a comment holds no more.\n") {
		t.Errorf("%d bytes, ending in %q", len(text), text[len(text)-80:])
	}
	if strings.Contains(strings.ReplaceAll(text, "@example.org", ""), "@octocat") && !strings.Contains(text, "<pre>") {
		t.Error("somebody is mentioned")
	}
}
