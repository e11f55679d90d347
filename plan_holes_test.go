package penstock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// What a gate blocked is judged again when the stage that it reads from was run since, though
// nothing else of it has changed.
func TestPlanOfWhatIsBlockedOverAnotherInput(t *testing.T) {
	for _, alone := range []bool{true, false} { // whether it was blocked over what is published
		x, ctx := newPlanned(t), context.Background()
		x.runAll(x.pipeline())
		x.text = strings.Replace(plannedText, "'rows() == 1'", "'max(total) < 30'", 1)
		if !alone {
			x.write(1, "1,10", "2,30")
		}
		pl := x.pipeline()
		run := func(want pipeline.Status, stages ...string) {
			t.Helper()
			if rec, err := x.p.RunSelected(ctx, pl, "2001-01-01", PlanOptions{Select: stages}); err != nil || rec.Status != want {
				t.Fatal(rec, err)
			}
		}
		first := func(want string) {
			t.Helper()
			if got := strings.Split(text(x.plan(pl, PlanOptions{})), "\n")[0]; got != "2001-01-01"+want {
				t.Errorf("alone %v: %s\nwant %s", alone, got, want)
			}
		}
		if alone {
			run(pipeline.Blocked, "sums")
			first(" | clean current | sums blocked (run: sums/one)")
		} else {
			run(pipeline.Blocked)
			first(" | clean blocked (run: sums/one) | sums blocked (run: sums/one)")
		}
		x.write(1, "1,10")
		run(pipeline.Published, "clean")
		if alone {
			first(" | clean current | sums stale run (input: clean: out/clean@2001-01-01 has version 2, and had 1)")
		} else {
			first(" | clean current | sums stale run (input: clean: out/clean@2001-01-01 has version 2, and was not published then)")
		}
		x.runPlan(x.plan(pl, PlanOptions{}))
		first(allCurrent)
		x.verify()
	}
}

// The lookback is about what was published: what was blocked is tried again when its files change,
// however old it is.
func TestPlanOfWhatIsBlockedOutsideTheLookback(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	x.write(1)
	x.runAll(pl)
	x.write(1, "1,1")
	pl.Lookback = 2
	if got := strings.Split(text(x.plan(pl, PlanOptions{})), "\n")[0]; !strings.Contains(got, "clean missing run (late: raw/2001-01-01.csv had 6 bytes, and has 9)") {
		t.Error(got)
	}
}

// Files without a manifest, or with one that can't be read, are nothing that was published.
func TestPlanOfWhatLostItsManifest(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	for day, text := range map[string]string{"2001-01-02": "", "2001-01-03": "{"} {
		manifest := filepath.Join(x.dir, "out", "clean", "day="+day, "_manifest.json")
		err := os.Remove(manifest)
		if text != "" {
			err = errors.Join(err, os.WriteFile(manifest, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	missing := " | clean missing run (never: version 1 was published, and is gone) | sums stale run (upstream: clean runs)"
	x.want(x.plan(x.pipeline(), PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+missing, "2001-01-03"+missing, "2001-01-04"+allCurrent)
}

const watchedText = `name: watched
partitions: {by: day, from: 2001-01-01, to: 2001-01-01}
sources:
  raw: {csv: 'raw/{partition}.csv', schema: {id: int64, v: int64}}
  ledger: {dataset: out/ledger, schema: {id: int64, v: int64}}
stages:
  clean:
    from: raw
    gates:
      - {name: enough, expect: 'rows() >= 2'}
    output: {parquet: out/clean}
  check:
    from: [clean, ledger]
    operators: [{sql: 'select sum(clean.v)::BIGINT as total from clean, ledger'}]
    gates:
      - {name: small, expect: 'max(total) < 50'}
`

// A stage that only judges keeps back what it reads from, though it was not selected, or can't
// judge for something it needs is not there.
func TestNothingIsPublishedWithoutTheStageThatJudgesIt(t *testing.T) {
	x, ctx := newPlanned(t), context.Background()
	x.text = watchedText
	pl := x.pipeline()
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		t.Fatal(err)
	}
	none := func(when string) {
		t.Helper()
		if m, err := x.p.Current("out/clean", parts[0]); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: version %d is published", when, m.Version)
		}
	}
	select1 := PlanOptions{Select: []string{"clean"}}
	for _, o := range []PlanOptions{{}, select1, {Select: []string{"clean,state:failed"}}, {Exclude: []string{"check"}}} {
		rec, err := x.p.Backfill(ctx, pl, parts, BackfillOptions{PlanOptions: o})
		if err != nil || rec.Counts.Failed != 1 {
			t.Errorf("%+v: %+v %v", o, rec.Counts, err)
		}
		none("the ledger is not there")
	}
	x.text = strings.Replace(plannedText, "out/clean", "out/ledger", 1)
	if rec, err := x.p.RunSelected(ctx, x.pipeline(), "2001-01-01", select1); err != nil || rec.Status != pipeline.Published {
		t.Fatal(rec, err)
	}
	if rec, err := x.p.RunSelected(ctx, pl, "2001-01-01", select1); err != nil || rec.Status != pipeline.Blocked {
		t.Errorf("%+v %v", rec, err)
	}
	none("it is blocked")
	x.write(1, "1,1", "2,2")
	if rec, err := x.p.RunSelected(ctx, pl, "2001-01-01", select1); err != nil || rec.Status != pipeline.Published {
		t.Errorf("%+v %v", rec, err)
	}
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01 | clean current | check current")
	x.verify()
}

// A version that was approved of is computed again under other rules, and what only judges it
// judges what comes out.
func TestStagesThatOnlyJudgeSeeWhatIsComputedAfterAll(t *testing.T) {
	x, ctx := newPlanned(t), context.Background()
	x.text = strings.Replace(plannedText, "out/clean", "out/ledger", 1)
	if rec, err := x.p.RunSelected(ctx, x.pipeline(), "2001-01-01", PlanOptions{Select: []string{"clean"}}); err != nil || rec.Status != pipeline.Published {
		t.Fatal(rec, err)
	}
	x.write(1, "1,1")
	x.text = watchedText
	rec, err := x.p.Run(ctx, x.pipeline(), "2001-01-01")
	if err != nil || rec.Status != pipeline.Blocked {
		t.Fatal(rec, err)
	}
	if _, err := x.p.Approve(ctx, rec.Run, Approve{Gates: []string{"clean/enough"}, Reason: "a holiday"}); err != nil {
		t.Fatal(err)
	}
	plan := x.plan(x.pipeline(), PlanOptions{})
	x.want(plan, "2001-01-01 | clean current | check missing run")
	x.runPlan(plan)
	x.text = strings.Replace(watchedText, "rows() >= 2", "rows() >= 1", 1)
	plan = x.plan(x.pipeline(), PlanOptions{})
	x.want(plan, "2001-01-01 | clean stale run judge (gates: the gates of stage clean were changed) | check current")
	x.write(1, "1,100") // between the plan and the run
	if records := x.runPlan(plan); len(records) != 1 || records[0].Status != pipeline.Blocked {
		t.Errorf("%+v", records)
	}
	if m := x.current("out/clean", "day=2001-01-01"); m.Version != 1 {
		t.Errorf("version %d is published", m.Version)
	}
	x.verify()
}

// An approval lets through what was held, and no stage that lost its input to the gate: what is
// published of it is of the version before.
func TestPlanOfWhatDidNotRunBeforeAnApproval(t *testing.T) {
	x, ctx := newPlanned(t), context.Background()
	x.runAll(x.pipeline())
	pl := x.pipeline("least", "2")
	x.write(1, "1,1")
	rec, err := x.p.Run(ctx, pl, "2001-01-01")
	if err != nil || rec.Status != pipeline.Blocked {
		t.Fatal(rec, err)
	}
	if _, err := x.p.Approve(ctx, rec.Run, Approve{Gates: []string{"clean/enough"}, Reason: "a holiday"}); err != nil {
		t.Fatal(err)
	}
	first := func(when string) {
		t.Helper()
		got := strings.Split(text(x.plan(pl, PlanOptions{})), "\n")[0]
		if want := "2001-01-01 | clean current | sums stale run (input: clean: out/clean@2001-01-01 has version 2, and had 1)"; got != want {
			t.Errorf("%s: %s\nwant %s", when, got, want)
		}
	}
	first("after the approval")
	if _, _, err := x.p.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	first("after a rebuild")
	x.verify()
}

// A stage that is no more in the pipeline can't be run again.
func TestUnfinishedWithoutTheStage(t *testing.T) {
	x := newPlanned(t)
	x.write(1)
	x.runAll(x.pipeline())
	x.text = strings.NewReplacer("  clean:", "  cleaned:", "from: clean", "from: cleaned").Replace(plannedText)
	x.write(1, "1,1")
	x.runAll(x.pipeline())
	if parts, err := x.p.Unfinished(context.Background(), x.pipeline(), true); err != nil || len(parts) != 0 {
		t.Error(parts, err)
	}
}

// By other clocks a partition has other rows of the same file.
func TestPlanByOtherClocks(t *testing.T) {
	x := newPlanned(t)
	if err := os.WriteFile(filepath.Join(x.dir, "all.csv"), []byte("at,v\n2001-01-01T23:30:00Z,1\n2001-01-02T10:00:00Z,2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text1 := `name: clocks
partitions: {by: day, from: 2001-01-02, to: 2001-01-02}
sources:
  raw: {csv: all.csv, partition_by: at, schema: {at: 'timestamp[us, UTC]', v: int64}}
stages:
  clean: {from: raw, output: {parquet: out/clocks}}
`
	for _, test := range []struct {
		zone, want string
		rows       int64
	}{
		{"", " | clean missing run", 1},
		{", timezone: Europe/Berlin", " | clean stale run (code: source raw reads something else)", 2},
	} {
		x.text = strings.Replace(text1, "to: 2001-01-02", "to: 2001-01-02"+test.zone, 1)
		pl := x.pipeline()
		plan := x.plan(pl, PlanOptions{})
		x.want(plan, "2001-01-02"+test.want)
		x.runPlan(plan)
		if m := x.current("out/clocks", "day=2001-01-02"); m.Rows != test.rows {
			t.Errorf("%d rows", m.Rows)
		}
		x.want(x.plan(pl, PlanOptions{}), "2001-01-02 | clean current")
	}
}
