package penstock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// blockable is a pipeline of one source; its stages are added by the tests.
func blockable(stages ...pipeline.Stage) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: "orders", Partitions: pipeline.Scheme{By: pipeline.Key},
		Sources: []pipeline.NamedSource{{Name: "orders", Source: csv.Files("orders-{partition}.csv")}},
		Stages:  stages,
	}
}

func stage(name, from string, output bool, rules ...gates.Rule) pipeline.Stage {
	s := pipeline.Stage{Name: name, From: []string{from}}
	if len(rules) > 0 {
		s.Gates = gates.Of(rules...)
	}
	if output {
		s.Output = &pipeline.Output{Path: "out/" + name, Format: parquet.Format{}}
	}
	return s
}

func rows(name, condition string) gates.Rule {
	return gates.Rule{Name: name, Check: gates.Rows(condition)}
}

const threeOrders = "id,amount\n1,5\n2,-1\n3,7\n"

// approvable is a project by "maker", with orders for the partitions eu and us.
func approvable(t *testing.T, o Options) *Project {
	t.Helper()
	dir := t.TempDir()
	for _, key := range []string{"eu", "us"} {
		if err := os.WriteFile(filepath.Join(dir, "orders-"+key+".csv"), []byte(threeOrders), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.Actor, o.Workers = "maker", 2
	p, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.clock = faults.NewStepClock(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), time.Second)
	p.publish.Clock, p.ids = p.clock, faults.NewIDs(p.clock)
	return p
}

// as is the same project, used by somebody else.
func as(p *Project, actor string) *Project {
	other := *p
	other.opts.Actor = actor
	return &other
}

func ran(t *testing.T, p *Project, pl *pipeline.Pipeline, partition string, want pipeline.Status) *pipeline.RunRecord {
	t.Helper()
	rec, err := p.Run(t.Context(), pl, partition)
	if err != nil || rec.Status != want {
		t.Fatalf("%s: %s, want %s; %v %s", partition, rec.Status, want, err, rec.Error)
	}
	return rec
}

func approved(t *testing.T, p *Project, run string, names ...string) *Approved {
	t.Helper()
	done, err := p.Approve(t.Context(), run, Approve{Gates: names, Reason: "it is what it is"})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Awaiting) > 0 || done.Run.Status == pipeline.Blocked {
		t.Fatalf("awaiting %v", done.Awaiting)
	}
	return done
}

// sound makes sure that the project holds every invariant that verify knows.
func sound(t *testing.T, p *Project) {
	t.Helper()
	report, err := p.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func manifestOf(t *testing.T, p *Project, dataset, key string) *pipeline.Manifest {
	t.Helper()
	m, err := p.Current(dataset, pipeline.Partition{By: pipeline.Key, Value: key})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func finding(t *testing.T, m *pipeline.Manifest, name string) pipeline.Finding {
	t.Helper()
	i := slices.IndexFunc(m.Findings, func(f pipeline.Finding) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("%s has no finding %s", m.Dataset, name)
	}
	return m.Findings[i]
}

// What passed upstream of a blocked stage is held with it, and published with it: the
// lineage is as if the gate had passed.
func TestApproveAllOutputsOfARun(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true), stage("sums", "clean", true, rows("positive", "amount > 0")), stage("last", "sums", true))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	if len(rec.Held) != 2 || !slices.Equal(rec.NotRun, []string{"last"}) || len(p.Held(rec)) != 2 {
		t.Fatalf("held %+v, not run %v", rec.Held, rec.NotRun)
	}
	sound(t, p)
	done := approved(t, as(p, "boss"), rec.Run, "positive")
	if len(done.Run.Outputs) != 2 || len(p.Held(done.Run)) != 0 || len(done.Approvals) != 1 {
		t.Errorf("%+v", done)
	}
	m := manifestOf(t, p, "out/sums", "eu")
	in := m.Inputs[0]
	if in.Dataset != "out/clean" || in.Version != 1 || len(in.Manifest) != 64 || m.Run != rec.Run {
		t.Errorf("made of %+v by %s", in, m.Run)
	}
	if a := finding(t, m, "positive").Approved; a == nil || a.Actor != "boss" || a.Reason != "it is what it is" || a.Run != rec.Run {
		t.Errorf("approved: %+v", a)
	}
	sound(t, p)
	// The run is on record as published, also in an index that is made anew.
	if _, _, err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := p.RunByID(t.Context(), rec.Run)
	if err != nil || again.Status != pipeline.Published || len(again.Approvals) != 1 || len(again.Outputs) != 2 {
		t.Errorf("on record: %+v, %v", again, err)
	}
	// The same again goes on from here, and what comes after says what it was made of.
	next := ran(t, p, pl, "eu", pipeline.Published)
	if len(next.Outputs) != 3 || next.Gates[slices.IndexFunc(next.Gates, isPositive)].Approved == nil {
		t.Errorf("%+v", next)
	}
	if in := manifestOf(t, p, "out/last", "eu").Inputs[0]; !slices.Equal(in.Approved, []string{"positive of out/sums@eu"}) {
		t.Errorf("downstream: %+v", in)
	}
	ran(t, p, pl, "eu", pipeline.Unchanged)
	sound(t, p)
	// A source that reads the dataset says so, too.
	reader := blockable(stage("report", "orders", true))
	reader.Sources = []pipeline.NamedSource{{Name: "orders", Source: parquet.Files("out/sums/key={partition}/*.parquet")}}
	if rec := ran(t, p, reader, "eu", pipeline.Published); !slices.Equal(rec.Inputs[0].Approved, []string{"positive of out/sums@eu"}) {
		t.Errorf("a source: %+v", rec.Inputs)
	}
}

// An approval that fails half way goes on where it was.
func TestApproveAgain(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true), stage("sums", "clean", true, rows("positive", "amount > 0")))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	mine := filepath.Join(p.dir, "out/sums/key=eu/mine.txt")
	if err := errors.Join(os.MkdirAll(filepath.Dir(mine), 0o755), os.WriteFile(mine, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	_, err := p.Approve(t.Context(), rec.Run, Approve{Gates: []string{"positive"}, Reason: "r"})
	if err == nil || !strings.Contains(err.Error(), `it holds "mine.txt"`) {
		t.Fatal(err)
	}
	if v, err := p.Versions(t.Context(), "out/clean", "eu"); err != nil || len(v) != 1 {
		t.Errorf("%d versions of what was published, %v", len(v), err)
	}
	if rec, err := p.RunByID(t.Context(), rec.Run); err != nil || rec.Status != pipeline.Blocked || len(rec.Outputs) != 1 || len(rec.Approvals) != 1 {
		t.Errorf("%+v, %v", rec, err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if done := approved(t, p, rec.Run, "positive"); len(done.Run.Outputs) != 2 || done.Run.Status != pipeline.Published || len(done.Run.Approvals) != 2 {
		t.Errorf("%+v", done.Run)
	}
	sound(t, p)
}

// A stage that only judges has no bytes: its findings stand in every manifest of the run.
func TestApproveAStageThatOnlyJudges(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(
		stage("clean", "orders", true, rows("ids", "id > 0")), stage("copy", "clean", true),
		stage("check", "clean", false, rows("positive", "amount > 0")),
	)
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	done := approved(t, p, rec.Run, "check/positive")
	if len(done.Approvals) != 2 {
		t.Errorf("%+v", done.Approvals)
	}
	for _, dataset := range []string{"out/clean", "out/copy"} {
		if f := finding(t, manifestOf(t, p, dataset, "eu"), "positive"); f.Approved == nil || f.Approved.Dataset != dataset {
			t.Errorf("%s: %+v", dataset, f.Approved)
		}
	}
	sound(t, p)
	again := ran(t, p, pl, "eu", pipeline.Unchanged)
	if f := again.Gates[slices.IndexFunc(again.Gates, isPositive)]; f.Verdict != pipeline.Fail {
		t.Errorf("%+v", f)
	}
	// One output has other bytes: all is blocked again.
	pl.Stages[1].Operators = []pipeline.Operator{operators.Filter("id > 1")}
	ran(t, p, pl, "eu", pipeline.Blocked)
	sound(t, p)
}

// The rules of a stage that streams into an output are part of it.
func TestApproveAStageThatStreams(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("parse", "orders", false, rows("positive", "amount > 0")), stage("clean", "parse", true, rows("ids", "id > 0")))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	approved(t, p, rec.Run, "positive")
	ran(t, p, pl, "eu", pipeline.Unchanged)
	pl.Stages[0].Gates = gates.Of(rows("positive", "amount > 1"))
	ran(t, p, pl, "eu", pipeline.Blocked)
	sound(t, p)
}

func TestNothingToApprove(t *testing.T) {
	p := approvable(t, Options{})
	// Several stages want the rows of parse: nothing is written before they are judged.
	pl := blockable(stage("parse", "orders", false, rows("positive", "amount > 0")), stage("a", "parse", true), stage("b", "parse", true))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	_, err := p.Approve(t.Context(), rec.Run, Approve{Gates: []string{"positive"}, Reason: "r"})
	want := "run " + rec.Run + " holds nothing that could be published\n\t" +
		"it was run without holding, or a stage without output blocked it before anything was written\n\t" +
		"run it again, with --hold-for, or give the stage an output"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = p.Approve(t.Context(), rec.Run[:len(rec.Run)-1]+"z", Approve{Gates: []string{"positive"}, Reason: "r"})
	if err == nil || !strings.HasSuffix(err.Error(), "is known; did you mean "+rec.Run+"?") {
		t.Errorf("got %v", err)
	}
}

// An error is not a failure, and neither is ever a pass: also not when the stored states of
// what was approved of are asked again.
func TestApproveWhatCouldNotBeJudged(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true, rows("odd", "10 / (id - 1) > 0")), stage("copy", "clean", true))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	if rec.Gates[0].Verdict != pipeline.ErrorVerdict {
		t.Fatalf("%+v", rec.Gates[0])
	}
	done := approved(t, p, rec.Run, "odd")
	if done.Approvals[0].Verdict != pipeline.ErrorVerdict {
		t.Errorf("%+v", done.Approvals)
	}
	for range 2 {
		rec, err := p.Run(t.Context(), pl, "eu")
		if err != nil || rec.Gates[0].Verdict != pipeline.ErrorVerdict || rec.Gates[0].Approved == nil {
			t.Errorf("%+v, %v", rec.Gates[0], err)
		}
	}
	// Without the approval nothing stands for it.
	if err := os.RemoveAll(filepath.Join(p.dir, "out/.penstock/datasets/clean/approvals")); err != nil {
		t.Fatal(err)
	}
	if rec := ran(t, p, pl, "eu", pipeline.Blocked); rec.Gates[0].Verdict != pipeline.ErrorVerdict {
		t.Errorf("%+v", rec.Gates[0])
	}
	sound(t, p)
}

func TestApprovalsAreVoid(t *testing.T) {
	pl := blockable(stage("clean", "orders", true, rows("positive", "amount > 0"), rows("small", "amount < 6")))
	both := []string{"positive", "small"}
	name := func(key string) string { return "out/.penstock/datasets/clean/approvals/key=" + key + ".json" }
	for what, test := range map[string]func(t *testing.T, p *Project){
		"in another partition": func(t *testing.T, p *Project) {
			approved(t, p, ran(t, p, pl, "eu", pipeline.Blocked).Run, both...)
			text, err := os.ReadFile(filepath.Join(p.dir, name("eu")))
			if err != nil {
				t.Fatal(err)
			}
			us := filepath.Join(p.dir, name("us"))
			if err := errors.Join(os.MkdirAll(filepath.Dir(us), 0o755), os.WriteFile(us, text, 0o644)); err != nil {
				t.Fatal(err)
			}
			rec := ran(t, p, pl, "us", pipeline.Blocked)
			_, err = p.Approve(t.Context(), rec.Run, Approve{Gates: both[:1], Reason: "r"})
			if err == nil || !strings.HasPrefix(err.Error(), "no entry of the audit says who wrote "+name("us")) {
				t.Errorf("it is no approval on record: %v", err)
			}
			p.publish.Known = nil // also where it would be
			rec = ran(t, p, pl, "us", pipeline.Blocked)
			done, err := p.Approve(t.Context(), rec.Run, Approve{Gates: both[:1], Reason: "r"})
			if err != nil || len(done.Awaiting) != 1 || done.Awaiting[0].Name != "small" {
				t.Errorf("%+v, %v", done, err)
			}
		},
		"when it has expired": func(t *testing.T, p *Project) {
			rec := ran(t, p, pl, "eu", pipeline.Blocked)
			done, err := p.Approve(t.Context(), rec.Run, Approve{Gates: both[:1], Reason: "r", For: time.Minute})
			if err != nil || len(done.Awaiting) != 1 {
				t.Fatalf("%+v, %v", done, err)
			}
			for range 100 {
				p.clock.Now()
			}
			done, err = p.Approve(t.Context(), rec.Run, Approve{Gates: both[1:], Reason: "r"})
			if err != nil || len(done.Awaiting) != 1 || done.Awaiting[0].Name != "positive" {
				t.Errorf("%+v, %v", done, err)
			}
			approved(t, p, rec.Run, "positive") // once more, and it is published
			sound(t, p)
		},
		"for a later run, when it has expired; what is published stays": func(t *testing.T, p *Project) {
			rec := ran(t, p, pl, "eu", pipeline.Blocked)
			if _, err := p.Approve(t.Context(), rec.Run, Approve{Gates: both, Reason: "r", For: time.Minute}); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				p.clock.Now()
			}
			says(t, ran(t, p, pl, "eu", pipeline.Blocked), "does not count: it expired 2026-11-25T")
			if m := manifestOf(t, p, "out/clean", "eu"); m.Run != rec.Run {
				t.Errorf("%+v", m)
			}
			sound(t, p)
		},
		"by who made it, where four eyes are asked for": func(t *testing.T, p *Project) {
			rec := ran(t, p, pl, "eu", pipeline.Blocked)
			if done, err := p.Approve(t.Context(), rec.Run, Approve{Gates: both[:1], Reason: "r"}); err != nil || len(done.Awaiting) != 1 {
				t.Fatalf("%+v, %v", done, err)
			}
			p.opts.FourEyes, p.publish.FourEyes = true, true
			if _, err := p.Approve(t.Context(), rec.Run, Approve{Gates: both, Reason: "r"}); err == nil || !strings.HasPrefix(err.Error(), "maker ran ") {
				t.Errorf("%v", err)
			}
			done, err := as(p, "boss").Approve(t.Context(), rec.Run, Approve{Gates: both[1:], Reason: "r"})
			if err != nil || len(done.Awaiting) != 1 || done.Awaiting[0].Name != "positive" {
				t.Errorf("%+v, %v", done, err)
			}
			approved(t, as(p, "boss"), rec.Run, "positive")
			ran(t, p, pl, "eu", pipeline.Unchanged)
			again := ran(t, as(p, "boss"), pl, "eu", pipeline.Blocked)
			says(t, again, "the approval by boss of 2026-11-25 does not count: boss made this run, and four eyes are asked for") // boss may not approve of what boss makes
			sound(t, p)
		},
		"by who made it, where the run asked for four eyes": func(t *testing.T, p *Project) {
			p.opts.FourEyes, p.publish.FourEyes = true, true
			rec := ran(t, p, pl, "eu", pipeline.Blocked)
			p.opts.FourEyes, p.publish.FourEyes = false, false // who approves does not ask
			if _, err := p.Approve(t.Context(), rec.Run, Approve{Gates: both, Reason: "r"}); err == nil || !strings.HasPrefix(err.Error(), "maker ran ") {
				t.Errorf("%v", err)
			}
			done := approved(t, as(p, "boss"), rec.Run, both...)
			if m := manifestOf(t, p, "out/clean", "eu"); !m.FourEyes || !done.Approvals[0].FourEyes {
				t.Errorf("%+v", m)
			}
			sound(t, p)
		},
		"where the file is damaged": func(t *testing.T, p *Project) {
			rec := ran(t, p, pl, "eu", pipeline.Blocked)
			approved(t, p, rec.Run, both...)
			if err := os.WriteFile(filepath.Join(p.dir, name("eu")), []byte("[{"), 0o644); err != nil {
				t.Fatal(err)
			}
			ran(t, p, pl, "eu", pipeline.Blocked)
		},
	} {
		t.Run(what, func(t *testing.T) { test(t, approvable(t, Options{})) })
	}
}

// Of two who approve at once one publishes; the other is told.
func TestTwoApprovalsAtOnce(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true, rows("positive", "amount > 0")))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	var wg sync.WaitGroup
	var mu sync.Mutex
	published := 0
	for range 4 {
		wg.Go(func() {
			_, err := p.Approve(context.Background(), rec.Run, Approve{Gates: []string{"positive"}, Reason: "r"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				published++
			} else if pipeline.KindOf(err) != pipeline.Conflict && !strings.Contains(err.Error(), "was not blocked: it is published") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if m := manifestOf(t, p, "out/clean", "eu"); published != 1 || m.Version != 1 {
		t.Errorf("%d published, version %d", published, m.Version)
	}
	sound(t, p)
}

// While a run of the partition goes on, nobody approves; a run that fails leaves what was
// held before.
func TestApproveDuringARun(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true, rows("positive", "amount > 0")))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	pl.Stages[0].Operators = []pipeline.Operator{operators.Map("approve", nil, func(ctx context.Context, _ arrow.RecordBatch) (arrow.RecordBatch, error) {
		_, err := p.Approve(ctx, rec.Run, Approve{Gates: []string{"positive"}, Reason: "r"})
		if pipeline.KindOf(err) != pipeline.Conflict {
			t.Errorf("approved during a run: %v", err)
		}
		return nil, errors.New("no more")
	})}
	if rec, err := p.Run(t.Context(), pl, "eu"); err == nil || rec.Status != pipeline.Failed || len(rec.Held) > 0 {
		t.Errorf("%+v, %v", rec, err)
	}
	approved(t, p, rec.Run, "positive")
	sound(t, p)
}

// What is published in between is not gone back behind.
func TestApproveTooLate(t *testing.T) {
	p := approvable(t, Options{HoldFor: time.Hour})
	pl := blockable(stage("clean", "orders", true, rows("positive", "amount > 0")))
	first := ran(t, p, pl, "eu", pipeline.Blocked)
	if err := os.WriteFile(filepath.Join(p.dir, "orders-eu.csv"), []byte("id,amount\n1,5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ran(t, p, pl, "eu", pipeline.Published)
	_, err := p.Approve(t.Context(), first.Run, Approve{Gates: []string{"positive"}, Reason: "r"})
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), "out/clean/key=eu is not what it was when run "+first.Run+" was blocked: version 1 is current now") {
		t.Errorf("%v", err)
	}
	second := ran(t, p, pl, "us", pipeline.Blocked)
	for range 4000 {
		p.clock.Now()
	}
	if len(p.Held(second)) != 0 {
		t.Error("held past its time")
	}
	if err := p.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "out/.penstock/datasets/clean/held/*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	_, err = p.Approve(t.Context(), second.Run, Approve{Gates: []string{"positive"}, Reason: "r"})
	if err == nil || !strings.HasPrefix(err.Error(), "what run "+second.Run+" held of out/clean/key=us is gone: it was held until ") {
		t.Errorf("%v", err)
	}
	sound(t, p)
}

// Bytes that are visible already get the approval into their manifest.
func TestApproveWhatIsPublished(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true, rows("ids", "id > 0")))
	ran(t, p, pl, "eu", pipeline.Published)
	pl.Stages[0].Gates = gates.Of(rows("ids", "id > 0"), rows("positive", "amount > 0"))
	rec := ran(t, p, pl, "eu", pipeline.Blocked)
	approved(t, p, rec.Run, "positive")
	if m := manifestOf(t, p, "out/clean", "eu"); m.Version != 2 || finding(t, m, "positive").Approved == nil {
		t.Errorf("%+v", m)
	}
	ran(t, p, pl, "eu", pipeline.Unchanged)
	sound(t, p)
}

func TestHoldNothing(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true, rows("positive", "amount > 0")))
	ran(t, p, pl, "eu", pipeline.Blocked)
	p.opts.HoldFor = -1
	if rec := ran(t, p, pl, "eu", pipeline.Blocked); len(rec.Held) > 0 || rec.Error != "" {
		t.Errorf("%+v", rec)
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "out/.penstock/datasets/clean/*/key=eu.*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Whenever an approval expires, between the gate and the switch too, a run is let through
// or blocked, held, and says why.
func TestApprovalExpiresDuringARun(t *testing.T) {
	pl := blockable(stage("clean", "orders", true, rows("positive", "amount > 0")), stage("copy", "clean", true))
	seen, refused := map[pipeline.Status]int{}, 0
	for seconds := 10; seconds < 50; seconds++ {
		p := approvable(t, Options{})
		run := ran(t, p, pl, "eu", pipeline.Blocked).Run
		_, err := p.Approve(t.Context(), run, Approve{Gates: []string{"positive"}, Reason: "r", For: time.Duration(seconds) * time.Second})
		if err != nil {
			continue // over before it was published
		}
		rec, err := p.Run(t.Context(), pl, "eu")
		if pipeline.KindOf(err) == pipeline.Conflict {
			refused++ // at the very switch: what was visible stays
			sound(t, p)
			continue
		}
		if err != nil {
			t.Fatalf("%d s: %v", seconds, err)
		}
		seen[rec.Status]++
		open := rec.Gates[0].Approved == nil
		if open != (rec.Status == pipeline.Blocked) || open != (len(rec.Held) > 0) {
			t.Errorf("%d s: %s, approved %+v, held %+v", seconds, rec.Status, rec.Gates[0].Approved, rec.Held)
		}
		sound(t, p)
	}
	if len(seen) != 2 || seen[pipeline.Blocked] == 0 || refused > 5 {
		t.Errorf("%v, %d refused", seen, refused)
	}
}

// says makes sure that the first finding that keeps the run back has the text among its details.
func says(t *testing.T, rec *pipeline.RunRecord, text string) {
	t.Helper()
	i := slices.IndexFunc(rec.Gates, func(f pipeline.Finding) bool { return f.Blocks() && f.Approved == nil })
	if got := strings.Join(rec.Gates[i].Detail, "\n"); !strings.Contains(got, text) {
		t.Errorf("details %q, want %q", got, text)
	}
}

func isPositive(f pipeline.Finding) bool { return f.Name == "positive" }
