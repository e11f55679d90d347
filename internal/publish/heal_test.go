package publish

import (
	"errors"
	"path/filepath"
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
