package publish

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
)

// A version that is not current stays while somebody reads it; one that is gone leaves no lease.
func TestReadersKeepAnEarlierVersion(t *testing.T) {
	for name, fsys := range map[string]faults.FS{"memory": newMem(), "disk": faults.OS()} {
		t.Run(name, func(t *testing.T) {
			root := "/project"
			if name == "disk" {
				root = t.TempDir()
			}
			s := newStore(fsys, root)
			for _, text := range []string{"a", "b"} {
				mustPublish(t, s, text)
			}
			r, err := s.ReadVersion(bg, dataset, july.Dir(), 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"c", "d", "e"} {
				mustPublish(t, s, text)
			}
			if got := readText(t, r); got != "a" || r.Manifest.Version != 1 {
				t.Errorf("the reader sees %q of version %d", got, r.Manifest.Version)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if report, err := s.GC(bg, dataset, false); err != nil || len(report.Removed) != 1 {
				t.Errorf("%+v, %v", report, err)
			}
			for _, version := range []int64{1, 9} {
				if _, err := s.ReadVersion(bg, dataset, july.Dir(), version); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("version %d: got %v", version, err)
				}
			}
			l, err := newLayout(root, dataset, july.Dir())
			if err != nil {
				t.Fatal(err)
			}
			if left, err := fsys.ReadDir(l.readers()); err != nil || len(left) > 0 {
				t.Errorf("leases are left: %v, %v", left, err)
			}
		})
	}
}
