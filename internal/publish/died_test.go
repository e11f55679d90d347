package publish

import (
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
)

// killedBefore gives what is on disk when a publish is killed before an operation on a path.
func killedBefore(t *testing.T, mem *faults.Mem, text, op, path string) *faults.Mem {
	t.Helper()
	var left *faults.Mem
	mem.Before = func(_ int, name, at string) error {
		if left == nil && name == op && strings.Contains(at, path) {
			left = mem.Crash(faults.Kept)
		}
		return nil
	}
	mustPublish(t, newStore(mem, "/project"), text)
	if left == nil {
		t.Fatalf("nothing was killed before %s of %s", op, path)
	}
	return left
}

// A first version whose run was killed before the switch was never published: the next takes its
// number, also if another was killed while it cleared up.
func TestKilledBeforeTheFirstSwitch(t *testing.T) {
	left := killedBefore(t, newMem(), "a", "rename", "/visible")
	twice := killedBefore(t, left.Crash(faults.Kept), "b", "rename", "/versions/month=2001-07/000001")
	for name, mem := range map[string]*faults.Mem{"killed": left, "killed twice": twice} {
		if v := mustPublish(t, newStore(mem, "/project"), "c"); v.Manifest.Version != 1 || v.Manifest.Previous != "" {
			t.Errorf("%s: version %d follows %q", name, v.Manifest.Version, v.Manifest.Previous)
		}
	}
}

// Versions past their keep go although who made the switch was killed before they went, and
// the next finds nothing to publish.
func TestKilledBeforeItPruned(t *testing.T) {
	mem := newMem()
	for _, text := range []string{"a", "b", "c"} {
		mustPublish(t, newStore(mem, "/project"), text)
	}
	left := killedBefore(t, mem, "d", "rename", "/versions/month=2001-07/000001")
	s := newStore(left, "/project")
	if v := mustPublish(t, s, "d"); !v.Unchanged {
		t.Errorf("version %d is published again", v.Manifest.Version)
	}
	l, err := newLayout(s.Root, dataset, july.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if names, err := s.names(l.versions()); err != nil || len(names) != 3 {
		t.Errorf("versions %v are kept, %v; want the current one and two", names, err)
	}
}
