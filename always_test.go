package penstock

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// nightText is a night whose breaks are published always: they read their own past. What judges
// them has no output (close), or one of its own (signed).
const nightText = `name: days
partitions: {by: day, from: 2001-01-01, to: 2001-01-04}
params: {least: "1", most: "100"}
sources:
  raw: {csv: 'raw/{partition}.csv', schema: {id: int64, v: int64}}
stages:
  found:
    from: raw
    gates: [{name: some, expect: 'rows() >= ${least}'}]
  breaks:
    from: {found: found, before: {stage: breaks, offset: -1, missing: skip, schema: {id: int64, v: int64, nights: int64}}}
    operators:
      - sql: SELECT f.id, f.v, (coalesce(b.nights, 0) + 1)::BIGINT AS nights FROM found f LEFT JOIN before b ON f.id = b.id ORDER BY f.id
    gates: [{name: sane, expect: 'max(v) < 10000'}]
    output: {parquet: out/breaks, publish: always}
  close:
    from: breaks
    gates: [{name: few, expect: 'count_if(v > ${most}) == 0'}]
  signed:
    from: breaks
    operators: [{aggregate: {columns: {total: sum(v)}}}]
    gates: [{name: low, expect: 'max(total) < 5000'}]
    output: {parquet: out/signed}
`

func newNight(t *testing.T) *planned {
	x := newPlanned(t)
	x.text = nightText
	return x
}

// night runs a day, which has to come out with a status and so many outputs published and held.
func (x *planned) night(pl *pipeline.Pipeline, day int, want pipeline.Status, published, held string) *pipeline.RunRecord {
	x.t.Helper()
	rec, err := x.p.Run(context.Background(), pl, fmt.Sprintf("2001-01-%02d", day))
	if err != nil {
		x.t.Fatal(err)
	}
	x.came(rec, want, published, held)
	return rec
}

func (x *planned) came(rec *pipeline.RunRecord, want pipeline.Status, published, held string) {
	x.t.Helper()
	var outputs, kept []string
	for _, o := range rec.Outputs {
		outputs = append(outputs, fmt.Sprintf("%s v%d", o.Dataset, o.Version))
	}
	for _, h := range x.p.Held(rec) {
		kept = append(kept, h.Dataset)
	}
	if rec.Status != want || strings.Join(outputs, ", ") != published || strings.Join(kept, ",") != held {
		x.t.Errorf("%s: %s, published %v, held %v; want %s, %s, %s; %s", rec.Partition, rec.Status, outputs, kept, want, published, held, rec.Error)
	}
}

// version is which one readers see of a dataset's day; 0: none.
func (x *planned) version(dataset string, day int) int64 {
	m, err := x.p.Current(dataset, pipeline.Partition{By: pipeline.Day, Value: fmt.Sprintf("2001-01-%02d", day)})
	if err != nil {
		return 0
	}
	return m.Version
}

// sound makes sure of every invariant: of verify, of the chains, and that an index made anew from
// manifests and records of runs plans the same.
func (x *planned) sound(pl *pipeline.Pipeline) {
	x.t.Helper()
	sound(x.t, x.p)
	r, err := x.p.VerifyAudit(context.Background(), audit.Options{})
	if err != nil || len(r.Problems) > 0 {
		x.t.Errorf("audit: %+v, %v", r, err)
	}
	before := text(x.plan(pl, PlanOptions{}))
	if _, _, err := x.p.Rebuild(context.Background()); err != nil {
		x.t.Fatal(err)
	}
	if after := text(x.plan(pl, PlanOptions{})); after != before {
		x.t.Errorf("after a rebuild the plan is\n%s\nand was\n%s", after, before)
	}
	sound(x.t, x.p)
}

// A record of what was found is published although a rule of a stage that comes after it blocks
// the run; nothing else is, and the next nights go on from it.
func TestARecordIsPublishedOfABlockedRun(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(2, "1,500", "3,1")
	x.night(pl, 1, pipeline.Published, "out/breaks v1, out/signed v1", "")
	rec := x.night(pl, 2, pipeline.Blocked, "out/breaks v1", "out/signed")
	if x.version("out/signed", 2) != 0 {
		t.Error("what was held is visible")
	}
	m, err := x.p.Current("out/breaks", pipeline.Partition{By: pipeline.Day, Value: "2001-01-02"})
	if err != nil || !m.Always || slices.ContainsFunc(m.Findings, func(f pipeline.Finding) bool { return f.Stage == "close" }) {
		t.Errorf("the manifest of the record is %+v, %v", m, err)
	}
	if i := slices.IndexFunc(m.Inputs, func(in pipeline.InputRecord) bool { return in.Dataset == "out/breaks" }); i < 0 || m.Inputs[i].Version != 1 {
		t.Errorf("it was made of %+v", m.Inputs)
	}
	current := " | breaks current | close current | signed current"
	missing := " | breaks missing run | close missing run (upstream: breaks runs) | signed missing run (upstream: breaks runs)"
	blocked := "2001-01-02 | breaks current | close blocked (run: close/few) | signed blocked (run: close/few)"
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+current, blocked, "2001-01-03"+missing,
		strings.Replace("2001-01-04"+missing, "run |", "run (upstream: 2001-01-03 runs) |", 1))
	x.sound(pl)

	// The third night reads what the second found.
	x.night(pl, 3, pipeline.Published, "out/breaks v1, out/signed v1", "")
	m, err = x.p.Current("out/breaks", pipeline.Partition{By: pipeline.Day, Value: "2001-01-03"})
	if err != nil || !slices.ContainsFunc(m.Inputs, func(in pipeline.InputRecord) bool {
		return in.Dataset == "out/breaks" && in.Partition == "2001-01-02" && in.Version == 1 && in.Manifest != ""
	}) {
		t.Errorf("it was made of %+v, %v", m.Inputs, err)
	}
	// The same again is the same, and holds what it held.
	again := x.night(pl, 2, pipeline.Blocked, "out/breaks v1", "out/signed")
	if len(x.p.Held(rec)) != 0 || len(x.p.Held(again)) != 1 {
		t.Error("the later run did not take the place of what the earlier one held")
	}
	x.sound(pl)
	reopened(x)
	x.sound(pl)
}

// reopened closes the project and opens it again.
func reopened(x *planned) {
	x.t.Helper()
	if err := x.p.Close(); err != nil {
		x.t.Fatal(err)
	}
	x.open()
}

// Its own rules hold it back as they do any other, and so do those of what it is made of; then it
// is approved of as any other is.
func TestARecordIsHeldByItsOwnRules(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,20000")
	x.write(2)
	rec := x.night(pl, 1, pipeline.Blocked, "", "out/breaks")
	if !slices.Equal(rec.NotRun, []string{"close", "signed"}) {
		t.Errorf("not run: %v", rec.NotRun)
	}
	x.night(pl, 2, pipeline.Blocked, "", "out/breaks")
	x.want(x.plan(pl, PlanOptions{Select: []string{"breaks"}}),
		"2001-01-01 | breaks blocked (run: breaks/sane) | close waiting (needs: breaks is blocked) | signed waiting (needs: breaks is blocked)",
		"2001-01-02 | breaks blocked (run: found/some, breaks/sane) | close waiting (needs: breaks is blocked) | signed waiting (needs: breaks is blocked)",
		"2001-01-03 | breaks missing run | close missing run (upstream: breaks runs) | signed missing (upstream: breaks runs)",
		"2001-01-04 | breaks missing run (upstream: 2001-01-03 runs) | close missing run (upstream: breaks runs) | signed missing (upstream: breaks runs)")
	done := approved(t, x.p, rec.Run, "breaks/sane")
	x.came(done.Run, pipeline.Published, "out/breaks v1", "")
	x.sound(pl)
}

// With an approval on record of the same bytes a record that its own rule blocks is published, also
// of a run that another rule blocks; and what that one holds can still be approved of.
func TestAnApprovedRecordOfABlockedRun(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,20000")
	rec := x.night(pl, 1, pipeline.Blocked, "", "out/breaks")
	approved(t, x.p, rec.Run, "breaks/sane")
	rec = x.night(pl, 1, pipeline.Blocked, "out/breaks v1", "out/signed")
	if want := "close/few, signed/low"; gateNamesLeft(rec) != want {
		t.Errorf("%s block it still, want %s", gateNamesLeft(rec), want)
	}
	done := approved(t, x.p, rec.Run, "few", "low")
	x.came(done.Run, pipeline.Published, "out/breaks v1, out/signed v1", "")
	x.sound(pl)
}

func gateNamesLeft(rec *pipeline.RunRecord) string {
	var left []pipeline.Finding
	for _, f := range rec.Gates {
		if f.Blocks() && f.Approved == nil {
			left = append(left, f)
		}
	}
	return gateNames(left)
}

// An approval publishes what was held, and not the record again; the lineage is as if the gate had
// passed.
func TestApproveBesideARecord(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,500")
	rec := x.night(pl, 1, pipeline.Blocked, "out/breaks v1", "out/signed")
	published := auditOf(t, x, "out/breaks")
	done := approved(t, x.p, rec.Run, "few")
	x.came(done.Run, pipeline.Published, "out/breaks v1, out/signed v1", "")
	if len(done.Approvals) != 1 || done.Approvals[0].Dataset != "out/signed" {
		t.Errorf("approvals are %+v", done.Approvals)
	}
	if now := auditOf(t, x, "out/breaks"); now != published || published != 1 {
		t.Errorf("the chain of the record has %d versions, and had %d", now, published)
	}
	m, err := x.p.Current("out/signed", pipeline.Partition{By: pipeline.Day, Value: "2001-01-01"})
	if err != nil || m.Inputs[0].Version != 1 || m.Inputs[0].Manifest == "" || finding(t, m, "few").Approved == nil {
		t.Errorf("%+v, %v", m, err)
	}
	r, err := x.p.Current("out/breaks", pipeline.Partition{By: pipeline.Day, Value: "2001-01-01"})
	if err != nil || len(r.ApprovedGates()) > 0 {
		t.Errorf("the record names approvals of others: %v, %v", r.ApprovedGates(), err)
	}
	x.want(&Plan{Partitions: x.plan(pl, PlanOptions{}).Partitions[:1]}, "2001-01-01 | breaks current | close current | signed current")
	x.sound(pl)
}

// auditOf counts the entries of published versions on the chain of a dataset.
func auditOf(t *testing.T, x *planned, dataset string) (n int) {
	t.Helper()
	text, err := os.ReadFile(audit.Path(x.dir, dataset))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), `"kind":"publish"`)
}

// Where all that has an output is a record, nothing of a blocked run waits for a decision, and a
// finding of a stage that only judges is never taken for approved of.
func TestANightOfRecordsAlone(t *testing.T) {
	x := newNight(t)
	x.text = strings.Split(x.text, "  signed:\n")[0]
	pl := x.pipeline()
	x.write(1, "1,500")
	rec := x.night(pl, 1, pipeline.Blocked, "out/breaks v1", "")
	_, err := x.p.Approve(t.Context(), rec.Run, Approve{Gates: []string{"few"}, Reason: "r"})
	want := "run " + rec.Run + " holds nothing that could be published\n\twhat it made was published as a record, and no other stage that it came to has an output"
	if fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
	x.sound(pl)
}

// What a record is made of must be a record too, or its lineage would name what is held.
func TestARecordIsMadeOfRecords(t *testing.T) {
	x := newNight(t)
	x.text = strings.Replace(x.text, "    gates: [{name: some,", "    output: {parquet: out/found}\n    gates: [{name: some,", 1)
	_, err := config.Parse("days.yaml", []byte(x.text), config.Options{})
	want := `days.yaml:11:3: stage "breaks": is published always, and is made of stage "found", which a blocked run holds` +
		"\n\tadd `publish: always` to the output of \"found\", or read what it is made of"
	if fmt.Sprint(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	// Both are; and one of them is held with what it is made of.
	x.text = strings.Replace(x.text, "out/found}", "out/found, publish: always}", 1)
	pl := x.pipeline()
	x.write(2, "1,500")
	x.write(3, "1,20000")
	x.write(4)
	x.night(pl, 1, pipeline.Published, "out/found v1, out/breaks v1, out/signed v1", "")
	x.night(pl, 2, pipeline.Blocked, "out/found v1, out/breaks v1", "out/signed")
	x.night(pl, 3, pipeline.Blocked, "out/found v1", "out/breaks")
	x.night(pl, 4, pipeline.Blocked, "", "out/found")
	x.sound(pl)
}

// A backfill carries on past a night that another stage's rule blocks: those that read the record
// run; those that read the past of what was held do not.
func TestBackfillsGoOnFromRecords(t *testing.T) {
	for _, parallel := range []int{1, 3} {
		x := newNight(t)
		x.text += `  running:
    from: {signed: signed, before: {stage: running, offset: -1, missing: fail}}
    operators: [{sql: SELECT total FROM signed}]
    output: {parquet: out/running}
`
		x.text = strings.Replace(x.text, "offset: -1, missing: fail}", "offset: -1, missing: skip, schema: {total: int64}}", 1)
		pl := x.pipeline()
		x.write(2, "1,500")
		parts, err := pl.Partitions.Range("", "")
		if err != nil {
			t.Fatal(err)
		}
		rec, err := x.p.Backfill(t.Context(), pl, parts, BackfillOptions{Parallel: parallel})
		if err != nil {
			t.Fatal(err)
		}
		if c := rec.Counts; c.Published != 3 || c.Blocked != 1 || c.Left != 0 || c.NotRun != 0 || !slices.Equal(rec.Blocked, []string{"2001-01-02"}) {
			t.Errorf("%+v", rec)
		}
		for day := 1; day <= 4; day++ {
			if got := x.version("out/breaks", day); got != 1 {
				t.Errorf("day %d: breaks have version %d", day, got)
			}
		}
		// Of the third night `running` would have read what was held of the second: it waits.
		for day, want := range []int64{1, 0, 0, 0} {
			if got := x.version("out/running", day+1); got != want {
				t.Errorf("day %d: running has version %d, want %d", day+1, got, want)
			}
		}
		if got := x.p.mustRows(t, "out/breaks", "2001-01-04"); got != "1,10,4;2,20,2" {
			t.Errorf("the ledger of the fourth night is %s", got)
		}
		x.sound(pl)
	}
}

// mustRows are the rows of a day, by DuckDB.
func (p *Project) mustRows(t *testing.T, dataset, day string) string {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT concat_ws(',', id, v, nights) FROM read_parquet('%s/*.parquet') ORDER BY id", filepath.Join(p.dir, dataset, "day="+day)))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, ";")
}

// What another pipeline reads of a record waits for nothing.
func TestAnotherPipelineReadsARecordOfABlockedRun(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,500")
	x.night(pl, 1, pipeline.Blocked, "out/breaks v1", "out/signed")
	night := x.text
	x.text = `name: reader
partitions: {by: day, from: 2001-01-01, to: 2001-01-01}
sources:
  ledger: {dataset: out/breaks}
  signed: {dataset: out/signed}
stages:
  copy: {from: ledger, output: {csv: out/copy}}
  late: {from: signed, output: {csv: out/late}}
`
	reader := x.pipeline()
	x.want(x.plan(reader, PlanOptions{}), "2001-01-01 | copy missing run | late waiting (needs: out/signed@2001-01-01 is not published)")
	rec, err := x.p.RunSelected(t.Context(), reader, "2001-01-01", PlanOptions{Select: []string{"copy"}})
	if err != nil {
		t.Fatal(err)
	}
	x.came(rec, pipeline.Published, "out/copy v1", "")
	g, err := x.p.LineageOf(t.Context(), LineageQuery{Name: "out/copy", Partition: "2001-01-01", Up: true, Depth: -1})
	if err != nil || len(g.Find("out/breaks", "2001-01-01", 1)) != 1 {
		t.Errorf("lineage is %+v, %v", g, err)
	}
	x.text = night
	x.sound(pl)
}

// Stages that are chosen, or whose rules alone changed, are run over the record as it is published.
func TestSelectedStagesBesideARecord(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,500")
	x.night(pl, 1, pipeline.Blocked, "out/breaks v1", "out/signed")
	// What it reads of the record alone is blocked still.
	rec, err := x.p.RunSelected(t.Context(), pl, "2001-01-01", PlanOptions{Select: []string{"signed"}})
	if err != nil {
		t.Fatal(err)
	}
	x.came(rec, pipeline.Published, "out/signed v1", "")
	// Choosing the record takes what judges it along; it stays published.
	rec, err = x.p.RunSelected(t.Context(), pl, "2001-01-01", PlanOptions{Select: []string{"breaks"}})
	if err != nil {
		t.Fatal(err)
	}
	x.came(rec, pipeline.Blocked, "out/breaks v1", "")
	x.sound(pl)
	// A rule that lets it pass is judged over what is published.
	relaxed := x.pipeline("most", "1000")
	plan := x.plan(relaxed, PlanOptions{})
	if got := text(&Plan{Partitions: plan.Partitions[:1]}); !strings.Contains(got, "breaks current | close stale run") {
		t.Errorf("plan is %s", got)
	}
	parts, err := relaxed.Partitions.Range("2001-01-01", "2001-01-01")
	if err != nil {
		t.Fatal(err)
	}
	done, err := x.p.Backfill(t.Context(), relaxed, parts, BackfillOptions{})
	if err != nil || done.Counts.Blocked+done.Counts.Failed != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	x.want(&Plan{Partitions: x.plan(relaxed, PlanOptions{}).Partitions[:1]}, "2001-01-01 | breaks current | close current | signed current")
	x.sound(relaxed)
}

// An output that is made a record is published of the nights that other stages blocked before: they
// are run again for it.
func TestAnOutputIsMadeARecord(t *testing.T) {
	x := newNight(t)
	x.text = strings.Replace(nightText, ", publish: always", "", 1)
	held := x.pipeline()
	x.write(1, "1,500")
	x.write(2, "1,20000")
	x.night(held, 1, pipeline.Blocked, "", "out/breaks,out/signed")
	x.night(held, 2, pipeline.Blocked, "", "out/breaks")
	x.text = nightText
	pl := x.pipeline()
	x.want(&Plan{Partitions: x.plan(pl, PlanOptions{}).Partitions[:2]},
		"2001-01-01 | breaks missing run (code: it is published always now, and only close/few blocked the last run) | close stale run (upstream: breaks runs) | signed missing run (upstream: breaks runs)",
		"2001-01-02 | breaks missing run (upstream: 2001-01-01 runs) | close stale run (upstream: breaks runs) | signed missing run (upstream: breaks runs)")
	parts, err := pl.Partitions.Range("2001-01-01", "2001-01-02")
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := x.p.Backfill(t.Context(), pl, parts, BackfillOptions{}); err != nil || rec.Counts.Blocked != 2 || x.version("out/breaks", 1) != 1 || x.version("out/breaks", 2) != 0 {
		t.Errorf("%+v, %v", rec, err)
	}
	x.want(&Plan{Partitions: x.plan(pl, PlanOptions{}).Partitions[:2]},
		"2001-01-01 | breaks current | close blocked (run: close/few) | signed blocked (run: close/few)",
		"2001-01-02 | breaks blocked (run: breaks/sane) | close waiting (needs: breaks is blocked) | signed waiting (needs: breaks is blocked)")
	x.sound(pl)
}

// An index that is put back to before a blocked run, or lost with the records of all runs, catches
// up with what that published as a record.
func TestIndexBehindARecord(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,500")
	x.write(2, "1,400")
	x.night(pl, 1, pipeline.Blocked, "out/breaks v1", "out/signed")
	index := filepath.Join(x.dir, StateDir, "state.db")
	if err := x.p.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	x.open()
	first, err := x.p.Runs(t.Context(), RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	approved(t, x.p, first[0].Run, "few")
	x.night(pl, 2, pipeline.Blocked, "out/breaks v1", "out/signed")
	want := text(x.plan(pl, PlanOptions{}))
	if err := x.p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{index + "-wal", index + "-shm"} {
		_ = os.Remove(name)
	}
	if err := os.WriteFile(index, old, 0o644); err != nil {
		t.Fatal(err)
	}
	x.open()
	if got := text(x.plan(pl, PlanOptions{})); got != want {
		t.Errorf("plan is\n%s\nwant\n%s", got, want)
	}
	x.sound(pl)

	// Without the records of runs the manifests say what is published; what only judges does so again.
	if err := x.p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(x.dir, StateDir)); err != nil {
		t.Fatal(err)
	}
	x.open()
	if _, _, err := x.p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.want(&Plan{Partitions: x.plan(pl, PlanOptions{}).Partitions[:2]},
		"2001-01-01 | breaks current | close missing run | signed current",
		"2001-01-02 | breaks current | close missing run | signed missing run")
	rec, err := x.p.Run(t.Context(), pl, "2001-01-02")
	if err != nil {
		t.Fatal(err)
	}
	x.came(rec, pipeline.Blocked, "out/breaks v1", "out/signed")
}

// A rollback, gc, a release and retries take a record as any other output.
func TestWhatIsDoneToARecordOfABlockedRun(t *testing.T) {
	x := newNight(t)
	x.text = strings.Replace(x.text, "gates: [{name: sane,", "gates: [{name: sound, rows: 'v != 666', else: quarantine}, {name: sane,", 1)
	pl := x.pipeline()
	x.night(pl, 1, pipeline.Published, "out/breaks v1, out/signed v1", "")
	x.write(1, "1,500", "2,666")
	blocked := x.night(pl, 1, pipeline.Blocked, "out/breaks v2", "out/signed")
	if got := x.version("out/signed", 1); got != 1 {
		t.Errorf("readers see version %d of what is held", got)
	}
	parts, err := x.p.Unfinished(t.Context(), pl, false)
	if err != nil || len(parts) != 0 {
		t.Errorf("to try again: %v, %v", parts, err)
	}
	if parts, err = x.p.Unfinished(t.Context(), pl, true); err != nil || len(parts) != 1 {
		t.Errorf("blocked: %v, %v", parts, err)
	}
	rec, err := x.p.Release(t.Context(), pl, ReleaseOptions{Stage: "breaks", Partition: "2001-01-01", Waive: []string{"sound"}, Reason: "good"})
	if err != nil {
		t.Fatal(err)
	}
	x.came(rec, pipeline.Published, "out/breaks v3", "")
	if _, err := x.p.GC(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if rec, err = x.p.Rollback(t.Context(), "out/breaks", "2001-01-01", 2, "it was wrong"); err != nil {
		t.Fatal(err)
	}
	x.came(rec, pipeline.Published, "out/breaks v4", "")
	if len(x.p.Held(blocked)) != 1 {
		t.Error("what waits for a decision is gone")
	}
	done := approved(t, x.p, blocked.Run, "few")
	x.came(done.Run, pipeline.Published, "out/breaks v2, out/signed v2", "")
	x.sound(pl)
}

// A record that can't be published is an error: else nothing would make it again.
func TestARecordThatCannotBePublishedFailsTheRun(t *testing.T) {
	x := newNight(t)
	pl := x.pipeline()
	x.write(1, "1,500")
	if err := os.MkdirAll(filepath.Join(x.dir, "out/breaks/day=2001-01-01"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(x.dir, "out/breaks/day=2001-01-01/mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	rec, err := x.p.Run(t.Context(), pl, "2001-01-01")
	if err == nil || rec.Status != pipeline.Failed || !strings.Contains(rec.Error, `it holds "mine"`) {
		t.Fatalf("%s, %v", rec.Status, err)
	}
	if err := os.RemoveAll(filepath.Join(x.dir, "out/breaks/day=2001-01-01")); err != nil {
		t.Fatal(err)
	}
	parts, err := x.p.Unfinished(t.Context(), pl, false)
	if err != nil || len(parts) != 1 {
		t.Errorf("to try again: %v, %v", parts, err)
	}
	x.night(pl, 1, pipeline.Blocked, "out/breaks v2", "out/signed") // of the first, the switch was not made
	x.sound(pl)
}

// Verify finds a version that a blocked run let out and that is no record, by the record of the run.
func TestVerifyKnowsWhatABlockedRunMayPublish(t *testing.T) {
	p := approvable(t, Options{})
	ok := stage("clean", "orders", true)
	ok.Output.Always = true
	pl := blockable(ok, stage("judge", "clean", false, rows("positive", "amount > 0")))
	ran(t, p, pl, "eu", pipeline.Blocked)
	sound(t, p)
	pl.Stages[0].Output.Always = false
	pl.Stages[1].Gates = nil
	rec := ran(t, p, pl, "us", pipeline.Published)
	sound(t, p)
	name := p.state("runs", rec.Run+".json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"judge", "and it is no record of what was found"}, {"clean", "it is no record"}} {
		changed := strings.Replace(string(text), `"gates": [`, `"gates": [{"stage": "`+c[0]+`", "name": "positive", "severity": "block", "verdict": "fail"},`, 1)
		if err := os.WriteFile(name, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		report, err := p.Verify(t.Context())
		if err != nil || len(report.Problems) != 1 || !strings.Contains(report.Problems[0].What, c[1]) {
			t.Errorf("%+v, %v", report.Problems, err)
		}
	}
}
