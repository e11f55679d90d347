package penstock

import (
	"context"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// What was published between the look at a version and the claim of its partition is not undone
// by a run that judges the version that it looked at.
func TestRunThatOnlyJudgesDoesNotUndo(t *testing.T) {
	x, ctx := newPlanned(t), context.Background()
	x.runAll(x.pipeline())
	pl := x.pipeline("least", "2")
	plan := x.plan(pl, PlanOptions{})
	one := &plan.Partitions[1]
	if !one.Stages[0].JudgeOnly {
		t.Fatalf("planned: %+v", one)
	}
	some, err := x.p.choose(ctx, pl, one)
	if err != nil {
		t.Fatal(err)
	}
	defer some.readings.close()
	x.write(2, "1,11", "2,22", "3,33")
	if rec, err := x.p.Run(ctx, x.pipeline(), "2001-01-02"); err != nil || rec.Status != pipeline.Published {
		t.Fatal(rec, err)
	}
	a, err := x.p.attempt(ctx, some.made, one.Partition)
	if err != nil {
		t.Fatal(err)
	}
	a.some = some
	rec, err := a.end(ctx, a.run(ctx))
	want := "out/clean/day=2001-01-02 was published by another run since version 1 was looked at"
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%s %v", rec.Status, err)
	}
	if m := x.current("out/clean", "day=2001-01-02"); m.Version != 2 || m.Rows != 3 {
		t.Errorf("version %d has %d rows", m.Version, m.Rows)
	}
	x.verify()
}

// A run may be on record after one that came later: the index then has for current what readers
// see.
func TestRunOnRecordAfterALaterOne(t *testing.T) {
	x, ctx := newPlanned(t), context.Background()
	pl := x.pipeline()
	x.runAll(pl)
	x.write(2, "1,11")
	part, err := pl.Partitions.Parse("2001-01-02")
	if err != nil {
		t.Fatal(err)
	}
	slow, err := x.p.attempt(ctx, pl, part)
	if err != nil {
		t.Fatal(err)
	}
	if err := slow.run(ctx); err != nil {
		t.Fatal(err)
	}
	x.write(2, "1,11", "2,22")
	if rec, err := x.p.Run(ctx, pl, "2001-01-02"); err != nil || rec.Outputs[0].Version != 3 {
		t.Fatal(rec, err)
	}
	if _, err := slow.end(ctx, nil); err != nil {
		t.Fatal(err)
	}
	x.verify()
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+allCurrent, "2001-01-03"+allCurrent, "2001-01-04"+allCurrent)
}

// And so it is where the later one began first.
func TestRunOnRecordBeforeOneThatBeganFirst(t *testing.T) {
	x, ctx := newPlanned(t), context.Background()
	pl := x.pipeline()
	x.runAll(pl)
	part, err := pl.Partitions.Parse("2001-01-02")
	if err != nil {
		t.Fatal(err)
	}
	slow, err := x.p.attempt(ctx, pl, part)
	if err != nil {
		t.Fatal(err)
	}
	x.write(2, "1,11")
	quick, err := x.p.attempt(ctx, pl, part)
	if err != nil {
		t.Fatal(err)
	}
	if err := quick.run(ctx); err != nil {
		t.Fatal(err)
	}
	x.write(2, "1,11", "2,22")
	if _, err := slow.end(ctx, slow.run(ctx)); err != nil {
		t.Fatal(err)
	}
	if _, err := quick.end(ctx, nil); err != nil {
		t.Fatal(err)
	}
	x.verify()
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+allCurrent, "2001-01-03"+allCurrent, "2001-01-04"+allCurrent)
	x.write(2, "1,11")
	if got := text(x.plan(pl, PlanOptions{})); !strings.Contains(got, "2001-01-02 | clean stale") {
		t.Errorf("what was overtaken is taken for current:\n%s", got)
	}
}
