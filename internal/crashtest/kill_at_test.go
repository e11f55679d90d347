package crashtest

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is left by a process that is killed at these points nobody else would clear up.
func TestKilledAt(t *testing.T) {
	exe := buildChild(t)
	good, bad := given{rows: table{{1, 100, secret}, {2, 500, secret}}}, given{rows: table{{1, 400, secret}, {2, 9000, secret}}}
	other, third := given{rows: table{{7, 401, secret}, {8, 77, secret}}}, given{rows: table{{9, 402, secret}}}
	for _, test := range []struct {
		point  string
		count  int
		inputs []given // each is run, and the last is interrupted
		op     string  // what is interrupted, if it is not that
	}{
		{"before rename staging version to versions", 1, []given{good}, ""},
		{"before rename staging visible to visible", 1, []given{good}, ""},
		{"after rename staging visible to visible", 2, []given{good}, ""},
		{"after exchange staging visible and visible", 1, []given{good, other}, ""},
		{"before rename versions to staging", 1, []given{good, other, third}, ""},
		{"after rename versions to staging", 2, []given{good, other, third}, ""},
		{"after create runs", 1, []given{good}, ""},
		{"before rename runs to runs", 1, []given{good, other}, ""},
		{"after rename runs to runs", 1, []given{good, other}, ""},
		{"before commit index", 2, []given{good, other}, ""},
		{"after commit index", 2, []given{good, bad}, ""},
		{"after rename staging to held", 1, []given{good, bad}, ""},
		{"after rename staging to approvals", 1, []given{good, bad}, "approve"},
		{"before rename held to staging", 1, []given{bad}, "approve"},
		{"before remove live", 1, []given{good}, ""},
		{"after link staging data to staging visible", 1, []given{good, other}, "release"},
		{"after lock live", 1, []given{good}, ""},
		{"after mkdir staging version", 2, []given{good}, ""},
		{"before sync all of visible", 1, []given{good, other}, "release"},
		{"after link staging claim to staging", 2, []given{good, other}, ""},
		{"after write staging manifest.json", 2, []given{good, other}, ""},
		{"before unlock staging claim", 1, []given{bad}, ""},
		{"after remove staging", 2, []given{good}, ""},
		{"before link held data to staging data", 1, []given{bad}, "approve"},
		{"after rename staging version to staging version", 1, []given{bad}, ""},
		{"before exchange staging visible and visible", 1, []given{good, other}, "rollback"},
		{"after exchange staging visible and visible", 1, []given{good, other}, "rollback"},
		{"before commit index", 2, []given{good, other}, "rollback"},
		{"after rename staging visible to visible", 1, []given{bad}, "approve"},
		{"before rename runs to runs", 2, []given{bad}, "approve"},
		// An approval is announced, written and put on record, and so is the record of the run, twice.
		{"after fsync audit.jsonl.tmp", 1, []given{bad}, "approve"},
		{"before rename staging to approvals", 1, []given{good, bad}, "approve"},
		{"after append to audit.jsonl", 1, []given{good, bad}, "approve"},
		{"after write audit.jsonl", 2, []given{good, bad}, "approve"},
		{"after fsync audit.jsonl", 1, []given{good, bad}, "approve"},
		{"after fsync audit.jsonl", 2, []given{good, bad}, "approve"},
		{"after fsync audit.jsonl", 3, []given{good, bad}, "approve"},
		{"after fsync audit.jsonl", 4, []given{good, bad}, "approve"},
		{"after fsync audit.jsonl", 5, []given{good, bad}, "approve"},
		{"after fsync audit.jsonl", 6, []given{good, bad}, "approve"},
		{"after rename runs to runs", 1, []given{good, bad}, "approve"},
		{"after rename runs to runs", 2, []given{good, bad}, "approve"},
		{"before commit index", 1, []given{good, bad}, "approve"},
		{"before remove staging", 1, []given{good, other}, "gc"},
		{"after create backfills", 1, []given{good}, "backfill"},
		{"after create backfills", 2, []given{good}, "backfill"},
	} {
		t.Run(strings.TrimSpace(test.op+" "+test.point), func(t *testing.T) {
			t.Parallel()
			tr := newTour(t, exe, filepath.Join(t.TempDir(), "project"))
			var s step
			for i, g := range test.inputs {
				tr.take(t, "a", g)
				if s = tr.world.run("a"); i < len(test.inputs)-1 || test.op != "" {
					tr.must(t, s)
				}
			}
			switch test.op {
			case "approve":
				s = tr.approve("a")
			case "release":
				s = tr.release("one", "a")
			case "rollback":
				s = tr.rollbacks("one", "a")[0]
			case "backfill":
				tr.take(t, "b", other)
				s = tr.backfill()
			case "gc":
				litter(t, tr.dir)
				s = step{Command: Command{Op: "gc"}}
			}
			alive, err := tr.do(s, test.point, test.count)
			if alive {
				t.Fatalf("%s did not pass the point %d times", s.Op, test.count)
			}
			if err := errors.Join(err, tr.recover(s), tr.p.quit(), tr.look(settled, nil)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// litter leaves what a run leaves of its staging that died.
func litter(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "out/.penstock/datasets/one/staging/key=a/000001.20010101T000000-dead00/version"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// newTour is a project with two stages and two partitions, and a process in it.
func newTour(t *testing.T, exe, dir string) *trial {
	t.Helper()
	w := emptyWorld(dir, Spec{Format: "csv", Parts: []string{"a", "b"}, Keep: 1, Stages: []Stage{
		{Name: "one", From: "in", Add: 1, Low: 300, Most: 2000, Output: "parquet"},
		{Name: "two", From: "one", Mod: 3, Rest: 1, Most: 1e9, Output: "jsonl"},
	}}, rand.New(rand.NewPCG(1, 1)))
	if err := w.write(); err != nil {
		t.Fatal(err)
	}
	tr := &trial{campaign: newCampaign(t, exe), world: w}
	if err := tr.open("", nil); err != nil {
		t.Fatal(err)
	}
	return tr
}

// must does what is not interrupted.
func (t *trial) must(tb testing.TB, s step) {
	tb.Helper()
	if alive, err := t.do(s, "", -1); err != nil || !alive {
		tb.Fatalf("%+v: alive %t, %v", s.Command, alive, err)
	}
	if err := t.look(settled, nil); err != nil {
		tb.Fatal(err)
	}
}

// take makes rows the input of a partition.
func (t *trial) take(tb testing.TB, part string, g given) {
	tb.Helper()
	if err := t.put(part, g); err != nil {
		tb.Fatal(err)
	}
}
