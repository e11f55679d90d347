package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

func TestRollback(t *testing.T) {
	for name, fsys := range map[string]faults.FS{"memory": newMem(), "disk": faults.OS()} {
		t.Run(name, func(t *testing.T) {
			root := "/project"
			if name == "disk" {
				root = t.TempDir()
			}
			s := newStore(fsys, root)
			for _, text := range []string{"a", "b", "c"} {
				mustPublish(t, s, text)
			}
			for i, test := range []struct {
				version, from, to int64
				want              string
			}{
				{0, 3, 2, "b"},
				{0, 4, 3, "c"}, // the one before is the one that was left
				{4, 5, 4, "b"}, // one that was rolled back to itself
				{5, 6, 5, "c"},
			} {
				before, digest, err := s.Current(dataset, july.Dir())
				if err != nil {
					t.Fatal(err)
				}
				v, err := rollback(s, test.version)
				if err != nil {
					t.Fatal(err)
				}
				m := v.Manifest
				if m.Version != before.Version+1 || m.Previous != digest || m.Run != "run-"+test.want || !m.Published.After(before.Published) {
					t.Errorf("%d: %+v", i, m)
				}
				if r := m.Rollback; r == nil || r.From != test.from || r.To != test.to || r.Run != "run-back" || r.Reason != "because" || r.Actor != "boss" || r.At != m.Published {
					t.Errorf("%d: %+v", i, r)
				}
				if got := visible(t, fsys, root); got != test.want {
					t.Errorf("%d: a reader sees %q", i, got)
				}
				checkKept(t, s, fmt.Sprint(i))
			}
			if v, err := rollback(s, 5); err != nil || !v.Unchanged || v.Manifest.Version != 7 {
				t.Errorf("the same rollback again gives %+v, %v", v, err)
			}
			if v := mustPublish(t, s, "c"); !v.Unchanged {
				t.Errorf("what was rolled back to is published again: %+v", v.Manifest)
			}
			if v := mustPublish(t, s, "d"); v.Manifest.Rollback != nil || v.Manifest.Version != 8 {
				t.Errorf("%+v", v.Manifest)
			}
		})
	}
}

func TestRollbackIsRefused(t *testing.T) {
	const versions = storeOfClean + "/versions/month=2001-07/"
	for name, test := range map[string]struct {
		version int64
		spoil   func(mem *faults.Mem) error
		want    string
	}{
		"current":    {5, nil, "version 5 of warehouse/clean/month=2001-07 is current already"},
		"past keep":  {2, nil, "version 2 of warehouse/clean/month=2001-07 is not kept\n\tversion 5 is current, and kept are 3, 4"},
		"never made": {9, nil, "version 9 of warehouse/clean/month=2001-07 is not kept\n\tversion 5 is current, and kept are 3, 4"},
		"none other": {0, func(mem *faults.Mem) error {
			return errors.Join(mem.RemoveAll(versions+"000003"), mem.RemoveAll(versions+"000004"))
		}, "version 4 of warehouse/clean/month=2001-07 is not kept\n\tversion 5 is current, and no other is kept"},
		"missing": {4, func(mem *faults.Mem) error { return mem.RemoveAll(versions + "000004/quarantine/part-0.txt") }, "warehouse/.penstock/datasets/clean/versions/month=2001-07/000004/quarantine/part-0.txt: is damaged, and can't be current again: it is missing"},
		"other bytes": {4, func(mem *faults.Mem) error {
			return errors.Join(mem.RemoveAll(versions+"000004/data/part-0.txt"), faults.Write(mem, versions+"000004/data/part-0.txt", []byte("the rows of e")))
		}, "warehouse/.penstock/datasets/clean/versions/month=2001-07/000004/data/part-0.txt: is damaged, and can't be current again: it has 13 bytes with sha256 "},
		"another's manifest": {4, func(mem *faults.Mem) error {
			return errors.Join(mem.RemoveAll(versions+"000004"), mem.Rename(versions+"000003", versions+"000004"))
		}, "warehouse/.penstock/datasets/clean/versions/month=2001-07/000004 is damaged: its manifest is of version 3"},
		"torn manifest": {4, func(mem *faults.Mem) error {
			return errors.Join(mem.RemoveAll(versions+"000004/manifest.json"), faults.Write(mem, versions+"000004/manifest.json", []byte("{")))
		}, "warehouse/.penstock/datasets/clean/versions/month=2001-07/000004/manifest.json is damaged: "},
		"nothing": {0, func(mem *faults.Mem) error { return mem.RemoveAll("/project/warehouse/clean") }, "nothing of warehouse/clean/month=2001-07 is published, so there is no earlier version"},
	} {
		t.Run(name, func(t *testing.T) {
			mem := newMem()
			s := newStore(mem, "/project")
			for _, text := range []string{"a", "b", "c", "d", "e"} {
				mustPublish(t, s, text)
			}
			want := "e"
			if test.spoil != nil {
				if err := test.spoil(mem); err != nil {
					t.Fatal(err)
				}
				want = visible(t, mem, "/project")
			}
			if _, err := rollback(s, test.version); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if got := visible(t, mem, "/project"); got != want {
				t.Errorf("a reader sees %q", got)
			}
			if left := staged(mem, "/project"); len(left) > 0 {
				t.Errorf("staging holds %v", left)
			}
		})
	}
}

// What a gate blocked is visible again only while somebody stands for it.
func TestRollbackNeedsApprovalsThatHold(t *testing.T) {
	mem := newMem()
	s := holdingStore(mem, "/project")
	st, m, err := stageText(s, "a")
	if err != nil {
		t.Fatal(err)
	}
	a := approvalOf(m)
	a.Expires = time.Unix(1e9+60, 0)
	m.Endorse([]pipeline.Approval{a}, s.Clock.Now(), false)
	if _, err := st.Commit(bg, m); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, s, "b")
	if _, err := rollback(s, 1); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, s, "b")
	for s.Clock.Now().Before(a.Expires) {
	}
	_, err = rollback(s, 3)
	want := "version 3 of warehouse/clean/month=2001-07 can't be current again\n\ta version that gate \"volume\" says fail of was about to be published: the approval expired "
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if got := visible(t, mem, "/project"); got != "b" {
		t.Errorf("a reader sees %q", got)
	}
}

func TestPowerCutAtEveryOperationOfARollback(t *testing.T) {
	mem := newMem()
	s := newStore(mem, "/project")
	mustPublish(t, s, "a")
	mustPublish(t, s, "b")
	cuts := cutAll(mem, func() {
		if _, err := rollback(s, 1); err != nil {
			t.Fatal(err)
		}
	})
	if len(cuts) < 25*(2+halves) {
		t.Fatalf("only %d cuts were made", len(cuts))
	}
	seen := map[string]bool{}
	for i, cut := range cuts {
		got := visible(t, cut, "/project")
		if seen[got] = true; got != "a" && got != "b" || i >= len(cuts)-2-halves && got != "a" {
			t.Errorf("cut %d: a reader sees %q", i, got)
		}
		s := newStore(cut, "/project")
		if got == "b" {
			if _, err := rollback(s, 1); err != nil {
				t.Errorf("cut %d: %v", i, err)
			}
			if got := visible(t, cut.Crash(faults.Lost), "/project"); got != "a" {
				t.Errorf("cut %d: after another rollback and another cut a reader sees %q", i, got)
			}
		}
		mustPublish(t, s, "c")
		if got := visible(t, cut.Crash(faults.Lost), "/project"); got != "c" {
			t.Errorf("cut %d: after another run and another cut a reader sees %q", i, got)
		}
		checkKept(t, s, fmt.Sprint("cut ", i))
	}
	if !seen["a"] || !seen["b"] {
		t.Errorf("the cuts saw %v", seen)
	}
}

func TestEverySyncOfARollbackIsNeeded(t *testing.T) {
	run := func(skip int) (mem *faults.Mem, before, after int) {
		mem = newMem()
		s := newStore(mem, "/project")
		mustPublish(t, s, "new")
		mustPublish(t, s, "b")
		before = mem.Syncs()
		mem.Lazy = func(n int) bool { return n == before+skip }
		if _, err := rollback(s, 1); err != nil {
			t.Fatal(err)
		}
		return mem, before, mem.Syncs()
	}
	_, before, after := run(-1)
	for skip := 1; skip <= after-before; skip++ {
		mem, _, _ := run(skip)
		if isWhole(mem.Crash(faults.Lost), 3) {
			t.Errorf("sync %d of %d can be left out", skip, after-before)
		}
	}
}

func TestEveryOperationOfARollbackFails(t *testing.T) {
	for n := 1; ; n++ {
		mem := newMem()
		s := newStore(mem, "/project")
		mustPublish(t, s, "a")
		mustPublish(t, s, "b")
		fired := failAt(mem, n)
		_, err := rollback(s, 1)
		mem.Before = nil
		if !*fired {
			if n < 25 {
				t.Fatalf("only %d operations could fail", n)
			}
			return
		}
		got := visible(t, mem, "/project")
		if got != "a" && got != "b" || err == nil && got != "a" || err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d: a reader sees %q, %v", n, got, err)
		}
		if v, err := rollback(s, 1); err != nil || v.Manifest.Rollback == nil {
			t.Errorf("operation %d: once more: %+v, %v", n, v, err)
		}
		// Also where the first had switched, and the second changed nothing.
		if got := visible(t, mem.Crash(faults.Lost), "/project"); got != "a" {
			t.Errorf("operation %d: after another rollback and a power cut a reader sees %q", n, got)
		}
		mustPublish(t, s, "c")
		checkKept(t, s, fmt.Sprint("operation ", n))
	}
}

// failAt lets the n-th operation from now fail, and tells whether it was there.
func failAt(mem *faults.Mem, n int) *bool {
	fired, base := false, mem.Ops()
	mem.Before = func(op int, _, _ string) error {
		if op == base+n {
			fired = true
			return syscall.ENOSPC
		}
		return nil
	}
	return &fired
}

// A version keeps the files of what it was rolled back to when this is pruned.
func TestRolledBackVersionIsWhole(t *testing.T) {
	root := t.TempDir()
	s := newStore(faults.OS(), root)
	mustPublish(t, s, "a")
	mustPublish(t, s, "b")
	mustPublish(t, s, "c")
	if _, err := rollback(s, 1); err != nil {
		t.Fatal(err)
	}
	l, err := newLayout(root, dataset, july.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.FS.Stat(l.version(1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("version 1 is past its keep: %v", err)
	}
	checkKept(t, s, "after")
	if kept, err := s.FS.ReadFile(filepath.Join(l.version(4), "data/part-0.txt")); err != nil || string(kept) != "the rows of a" {
		t.Errorf("%q, %v", kept, err)
	}
}
