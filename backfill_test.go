package penstock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/pipeline"
)

// graph is a pipeline whose partitions read from partitions before them, with the outcome of each
// laid down.
type graph struct {
	t     *testing.T
	p     *Project
	pl    *pipeline.Pipeline
	parts []pipeline.Partition
	needs map[string][]string
	// outcome is "good", "blocked", "bad" (of input), or "io" as often as an error heals.
	outcome map[string][]string
	waits   []time.Duration

	mu      sync.Mutex
	running int
	most    int
	opened  map[string]int
	began   []string
	hook    func(name string)
}

// reads is the source of a graph.
type reads struct{ *graph }

func (reads) String() string { return "reads" }

func (r reads) Needs(s pipeline.Scheme, p pipeline.Partition) (refs []pipeline.PartitionRef, err error) {
	for _, name := range r.needs[p.String()] {
		part, err := s.Parse(name)
		if err != nil {
			return nil, err
		}
		refs = append(refs, pipeline.PartitionRef{Dataset: "out/g", Partition: part})
	}
	return refs, nil
}

var graphSchema = arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)

func (r reads) Resolve(_ context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	name := env.Partition.String()
	rows, err := r.open(name)
	if err != nil {
		return nil, err
	}
	return &pipeline.Input{Schema: graphSchema, Splits: []pipeline.Split{{
		Name: name, Rows: int64(len(rows)), Before: -1,
		Open: func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, graphSchema)
			defer b.Release()
			b.Field(0).(*array.Int64Builder).AppendValues(rows, nil)
			return pipeline.Batches(b.NewRecordBatch()), nil
		},
	}}}, nil
}

// open is told of each partition that is read: never before what it needs is there.
func (g *graph) open(name string) ([]int64, error) {
	g.mu.Lock()
	n := g.opened[name]
	g.opened[name]++
	hook := g.hook
	g.mu.Unlock()
	if hook != nil {
		hook(name)
	}
	for _, need := range g.needs[name] {
		part, err := g.pl.Partitions.Parse(need)
		if err != nil {
			return nil, err
		}
		if _, err := g.p.Current("out/g", part); err != nil {
			g.t.Errorf("%s began before %s was published: %v", name, need, err)
		}
	}
	outcomes := g.outcome[name]
	switch outcomes[min(n, len(outcomes)-1)] {
	case "blocked":
		return nil, nil
	case "bad":
		return nil, pipeline.Errorf(pipeline.BadInput, "%s is damaged", name)
	case "io":
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EIO}
	}
	return []int64{int64(n)}, nil
}

// newGraph makes a graph of n partitions.
func newGraph(t *testing.T, n int) *graph {
	g := &graph{t: t, needs: map[string][]string{}, outcome: map[string][]string{}, opened: map[string]int{}}
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("k%02d", i))
		g.outcome[keys[i]] = []string{"good"}
	}
	g.pl = &pipeline.Pipeline{
		Name: "graph", Partitions: pipeline.Scheme{By: pipeline.Key, Keys: keys},
		Sources: []pipeline.NamedSource{{Name: "s", Source: reads{g}}},
		Stages: []pipeline.Stage{{
			Name: "g", From: []string{"s"}, Gates: gates.Of(gates.Rule{Name: "some", Check: gates.Expect("rows() > 0")}),
			Output: &pipeline.Output{Path: "out/g", Format: csv.Format{}},
		}},
	}
	var err error
	if g.parts, err = g.pl.Partitions.Range("", ""); err != nil {
		t.Fatal(err)
	}
	g.p, err = Open(t.Context(), t.TempDir(), Options{Workers: 1, Actor: "test", HoldFor: -1})
	if err != nil {
		t.Fatal(err)
	}
	g.p.sleep = func(ctx context.Context, d time.Duration) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waits = append(g.waits, d)
		return ctx.Err()
	}
	t.Cleanup(func() { g.p.Close() })
	return g
}

// fill backfills the graph, and watches how many run at once.
func (g *graph) fill(ctx context.Context, o BackfillOptions) (*BackfillRecord, error) {
	g.t.Helper()
	g.running, g.most, g.began = 0, 0, nil
	o.Listener = &BackfillListener{
		Begun: func(name string) {
			g.running++
			g.most = max(g.most, g.running)
			g.began = append(g.began, name)
		},
		Done:   func(*pipeline.RunRecord, error) { g.running-- },
		NotRun: func(*PartitionPlan) { g.running-- },
	}
	rec, err := g.p.Backfill(ctx, g.pl, g.parts, o)
	if g.running != 0 {
		g.t.Errorf("%d partitions still run", g.running)
	}
	return rec, err
}

func (g *graph) status(name string) pipeline.Status {
	g.t.Helper()
	runs, err := g.p.Runs(g.t.Context(), RunFilter{Partition: name, Limit: 1})
	if err != nil {
		g.t.Fatal(err)
	}
	if len(runs) == 0 {
		return ""
	}
	return runs[0].Status
}

// Of random graphs with random outcomes each partition runs at most once, never before what it
// needs, never if that was not published, and never too many at once. Whatever can be published
// is, and the same again runs only what failed.
func TestBackfillKeepsOrder(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 6))
		g := newGraph(t, 2+r.IntN(12))
		names := g.pl.Partitions.Keys
		for i, name := range names {
			for _, before := range names[:i] {
				if r.IntN(4) == 0 {
					g.needs[name] = append(g.needs[name], before)
				}
			}
			g.outcome[name] = []string{[]string{"good", "good", "good", "blocked", "bad"}[r.IntN(5)]}
		}
		o := BackfillOptions{Parallel: 1 + r.IntN(4), NewestFirst: r.IntN(2) == 0}
		rec, err := g.fill(t.Context(), o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if g.most > o.Parallel {
			t.Errorf("seed %d: %d at once, %d asked for", seed, g.most, o.Parallel)
		}
		good := map[string]bool{}
		for _, name := range names {
			may := !slices.ContainsFunc(g.needs[name], func(need string) bool { return !good[need] })
			good[name] = may && g.outcome[name][0] == "good"
			want := map[string]pipeline.Status{"good": pipeline.Published, "blocked": pipeline.Blocked, "bad": pipeline.Failed}[g.outcome[name][0]]
			if !may {
				want = ""
			}
			if got := g.status(name); got != want || g.opened[name] > 1 {
				t.Errorf("seed %d: %s ran %d times and is %q, want %q", seed, name, g.opened[name], got, want)
			}
		}
		if n := rec.Counts; n.Ended() != len(names) || n.ToRun != len(names) || n.Waiting != n.NotRun || len(rec.Waiting) != n.Waiting {
			t.Errorf("seed %d: %+v", seed, n)
		}
		g.checkAgain(seed, names)
	}
}

// checkAgain runs the backfill once more: only what failed is tried. What reads other partitions is
// left out: the source here does not put their versions on record.
func (g *graph) checkAgain(seed uint64, names []string) {
	before := map[string]int{}
	for name, n := range g.opened {
		before[name] = n
	}
	if _, err := g.fill(g.t.Context(), BackfillOptions{Parallel: 2}); err != nil {
		g.t.Fatal(err)
	}
	for _, name := range names {
		if len(g.needs[name]) > 0 {
			continue
		}
		again := g.opened[name] - before[name]
		if want := map[bool]int{true: 1}[before[name] > 0 && g.outcome[name][0] == "bad"]; again != want {
			g.t.Errorf("seed %d: %s (%s) ran %d times in the second backfill, want %d", seed, name, g.outcome[name][0], again, want)
		}
	}
}

// A limit is of partitions that run; one that fails lets no more begin, if that is asked for.
func TestBackfillStopsWhereItIsTold(t *testing.T) {
	g := newGraph(t, 6)
	rec, err := g.fill(t.Context(), BackfillOptions{Limit: 2})
	if err != nil || rec.Counts.Published != 2 || rec.Counts.Left != 4 || strings.Join(g.began, " ") != "k00 k01" {
		t.Errorf("%+v, %v: %v", rec.Counts, err, g.began)
	}
	g.outcome["k04"] = []string{"blocked"}
	rec, err = g.fill(t.Context(), BackfillOptions{FailFast: true, NewestFirst: true})
	if err != nil || strings.Join(g.began, " ") != "k05 k04" || rec.Counts.Left != 2 || strings.Join(rec.Blocked, " ") != "k04" {
		t.Errorf("%+v, %v: %v", rec.Counts, err, g.began)
	}
}

// What heals is tried again, after waits that grow; what does not is not, and one that never
// heals is given up.
func TestBackfillTriesAgainWhatMayHeal(t *testing.T) {
	g := newGraph(t, 4)
	g.outcome["k00"] = []string{"io", "io", "good"}
	g.outcome["k01"] = []string{"blocked"}
	g.outcome["k02"] = []string{"bad"}
	g.outcome["k03"] = []string{"io"}
	rec, err := g.fill(t.Context(), BackfillOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.opened); got != "map[k00:3 k01:1 k02:1 k03:3]" {
		t.Errorf("opened %s", got)
	}
	if c := rec.Counts; c.Published != 1 || c.Blocked != 1 || c.Failed != 2 || c.Retries != 4 {
		t.Errorf("%+v", c)
	}
	for i, d := range g.waits {
		if full := firstWait << (i % 2); d > full || d < full/2 {
			t.Errorf("wait %d was %s, want between %s and %s", i, d, full/2, full)
		}
	}
	if len(g.waits) != 4 || backoff(60, 0) != lastWait {
		t.Errorf("%d waits, the longest is %s", len(g.waits), backoff(60, 0))
	}
	if g.outcome["k03"] = []string{"good"}; g.status("k03") != pipeline.Failed {
		t.Errorf("k03 is %s", g.status("k03"))
	}
	rec, err = g.fill(t.Context(), BackfillOptions{PlanOptions: PlanOptions{Failed: true}, Retries: -1})
	if err != nil || rec.Counts.Published != 1 || rec.Counts.Failed != 1 || rec.Counts.ToRun != 2 {
		t.Errorf("%+v, %v", rec.Counts, err)
	}
}

// When it drains, what runs is run to its end and no more begins; the same again, and a backfill
// that is gone on with, repeat nothing.
func TestBackfillDrainsAndGoesOn(t *testing.T) {
	g := newGraph(t, 8)
	drain := make(chan struct{})
	g.hook = func(name string) {
		if name == "k02" {
			close(drain)
		}
	}
	rec, err := g.fill(t.Context(), BackfillOptions{Parallel: 1, Drain: drain, PlanOptions: PlanOptions{Force: true}})
	if pipeline.KindOf(err) != pipeline.Canceled || !strings.HasSuffix(err.Error(), "was stopped: 5 of 8 partitions are left") {
		t.Fatalf("%+v, %v", rec, err)
	}
	kept, err := g.p.BackfillByID(rec.ID)
	if err != nil || kept.Status != BackfillCancelled || kept.Counts.Published != 3 || kept.Counts.Left != 5 {
		t.Errorf("%+v, %v", kept, err)
	}
	g.hook = nil
	again, err := g.fill(t.Context(), BackfillOptions{Resume: rec.ID, PlanOptions: PlanOptions{Force: true}})
	if err != nil || again.ID != rec.ID || again.Counts.Published != 5 {
		t.Errorf("%+v, %v", again, err)
	}
	for name, n := range g.opened {
		if n != 1 {
			t.Errorf("%s ran %d times", name, n)
		}
	}
	runs, err := g.p.Runs(t.Context(), RunFilter{Backfill: rec.ID})
	if err != nil || len(runs) != 8 {
		t.Errorf("%d runs are on record, %v", len(runs), err)
	}
}

// A cancelled backfill stops what runs, and the same again goes on with what is left.
func TestBackfillIsCancelled(t *testing.T) {
	g := newGraph(t, 6)
	ctx, cancel := context.WithCancel(t.Context())
	g.hook = func(name string) {
		if name == "k01" {
			cancel()
		}
	}
	rec, err := g.fill(ctx, BackfillOptions{Parallel: 2})
	if !errors.Is(err, context.Canceled) || rec.Counts.Left == 0 || rec.Status != BackfillCancelled {
		t.Fatalf("%+v, %v", rec, err)
	}
	g.hook = nil
	published := rec.Counts.Published
	rec, err = g.fill(t.Context(), BackfillOptions{Parallel: 2})
	if err != nil || rec.Counts.Published != 6-published {
		t.Errorf("%+v after %d, %v", rec.Counts, published, err)
	}
	if rec, err = g.fill(t.Context(), BackfillOptions{}); err != nil || rec.Counts.ToRun != 0 {
		t.Errorf("%+v, %v", rec.Counts, err)
	}
}

// A backfill whose process died says so at the next opening, and one that lives is not gone on
// with by another.
func TestBackfillThatDied(t *testing.T) {
	g := newGraph(t, 1)
	rec, err := g.fill(t.Context(), BackfillOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rec.Status = BackfillRunning
	if err := g.p.writeBackfill(rec); err != nil {
		t.Fatal(err)
	}
	lock, err := g.p.lockRun(rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.fill(t.Context(), BackfillOptions{Resume: rec.ID[:12]}); pipeline.KindOf(err) != pipeline.Conflict {
		t.Errorf("%v", err)
	}
	if err := errors.Join(lock.Close(), g.p.bury(t.Context())); err != nil {
		t.Fatal(err)
	}
	if rec, err = g.p.BackfillByID(rec.ID); err != nil || rec.Status != BackfillDied {
		t.Errorf("%+v, %v", rec, err)
	}
	if _, err := g.p.BackfillByID("b1999"); err == nil || err.Error() != "no backfill \"b1999\" is known\n\tthe last one is "+rec.ID {
		t.Errorf("%v", err)
	}
}

func TestNamesOfPartitions(t *testing.T) {
	s := pipeline.Scheme{By: pipeline.Day}
	var parts []pipeline.Partition
	for _, name := range []string{"2001-01-01", "2001-01-02", "2001-01-03", "2001-01-05", "2001-01-07", "2001-01-08"} {
		part, err := s.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	if got := strings.Join(Names(parts), " "); got != "2001-01-01..2001-01-03 2001-01-05 2001-01-07..2001-01-08" {
		t.Error(got)
	}
}
