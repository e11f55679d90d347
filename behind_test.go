package penstock

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// An approval writes the record of its run once more. An index that lost just that, as when the
// end of its log is torn, has as many runs as there are records: it is caught up all the same.
func TestIndexBehindAnApproval(t *testing.T) {
	x := &failing{dir: t.TempDir()}
	p, err := x.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.write(t, "2026-01-03", "1,5\n")
	rec, err := p.Run(t.Context(), failingPipeline(), "2026-01-03")
	if err != nil || rec.Status != pipeline.Blocked {
		t.Fatal(rec, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(x.dir, StateDir, "state.db")
	old, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = x.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := approveHeld(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, old, 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err = x.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := p.RunByID(t.Context(), rec.Run); err != nil || now.Status != pipeline.Published {
		t.Errorf("%+v, %v", now, err)
	}
	if r, err := p.Verify(t.Context()); err != nil || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
