package penstock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// newDecided is a project in which a break was accepted, and the ledger made anew.
func newDecided(t *testing.T) (x *nightly, file string) {
	x = newNightly(t, "2026-11-02")
	x.found("2026-11-01", "7 5.00")
	x.found("2026-11-02", "7 5.00", "8 9.00")
	x.backfill()
	d := x.decide("", "7", DecideBreak{Action: breaks.Accept, Reason: "a known fee"})
	x.backfill()
	return x, filepath.Join(x.dir, filepath.FromSlash(d.File))
}

// refuses runs a night, which must fail and say why.
func (x *nightly) refuses(night, want string) {
	x.t.Helper()
	rec, err := x.p.Run(context.Background(), x.pl, night)
	if err == nil || rec.Status != pipeline.Failed || !strings.Contains(err.Error(), want) {
		x.t.Errorf("the run of %s is %s, %v; expected %q", night, rec.Status, err, want)
	}
}

// What nobody decided through penstock decides nothing, and is found.
func TestDecisionsThatNobodyMade(t *testing.T) {
	for _, test := range []struct {
		name    string
		do      func(t *testing.T, x *nightly, file string)
		run     string // of the night says
		audit   string
		planned string
	}{
		{"changed", func(t *testing.T, _ *nightly, file string) {
			edit(t, file, "a known fee", "a known fox")
		}, "is not on record as it is", "was changed since entry", ""},
		{"grown", func(t *testing.T, _ *nightly, file string) {
			edit(t, file, "a known fee", "a known fee, and more")
		}, "is not on record as it is", "was changed since entry", "a decision was changed"},
		{"another one", func(t *testing.T, x *nightly, file string) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			forged := strings.NewReplacer(x.id("7"), x.id("8"), "5.00", "9.00", `"seq": 1`, `"seq": 2`).Replace(string(text))
			other := filepath.Join(filepath.Dir(file), strings.Replace(filepath.Base(file), "000001", "000002", 1))
			if err := os.WriteFile(other, []byte(forged), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "is not on record as it is", "no entry of the chain says who decided it", "a decision: anna accepted"},
		{"moved to another night", func(t *testing.T, _ *nightly, file string) {
			dir := filepath.Join(filepath.Dir(filepath.Dir(file)), "day=2026-11-01")
			if err := os.Rename(filepath.Dir(file), dir); err != nil {
				t.Fatal(err)
			}
		}, "it was moved", "no entry of the chain says who decided it", "a decision is gone"},
		{"no decision", func(t *testing.T, _ *nightly, file string) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), "notes.txt"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "penstock did not put it there", "no entry of the chain says who decided it", ""},
		{"too large", func(t *testing.T, _ *nightly, file string) {
			if err := os.WriteFile(file, make([]byte, 65<<10), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "a decision has at most 65536", "was changed since entry", ""},
		{"no JSON", func(t *testing.T, _ *nightly, file string) {
			if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "can't be read", "was changed since entry", "a decision was changed"},
		{"a link", func(t *testing.T, _ *nightly, file string) {
			if err := os.Symlink(file, filepath.Join(filepath.Dir(file), "000002-x.json")); err != nil {
				t.Skip(err)
			}
		}, "penstock did not put it there", "no entry of the chain says who decided it", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, file := newDecided(t)
			test.do(t, x, file)
			x.refuses("2026-11-02", test.run)
			x.same(x.states("2026-11-02"), "8 new 9.00, 7 accepted 5.00") // nothing else was published
			if got := x.verified(); !strings.Contains(got, test.audit) || !strings.Contains(got, ".penstock/breaks/warehouse/breaks/day=") {
				t.Errorf("the audit says %q; expected %q", got, test.audit)
			}
			if test.planned != "" && !strings.Contains(x.plan(), test.planned) {
				t.Errorf("the plan says %q; expected %q", x.plan(), test.planned)
			}
		})
	}
}

func edit(t *testing.T, file, was, now string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), was) {
		t.Fatal(err, string(text))
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), was, now)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Who decides next may put on the chain what another process is just about to: the report of an
// auditor has the decision once.
func TestADecisionThatTwoPutOnRecord(t *testing.T) {
	x, file := newDecided(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e := audit.Entry{
		Kind: audit.Decision, Dataset: "warehouse/breaks", Partition: filepath.Base(filepath.Dir(file)), File: filepath.Base(file),
		Actor: "anna", Digest: sha256Of(text), Late: true,
	}
	if err := x.p.audit.Append(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	if problems := x.verified(); problems != "" {
		t.Error(problems)
	}
	report, err := x.p.ReportAudit(context.Background(), time.Time{}, time.Now().Add(time.Hour), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	decided := 0
	for _, row := range report.Rows {
		if row.Act == audit.Decided {
			decided++
		}
	}
	if decided != 1 {
		t.Errorf("the report has %d decisions", decided)
	}
}

// A decision that is taken away is missed by the audit, and the plan says so.
func TestADecisionThatIsGone(t *testing.T) {
	x, file := newDecided(t)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := x.verified(); !strings.Contains(got, filepath.Base(file)+": is gone; entry") {
		t.Errorf("the audit says %q", got)
	}
	if got := x.plan(); !strings.Contains(got, "2026-11-02 stale; a decision is gone: ") {
		t.Errorf("the plan says %q", got)
	}
	x.refuses("2026-11-02", "is gone, and the audit has it on record")
}

// Whichever operation of the disk fails when something is decided, the record holds, the ledger can
// be made, and it can be decided again.
func TestADecisionWhileTheDiskFails(t *testing.T) {
	x, _ := newDecided(t)
	left := 0
	fault := func(string, string) error {
		if left--; left == 0 {
			return errors.New("the disk is gone")
		}
		return nil
	}
	for n := 1; ; n++ {
		left = 0
		p, err := open(context.Background(), x.dir, Options{Workers: 1, Actor: "ben"}, faults.Failing{FS: faults.OS(), Fault: fault})
		if err != nil {
			t.Fatal(err)
		}
		left = n
		_, err = p.DecideBreak(context.Background(), "", "", x.id("8"), DecideBreak{Action: breaks.Assign, Owner: fmt.Sprint("n", n)})
		done := left > 0
		left = 0
		if cerr := p.Close(); cerr != nil {
			t.Fatal(cerr)
		}
		if done && err != nil {
			t.Fatal(err)
		}
		x.run("2026-11-02")
		if err == nil { // also where an operation failed that could be done without
			x.same(x.owner("8"), fmt.Sprint("n", n))
		}
		if !done { // what was torn of the chain is mended
			x.decide("", "8", DecideBreak{Action: breaks.Assign, Owner: fmt.Sprint("again", n)})
			x.run("2026-11-02")
			x.same(x.owner("8"), fmt.Sprint("again", n))
		}
		if problems := x.verified(); problems != "" {
			t.Fatalf("operation %d failed, and the audit says %s", n, problems)
		}
		if done {
			if n < 8 {
				t.Errorf("only %d operations: what is durable?", n)
			}
			return
		}
	}
}

func (x *nightly) owner(key string) string {
	x.t.Helper()
	all, err := x.p.Breaks(context.Background(), "", "", BreakFilter{Where: fmt.Sprintf("key == %q", key)})
	if err != nil {
		x.t.Fatal(err)
	}
	return all.Breaks[0].Owner
}
