package penstock

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// What is rolled back stays so until something changes; what was made of it is stale.
func TestRollback(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	x.runAll(pl)
	x.write(2, "7,1")
	x.runAll(pl)
	first := x.current("out/clean", "day=2001-01-01")
	rec, err := x.p.Rollback(context.Background(), "out/clean", "2001-01-02", 0, "the feed was wrong")
	if err != nil {
		t.Fatal(err)
	}
	m := x.current("out/clean", "day=2001-01-02")
	if m.Version != 3 || m.Rows != 2 || m.DataDigest() != first.DataDigest() || m.Rollback == nil || m.Rollback.Run != rec.Run || m.Rollback.To != 1 || m.Rollback.From != 2 {
		t.Errorf("%+v", m)
	}
	if rec.Status != pipeline.Published || rec.Rollback == nil || rec.Rollback.Reason != "the feed was wrong" || rec.Outputs[0].Version != 3 {
		t.Errorf("%+v", rec)
	}
	stale := []string{
		"2001-01-01" + allCurrent, "2001-01-02 | clean current | sums stale run (input: clean: out/clean@2001-01-02 has version 3, and had 2)",
		"2001-01-03" + allCurrent, "2001-01-04" + allCurrent,
	}
	x.want(x.plan(pl, PlanOptions{}), stale...)
	x.verify()

	// The index and all records of runs may be lost.
	rebuild := func() {
		t.Helper()
		if err := x.p.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(x.dir, StateDir)); err != nil {
			t.Fatal(err)
		}
		x.open()
		if _, _, err := x.p.Rebuild(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	rebuild()
	x.want(x.plan(pl, PlanOptions{}), stale...)

	records := x.runPlan(x.plan(pl, PlanOptions{}))
	if len(records) != 1 || len(records[0].Outputs) != 1 || records[0].Outputs[0].Dataset != "out/sums" {
		t.Fatalf("%+v", records)
	}
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+allCurrent, "2001-01-03"+allCurrent, "2001-01-04"+allCurrent)
	x.verify()

	// New data ends it.
	x.write(2, "7,1", "8,1", "9,1")
	if records := x.runPlan(x.plan(pl, PlanOptions{})); len(records) != 1 || records[0].Outputs[0].Version != 4 || records[0].Outputs[0].Rows != 3 {
		t.Errorf("%+v", records)
	}
	x.verify()
}

func TestRollbackMistakes(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	for want, o := range map[string]struct {
		dataset, partition string
		version            int64
		reason             string
	}{
		"a rollback needs a reason":                         {"out/clean", "2001-01-02", 0, " "},
		"nothing is published of out/clean@2001-01-92":      {"out/clean", "2001-01-92", 0, "x"},
		"nothing is published of out/clear@2001-01-02":      {"out/clear", "2001-01-02", 0, "x"},
		"version 1 of out/clean/day=2001-01-02 is current":  {"out/clean", "2001-01-02", 1, "x"},
		"version 9 of out/clean/day=2001-01-02 is not kept": {"out/clean", "2001-01-02", 9, "x"},
		"version 0 of out/clean/day=2001-01-02 is not kept": {"out/clean", "2001-01-02", 0, "x"},
		"output \"../clean\"":                               {"../clean", "2001-01-02", 0, "x"},
	} {
		rec, err := x.p.Rollback(context.Background(), o.dataset, o.partition, o.version, o.reason)
		if err == nil || !strings.Contains(err.Error(), strings.SplitN(want, ":", 2)[0]) || rec.Status != pipeline.Failed {
			t.Errorf("%s: %v", want, err)
		}
		if m := x.current("out/clean", "day=2001-01-02"); m.Version != 1 {
			t.Errorf("%s: version %d", want, m.Version)
		}
	}
	x.verify()
}

// A version that somebody reads is not collected, however many come after it.
func TestCollect(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	x.runAll(pl)
	r := readings{p: x.p}
	pinned, err := r.take(context.Background(), "out/clean", "day=2001-01-02")
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []string{"7,1", "7,2", "7,3", "7,4"} {
		x.write(2, rows)
		x.runAll(pl)
	}
	if err := os.MkdirAll(filepath.Join(x.dir, StateDir, "tmp", "dead"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(x.dir, StateDir, "tmp", "dead", "spill"), make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dryRun := range []bool{true, false} {
		c, err := x.p.GC(context.Background(), dryRun)
		if err != nil || len(c.Removed) != 1 || c.Removed[0].Path != ".penstock/tmp/dead" || c.Bytes != 100 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	for _, f := range pinned.Manifest.Files {
		if _, err := os.Stat(filepath.Join(pinned.Dir, filepath.FromSlash(f.Path))); err != nil {
			t.Error(err)
		}
	}
	x.verify()
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	c, err := x.p.GC(context.Background(), false)
	if err != nil || len(c.Removed) != 1 || !strings.HasSuffix(c.Removed[0].Path, "versions/day=2001-01-02/000001") {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := os.Stat(pinned.Dir); !os.IsNotExist(err) {
		t.Error(err)
	}
	x.verify()
}
