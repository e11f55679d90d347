package penstock

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

func (x *planned) rerun(pl *pipeline.Pipeline, dataset, partition string) *Rerun {
	x.t.Helper()
	r, err := x.p.Rerun(context.Background(), pl, dataset, partition)
	if err != nil {
		x.t.Fatal(err)
	}
	return r
}

func TestRerunIsTheSame(t *testing.T) {
	x := newPlanned(t)
	x.text = strings.Replace(plannedText, "      - {name: enough", "      - {name: small, rows: 'v < 15', else: quarantine}\n      - {name: enough", 1)
	x.text = strings.Replace(x.text, "expect: 'rows() >= ${least}'", "expect: 'rows() < 100 + history(2).mean(rows())', on_short_history: warn", 1)
	pl := x.pipeline()
	x.runAll(pl)
	for _, dataset := range []string{"out/clean", "out/sums"} {
		r := x.rerun(pl, dataset, "2001-01-02")
		if !r.Same || len(r.Unknown)+len(r.Differ) > 0 || r.Rows != 1 || r.Files == 0 || r.Bytes == 0 {
			t.Errorf("%s: %+v", dataset, r)
		}
	}
	if left, err := os.ReadDir(filepath.Join(x.dir, StateDir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	// What was made of a version that is not current any more is computed from that one.
	x.write(2, "1,11", "2,12")
	for _, part := range x.plan(pl, PlanOptions{Select: []string{"clean"}}).Partitions {
		if part.Runs() {
			if _, err := x.p.runPlanned(context.Background(), pl, &part); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := x.current("out/clean", "day=2001-01-02").Version; n != 2 {
		t.Fatalf("version %d", n)
	}
	if r := x.rerun(pl, "out/sums", "2001-01-02"); !r.Same {
		t.Errorf("%+v", r)
	}
}

func TestRerunThatCantBeCompared(t *testing.T) {
	for want, change := range map[string]func(x *planned) []string{
		"raw/2001-01-02.csv was changed since": func(x *planned) []string { x.write(2, "1,10", "2,21"); return nil },
		"raw/2001-01-02.csv": func(x *planned) []string {
			if err := os.Remove(filepath.Join(x.dir, "raw", "2001-01-02.csv")); err != nil {
				t.Fatal(err)
			}
			return nil
		},
		"stage clean does something else than when it made the version": func(x *planned) []string {
			x.text = strings.Replace(plannedText, "v >= 0", "v >= 1", 1)
			return nil
		},
		`parameter least is "2", and was "1"`: func(*planned) []string { return []string{"least", "2"} },
	} {
		x := newPlanned(t)
		x.runAll(x.pipeline())
		r := x.rerun(x.pipeline(change(x)...), "out/clean", "2001-01-02")
		if r.Same || len(r.Unknown) != 1 || !strings.Contains(r.Unknown[0], want) {
			t.Errorf("%q: %+v", want, r)
		}
	}
}

// A file that was tampered with, together with its manifest, comes out otherwise.
func TestRerunDiffers(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	x.runAll(pl)
	name := filepath.Join(x.dir, "out", "clean", "day=2001-01-02", "_manifest.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m := x.current("out/clean", "day=2001-01-02")
	forged := strings.Replace(string(text), m.Files[0].SHA256, strings.Repeat("0", 64), 1)
	if err := os.WriteFile(name, []byte(forged), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := x.rerun(pl, "out/clean", "2001-01-02"); r.Same || len(r.Differ) != 1 || !strings.Contains(r.Differ[0], "sha256") {
		t.Errorf("%+v", r)
	}
}
