package penstock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
)

// A trace file that does not fit its version is an error, and is not left open.
func TestTraceThatDoesNotFitIsClosed(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "in.csv"), []byte("v\n1\n2\n"), 0o600))
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "x", Workers: 1})
	check(t, err)
	defer p.Close()
	pl, err := config.Parse("p.yaml", []byte("name: p\nsources: {a: {csv: in.csv, schema: {v: int64}}}\nstages:\n  t: {from: a, output: {parquet: out/t}, lineage: rows}\n"), config.Options{})
	check(t, err)
	_, err = p.Run(t.Context(), pl, "")
	check(t, err)
	for _, name := range []string{"out/t/_manifest.json", "out/.penstock/datasets/t/versions/all/000001/manifest.json"} {
		at := filepath.Join(dir, name)
		text, err := os.ReadFile(at)
		check(t, err)
		check(t, os.Remove(at))
		check(t, os.WriteFile(at, []byte(strings.ReplaceAll(string(text), `"rows": 2`, `"rows": 3`)), 0o600))
	}
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		check(t, err)
		return len(all)
	}
	was := 0
	for i := range 20 {
		_, err := p.Trace(t.Context(), penstock.TraceOptions{Dataset: "out/t"}, func(*penstock.TracedRow) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "tells of 2 rows, and there are 3") {
			t.Fatalf("got %v", err)
		}
		if i == 0 {
			was = open()
		}
	}
	if now := open(); now > was+5 {
		t.Errorf("%d files are open, and were %d", now, was)
	}
}
