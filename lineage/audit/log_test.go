package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
)

const memRoot = "/project"

// newLog is a log of a project that has a dataset.
func newLog(t *testing.T, fsys faults.FS, root string) *Log {
	t.Helper()
	for _, dir := range []string{filepath.Join(root, ".penstock", "runs"), filepath.Dir(Path(root, "out/clean"))} {
		if err := fsys.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
		for d := dir; len(d) >= len(root); d = filepath.Dir(d) {
			if err := fsys.SyncDir(filepath.Dir(d)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return logOn(fsys, root)
}

func logOn(fsys faults.FS, root string) *Log {
	return &Log{
		FS: fsys, Root: root, Sleep: faults.Sleep,
		Clock:    faults.NewStepClock(time.Unix(1e9, 0), time.Second),
		Before:   func(string) ([]Entry, error) { return nil, nil },
		Datasets: func() ([]string, error) { return []string{"out/clean"}, nil },
	}
}

// done are the entries for a run that made a version.
func done(n int64) []Entry {
	return []Entry{
		{Kind: Publish, Dataset: "out/clean", Partition: "key=a", Version: n, Run: fmt.Sprint("run-", n), Digest: digestOf(fmt.Appendf(nil, "manifest %d", n))},
		{Kind: Run, Run: fmt.Sprint("run-", n), Status: "published", Digest: digestOf(recordText(n))},
	}
}

func recordText(n int64) []byte { return fmt.Appendf(nil, "record %d\n", n) }

func recordPath(root string, n int64) string {
	return filepath.Join(root, ".penstock", "runs", fmt.Sprintf("run-%d.json", n))
}

// onDisk writes a file system in memory to a directory, where Verify can look at it.
func onDisk(t *testing.T, mem *faults.Mem) string {
	t.Helper()
	root := t.TempDir()
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := mem.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			to := filepath.Join(root, strings.TrimPrefix(name, memRoot))
			if e.IsDir() {
				if err := os.MkdirAll(to, 0o755); err != nil {
					t.Fatal(err)
				}
				walk(name)
				continue
			}
			text, err := mem.ReadFile(name)
			if err == nil {
				err = os.WriteFile(to, text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	walk(memRoot)
	return root
}

// chainsOf reads both chains, and gives what is wrong with them alone.
func chainsOf(t *testing.T, root string) *checker {
	t.Helper()
	c := newChecker(t.Context(), root, Options{})
	for _, dataset := range []string{"", "out/clean"} {
		if err := c.read(dataset); err != nil {
			t.Fatal(err)
		}
	}
	c.links()
	return c
}

func (c *checker) has(dataset, run string) bool {
	return slices.ContainsFunc(c.chains[dataset].entries, func(e *Entry) bool { return e.Run == run })
}

// Power is lost before every operation, with none, half and all of what was not synced. What was
// acknowledged is on record, no entry of the project names what is not there, and whoever comes
// next goes on; then nothing looks as if somebody had changed it.
func TestPowerCutAtEveryOperationOfAnAppend(t *testing.T) {
	const runs = 3
	for n := 1; ; n++ {
		mem := faults.NewMem()
		l := newLog(t, mem, memRoot)
		var crashed []*faults.Mem
		acked, ackedThen, at := int64(0), int64(0), 0
		start := mem.Ops()
		mem.Before = func(op int, _, _ string) error {
			if op-start == n && crashed == nil {
				at, ackedThen = op, acked
				for seed, left := range []faults.Unsynced{faults.Lost, faults.Half, faults.Half, faults.Half, faults.Kept} {
					mem.Seed = uint64(n*10 + seed)
					crashed = append(crashed, mem.Crash(left))
				}
			}
			return nil
		}
		for i := int64(1); i <= runs; i++ {
			if err := l.Record(t.Context(), recordPath(memRoot, i), recordText(i), done(i)...); err != nil {
				t.Fatal(err)
			}
			acked = i
		}
		if at == 0 {
			t.Logf("%d operations", n-1)
			return
		}
		for i, disk := range crashed {
			name := fmt.Sprintf("operation %d, cut %d", n, i)
			c := chainsOf(t, onDisk(t, disk))
			for run := int64(1); run <= ackedThen; run++ {
				if id := fmt.Sprint("run-", run); !c.has("", id) || !c.has("out/clean", id) {
					t.Errorf("%s: %s was acknowledged, and is not on record", name, id)
				}
			}
			for _, e := range c.chains[""].entries {
				if e.Kind == Run {
					if _, err := disk.ReadFile(filepath.Join(memRoot, ".penstock", "runs", e.Run+".json")); err != nil {
						t.Errorf("%s: %s is on record, its record is not there", name, e.Run)
					}
				}
			}
			next := newLog(t, disk, memRoot)
			if err := next.Record(t.Context(), recordPath(memRoot, 9), recordText(9), done(9)...); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if c := chainsOf(t, onDisk(t, disk)); len(c.Problems) > 0 || !c.has("", "run-9") || !c.has("out/clean", "run-9") {
				t.Errorf("%s: afterwards %v", name, c.Problems)
			}
		}
	}
}

// Every operation fails once. There is no false success, what follows is appended, and chains are
// whole.
func TestEveryOperationOfAnAppendFails(t *testing.T) {
	for n := 1; ; n++ {
		mem, ops, failed := faults.NewMem(), 0, ""
		newLog(t, mem, memRoot)
		l := logOn(faults.Failing{FS: mem, Fault: func(op, path string) error {
			if ops++; ops == n {
				failed = op + " " + path
				return errors.New("no")
			}
			return nil
		}}, memRoot)
		var acked []int64
		for i := int64(1); i <= 4; i++ {
			if err := l.Record(t.Context(), recordPath(memRoot, i), recordText(i), done(i)...); err == nil {
				acked = append(acked, i)
			}
			if i == 3 && failed == "" {
				t.Logf("%d operations", n-1)
				return
			}
		}
		if len(acked) < 3 {
			t.Errorf("%s: only %v were appended", failed, acked)
		}
		c := chainsOf(t, onDisk(t, mem))
		for _, i := range acked {
			if !c.has("", fmt.Sprint("run-", i)) {
				t.Errorf("%s: run %d was acknowledged, and is not on record", failed, i)
			}
		}
		if len(c.Problems) > 0 {
			t.Errorf("%s: %v", failed, c.Problems)
		}
	}
}

// Many append at once, in several processes: each entry is there once, in one chain.
func TestManyAppendAtOnce(t *testing.T) {
	const processes, each = 3, 20
	root := t.TempDir()
	var all sync.WaitGroup
	for p := range processes {
		l := newLog(t, faults.OS(), root)
		for i := range each {
			all.Go(func() {
				n := int64(p*each + i + 1)
				if err := l.Record(context.Background(), recordPath(root, n), recordText(n), done(n)...); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	c := chainsOf(t, root)
	if len(c.Problems) > 0 {
		t.Fatal(c.Problems)
	}
	if got := len(c.chains[""].entries); got != processes*each+1 {
		t.Errorf("%d entries of the project, want %d", got, processes*each+1)
	}
	if got := len(c.chains["out/clean"].entries); got != processes*each+1 {
		t.Errorf("%d entries of the dataset, want %d", got, processes*each+1)
	}
}

// A line that a crash tore, at any byte, is told by verify, mended by the next append, and noted
// from then on; what is mended can't be changed either.
func TestTornLineIsMended(t *testing.T) {
	mem := faults.NewMem()
	l := newLog(t, mem, memRoot)
	for i := int64(1); i <= 2; i++ {
		if err := l.Append(t.Context(), done(i)...); err != nil {
			t.Fatal(err)
		}
	}
	whole := onDisk(t, mem)
	name := Path(whole, "out/clean")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndexByte(strings.TrimSuffix(string(text), "\n"), '\n') + 1
	for cut := last + 1; cut < len(text); cut += 7 {
		if err := os.WriteFile(name, text[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		if c := chainsOf(t, whole); len(c.Problems) == 0 || !strings.Contains(c.Problems[0].What, "is torn") {
			t.Fatalf("cut at %d: %v", cut, c.Problems)
		}
		next := newLog(t, faults.OS(), whole)
		if err := next.Append(t.Context(), Entry{Kind: GC, Dataset: "out/clean", Partition: "key=a"}); err != nil {
			t.Fatal(err)
		}
		c := newChecker(t.Context(), whole, Options{})
		if err := c.read("out/clean"); err != nil || len(c.Problems) > 0 || len(c.Notes) != 1 {
			t.Fatalf("cut at %d: %v, %v, %v", cut, err, c.Problems, c.Notes)
		}
		mended, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mended[last+(cut-last)/2] ^= 1
		if err := os.WriteFile(name, mended, 0o644); err != nil {
			t.Fatal(err)
		}
		if c := chainsOf(t, whole); len(c.Problems) == 0 {
			t.Fatalf("cut at %d: a byte of what is torn was changed, and nobody sees it", cut)
		}
	}
}

// The end of a long chain is found without reading all of it, also where the last thing there is
// long, or is torn.
func TestEndOfALongChain(t *testing.T) {
	mem := faults.NewMem()
	l := newLog(t, mem, memRoot)
	long := make([]int64, 60_000) // a line longer than what is looked at first
	for i := range long {
		long[i] = int64(1e9) + int64(i)
	}
	for _, removed := range [][]int64{nil, long, nil, long} {
		if err := l.Append(t.Context(), Entry{Kind: GC, Dataset: "out/clean", Removed: removed}); err != nil {
			t.Fatal(err)
		}
		next := newLog(t, mem, memRoot)
		at, torn, err := next.end("out/clean")
		if err != nil || torn != nil || at != l.ends["out/clean"] {
			t.Fatalf("%+v, %+v, %v, want %+v", at, torn, err, l.ends["out/clean"])
		}
	}
	f, err := mem.Append(Path(memRoot, "out/clean"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 3*window)); err != nil {
		t.Fatal(err)
	}
	next := newLog(t, mem, memRoot)
	at, torn, err := next.end("out/clean")
	if err != nil || torn == nil || torn.Bytes != 3*window+1 || at.Head != l.ends["out/clean"].Head {
		t.Fatalf("%+v, %+v, %v", at, torn, err)
	}
}
