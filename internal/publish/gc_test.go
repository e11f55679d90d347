package publish

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

var august = pipeline.Partition{By: pipeline.Month, Value: "2001-08"}

// litter leaves all kinds of what nothing needs, and much that somebody does; it gives the
// store to clean up with, and the paths that should go.
func litter(t *testing.T) (*faults.Mem, *Store, []string) {
	t.Helper()
	mem := newMem()
	s := holdingStore(mem, "/project")
	s.Keep = 9
	for _, text := range []string{"a", "b", "c", "d", "e"} {
		mustPublish(t, s, text)
	}
	s.HoldFor = 20 * time.Second // a step of the clock is a second
	mustHold(t, s, "over")
	dead := newStopFS(mem, never) // it has kept its version, and never switches to it
	dead.on = "Exchange"
	dying := newStore(dead, "/project")
	dying.Keep = s.Keep // whoever begins takes what is past its keep
	go publishText(dying, "dead")
	<-dead.stopped
	mem = mem.Crash(faults.Kept)
	close(dead.goOn)
	s.FS = mem
	for range 20 {
		s.Clock.Now()
	}
	s.Clock = faults.NewStepClock(s.Clock.Now(), 0) // who lives looks so
	st, err := s.Begin(bg, dataset, august, "run-live")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Abort() })
	files := map[string]string{
		storeOfClean + "/approvals/month=2001-07.json.tmp":                           "[",
		storeOfClean + "/staging/month=2001-09.old-run/version/data/x":               "old",
		storeOfClean + "/locks/month=2001-09":                                        "{}",
		storeOfClean + "/staging/month=2001-07/notes.txt":                            "mine",
		storeOfClean + "/staging/notes.txt":                                          "mine",
		storeOfClean + "/held/notes.txt":                                             "mine",
		storeOfClean + "/versions/month=2001-07/notes.txt":                           "mine",
		storeOfClean + "/versions/month=2001-07/7/notes.txt":                         "mine",
		"/project/warehouse/clean/notes.txt":                                         "mine",
		"/project/warehouse/clean/month=2001-09/notes.txt":                           "mine",
		storeOfClean + "/approvals/month=2001-07.json":                               "[]",
		"/project/warehouse/.penstock/datasets/other/staging/month=2001-07/000001.x": "of another",
	}
	for name, text := range files {
		if err := errors.Join(mem.MkdirAll(filepath.Dir(name)), faults.Write(mem, name, []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	cleaner := newStore(mem, "/project")
	cleaner.Clock = s.Clock
	return mem, cleaner, []string{
		"approvals/month=2001-07.json.tmp", "held/month=2001-07.run-over", "locks/month=2001-09", "staging/month=2001-07/000007.run-dead",
		"staging/month=2001-09.old-run", "versions/month=2001-07/000001", "versions/month=2001-07/000002", "versions/month=2001-07/000006",
	}
}

// files lists all paths below a directory.
func files(fsys faults.FS, dir string) (all []string) {
	entries, _ := fsys.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		all = append(all, path)
		all = append(all, files(fsys, path)...)
	}
	return all
}

func removed(report *GCReport) (all []string) {
	for _, g := range report.Removed {
		all = append(all, strings.TrimPrefix(g.Path, "warehouse/.penstock/datasets/clean/"))
	}
	slices.Sort(all)
	return all
}

func TestGC(t *testing.T) {
	mem, s, want := litter(t)
	before := files(mem, "/project")
	asked, err := s.GC(bg, dataset, true)
	if err != nil || !slices.Equal(files(mem, "/project"), before) {
		t.Errorf("asked only, and something changed: %v", err)
	}
	report, err := s.GC(bg, dataset, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := removed(report); !slices.Equal(got, want) {
		t.Errorf("removed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := removed(asked); !slices.Equal(got, want) || asked.Files != report.Files || asked.Bytes != report.Bytes {
		t.Errorf("asked only, it would remove\n%s", strings.Join(got, "\n"))
	}
	if report.Files != 23 || report.Bytes < 1000 {
		t.Errorf("%d files, %d bytes", report.Files, report.Bytes)
	}
	for _, busy := range [][]string{asked.Busy, report.Busy} {
		if len(busy) > 1 || len(busy) == 1 && busy[0] != "warehouse/clean/month=2001-08" {
			t.Errorf("busy are %v", busy)
		}
	}
	var gone []string
	after := files(mem, "/project")
	for _, path := range before {
		if !slices.Contains(after, path) {
			gone = append(gone, strings.TrimPrefix(path, storeOfClean+"/"))
		}
	}
	for _, path := range gone {
		if !slices.ContainsFunc(append(want, "staging/month=2001-07/000007"), func(w string) bool { return path == w || strings.HasPrefix(path, w+"/") }) {
			t.Errorf("%s is gone", path)
		}
	}
	if got := visible(t, mem, "/project"); got != "e" {
		t.Errorf("a reader sees %q", got)
	}
	if report, err := s.GC(bg, dataset, false); err != nil || len(report.Removed) > 0 {
		t.Errorf("once more: %+v, %v", report, err)
	}
}

func TestPowerCutAtEveryOperationOfGC(t *testing.T) {
	mem, s, _ := litter(t)
	cuts := cutAll(mem, func() {
		if _, err := s.GC(bg, dataset, false); err != nil {
			t.Fatal(err)
		}
	})
	if len(cuts) < 15*(2+halves) {
		t.Fatalf("only %d cuts were made", len(cuts))
	}
	for i, cut := range cuts {
		if got := visible(t, cut, "/project"); got != "e" {
			t.Errorf("cut %d: a reader sees %q", i, got)
		}
		s := holdingStore(cut, "/project")
		s.Clock = faults.NewStepClock(time.Unix(2e9, 0), time.Second)
		if _, err := s.GC(bg, dataset, false); err != nil {
			t.Errorf("cut %d: %v", i, err)
		}
		if report, err := s.GC(bg, dataset, false); err != nil || len(report.Removed) > 0 {
			t.Errorf("cut %d: once more: %+v, %v", i, report, err)
		}
		if left := staged(cut, "/project"); len(left) > 1 || len(left) == 1 && left[0] != "notes.txt" {
			t.Errorf("cut %d: staging holds %v", i, left)
		}
		checkKept(t, s, fmt.Sprint("cut ", i))
	}
}

func TestEveryOperationOfGCFails(t *testing.T) {
	for n := 1; ; n++ {
		mem, s, want := litter(t)
		fired := failAt(mem, n)
		report, err := s.GC(bg, dataset, false)
		mem.Before = nil
		if !*fired {
			if n < 15 {
				t.Fatalf("only %d operations could fail", n)
			}
			return
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d: %v", n, err)
		}
		again, err2 := s.GC(bg, dataset, false)
		if err == nil && (len(again.Removed) > 0 || len(report.Removed) != len(want)) || err2 != nil {
			t.Errorf("operation %d: success, and then %v, %v", n, removed(again), err2)
		}
		for _, w := range want {
			if _, err := mem.Stat(storeOfClean + "/" + w); err == nil {
				t.Errorf("operation %d: nobody removed %s", n, w)
			}
		}
		if left := staged(mem, "/project"); len(left) != 1 || left[0] != "notes.txt" {
			t.Errorf("operation %d: staging holds %v", n, left)
		}
		if got := visible(t, mem, "/project"); got != "e" {
			t.Errorf("operation %d: a reader sees %q", n, got)
		}
		checkKept(t, s, fmt.Sprint("operation ", n))
	}
}

// GC is stopped before every operation while a run takes over, and a run is stopped while GC
// comes: neither removes what the other needs.
func TestGCAndRunsMeet(t *testing.T) {
	for n := 1; ; n++ {
		mem, s, _ := litter(t)
		stop := newStopFS(mem, n)
		s.FS = stop
		done := make(chan error)
		go func() {
			_, err := s.GC(bg, dataset, false)
			done <- err
		}()
		select {
		case <-stop.stopped:
		case err := <-done:
			if n < 40 || err != nil {
				t.Errorf("only %d operations were seen, %v", n, err)
			}
			return
		}
		b := later(mem, "/project")
		mustPublish(t, b, "new")
		close(stop.goOn)
		if err := <-done; err != nil && pipeline.KindOf(err) != pipeline.Conflict {
			t.Errorf("operation %d: %v", n, err)
		}
		if got := visible(t, mem, "/project"); got != "new" {
			t.Errorf("operation %d: a reader sees %q", n, got)
		}
		checkKept(t, b, fmt.Sprint("operation ", n))
	}
}
