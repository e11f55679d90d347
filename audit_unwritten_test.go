package penstock_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// A run that could not be put on record is put there by who comes next, as it was.
func TestRunThatCanNotBePutOnRecord(t *testing.T) {
	x := newPast(t, penstock.Options{})
	own, away := audit.Path(x.dir, ""), filepath.Join(t.TempDir(), "away")
	var want *pipeline.RunRecord
	x.with(t, func(p *penstock.Project) {
		if err := os.Rename(own, away); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(own, 0o755); err != nil {
			t.Fatal(err)
		}
		x.write(t, "a", 1, 2)
		rec, err := p.Run(t.Context(), x.pl, "a")
		if err == nil || rec.Status != pipeline.Published || !strings.Contains(err.Error(), "not on record yet") {
			t.Fatal(rec, err)
		}
		if cause := "is a directory"; strings.Count(err.Error(), cause) != 1 {
			t.Errorf("the cause is not said once: %v", err)
		}
		want = rec
	})
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, own); err != nil {
		t.Fatal(err)
	}
	if wrong := x.verify(t, audit.Options{}); len(wrong) != 1 || !strings.Contains(wrong[0].What, "could not write there; the next command") {
		t.Error(wrong)
	}
	x.with(t, func(p *penstock.Project) {
		got, err := p.RunByID(t.Context(), want.Run)
		if err != nil || got.RowsIn == 0 || got.Seconds != want.Seconds || got.Status != want.Status || !reflect.DeepEqual(got.Outputs, want.Outputs) {
			t.Errorf("got %+v, want %+v: %v", got, want, err)
		}
	})
	x.holds(t, audit.Options{})
	if left, err := filepath.Glob(filepath.Join(x.dir, ".penstock/runs/*.tmp")); len(left) > 0 || err != nil {
		t.Error(left, err)
	}
	if left, err := filepath.Glob(filepath.Join(x.dir, ".penstock/live/*")); len(left) > 0 || err != nil {
		t.Error(left, err)
	}
}
