package penstock

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// A run whose process died after the switch, and before it was on record, is on record with what
// it published when the project is opened again, and nothing is done again.
func TestRunThatDiedAfterItPublished(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	x.runAll(pl)
	x.write(2, "7,1")
	part, err := pl.Partitions.Parse("2001-01-02")
	if err != nil {
		t.Fatal(err)
	}
	a, err := x.p.attempt(context.Background(), pl, part)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	// Here it dies: its claim to the record is gone, the record says that it runs.
	if err := a.lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := x.p.Close(); err != nil {
		t.Fatal(err)
	}
	x.open()
	rec, err := x.p.RunByID(context.Background(), a.rec.Run)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Status != pipeline.Published || rec.Error != "" || len(rec.Outputs) != 2 || len(rec.Inputs) != 1 || len(rec.Gates) == 0 || rec.RowsOut != 2 {
		t.Errorf("%+v", rec)
	}
	want := []string{"2001-01-01" + allCurrent, "2001-01-02" + allCurrent, "2001-01-03" + allCurrent, "2001-01-04" + allCurrent}
	x.want(x.plan(pl, PlanOptions{}), want...)
	x.verify()
	if _, err := os.Stat(x.p.state("runs", rec.Run+".json")); err != nil {
		t.Error(err)
	}
	if _, _, err := x.p.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	x.want(x.plan(pl, PlanOptions{}), want...)
}

// One that died between two switches says which it made.
func TestRunThatDiedBetweenTwoOutputs(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	x.runAll(pl)
	rec, err := x.p.RunByID(context.Background(), x.current("out/clean", "day=2001-01-02").Run)
	if err != nil {
		t.Fatal(err)
	}
	died := *rec
	died.Outputs, died.Inputs, died.Stages, died.Gates, died.RowsOut = nil, nil, nil, nil, 0
	died.Bases = append([]pipeline.Basis{{Stage: "more", Dataset: "out/more"}}, rec.Bases...)
	if current := x.p.died(&died); len(current) != 2 || died.Status != pipeline.Failed || !strings.HasSuffix(died.Error, ", after it had published out/clean, out/sums") {
		t.Errorf("%d: %+v", len(current), died)
	}
}
