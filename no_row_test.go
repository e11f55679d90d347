package penstock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
)

// fewRows is a project of a file with one row.
func fewRows(t *testing.T) (dir string, run func(text string) error) {
	t.Helper()
	dir = t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "in.csv"), []byte("v\n1\n"), 0o600))
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "x", Workers: 1})
	check(t, err)
	t.Cleanup(func() { p.Close() })
	return dir, func(text string) error {
		t.Helper()
		pl, err := config.Parse("p.yaml", []byte(text), config.Options{})
		check(t, err)
		_, err = p.Run(t.Context(), pl, "")
		return err
	}
}

// What a stage publishes without a row is read by the next, and by another pipeline, in every
// format.
func TestNoRowIsReadBack(t *testing.T) {
	for _, format := range []string{"parquet", "csv", "jsonl", "ipc"} {
		t.Run(format, func(t *testing.T) {
			dir, run := fewRows(t)
			for _, c := range []struct{ above, want string }{{"5", "n\n0\n"}, {"0", "n\n1\n"}, {"9", "n\n0\n"}} {
				check(t, run("name: p\nsources: {a: {csv: in.csv, schema: {v: int64}}}\nstages:\n"+
					"  none: {from: a, operators: [{filter: v > "+c.above+"}], output: {"+format+": out/none}}\n"+
					"  next: {from: none, operators: [{sql: SELECT count(*) AS n FROM none ORDER BY n}], output: {csv: out/next}}\n"))
				check(t, run("name: q\nsources: {b: {dataset: out/none, schema: {v: int64}}}\nstages:\n"+
					"  other: {from: b, operators: [{sql: SELECT count(*) AS n FROM b ORDER BY n}], output: {csv: out/other}}\n"))
				for _, name := range []string{"next", "other"} {
					got, err := os.ReadFile(filepath.Join(dir, "out", name, "part-0.csv"))
					if err != nil || string(got) != c.want {
						t.Errorf("%s: got %q (%v), want %q", name, got, err, c.want)
					}
				}
			}
		})
	}
}

// A file that was published with rows, and emptied since, is not one without rows.
func TestEmptiedFileIsNotRead(t *testing.T) {
	dir, run := fewRows(t)
	check(t, run("name: p\nsources: {a: {csv: in.csv, schema: {v: int64}}}\nstages:\n  one: {from: a, output: {jsonl: out/one}}\n"))
	check(t, os.WriteFile(filepath.Join(dir, "raw.jsonl"), nil, 0o600))
	at := filepath.Join(dir, "out/one/part-0.jsonl")
	check(t, os.Chmod(at, 0o600))
	check(t, os.Truncate(at, 0)) // of the version that is kept, too
	for _, source := range []string{"dataset: out/one", "jsonl: 'out/one/*.jsonl'", "jsonl: out/one/part-0.jsonl", "jsonl: raw.jsonl"} {
		err := run("name: q\nsources: {b: {" + source + ", schema: {v: int64}}}\nstages:\n  other: {from: b, output: {csv: out/other}}\n")
		if err == nil || !strings.Contains(err.Error(), "0 bytes") {
			t.Errorf("%s: got %v", source, err)
		}
	}
}
