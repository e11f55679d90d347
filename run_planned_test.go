package penstock

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// runPlan runs what a plan says and gives the records of the partitions that ran.
func (x *planned) runPlan(plan *Plan) (records []*pipeline.RunRecord) {
	x.t.Helper()
	for i := range plan.Partitions {
		part := &plan.Partitions[i]
		if !part.Runs() {
			continue
		}
		rec, err := x.p.runPlanned(context.Background(), plan.planner.pl, part)
		if err != nil {
			x.t.Fatal(err)
		}
		records = append(records, rec)
	}
	return records
}

func (x *planned) current(dataset, partition string) *pipeline.Manifest {
	x.t.Helper()
	m, _, err := x.p.publish.Current(dataset, partition)
	if err != nil {
		x.t.Fatal(err)
	}
	return m
}

func (x *planned) verify() {
	x.t.Helper()
	report, err := x.p.Verify(context.Background())
	if err != nil || len(report.Problems) > 0 {
		x.t.Errorf("verify: %v %v", report.Problems, err)
	}
}

const allCurrent = " | clean current | sums current"

// Of stages that are not to run, what is published is read, and lineage says so.
func TestRunOfSomeStages(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	x.text = strings.Replace(plannedText, "sum(v)", "max(v)", 1)
	pl := x.pipeline()
	plan := x.plan(pl, PlanOptions{Select: []string{"sums"}})
	raw, away := filepath.Join(x.dir, "raw"), filepath.Join(x.dir, "away")
	if err := os.Rename(raw, away); err != nil { // it is not read again
		t.Fatal(err)
	}
	records := x.runPlan(plan)
	if err := os.Rename(away, raw); err != nil {
		t.Fatal(err)
	}
	if len(records) != 4 || records[0].Status != pipeline.Published || len(records[0].Outputs) != 1 {
		t.Fatalf("%d runs: %+v", len(records), records[0])
	}
	m, up := x.current("out/sums", "day=2001-01-01"), x.current("out/clean", "day=2001-01-01")
	if m.Version != 2 || up.Version != 1 {
		t.Errorf("versions are %d and %d", m.Version, up.Version)
	}
	if in := m.Inputs[0]; len(m.Inputs) != 1 || in.Dataset != "out/clean" || in.Version != 1 || in.Data != up.DataDigest() || in.Source != "" {
		t.Errorf("inputs are %+v", m.Inputs)
	}
	if in := records[0].Inputs[0]; in.Dataset != "out/clean" || in.Version != 1 {
		t.Errorf("the record has %+v", in)
	}
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+allCurrent, "2001-01-03"+allCurrent, "2001-01-04"+allCurrent)
	x.verify()
}

// Rules that were changed are judged over what is published: nothing is computed, and nothing
// that reads it is stale.
func TestRunThatOnlyJudges(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	before := x.current("out/clean", "day=2001-01-02")
	x.write(3, "1,1") // late
	x.runAll(x.pipeline())
	if err := os.Remove(filepath.Join(x.dir, "raw", "2001-01-02.csv")); err != nil {
		t.Fatal(err)
	}
	x.write(2, "1,10", "2,20") // as it was
	pl := x.pipeline("least", "2")
	records := x.runPlan(x.plan(pl, PlanOptions{}))
	if len(records) != 4 || records[2].Status != pipeline.Blocked {
		t.Fatalf("%d runs: %+v", len(records), records)
	}
	for i, rec := range records {
		if i != 2 && (rec.Status != pipeline.Published || rec.Outputs[0].Version != 2 || len(rec.Outputs) != 1) {
			t.Errorf("run %d: %+v", i, rec)
		}
	}
	m := x.current("out/clean", "day=2001-01-02")
	if m.Judged != 1 || m.Version != 2 || m.DataDigest() != before.DataDigest() || m.Code != before.Code || m.Gates == before.Gates || len(m.Inputs) != 1 || m.Inputs[0].Name != "raw" {
		t.Errorf("judged: %+v", m)
	}
	if n := x.current("out/clean", "day=2001-01-03").Version; n != 2 {
		t.Errorf("what was blocked has version %d", n)
	}
	blocked := " | clean blocked (run: clean/enough) | sums current"
	want := []string{"2001-01-01" + allCurrent, "2001-01-02" + allCurrent, "2001-01-03" + blocked, "2001-01-04" + allCurrent}
	x.want(x.plan(pl, PlanOptions{}), want...)
	x.verify()
	if _, _, err := x.p.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	x.want(x.plan(pl, PlanOptions{}), want...)
	// What was blocked runs again when its data changes.
	x.write(3, "1,1", "2,2")
	if records := x.runPlan(x.plan(pl, PlanOptions{})); len(records) != 1 || records[0].Status != pipeline.Published || len(records[0].Outputs) != 2 {
		t.Errorf("%+v", records)
	}
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+allCurrent, "2001-01-03"+allCurrent, "2001-01-04"+allCurrent)
	x.verify()
}

// New rules that put rows aside of what is published make what reads it stale.
func TestRunThatOnlyJudgesPutsAside(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	x.text = strings.Replace(plannedText, "      - {name: enough", "      - {name: small, rows: 'v < 15', else: quarantine}\n      - {name: enough", 1)
	pl := x.pipeline()
	plan := x.plan(pl, PlanOptions{})
	if sp := plan.Partitions[0].Stages; !sp[0].JudgeOnly || !sp[1].Run {
		t.Fatalf("planned: %+v", sp)
	}
	for _, rec := range x.runPlan(plan) {
		if rec.Status != pipeline.Published || len(rec.Outputs) != 2 || rec.RowsQuarantined != 1 {
			t.Errorf("%+v", rec)
		}
	}
	if m := x.current("out/clean", "day=2001-01-01"); m.Rows != 1 || len(m.Quarantine) != 1 || m.Judged != 1 {
		t.Errorf("%+v", m)
	}
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+allCurrent, "2001-01-02"+allCurrent, "2001-01-03"+allCurrent, "2001-01-04"+allCurrent)
	x.verify()
	// Rows in quarantine may be none under other rules: then all is computed.
	x.text = strings.Replace(x.text, "v < 15", "v < 25", 1)
	plan = x.plan(x.pipeline(), PlanOptions{})
	if sp := plan.Partitions[0].Stages; sp[0].JudgeOnly {
		t.Fatalf("planned: %+v", sp)
	}
	x.runPlan(plan)
	if m := x.current("out/clean", "day=2001-01-01"); m.Rows != 2 || len(m.Quarantine) != 0 || m.Judged != 0 {
		t.Errorf("%+v", m)
	}
}
