package penstock

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// smallDisk mounts a file system of so many bytes, where the test may.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A real disk is full, for everything that a run writes: outputs, temporary files, its record and
// the index. Wherever in the run that shows, nothing is published by half, nothing is said to be
// done that is not, and with room again the same run does it.
func TestFullDisk(t *testing.T) {
	x := &failing{dir: smallDisk(t, 6<<20)}
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := func(of int) string {
		var b strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&b, "%d,%d\n", i, i*of%9973-20)
		}
		return b.String()
	}
	x.write(t, "2026-01-01", rows(7))
	if rec, err := p.Run(t.Context(), failingPipeline(), "2026-01-01"); err != nil || rec.Status != pipeline.Published {
		t.Fatal(rec, err)
	}
	filler, failed := filepath.Join(x.dir, "filler"), 0
	for i, free := range []int{0, 4, 20, 60, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 800} {
		x.write(t, "2026-01-01", rows(11+i))
		before := x.seen(t)
		fill(t, filler, free<<10)
		rec, err := p.Run(t.Context(), failingPipeline(), "2026-01-01")
		now := x.seen(t)
		switch {
		case err == nil && maps.Equal(now, before):
			t.Errorf("with %d KiB free: %s, and readers see the old", free, rec.Status)
		case err != nil && !strings.Contains(err.Error(), "full") && !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "no space left"):
			t.Errorf("with %d KiB free: the error is %v", free, err)
		case err != nil:
			failed++
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if rec, err := p.Run(t.Context(), failingPipeline(), "2026-01-01"); err != nil || maps.Equal(x.seen(t), before) {
			t.Errorf("with %d KiB free, and then more: %+v, %v", free, rec, err)
		}
		if r, err := p.Verify(t.Context()); err != nil || len(r.Problems) > 0 {
			t.Errorf("with %d KiB free, and then more: %+v, %v", free, r, err)
		}
	}
	if failed < 3 {
		t.Errorf("the disk was full only %d times", failed)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// fill writes a file until so many bytes are free.
func fill(t *testing.T, path string, free int) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &disk); err != nil {
		t.Fatal(err)
	}
	size := int(disk.Bavail)*int(disk.Bsize) - free
	if size < 0 {
		t.Fatalf("%d bytes too few are free", -size)
	}
	if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
}
