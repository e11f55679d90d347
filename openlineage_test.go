package penstock

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/lineage/openlineage/schematest"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// told is a project whose runs are told of in a file.
type told struct {
	t      *testing.T
	dir    string
	events string
	p      *Project
	at     int64 // of the file that was read
}

func newTold(t *testing.T) *told {
	x := &told{t: t, dir: t.TempDir()}
	x.events = filepath.Join(x.dir, "events.jsonl")
	x.write("orders-eu.csv", threeOrders)
	x.write("orders-us.csv", "id,amount\n1,5\n3,7\n")
	x.open()
	return x
}

func (x *told) write(name, text string) {
	x.t.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, name), []byte(text), 0o644); err != nil {
		x.t.Fatal(err)
	}
}

func toldIn(t *testing.T, env ...string) *openlineage.Config {
	t.Helper()
	c, err := openlineage.FromEnv(env, io.Discard, faults.SystemClock().Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Warn, c.Wait = func(text string) { t.Log(text) }, time.Minute
	return c
}

func (x *told) open() {
	x.t.Helper()
	c := toldIn(x.t, "OPENLINEAGE__TRANSPORT__TYPE=file", "OPENLINEAGE__TRANSPORT__APPEND=true", "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH="+x.events)
	p, err := Open(context.Background(), x.dir, Options{Workers: 2, Actor: "maker", OpenLineage: c})
	if err != nil {
		x.t.Fatal(err)
	}
	x.p = p
	x.t.Cleanup(func() { p.Close() })
}

// said closes the project, and gives what was told since the last time, by job: each event is valid,
// and each run that begins ends. It opens the project again.
func (x *told) said() (ends []string) {
	x.t.Helper()
	if err := x.p.Close(); err != nil {
		x.t.Fatal(err)
	}
	text, err := os.ReadFile(x.events)
	if err != nil {
		x.t.Fatal(err)
	}
	begun := map[string]bool{}
	for line := range bytes.Lines(text[x.at:]) {
		if problems := schematest.Check(line); problems != nil {
			x.t.Errorf("%s\n%s", strings.Join(problems, "\n"), line)
		}
		var e openlineage.Event
		if err := json.Unmarshal(line, &e); err != nil {
			x.t.Fatal(err)
		}
		if e.EventType == openlineage.Start {
			begun[e.Run.RunID] = true
			continue
		}
		if e.EventType != openlineage.Running && !begun[e.Run.RunID] {
			x.t.Errorf("%s of %s ends, and never began", e.Run.RunID, e.Job.Name)
		}
		ends = append(ends, e.Job.Name+" "+string(e.EventType))
	}
	x.at = int64(len(text))
	if left, err := os.ReadDir(filepath.Join(x.dir, StateDir, "outbox")); err != nil || len(left) > 0 {
		x.t.Error("left in the outbox:", left, err)
	}
	x.open()
	return ends
}

func (x *told) want(what string, want ...string) {
	x.t.Helper()
	if diff := cmp.Diff(want, x.said()); diff != "" {
		x.t.Errorf("%s:\n%s", what, diff)
	}
}

// toldPipeline has a stage that quarantines, one of SQL over it, and one that only judges.
func toldPipeline(least string) *pipeline.Pipeline {
	clean := stage("clean", "orders", true, gates.Rule{Name: "positive", Check: gates.Rows("amount > 0"), Else: gates.Quarantine}, gates.Rule{Name: "enough", Check: gates.Expect("rows() >= " + least)})
	sums := stage("sums", "clean", true)
	sums.Operators = []pipeline.Operator{sql.Query("SELECT sum(amount)::BIGINT AS amount FROM clean", "clean")}
	return blockable(clean, sums, stage("check", "sums", false, rows("some", "amount > 0")))
}

var allComplete = []string{"orders.clean COMPLETE", "orders.clean.gates COMPLETE", "orders.sums COMPLETE", "orders.sums.gates COMPLETE", "orders.check COMPLETE", "orders COMPLETE"}

// Whatever becomes of a run, it is told by events that the standard allows.
func TestOpenLineageOfAllRuns(t *testing.T) {
	x := newTold(t)
	ctx := context.Background()
	pl := toldPipeline("1")
	ran(t, x.p, pl, "eu", pipeline.Published)
	x.want("published", allComplete...)
	ran(t, x.p, pl, "eu", pipeline.Unchanged)
	x.want("unchanged", allComplete...)

	parts := []pipeline.Partition{}
	for _, key := range []string{"eu", "us"} {
		part, err := pl.Partitions.Parse(key)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	if _, err := x.p.Backfill(ctx, pl, parts, BackfillOptions{}); err != nil {
		t.Fatal(err)
	}
	x.want("backfill", append(slices.Clone(allComplete), "orders.backfill COMPLETE")...)

	// Other rules alone: they are judged over what is published.
	for _, least := range []string{"0", "1"} {
		if _, err := x.p.Backfill(ctx, blockable(stage("plain", "orders", true, rows("some", "amount > "+least))), parts[1:], BackfillOptions{}); err != nil {
			t.Fatal(err)
		}
		x.want("rules alone, "+least, "orders.plain COMPLETE", "orders.plain.gates COMPLETE", "orders COMPLETE", "orders.backfill COMPLETE")
	}
	if m, _, err := x.p.publish.Current("out/plain", "key=us"); err != nil || m.Judged != 1 {
		t.Error(m, err)
	}

	x.write("orders-us.csv", threeOrders+"4,9\n")
	blocked := ran(t, x.p, toldPipeline("9"), "us", pipeline.Blocked)
	x.want("blocked", "orders.clean FAIL", "orders.clean.gates FAIL", "orders.sums ABORT", "orders.sums.gates ABORT", "orders.check ABORT", "orders FAIL")
	if _, err := as(x.p, "boss").Approve(ctx, blocked.Run, Approve{Gates: []string{"enough"}, Reason: "a holiday"}); err != nil {
		t.Fatal(err)
	}
	// What comes after clean was not computed.
	x.want("approved", "orders.clean COMPLETE", "orders.clean.gates COMPLETE", "orders.sums ABORT", "orders.sums.gates ABORT", "orders.check ABORT", "orders COMPLETE")

	// A record of what was found is complete, whatever others say.
	record := blockable(stage("found", "orders", true), stage("judge", "found", false, rows("few", "id < 3")), stage("next", "found", true))
	record.Stages[0].Output.Always = true
	blocked = ran(t, x.p, record, "eu", pipeline.Blocked)
	x.want("blocked, with a record", "orders.found COMPLETE", "orders.found.gates COMPLETE", "orders.judge FAIL", "orders.next ABORT", "orders.next.gates COMPLETE", "orders FAIL")
	approved(t, as(x.p, "boss"), blocked.Run, "few")
	x.want("approved beside a record", "orders.found COMPLETE", "orders.found.gates COMPLETE", "orders.judge COMPLETE", "orders.next COMPLETE", "orders.next.gates COMPLETE", "orders COMPLETE")

	if _, err := x.p.Release(ctx, toldPipeline("2"), ReleaseOptions{Stage: "clean", Partition: "eu", Waive: []string{"positive"}, Reason: "refunds"}); err != nil {
		t.Fatal(err)
	}
	x.want("release", "orders.clean COMPLETE", "orders.clean.gates COMPLETE", "orders COMPLETE")
	if _, err := x.p.Rollback(ctx, "out/clean", "eu", 0, "a mistake"); err != nil {
		t.Fatal(err)
	}
	x.want("rollback", "orders.clean COMPLETE", "orders COMPLETE")

	x.write("orders-us.csv", "id,amount\n1,5\n2,x\"\n")
	if rec, err := x.p.Run(ctx, pl, "us"); err == nil || rec.Status != pipeline.Failed {
		t.Fatal(rec, err)
	}
	x.want("failed", "orders.clean FAIL", "orders.clean.gates FAIL", "orders.sums FAIL", "orders.sums.gates FAIL", "orders.check FAIL", "orders FAIL")

	stopped, cancel := context.WithCancel(ctx)
	x.p.opts.Listener = &pipeline.Listener{StageStarted: func(pipeline.StageStarted) { cancel() }}
	if rec, err := x.p.Run(stopped, pl, "eu"); err == nil || rec.Status != pipeline.Cancelled {
		t.Fatal(rec, err)
	}
	x.want("cancelled", "orders.clean ABORT", "orders.clean.gates ABORT", "orders.sums ABORT", "orders.sums.gates ABORT", "orders.check ABORT", "orders ABORT")
}

// The end of a run whose process died is told by whoever comes next, with what it published.
func TestOpenLineageOfTheDead(t *testing.T) {
	x := newTold(t)
	pl := toldPipeline("1")
	die := func(publish bool) {
		t.Helper()
		part, err := pl.Partitions.Parse("eu")
		if err != nil {
			t.Fatal(err)
		}
		a, err := x.p.attempt(context.Background(), pl, part)
		if err != nil {
			t.Fatal(err)
		}
		if publish {
			if err := a.run(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.lock.Close(); err != nil { // here it dies
			t.Fatal(err)
		}
		if err := x.p.Close(); err != nil {
			t.Fatal(err)
		}
		x.open()
		if _, err := x.p.FlushOpenLineage(context.Background(), false); err != nil {
			t.Fatal(err)
		}
	}
	die(false)
	x.want("nothing was published", "orders.clean FAIL", "orders.clean.gates FAIL", "orders.sums FAIL", "orders.sums.gates FAIL", "orders.check FAIL", "orders FAIL")
	die(true)
	got := x.said()
	if !slices.Contains(got, "orders.clean COMPLETE") || !slices.Contains(got, "orders.sums COMPLETE") {
		t.Error(got)
	}
}

// A server that hangs neither slows nor fails a run; what it was not told is told by the next.
func TestOpenLineageNeverFailsARun(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-hang:
		}
	}))
	defer srv.Close()
	defer close(hang)
	x := newTold(t)
	if err := x.p.Close(); err != nil {
		t.Fatal(err)
	}
	var said []string
	c := toldIn(t, "OPENLINEAGE_URL="+srv.URL)
	c.Wait, c.Warn = time.Millisecond, func(text string) { said = append(said, text) }
	p, err := Open(t.Context(), x.dir, Options{Workers: 2, OpenLineage: c})
	if err != nil {
		t.Fatal(err)
	}
	rec := ran(t, p, toldPipeline("1"), "eu", pipeline.Published)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0], "1 run is not told of by http yet") {
		t.Error(said)
	}
	x.open()
	o, err := x.p.Outbox()
	if err != nil || !slices.Equal(o.Waiting, []string{rec.Run}) {
		t.Error(o, err)
	}
	if d, err := x.p.FlushOpenLineage(context.Background(), false); err != nil || d[0].Sent != 1 {
		t.Error(d, err)
	}
	x.want("told later", allComplete...)
}

// A run that takes long is told of now and then.
func TestOpenLineageOfALongRun(t *testing.T) {
	x := newTold(t)
	x.p.teller.config.RunningEvery = time.Nanosecond
	ran(t, x.p, toldPipeline("1"), "eu", pipeline.Published)
	if got := x.said(); !slices.Contains(got, "orders RUNNING") {
		t.Error(got)
	}
}
