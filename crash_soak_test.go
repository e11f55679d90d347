package penstock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/pipeline"
)

// usage is what a process holds.
type usage struct {
	heap, files, goroutines, temporary int
}

func (u usage) String() string {
	return fmt.Sprintf("%d KiB of heap, %d open files, %d goroutines, %d temporary files", u.heap>>10, u.files, u.goroutines, u.temporary)
}

// measure says what this process holds, once what is garbage is collected.
func (x *failing) measure(t *testing.T) (u usage) {
	t.Helper()
	for range 3 { // what a finalizer frees is freed by the next
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap, u.goroutines = int(m.HeapAlloc), runtime.NumGoroutine()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not tell which files are open")
	}
	u.files = len(open)
	for _, pattern := range []string{StateDir + "/tmp/*", StateDir + "/live/*", StateDir + "/runs/*.tmp", "out/.penstock/datasets/*/staging/*/*.*"} {
		found, err := filepath.Glob(filepath.Join(x.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		u.temporary += len(found)
	}
	return u
}

// What may be more at the end than after a tenth of the runs. SQLite keeps connections, each with
// some files and pages; what an aborted run could not remove goes with the next of its partition.
const (
	moreHeap       = 4 << 20
	moreFiles      = 12
	moreGoroutines = 4
	moreTemporary  = 8
)

// One process runs partitions one after the other, of which some are cancelled, blocked, or meet
// a disk that fails: it holds no more at the end than it did after a tenth of them.
func TestManyRunsHoldNothing(t *testing.T) {
	runs := 1_000
	if seed.Long() {
		runs = 100_000
	}
	x, rng := &failing{dir: t.TempDir()}, rand.New(rand.NewPCG(seed.For(t), 3))
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := map[pipeline.Status]int{}
	var tenth usage
	for i := 1; i <= runs; i++ {
		ended[x.soak(t, p, rng)]++
		if i != runs/10 && i != runs/2 && i != runs {
			continue
		}
		now := x.measure(t)
		t.Logf("after %d runs: %v", i, now)
		if i == runs/10 {
			tenth = now
		}
		if now.heap > tenth.heap+moreHeap || now.files > tenth.files+moreFiles || now.goroutines > tenth.goroutines+moreGoroutines || now.temporary > tenth.temporary+moreTemporary {
			t.Errorf("after %d runs there are %v, after %d there were %v", i, now, runs/10, tenth)
		}
	}
	for _, status := range []pipeline.Status{pipeline.Published, pipeline.Unchanged, pipeline.Blocked, pipeline.Failed, pipeline.Cancelled} {
		if ended[status] < runs/200 {
			t.Errorf("only %d of %d runs are %s: %v", ended[status], runs, status, ended)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// soak runs a partition, and says how that ended.
func (x *failing) soak(t *testing.T, p *Project, rng *rand.Rand) pipeline.Status {
	t.Helper()
	day := fmt.Sprintf("2026-01-0%d", 1+rng.IntN(4))
	rows := "1,5\n2,-6\n"
	for i := range rng.IntN(4) { // without one it is blocked
		rows += fmt.Sprintf("%d,%d\n", 3+i, 1+rng.IntN(3))
	}
	x.write(t, day, rows)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fault := []error{nil, nil, syscall.EIO, syscall.ENOSPC, context.Canceled}[rng.IntN(5)]
	n, stays := 1+rng.IntN(150), rng.IntN(2) == 0
	x.set(func(op, _ string) error {
		if n--; fault == nil || n > 0 || n < 0 && !stays || !canFail(fault, op) {
			return nil
		}
		if errors.Is(fault, context.Canceled) {
			cancel()
			return nil
		}
		return fault
	})
	rec, err := p.Run(ctx, failingPipeline(), day)
	x.set(nil)
	if err != nil && (fault == nil || !errors.Is(err, fault)) {
		t.Fatalf("%v: %v", fault, err)
	}
	return rec.Status
}
