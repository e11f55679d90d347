package penstock_test

import (
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

func load(name string, text []byte, params map[string]string, read func(string) ([]byte, error)) (*pipeline.Pipeline, error) {
	return config.Parse(name, text, config.Options{Params: params, Read: read})
}

// Every run of a project is reproduced, or it is said what of it is gone: the files of partition a
// and c were others when they were backfilled, and that of b, too.
func TestReproduceEveryRun(t *testing.T) {
	x := newPast(t, penstock.Options{})
	x.with(t, func(p *penstock.Project) {
		runs, err := p.Runs(t.Context(), penstock.RunFilter{Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		done := map[string]int{}
		for _, rec := range runs {
			r, err := p.Reproduce(t.Context(), rec.Run, load)
			if err != nil {
				t.Fatalf("%s %s: %v", rec.Partition, rec.Status, err)
			}
			kind := string(rec.Status)
			switch {
			case rec.Rollback != nil:
				kind = "rolled back"
			case len(rec.Approvals) > 0:
				kind = "approved"
			}
			switch {
			case rec.Rollback != nil && len(r.Missing) == 1:
				kind += ", version removed"
				if m := r.Missing[0]; m.Name != "out/clean/key=a version 3" || !strings.Contains(m.Why, "past its keep (entry ") {
					t.Errorf("%s: %s", kind, m)
				}
			case len(r.Missing) > 0:
				kind += ", input changed"
				for _, m := range r.Missing {
					if m.What != "input" || m.Name != "raw/"+rec.Partition+".jsonl" || m.Expected == "" || m.Found == "" || m.Expected == m.Found {
						t.Errorf("%s %s: %s", rec.Partition, rec.Status, m)
					}
				}
			case !r.Same:
				t.Errorf("%s %s: %+v", rec.Partition, rec.Status, r)
			}
			done[kind]++
		}
		want := map[string]int{"published, input changed": 5, "published": 1, "approved": 1, "rolled back, version removed": 1, "blocked": 1}
		for kind, n := range want {
			if done[kind] != n {
				t.Errorf("%s: %d runs, want %d (%v)", kind, done[kind], n, done)
			}
		}
	})
	if left := x.verify(t, audit.Options{}); len(left) > 0 {
		t.Errorf("to reproduce runs changed the record: %v", left)
	}
}

// What comes out otherwise is told, file by file and gate by gate: here because the program that
// made it was another, which no fingerprint can tell.
func TestReproduceTellsWhatDiffers(t *testing.T) {
	x := newPast(t, penstock.Options{})
	x.with(t, func(p *penstock.Project) {
		other := func(name string, text []byte, params map[string]string, read func(string) ([]byte, error)) (*pipeline.Pipeline, error) {
			pl, err := load(name, []byte(strings.Replace(string(text), "rows() >= 2", "rows() >= 1", 1)), params, read)
			if err == nil { // it passes for what it was
				was, lerr := load(name, text, params, read)
				if lerr != nil {
					return nil, lerr
				}
				pl.Stages[0].Gates = judge{pl.Stages[0].Gates, was.Stages[0].Gates.String()}
			}
			return pl, err
		}
		r, err := p.Reproduce(t.Context(), x.latest, other)
		if err != nil || r.Same || len(r.Missing) > 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		if want := "gate clean/enough says pass (1 row), and said fail (1 row)"; len(r.Differ) != 1 || r.Differ[0] != want {
			t.Errorf("%q, want %q", r.Differ, want)
		}
	})
}

// judge is a Judge that says it is another.
type judge struct {
	pipeline.Judge
	text string
}

func (j judge) String() string { return j.text }
