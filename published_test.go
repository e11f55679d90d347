package penstock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	_ "time/tzdata" // the same zones on every machine

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// dated is a project in which each day has a file with the number of its day of the year, and
// of the one after it.
type dated struct {
	t   *testing.T
	dir string
	p   *Project
}

func newDated(t *testing.T, days ...string) *dated {
	x := &dated{t: t, dir: t.TempDir()}
	p, err := Open(context.Background(), x.dir, Options{Workers: 1, Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	x.p = p
	t.Cleanup(func() { p.Close() })
	if err := os.Mkdir(filepath.Join(x.dir, "raw"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, day := range days {
		x.write(day, i+1)
	}
	return x
}

func (x *dated) write(day string, v int) {
	x.t.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, "raw", day+".csv"), fmt.Appendf(nil, "day,v\n%s,%d\n", day, v), 0o644); err != nil {
		x.t.Fatal(err)
	}
}

func (x *dated) pipeline(text string) *pipeline.Pipeline {
	x.t.Helper()
	pl, err := config.Parse("p.yaml", []byte(text), config.Options{})
	if err != nil {
		x.t.Fatal(err)
	}
	return pl
}

// run runs a partition, which has to be published.
func (x *dated) run(pl *pipeline.Pipeline, partition string) *pipeline.RunRecord {
	x.t.Helper()
	rec, err := x.p.Run(context.Background(), pl, partition)
	if err != nil {
		x.t.Fatal(err)
	}
	return rec
}

func (x *dated) runAll(pl *pipeline.Pipeline) {
	x.t.Helper()
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		x.t.Fatal(err)
	}
	for _, p := range parts {
		x.run(pl, p.Value)
	}
}

// rows are those of a published CSV partition, without the header.
func (x *dated) rows(dir string) string {
	x.t.Helper()
	text, err := os.ReadFile(filepath.Join(x.dir, filepath.FromSlash(dir), "part-0.csv"))
	if err != nil {
		x.t.Fatal(err)
	}
	_, rows, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return strings.ReplaceAll(rows, "\n", " ")
}

func (x *dated) plan(pl *pipeline.Pipeline) string {
	x.t.Helper()
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		x.t.Fatal(err)
	}
	plan, err := x.p.Plan(context.Background(), pl, parts, PlanOptions{})
	if err != nil {
		x.t.Fatal(err)
	}
	return text(plan)
}

const daily = `name: daily
partitions: {by: day, from: 2026-02-26, to: 2026-03-04}
sources:
  raw: {csv: 'raw/{partition}.csv', schema: {day: date, v: int64}}
stages:
  clean: {from: raw, gates: [{expect: rows() > 0}], output: {%s: w/clean}}
`

const monthly = `name: monthly
partitions: {by: month, from: 2026-02, to: 2026-03}
sources:
  days: {dataset: w/clean, by: day, map: within, missing: skip}
stages:
  totals:
    from: days
    operators: [{aggregate: {columns: {n: count(), total: sum(v), first: min(day)}}}]
    output: {csv: w/months}
`

var sevenDays = []string{"2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"}

// A month is made of the days in it, in whatever format they are published.
func TestMonthsOfDays(t *testing.T) {
	for _, format := range []string{"parquet", "csv", "jsonl", "ipc"} {
		x := newDated(t, sevenDays...)
		days, months := x.pipeline(fmt.Sprintf(daily, format)), x.pipeline(monthly)
		x.runAll(days)
		x.runAll(months)
		if got := x.rows("w/months/month=2026-02") + " | " + x.rows("w/months/month=2026-03"); got != "3,6,2026-02-26 | 4,22,2026-03-01" {
			t.Errorf("%s: the months are %s", format, got)
		}
		want := "2026-02 | totals current\n2026-03 | totals current"
		if got := x.plan(months); got != want {
			t.Errorf("%s: plan is\n%s\nwant\n%s", format, got, want)
		}
	}
}

// A day that comes out as before makes nothing stale; one that does not, its month alone.
func TestDaysMakeTheirMonthStale(t *testing.T) {
	x := newDated(t, sevenDays...)
	days, months := x.pipeline(fmt.Sprintf(daily, "parquet")), x.pipeline(monthly)
	x.runAll(days)
	if err := os.Remove(filepath.Join(x.dir, "raw", "2026-03-04.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(x.dir, "w", "clean", "day=2026-03-04")); err != nil {
		t.Fatal(err)
	}
	x.runAll(months)
	x.run(days, "2026-03-01")
	if got, want := x.plan(months), "2026-02 | totals current\n2026-03 | totals current"; got != want {
		t.Errorf("plan is\n%s\nwant\n%s", got, want)
	}
	x.write("2026-03-01", 40)
	x.run(days, "2026-03-01")
	x.write("2026-03-04", 7)
	x.run(days, "2026-03-04")
	want := "2026-02 | totals current\n2026-03 | totals stale run (input: days: w/clean@2026-03-01 has version 2, and had 1) (input: days: w/clean@2026-03-04 is there now)"
	if got := x.plan(months); got != want {
		t.Errorf("plan is\n%s\nwant\n%s", got, want)
	}
	x.runAll(months)
	if got := x.rows("w/months/month=2026-03"); got != "4,58,2026-03-01" {
		t.Errorf("the month is %s", got)
	}
}

// The record has each partition that was read with its version, and those that were missing.
func TestTheRecordNamesWhatWasRead(t *testing.T) {
	x := newDated(t, sevenDays...)
	days, months := x.pipeline(fmt.Sprintf(daily, "parquet")), x.pipeline(monthly)
	x.runAll(days)
	x.run(months, "2026-02")
	m, digest, err := x.p.publish.Current("w/months", "month=2026-02")
	if err != nil || digest == "" {
		t.Fatal(err)
	}
	read, missing := 0, 0
	for _, in := range m.Inputs {
		up, upDigest, err := x.p.publish.Current(in.Dataset, "day="+in.Partition)
		switch {
		case in.Missing:
			missing++
			if in.Version != 0 || in.Data != "" || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%+v is missing", in)
			}
		case err != nil:
			t.Fatal(err)
		default:
			read++
			if in.Name != "days" || in.Source == "" || in.FromStage() || in.Version != 1 || in.Manifest != upDigest || in.Data != up.DataDigest() || len(in.Files) > 0 {
				t.Errorf("the record is %+v", in)
			}
		}
	}
	if read != 3 || missing != 25 {
		t.Errorf("%d partitions were read, %d missing", read, missing)
	}
	g, err := x.p.Lineage(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(g.Find("w/clean", "", 0)); got != 7 {
		t.Errorf("lineage has %d partitions of w/clean", got)
	}
}

const sums = `name: sums
partitions: {by: day, from: 2026-02-26, to: 2026-03-04}
sources:
  raw: {csv: 'raw/{partition}.csv', schema: {day: date, v: int64}}
stages:
  clean: {from: raw, output: {csv: w/clean}}
  moving:
    from: {clean: {last: 3, missing: skip}}
    operators: [{aggregate: {columns: {n: count(), total: sum(v)}}}]
    output: {csv: w/moving}
  balance:
    from: {clean: clean, before: {stage: balance, offset: -1, missing: skip, schema: {balance: int64}}}
    operators:
      - sql: SELECT ((SELECT sum(v) FROM clean) + coalesce((SELECT sum(balance) FROM before), 0))::BIGINT AS balance
    output: {csv: w/balance}
`

// oracle adds up what the files of the days have, and compares.
func (x *dated) oracle() {
	x.t.Helper()
	var v []int
	for i, day := range sevenDays {
		text, err := os.ReadFile(filepath.Join(x.dir, "raw", day+".csv"))
		if err != nil {
			x.t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text[bytes.LastIndexByte(text, ',')+1:])))
		if err != nil {
			x.t.Fatal(err)
		}
		v = append(v, n)
		moving, balance := 0, 0
		for j, n := range v {
			balance += n
			if j > i-3 {
				moving += n
			}
		}
		if got, want := x.rows("w/moving/day="+day), fmt.Sprintf("%d,%d", min(i+1, 3), moving); got != want {
			x.t.Errorf("%s: the moving sum is %s, want %s", day, got, want)
		}
		if got, want := x.rows("w/balance/day="+day), fmt.Sprint(balance); got != want {
			x.t.Errorf("%s: the balance is %s, want %s", day, got, want)
		}
	}
}

// A stage reads what others, and itself, made of the days before.
func TestWindowsAndBalances(t *testing.T) {
	x := newDated(t, sevenDays...)
	pl := x.pipeline(sums)
	x.runAll(pl)
	x.oracle()
	current := " | clean current | moving current | balance current"
	if got, want := x.plan(pl), "2026-02-26"+current+"\n2026-02-27"+current; !strings.HasPrefix(got, want) || strings.Contains(got, "run") {
		t.Errorf("plan is\n%s", got)
	}
}

// A backfill of days that read those before runs these first; what reads none of them may
// run at once.
func TestBackfillsOfWindowsAreInOrder(t *testing.T) {
	x := newDated(t, sevenDays...)
	pl := x.pipeline(sums)
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := x.p.Plan(context.Background(), pl, parts, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range plan.Partitions {
		want := []int{}
		for j := max(0, i-2); j < i; j++ {
			want = append(want, j)
		}
		if fmt.Sprint(p.After) != fmt.Sprint(want) || !p.Runs() {
			t.Errorf("%s is after %v, want %v", p.Name, p.After, want)
		}
	}
	backfill := func() {
		t.Helper()
		rec, err := x.p.Backfill(context.Background(), pl, parts, BackfillOptions{Parallel: 4, NewestFirst: true})
		if err != nil {
			t.Fatal(err)
		}
		if rec.Status != BackfillEnded || len(rec.Blocked)+len(rec.Failed)+len(rec.Waiting) > 0 {
			t.Errorf("the backfill is %+v", rec)
		}
		x.oracle()
	}
	backfill()
	x.write("2026-02-27", 100)
	got := x.plan(pl)
	for i, want := range []string{
		"2026-02-26 | clean current | moving current | balance current",
		"2026-02-27 | clean stale run (late: raw/2026-02-27.csv had 19 bytes, and has 21) | moving stale run (upstream: clean runs) | balance stale run (upstream: clean runs)",
		"2026-02-28 | clean current | moving stale run (upstream: 2026-02-27 runs) | balance stale run (upstream: 2026-02-27 runs)",
		"2026-03-01 | clean current | moving stale run (upstream: 2026-02-27 runs) | balance stale run (upstream: 2026-02-28 runs)",
		"2026-03-02 | clean current | moving current | balance stale run (upstream: 2026-03-01 runs)",
	} {
		if line := strings.Split(got, "\n")[i]; line != want {
			t.Errorf("got\n%s\nwant\n%s", line, want)
		}
	}
	backfill()
	if got := x.plan(pl); strings.Contains(got, "run") {
		t.Errorf("plan is\n%s", got)
	}
}

// What a run needs and is not there is told before, and when it is run all the same.
func TestWindowsWithGapsWait(t *testing.T) {
	x := newDated(t, sevenDays...)
	x.run(x.pipeline(fmt.Sprintf(daily, "parquet")), "2026-02-26")
	reader := x.pipeline(`name: reader
partitions: {by: day, from: 2026-02-28, to: 2026-02-28}
sources:
  days: {dataset: w/clean, last: 3}
stages:
  copy: {from: days, output: {csv: w/copy}}
`)
	if got, want := x.plan(reader), "2026-02-28 | copy waiting (needs: w/clean@2026-02-27 is not published) (needs: w/clean@2026-02-28 is not published)"; got != want {
		t.Errorf("plan is\n%s\nwant\n%s", got, want)
	}
	_, err := x.p.Run(context.Background(), reader, "2026-02-28")
	want := "p.yaml:4:3: source \"days\": 2 of 3 partitions of w/clean are not published: 2026-02-27, 2026-02-28\n\trun what publishes them first, or set `missing: skip` to do without"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// What a stage of the same run makes is not read as it was before.
func TestARunDoesNotReadItselfAsPublished(t *testing.T) {
	x := newDated(t, sevenDays...)
	pl := x.pipeline(strings.Replace(fmt.Sprintf(daily, "csv"), "stages:\n", "  own: {dataset: w/clean, last: 2}\nstages:\n  copy: {from: own}\n", 1))
	_, err := x.p.Run(context.Background(), pl, "2026-02-27")
	want := "p.yaml:5:3: source \"own\": w/clean@2026-02-27 is what stage \"clean\" of this pipeline makes in the same run\n\tread from the stage: `from: clean`, or `from: {clean: {last: 7}}` for a window"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// In a zone behind UTC a partition is not its own past.
func TestThePastInATimeZone(t *testing.T) {
	x := newDated(t, sevenDays...)
	text := strings.Replace(fmt.Sprintf(daily, "csv"), "by: day,", "by: day, timezone: America/New_York,", 1)
	pl := x.pipeline(strings.Replace(text, "expect: rows() > 0", "expect: max(v) == history(1).max(max(v)) + 1, on_short_history: warn", 1))
	x.runAll(pl)
	for _, day := range sevenDays {
		rec := x.run(pl, day)
		if f := rec.Gates[len(rec.Gates)-1]; rec.Status != pipeline.Unchanged || f.Verdict == pipeline.Fail {
			t.Errorf("%s: %s, %+v", day, rec.Status, f)
		}
	}
}
