package penstock_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// past is a project in which everything was done once that is put on record: runs that were
// published, blocked and held, approved of, rolled back; a backfill, quarantined rows, versions
// that were removed.
type past struct {
	dir    string
	opts   penstock.Options
	pl     *pipeline.Pipeline
	latest string // the last run
}

const pastText = `name: past
partitions: {by: key, keys: [a, b, c]}
sources:
  raw: {jsonl: 'raw/{partition}.jsonl', schema: {id: int64, v: int64}}
stages:
  clean:
    from: raw
    gates:
      - {name: small, rows: 'v < 1000', else: quarantine}
      - {name: enough, expect: 'rows() >= 2'}
    output: {jsonl: out/clean}
  sums:
    from: clean
    operators: [{derive: {w: 'v * 2'}}]
    lineage: rows
    output: {jsonl: out/sums}
`

func newPast(t *testing.T, o penstock.Options) *past {
	t.Helper()
	x := &past{dir: t.TempDir(), opts: o}
	x.opts.Actor, x.opts.Workers, x.opts.Keep = "tester", 1, 1
	var err error
	if x.pl, err = config.Parse("past.yaml", []byte(pastText), config.Options{}); err != nil {
		t.Fatal(err)
	}
	x.with(t, func(p *penstock.Project) {
		for _, key := range []string{"a", "b", "c"} {
			x.write(t, key, 1, 2, 5000)
		}
		parts, err := x.pl.Partitions.Range("", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Backfill(t.Context(), x.pl, parts, penstock.BackfillOptions{Parallel: 2}); err != nil {
			t.Fatal(err)
		}
		for n := range int64(3) { // more versions than are kept
			x.write(t, "a", 10+n, 20, 30)
			x.run(t, p, "a", pipeline.Published)
		}
		x.write(t, "b", 7)
		blocked := x.run(t, p, "b", pipeline.Blocked)
		if a, err := p.Approve(t.Context(), blocked.Run, penstock.Approve{Gates: []string{"enough"}, Reason: "a short day"}); err != nil || a.Run.Status != pipeline.Published {
			t.Fatal(a, err)
		}
		if rec, err := p.Rollback(t.Context(), "out/clean", "a", 0, "the feed was wrong"); err != nil || rec.Status != pipeline.Published {
			t.Fatal(rec, err)
		}
		x.write(t, "c", 9)
		x.latest = x.run(t, p, "c", pipeline.Blocked).Run // and held
	})
	return x
}

// with opens the project.
func (x *past) with(t *testing.T, do func(*penstock.Project)) {
	t.Helper()
	p, err := penstock.Open(t.Context(), x.dir, x.opts)
	if err != nil {
		t.Fatal(err)
	}
	do(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func (x *past) write(t *testing.T, key string, values ...int64) {
	t.Helper()
	var text strings.Builder
	for i, v := range values {
		fmt.Fprintf(&text, "{\"id\":%d,\"v\":%d}\n", i, v)
	}
	writeFile(t, filepath.Join(x.dir, "raw", key+".jsonl"), []byte(text.String()))
}

func (x *past) run(t *testing.T, p *penstock.Project, key string, want pipeline.Status) *pipeline.RunRecord {
	t.Helper()
	rec, err := p.Run(t.Context(), x.pl, key)
	if err != nil || rec.Status != want {
		t.Fatal(rec.Status, rec.Error, err)
	}
	return rec
}

func writeFile(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// verify gives what doesn't hold.
func (x *past) verify(t *testing.T, o audit.Options) []audit.Problem {
	t.Helper()
	r, err := audit.Verify(context.Background(), x.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Problems
}

// record lists the files of record, by their kind.
func (x *past) record(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(x.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(x.dir, name)
		if kind := kindOf(filepath.ToSlash(rel)); kind != "" {
			all[kind] = append(all[kind], name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// kindOf is the kind of a file of record; empty if it is none.
func kindOf(rel string) string {
	base := filepath.Base(rel)
	switch {
	case base == audit.FileName && strings.HasPrefix(rel, "out/"):
		return "chain of a dataset"
	case base == audit.FileName:
		return "chain of the project"
	case strings.HasPrefix(rel, ".penstock/runs/"):
		return "run"
	case strings.HasPrefix(rel, ".penstock/backfills/"):
		return "backfill"
	case strings.HasPrefix(rel, ".penstock/code/"):
		return "code"
	case strings.HasPrefix(rel, ".penstock/"), strings.HasPrefix(rel, "raw/"), strings.Contains(rel, "/staging/"), strings.Contains(rel, "/readers/"):
		return "" // state that is no record, and what others own
	case strings.Contains(rel, "/approvals/"):
		return "approvals"
	case base == "held.json":
		return "what is held"
	case strings.Contains(rel, "/held/"):
		return "file that is held"
	case base == "manifest.json":
		return "manifest"
	case strings.Contains(rel, "/quarantine/"):
		return "quarantine"
	case strings.Contains(rel, "/versions/") && strings.Contains(rel, "/lineage/"):
		return "where rows came from"
	case strings.Contains(rel, "/versions/"):
		return "data"
	case base == "_manifest.json":
		return "visible manifest"
	}
	return "visible data"
}

// Whatever is done to a file of record is found: any byte that is another, any that is missing or
// too many, a file that is gone or stands in another's place.
func TestAnyChangeIsFound(t *testing.T) {
	x := newPast(t, penstock.Options{})
	if wrong := x.verify(t, audit.Options{}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	random := rand.New(rand.NewPCG(seed.For(t), 0))
	record := x.record(t)
	kinds := []string{
		"approvals", "backfill", "chain of a dataset", "chain of the project", "code", "data", "file that is held",
		"manifest", "quarantine", "run", "visible data", "visible manifest", "what is held", "where rows came from",
	}
	for _, kind := range kinds {
		if len(record[kind]) == 0 {
			t.Fatalf("there is no %s: the test has nothing to change", kind)
		}
	}
	tried := 0
	for kind, names := range record {
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) == 0 {
				continue
			}
			for what, now := range changes(random, kind, text, names, name) {
				tried++
				if now == nil {
					err = os.Remove(name)
				} else {
					err = replace(name, now)
				}
				if err != nil {
					t.Fatal(err)
				}
				if wrong := x.verify(t, audit.Options{}); len(wrong) == 0 {
					t.Errorf("%s %s: %s, and nobody sees it", kind, name, what)
				}
				if err := replace(name, text); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if wrong := x.verify(t, audit.Options{}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	t.Logf("%d changes to files of %d kinds", tried, len(record))
}

// replace gives a name another file: others that have the old one keep it.
func replace(name string, text []byte) error {
	if err := os.WriteFile(name+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// changes are what is done to a file; nil removes it.
func changes(random *rand.Rand, kind string, text []byte, names []string, name string) map[string][]byte {
	all := map[string][]byte{"removed": nil, "emptied": {}, "a byte more": append(bytes.Clone(text), '\n')}
	for range 2 {
		now, at := bytes.Clone(text), random.IntN(len(text))
		now[at] ^= 1 << random.IntN(8)
		all[fmt.Sprintf("a bit of byte %d of %d flipped", at, len(text))] = now
		now, at = bytes.Clone(text), random.IntN(len(text))
		now[at] += byte(1 + random.IntN(255))
		all[fmt.Sprintf("byte %d of %d is another", at, len(text))] = now
	}
	at := random.IntN(len(text))
	all[fmt.Sprintf("cut at %d of %d", at, len(text))] = text[:at]
	all["its last byte is gone"] = text[:len(text)-1]
	other := names[random.IntN(len(names))]
	if is, err := os.ReadFile(other); err == nil && !bytes.Equal(is, text) {
		all["in place of "+filepath.Base(other)] = is
	}
	if strings.HasPrefix(kind, "chain") {
		reorder(random, text, all)
	}
	return all
}

// reorder takes lines of a chain out, and puts them elsewhere.
func reorder(random *rand.Rand, text []byte, all map[string][]byte) {
	lines := slices.Collect(bytes.Lines(text))
	for i := range lines {
		all[fmt.Sprintf("line %d taken out", i+1)] = bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)
		all[fmt.Sprintf("line %d is there twice", i+1)] = bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil)
		if j := random.IntN(len(lines)); j != i {
			swapped := slices.Clone(lines)
			swapped[i], swapped[j] = lines[j], lines[i]
			all[fmt.Sprintf("lines %d and %d swapped", i+1, j+1)] = bytes.Join(swapped, nil)
		}
		if i > 0 {
			all[fmt.Sprintf("cut after line %d", i)] = bytes.Join(lines[:i], nil)
		}
	}
}
