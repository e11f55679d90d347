package publish

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
)

// failsAt has one operation on a path fail once it was seen so often.
func failsAt(op, path string, nth int) func(op, path string) error {
	return func(o, p string) error {
		if o == op && strings.HasSuffix(p, path) {
			if nth--; nth == 0 {
				return syscall.EIO
			}
		}
		return nil
	}
}

// A run that switched, and could not make that durable, says so. The next finds its files
// current already: what it acknowledges is durable all the same.
func TestWhatIsFoundCurrentIsDurable(t *testing.T) {
	mem := newMem()
	_, err := publishText(newStore(faults.Failing{FS: mem, Fault: failsAt("syncdir", "/warehouse/clean", 1)}, "/project"), "new")
	if !errors.Is(err, syscall.EIO) || visible(t, mem, "/project") != "new" {
		t.Fatalf("%v, a reader sees %q", err, visible(t, mem, "/project"))
	}
	if v := mustPublish(t, newStore(mem, "/project"), "new"); !v.Unchanged {
		t.Fatalf("%+v", v)
	}
	if !isWhole(mem.Crash(faults.Lost), 1) {
		t.Error("what was acknowledged is lost")
	}
}

// The same of an approval.
func TestWhatIsFoundApprovedIsDurable(t *testing.T) {
	mem := newMem()
	h := mustHold(t, holdingStore(mem, "/project"), "new")
	failing := faults.Failing{FS: mem, Fault: failsAt("syncdir", "/warehouse/clean", 1)}
	if _, err := release(holdingStore(failing, "/project"), h); !errors.Is(err, syscall.EIO) || visible(t, mem, "/project") != "new" {
		t.Fatalf("%v, a reader sees %q", err, visible(t, mem, "/project"))
	}
	if _, err := release(holdingStore(mem, "/project"), h); err != nil {
		t.Fatal(err)
	}
	if !isWhole(mem.Crash(faults.Lost), 1) {
		t.Error("what was acknowledged is lost")
	}
}

// What can't be read just now is neither thrown away nor taken for something that was changed.
func TestHeldOutlivesAFailedRead(t *testing.T) {
	for _, name := range []string{"held.json", "version/manifest.json", "version/data/part-0.txt"} {
		for nth := 1; ; nth++ {
			mem := newMem()
			h := mustHold(t, holdingStore(mem, "/project"), "new")
			fails, fired := failsAt("read", name, nth), false
			failing := faults.Failing{FS: mem, Fault: func(op, path string) error {
				err := fails(op, path)
				fired = fired || err != nil
				return err
			}}
			_, err := release(holdingStore(failing, "/project"), h)
			if !fired {
				break
			}
			if !errors.Is(err, syscall.EIO) || strings.Contains(err.Error(), "changed") {
				t.Errorf("read %d of %s: %v", nth, name, err)
			}
			if _, err := release(holdingStore(mem, "/project"), h); err != nil {
				t.Errorf("read %d of %s: another try: %v", nth, name, err)
			}
		}
	}
}

// Where the one that was held before can't be removed, the new one is held all the same.
func TestHoldOutlivesAFailedRemoval(t *testing.T) {
	mem := newMem()
	mustHold(t, holdingStore(mem, "/project"), "old")
	failing := faults.Failing{FS: mem, Fault: failsAt("rename", "/held/month=2001-07.run-old", 1)}
	h := mustHold(t, holdingStore(failing, "/project"), "new")
	if len(heldNames(mem)) != 2 {
		t.Errorf("held are %v", heldNames(mem))
	}
	if _, err := release(holdingStore(mem, "/project"), h); err != nil || len(heldNames(mem)) != 0 {
		t.Errorf("%v, held are %v", err, heldNames(mem))
	}
}

// A run that died behind its switch has not removed what is past its keep: the next does, also
// if it finds nothing changed.
func TestUnchangedRunsPrune(t *testing.T) {
	mem := newMem()
	for _, text := range []string{"a", "b", "c"} {
		mustPublish(t, newStore(mem, "/project"), text)
	}
	failing := faults.Failing{FS: mem, Fault: failsAt("rename", "/versions/month=2001-07/000001", 1)}
	mustPublish(t, newStore(failing, "/project"), "d") // it is published, whatever stays
	if _, err := mem.Stat(storeOfClean + "/versions/month=2001-07/000001"); err != nil {
		t.Fatal(err)
	}
	if v := mustPublish(t, newStore(mem, "/project"), "d"); !v.Unchanged {
		t.Fatalf("%+v", v)
	}
	if _, err := mem.Stat(storeOfClean + "/versions/month=2001-07/000001"); err == nil {
		t.Error("version 1 is kept")
	}
}

// A run that dies while it removes an old version leaves a project of which all can be listed.
func TestVersionsWhileOneIsRemoved(t *testing.T) {
	mem := newMem()
	s := newStore(mem, "/project")
	for _, text := range []string{"a", "b", "c"} {
		mustPublish(t, s, text)
	}
	if err := mem.RemoveAll(storeOfClean + "/versions/month=2001-07/000001/manifest.json"); err != nil {
		t.Fatal(err)
	}
	if kept, err := s.Manifests(dataset); err != nil || len(kept) != 2 {
		t.Errorf("%d versions are kept, %v", len(kept), err)
	}
	mustPublish(t, s, "d")
	if _, err := mem.Stat(storeOfClean + "/versions/month=2001-07/000001"); err == nil {
		t.Error("what was left of version 1 is still there")
	}
}
