package penstock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// failing is a project whose disk fails when it is told to.
type failing struct {
	dir   string
	fault atomic.Pointer[func(op, path string) error]
}

func (x *failing) open(ctx context.Context) (*Project, error) {
	return open(ctx, x.dir, Options{Actor: "tester", Workers: 1, Memory: 256 << 20}, faults.Failing{FS: faults.OS(), Fault: func(op, path string) error {
		if f := x.fault.Load(); f != nil {
			return (*f)(op, path)
		}
		return nil
	}})
}

func (x *failing) write(t *testing.T, day, rows string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, "in-"+day+".csv"), []byte("id,amount\n"+rows), 0o644); err != nil {
		t.Fatal(err)
	}
}

func failingPipeline() *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: "daily", Partitions: pipeline.Scheme{By: pipeline.Day},
		Sources: []pipeline.NamedSource{{Name: "in", Source: csv.Files("in-{partition}.csv")}},
		Stages: []pipeline.Stage{
			{
				Name: "clean", From: []string{"in"}, Output: &pipeline.Output{Path: "out/clean", Format: parquet.Format{}},
				Gates: gates.Of(
					gates.Rule{Name: "positive", Check: gates.Rows("amount > 0"), Else: gates.Quarantine},
					gates.Rule{Name: "enough", Check: gates.Expect("rows() > 1")},
				),
			},
			{Name: "copy", From: []string{"clean"}, Output: &pipeline.Output{Path: "out/copy", Format: csv.Format{}}},
			{Name: "found", From: []string{"in"}, Output: &pipeline.Output{Path: "out/found", Format: csv.Format{}, Always: true}},
		},
	}
}

// seen are the files of data that readers see.
func (x *failing) seen(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(x.dir, "out"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), "_"):
			return nil
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, x.dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// command is what is asked of a project whose disk fails.
type command struct {
	name string
	do   func(ctx context.Context, p *Project) (*pipeline.RunRecord, error)
	// done is how a run ends that did it, and again how one ends that finds it done; empty if
	// it would be something new.
	done, again pipeline.Status
}

func runDay(day string) func(context.Context, *Project) (*pipeline.RunRecord, error) {
	return func(ctx context.Context, p *Project) (*pipeline.RunRecord, error) {
		return p.Run(ctx, failingPipeline(), day)
	}
}

// approveHeld approves of what is held.
func approveHeld(ctx context.Context, p *Project) (*pipeline.RunRecord, error) {
	runs, err := p.Runs(ctx, RunFilter{Partition: "2026-01-03"})
	if err != nil {
		return nil, err
	}
	a, err := p.Approve(ctx, runs[0].Run, Approve{Gates: []string{"clean/enough"}, Reason: "a holiday"})
	if err != nil {
		return nil, err
	}
	return a.Run, nil
}

func failingCommands() []command {
	return []command{
		{"a run of what was changed", runDay("2026-01-01"), pipeline.Published, pipeline.Unchanged},
		{"a first run", runDay("2026-01-02"), pipeline.Published, pipeline.Unchanged},
		{"an approval", approveHeld, pipeline.Published, ""},
		{"a run that a gate blocks", runDay("2026-01-03"), pipeline.Blocked, pipeline.Blocked},
		{"a first run that a gate blocks, with a record of what was found", runDay("2026-01-04"), pipeline.Blocked, pipeline.Blocked},
		{"a rollback", func(ctx context.Context, p *Project) (*pipeline.RunRecord, error) {
			return p.Rollback(ctx, "out/clean", "2026-01-01", 1, "the feed was wrong")
		}, pipeline.Published, pipeline.Unchanged},
	}
}

// newFailing is a project with two versions of a partition and one that is held.
func newFailing(t *testing.T) *failing {
	t.Helper()
	x := &failing{dir: t.TempDir()}
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ day, rows string }{{"2026-01-01", "1,5\n2,6\n"}, {"2026-01-01", "1,5\n2,-7\n3,8\n"}, {"2026-01-03", "1,5\n"}} {
		x.write(t, step.day, step.rows)
		if rec, err := p.Run(t.Context(), failingPipeline(), step.day); err != nil {
			t.Fatal(rec, err)
		}
	}
	x.write(t, "2026-01-01", "1,5\n2,9\n4,4\n")
	x.write(t, "2026-01-02", "1,5\n2,-6\n3,3\n")
	x.write(t, "2026-01-04", "1,5\n")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return x
}

// copied is a copy of the project. What is published is never written to: it is the same files.
func (x *failing) copied(t *testing.T) *failing {
	t.Helper()
	to := &failing{dir: t.TempDir()}
	err := filepath.WalkDir(x.dir, func(path string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(path, x.dir)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(to.dir+rel, 0o755)
		case !strings.HasPrefix(rel, "/"+StateDir):
			return os.Link(path, to.dir+rel)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to.dir+rel, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// The disk of a project fails at the n-th operation of a command, once and for good, in every
// way. The command never says that it did what it did not; what was published stays; and when
// the disk works again, the project opens, and the same command does it.
func TestEveryOperationOfARunFails(t *testing.T) {
	x := newFailing(t)
	every, fired := seed.Long(), 0
	for _, c := range failingCommands() {
		clean := x.copied(t)
		ops := clean.count(t, c)
		want := clean.seen(t)
		step := 1
		if !every {
			step = ops/3 + 1
		}
		for _, fault := range []error{syscall.EIO, syscall.ENOSPC, io.ErrShortWrite} {
			for i, stays := range []bool{false, true} {
				for n := 1 + i*step/2; n <= ops; n += step {
					if x.copied(t).fail(t, c, want, n, fault, stays) {
						fired++
					}
				}
			}
		}
	}
	t.Logf("%d faults fired", fired)
	if fired < 30 || every && fired < 1000 {
		t.Errorf("only %d faults fired", fired)
	}
}

// count is how many operations a command has that nothing disturbs.
func (x *failing) count(t *testing.T, c command) (n int) {
	t.Helper()
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.set(func(string, string) error { n++; return nil })
	if rec, err := c.do(t.Context(), p); err != nil || rec.Status != c.done {
		t.Fatalf("%s: %+v, %v", c.name, rec, err)
	}
	x.set(nil)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

func (x *failing) set(fault func(op, path string) error) {
	if fault == nil {
		x.fault.Store(nil)
		return
	}
	x.fault.Store(&fault)
}

// fail does a command whose n-th operation fails, and looks at what came of it. It reports whether
// the fault fired: only writes are short, and to read takes no space.
func (x *failing) fail(t *testing.T, c command, want map[string]string, n int, fault error, stays bool) (fired bool) {
	t.Helper()
	where := fmt.Sprintf("%s: %v at operation %d, for good %t", c.name, fault, n, stays)
	before := x.seen(t)
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(where, err)
	}
	ops := 0
	x.set(func(op, _ string) error {
		if ops++; ops < n || ops > n && !stays || !canFail(fault, op) {
			return nil
		}
		fired = true
		return fault
	})
	rec, err := c.do(t.Context(), p)
	x.set(nil)
	x.judge(t, where, before, want, rec, err, c, fault)
	if err := p.Close(); err != nil {
		t.Error(where, err)
	}
	x.converge(t, where, want, c, err)
	return fired
}

// canFail says whether an operation can fail so.
func canFail(fault error, op string) bool {
	switch {
	case errors.Is(fault, io.ErrShortWrite):
		return op == "write"
	case errors.Is(fault, syscall.ENOSPC):
		return !slices.Contains([]string{"open", "read", "readdir", "stat", "remove", "held"}, op)
	}
	return true
}

// judge says whether what a command said is what readers see.
func (x *failing) judge(t *testing.T, where string, before, want map[string]string, rec *pipeline.RunRecord, err error, c command, fault error) {
	t.Helper()
	now := x.seen(t)
	switch {
	case err == nil && rec.Status != c.done:
		t.Errorf("%s: it is %s: %s", where, rec.Status, rec.Error)
	case err == nil && !maps.Equal(now, want):
		t.Errorf("%s: it says %s, and readers see %v", where, rec.Status, slices.Sorted(maps.Keys(now)))
	case err != nil && !errors.Is(err, fault):
		t.Errorf("%s: the error is %v", where, err)
	}
	for name, text := range now { // a pipeline switches one output after the other
		if text != before[name] && text != want[name] {
			t.Errorf("%s: readers see neither the old nor the new %s", where, name)
		}
	}
	for name := range before {
		if _, ok := now[name]; !ok {
			t.Errorf("%s: %s is gone", where, name)
		}
	}
}

// converge opens the project again on a disk that works and asks for the same.
func (x *failing) converge(t *testing.T, where string, want map[string]string, c command, said error) {
	t.Helper()
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(where, err)
	}
	if c.again != "" || said != nil {
		rec, err := c.do(t.Context(), p)
		if err != nil && strings.Contains(err.Error(), "was not blocked: it is published") {
			rec, err = &pipeline.RunRecord{Status: c.done}, nil // it is told that it is done
		}
		if err != nil || rec.Status != c.done && rec.Status != c.again {
			t.Errorf("%s: the same again: %+v, %v", where, rec, err)
		}
	}
	if now := x.seen(t); !maps.Equal(now, want) {
		t.Errorf("%s: after the same again readers see %v, want %v", where, slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(want)))
	}
	r, err := p.Verify(t.Context())
	if err != nil {
		t.Fatal(where, err)
	}
	for _, problem := range r.Problems {
		if c.again != "" || !strings.Contains(problem.What, "the next run of the partition removes it") {
			t.Errorf("%s: %+v", where, problem)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(where, err)
	}
}
