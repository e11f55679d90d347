package penstock_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// forge changes a record as somebody would who knows how it is made: its own digest is right.
func (x *past) forge(t *testing.T, run, old, now string) {
	t.Helper()
	name := filepath.Join(x.dir, ".penstock/runs", run+".json")
	text := readFile(t, name)
	head, body, found := bytes.Cut(bytes.Replace(text, []byte(old), []byte(now), 1), []byte(",\n"))
	if !found || !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	at := bytes.LastIndexByte(head[:len(head)-1], '"') + 1
	sum := sha256.Sum256(body)
	writeFile(t, name, append(append(head[:at:at], hex.EncodeToString(sum[:])...), append([]byte("\",\n"), body...)...))
}

// dies leaves what a run leaves whose process is killed: its lock, and nobody who holds it.
func (x *past) dies(t *testing.T, run string) {
	t.Helper()
	writeFile(t, filepath.Join(x.dir, ".penstock/live", run+".lock"), nil)
	x.with(t, func(*penstock.Project) {})
}

func (x *past) finds(t *testing.T, o audit.Options, what string) {
	t.Helper()
	for _, p := range x.verify(t, o) {
		if strings.Contains(p.String(), what) {
			return
		}
	}
	t.Errorf("nobody sees that %q: %v", what, x.verify(t, o))
}

// A record that somebody changed does not come to stand on the chain because its run looks as if
// it had died, whoever has the key.
func TestForgedRecordOfADeadRun(t *testing.T) {
	x := newPast(t, penstock.Options{})
	for _, what := range [][2]string{{`"actor": "tester"`, `"actor": "mallory"`}, {`"status": "blocked"`, `"status": "failed"`}} {
		x.forge(t, x.latest, what[0], what[1])
		x.finds(t, audit.Options{}, "was changed since entry")
		x.dies(t, x.latest)
		x.finds(t, audit.Options{}, "was changed since entry")
		x.with(t, func(p *penstock.Project) {
			if _, err := p.Approve(t.Context(), x.latest, penstock.Approve{Gates: []string{"enough"}, Reason: "x"}); err == nil {
				t.Error("what somebody changed is approved of, and so put on record")
			}
		})
		x.forge(t, x.latest, what[1], what[0])
		x.holds(t, audit.Options{})
	}
}

// approvedElsewhere gives the file of approvals that an honest approval of the latest run writes, with
// another name in it, and leaves the project as it was.
func (x *past) approvedElsewhere(t *testing.T, by string) []byte {
	t.Helper()
	y := *x
	y.dir = t.TempDir()
	if err := os.CopyFS(y.dir, os.DirFS(x.dir)); err != nil {
		t.Fatal(err)
	}
	y.with(t, func(p *penstock.Project) {
		if _, err := p.Approve(t.Context(), x.latest, penstock.Approve{Gates: []string{"enough"}, Reason: "a short day"}); err != nil {
			t.Fatal(err)
		}
	})
	y.holds(t, audit.Options{})
	text := readFile(t, filepath.Join(y.dir, "out/.penstock/datasets/clean/approvals/key=c.json"))
	return bytes.ReplaceAll(text, []byte(`"actor": "tester"`), []byte(`"actor": "`+by+`"`))
}

// An approval that nobody gave does not come to stand on the chain, and lets nothing through.
func TestApprovalThatNobodyGave(t *testing.T) {
	x := newPast(t, penstock.Options{})
	made := x.approvedElsewhere(t, "ceo")
	name := filepath.Join(x.dir, "out/.penstock/datasets/clean/approvals/key=c.json")
	writeFile(t, name, made)
	x.finds(t, audit.Options{}, "no entry of the chain says who approved")
	x.dies(t, x.latest)
	x.finds(t, audit.Options{}, "no entry of the chain says who approved")
	x.with(t, func(p *penstock.Project) {
		rec := x.run(t, p, "c", pipeline.Blocked)
		told := ""
		for _, f := range rec.Gates {
			told += strings.Join(f.Detail, "\n")
		}
		if !strings.Contains(told, "does not count") || !strings.Contains(told, "no entry of the audit") {
			t.Errorf("the run says %q", told)
		}
		_, err := p.Approve(t.Context(), rec.Run, penstock.Approve{Gates: []string{"enough"}, Reason: "x"})
		if err == nil || !strings.Contains(err.Error(), "no entry of the audit") {
			t.Errorf("an honest approval takes one along that nobody gave: %v", err)
		}
		if err := os.Remove(name); err != nil { // the way out
			t.Fatal(err)
		}
		if a, err := p.Approve(t.Context(), rec.Run, penstock.Approve{Gates: []string{"enough"}, Reason: "x"}); err != nil || a.Run.Status != pipeline.Published {
			t.Fatal(a, err)
		}
	})
	x.holds(t, audit.Options{})
}

// One that was changed since is told too, and an older file does not come back.
func TestApprovalThatWasChanged(t *testing.T) {
	x := newPast(t, penstock.Options{})
	name := filepath.Join(x.dir, "out/.penstock/datasets/clean/approvals/key=b.json")
	text := readFile(t, name)
	writeFile(t, name, bytes.Replace(text, []byte(`"actor": "tester"`), []byte(`"actor": "ceo"`), 1))
	x.dies(t, x.latest)
	x.finds(t, audit.Options{}, "was changed since entry")
	for _, rec := range x.record(t)["run"] {
		x.dies(t, strings.TrimSuffix(filepath.Base(rec), ".json"))
	}
	x.finds(t, audit.Options{}, "was changed since entry")
	writeFile(t, name, text)
	x.holds(t, audit.Options{})
}

// The end of the project's chain can't be cut off with what it stands for: the chains of datasets
// know the runs that made versions. It is on record from the next command on, once.
func TestChainOfTheProjectThatWasCut(t *testing.T) {
	x := newPast(t, penstock.Options{})
	own := audit.Path(x.dir, "")
	lines := bytes.SplitAfter(readFile(t, own), []byte("\n"))
	keep := len(lines)
	for i, line := range lines {
		if bytes.Contains(line, []byte(`"kind":"run"`)) {
			keep = i + 1
			break
		}
	}
	writeFile(t, own, bytes.Join(lines[:keep], nil))
	for _, line := range lines[keep:] {
		for _, kind := range []string{"runs", "backfills"} {
			for _, name := range x.record(t)[strings.TrimSuffix(kind, "s")] {
				if run := strings.TrimSuffix(filepath.Base(name), ".json"); bytes.Contains(line, []byte(`"run":"`+run+`"`)) {
					if err := os.Remove(name); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	x.finds(t, audit.Options{}, "does not know run")
	before := len(x.verify(t, audit.Options{}))
	if err := os.RemoveAll(filepath.Join(x.dir, ".penstock/state.db")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x.with(t, func(*penstock.Project) {})
		x.finds(t, audit.Options{}, "says so since")
		if n := bytes.Count(readFile(t, own), []byte(`"kind":"missing"`)); n < 4 {
			t.Errorf("%d entries say that runs are missing", n)
		}
		if wrong := x.verify(t, audit.Options{}); len(wrong) != before {
			t.Errorf("%d problems were told before, and %d after: %v", before, len(wrong), wrong)
		}
	}
	size := len(readFile(t, own))
	x.with(t, func(*penstock.Project) {})
	if len(readFile(t, own)) != size {
		t.Error("it is said again")
	}
}

// Who takes all chains away has the next command begin others; what was made when there were chains
// tells of them.
func TestAllChainsTakenAway(t *testing.T) {
	x := newPast(t, penstock.Options{})
	if err := errors.Join(os.Remove(x.chains()[0]), os.Remove(x.chains()[1]), os.Remove(x.chains()[2])); err != nil {
		t.Fatal(err)
	}
	x.with(t, func(p *penstock.Project) {
		x.write(t, "a", 1, 2)
		x.run(t, p, "a", pipeline.Published)
	})
	x.finds(t, audit.Options{}, "there was one before it, and it is gone")
}

// A blocked run that is older than the chains can be approved of, also by somebody who is killed
// just after the record of it was written anew.
func TestAdoptedRunIsApprovedOfAndTheProcessDies(t *testing.T) {
	x := newPast(t, penstock.Options{})
	for _, name := range x.chains() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	x.keepNoTexts(t)
	x.with(t, func(p *penstock.Project) { // the chains begin
		x.write(t, "a", 1, 2)
		x.run(t, p, "a", pipeline.Published)
	})
	if text := readFile(t, x.chains()[0]); !bytes.Contains(text, []byte(`"kind":"adopt","run":"`+x.latest+`","status":"blocked"`)) {
		t.Fatalf("it is not on record as what it is: %s", text)
	}
	own := x.chains()[0]
	x.with(t, func(p *penstock.Project) {
		if a, err := p.Approve(t.Context(), x.latest, penstock.Approve{Gates: []string{"enough"}, Reason: "a short day"}); err != nil || a.Run.Status != pipeline.Published {
			t.Fatal(a, err)
		}
	})
	x.holds(t, audit.Options{})
	lines := bytes.SplitAfter(bytes.TrimSuffix(readFile(t, own), []byte("\n")), []byte("\n"))
	writeFile(t, own, bytes.Join(lines[:len(lines)-1], nil)) // the last entry is for the record
	x.holds(t, audit.Options{})                              // it was announced
	x.dies(t, x.latest)
	r := x.holds(t, audit.Options{})
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "was added late, in place of entry") {
		t.Errorf("notes are %q", r.Notes)
	}
}

// Without its key a project can be looked at, and says what it takes to end what died.
func TestProjectWithoutItsSigningKey(t *testing.T) {
	x := newPast(t, penstock.Options{})
	x.opts.SigningKey = filepath.Join(t.TempDir(), "none")
	writeFile(t, filepath.Join(x.dir, ".penstock/live", x.latest+".lock"), nil)
	x.with(t, func(p *penstock.Project) {
		if runs, err := p.Runs(t.Context(), penstock.RunFilter{}); err != nil || len(runs) == 0 {
			t.Error(runs, err)
		}
		if died, err := p.Died(&pipeline.RunRecord{Run: x.latest, Status: pipeline.Running}); !died || err == nil || !strings.Contains(err.Error(), "the signing key") {
			t.Error(died, err)
		}
		if _, err := p.Run(t.Context(), x.pl, "a"); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "the signing key") {
			t.Error(err)
		}
	})
	x.holds(t, audit.Options{})
}

// keepNoTexts takes from the records of runs what only a penstock writes that keeps chains.
func (x *past) keepNoTexts(t *testing.T) {
	t.Helper()
	for _, name := range x.record(t)["run"] {
		text := string(readFile(t, name))
		if from := strings.Index(text, `  "definition": [`); from >= 0 {
			to := from + strings.Index(text[from:], "\n  ],\n") + len("\n  ],\n")
			x.forge(t, strings.TrimSuffix(filepath.Base(name), ".json"), text[from:to], "")
		}
	}
}

// A backfill that ended is not ended again by whoever changed its record; one that was gone on with is.
func TestBackfillThatDiesWhenGoneOnWith(t *testing.T) {
	x := newPast(t, penstock.Options{})
	name := x.record(t)["backfill"][0]
	id, text := strings.TrimSuffix(filepath.Base(name), ".json"), readFile(t, name)
	for _, what := range [][2]string{{`"actor": "tester"`, `"actor": "mallory"`}, {`"status": "ended"`, `"status": "running"`}} {
		now := bytes.Replace(text, []byte(what[0]), []byte(what[1]), 1)
		if bytes.Equal(now, text) {
			t.Fatalf("%s has no %s", name, what[0])
		}
		writeFile(t, name, now)
		x.dies(t, id)
		x.finds(t, audit.Options{}, "was changed since entry")
	}
	writeFile(t, name, text)
	x.holds(t, audit.Options{})
	x.with(t, func(p *penstock.Project) {
		parts, err := x.pl.Partitions.Range("", "")
		if err == nil {
			_, err = p.Backfill(t.Context(), x.pl, parts, penstock.BackfillOptions{Resume: id})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	x.holds(t, audit.Options{})
	own := x.chains()[0]
	all := bytes.SplitAfter(bytes.TrimSuffix(readFile(t, own), []byte("\n")), []byte("\n"))
	if last := all[len(all)-1]; !bytes.Contains(last, []byte(`"kind":"backfill"`)) {
		t.Fatalf("the last entry is %s", last)
	}
	writeFile(t, own, bytes.Join(all[:len(all)-1], nil)) // it was killed before that
	x.dies(t, id)
	x.holds(t, audit.Options{})
}
