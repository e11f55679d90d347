package publish

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
)

// What a reader sees is compared with the manifest before a run says that nothing changed;
// what was staged repairs it, and the version that is kept too.
func TestDamageIsRepaired(t *testing.T) {
	for what, text := range map[string]string{"other bytes": "the rows of b", "cut": "the rows", "missing": ""} {
		t.Run(what, func(t *testing.T) {
			fsys := newMem()
			s := newStore(fsys, "/project")
			mustPublish(t, s, "a")
			l, err := newLayout(s.Root, dataset, july.Dir())
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{filepath.Join(l.visible, "part-0.txt"), filepath.Join(l.version(1), "data", "part-0.txt")} {
				err := fsys.RemoveAll(name)
				if text != "" {
					err = errors.Join(err, faults.Write(fsys, name, []byte(text)))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			v := mustPublish(t, s, "a")
			if v.Unchanged || v.Manifest.Version != 2 || visible(t, fsys, "/project") != "a" {
				t.Errorf("%+v", v)
			}
			kept, err := fsys.ReadFile(filepath.Join(l.version(1), "data", "part-0.txt"))
			if err != nil || string(kept) != "the rows of a" {
				t.Errorf("version 1 is kept as %q, %v", kept, err)
			}
			if v := mustPublish(t, s, "a"); !v.Unchanged {
				t.Errorf("%+v", v)
			}
		})
	}
}

// What was not damaged is whole after a power cut at every operation of a repair.
func TestPowerCutAtEveryOperationOfARepair(t *testing.T) {
	mem := newMem()
	mustPublish(t, newStore(mem, "/project"), "a")
	const version = storeOfClean + "/versions/month=2001-07/000001/"
	if err := errors.Join(mem.RemoveAll(version+"data/part-0.txt"), faults.Write(mem, version+"data/part-0.txt", []byte("damaged")), mem.SyncDir(version+"data")); err != nil {
		t.Fatal(err)
	}
	for i, cut := range cutAll(mem, func() { mustPublish(t, newStore(mem, "/project"), "a") }) {
		if text, err := cut.ReadFile(version + "quarantine/part-0.txt"); err != nil || string(text) != "the rows of a" {
			t.Errorf("cut %d: a file that was whole is %q, %v", i, text, err)
		}
		if got := visible(t, cut, "/project"); got != "a" {
			t.Errorf("cut %d: a reader sees %q", i, got)
		}
	}
}

// Where nothing was visible before, what a power cut tore is no version.
func TestPowerCutAtEveryOperationOfTheFirst(t *testing.T) {
	mem := newMem()
	st, err := newStore(mem, "/project").Begin(bg, dataset, august, "run-before") // so that all above is durable
	if err != nil {
		t.Fatal(err)
	}
	if _, err := commitText(st, "before"); err != nil {
		t.Fatal(err)
	}
	for i, cut := range cutAll(mem, func() { mustPublish(t, newStore(mem, "/project"), "a") }) {
		if got := visible(t, cut, "/project"); got != "" && got != "a" {
			t.Errorf("cut %d: a reader sees %q", i, got)
		}
		s := newStore(cut, "/project")
		mustPublish(t, s, "b")
		l, err := newLayout(s.Root, dataset, july.Dir())
		if err != nil {
			t.Fatal(err)
		}
		kept, err := s.kept(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kept {
			for _, f := range slices.Concat(k.Manifest.Files, k.Manifest.Quarantine, k.Manifest.Lineage) {
				whole, err := (&Staging{store: s, layout: l}).whole(bg, l.version(k.Manifest.Version)+"/"+f.Path, f)
				if err != nil || !whole {
					t.Errorf("cut %d: %s of version %d is torn, %v", i, f.Path, k.Manifest.Version, err)
				}
			}
		}
	}
}
