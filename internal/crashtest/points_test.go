package crashtest

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the points that are passed into testdata")

// The list of points is complete: commands that do all that can be done pass each of them,
// and no other. A durable step that is new, or gone, shows here.
func TestEveryPointIsListed(t *testing.T) {
	passed := map[string]bool{}
	tour(t, buildChild(t), func(r Reply) {
		for name := range r.Hits {
			passed[name] = true
		}
	})
	is := strings.Join(slices.Sorted(maps.Keys(passed)), "\n") + "\n"
	const list = "testdata/points.txt"
	if *rewrite {
		if err := os.WriteFile(list, []byte(is), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(is) {
		if !bytes.Contains(was, []byte(name)) {
			t.Errorf("%q is passed, and not in %s (-rewrite writes it anew)", strings.TrimSpace(name), list)
		}
	}
	for name := range strings.Lines(string(was)) {
		if !strings.Contains(is, name) {
			t.Errorf("%q is in %s, and not passed (-rewrite writes it anew)", strings.TrimSpace(name), list)
		}
	}
	t.Logf("points: %d", len(passed))
}

// tour has everything done that can be done, and checks what comes of it.
func tour(t *testing.T, exe string, passed func(Reply)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	w := &world{
		dir: dir, rng: rand.New(rand.NewPCG(1, 1)), inputs: map[string]given{}, now: map[string]cell{},
		held: map[string]map[string]cell{}, damaged: map[string]bool{},
		spec: Spec{Format: "csv", Parts: []string{"a", "b"}, Keep: 1, Stages: []Stage{
			{Name: "one", From: "in", Add: 1, Low: 300, Most: 2000, Output: "parquet"},
			{Name: "two", From: "one", Mod: 3, Rest: 1, Most: 1e9, Output: "jsonl"},
		}},
	}
	if err := w.write(); err != nil {
		t.Fatal(err)
	}
	p, err := start(exe, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{campaign: &campaign{t: t, exe: exe, kills: map[string]int{}, known: map[string]map[string]int{}}, world: w, p: p}
	passed(<-p.replies)
	do := func(s step) {
		t.Helper()
		p.send(s.Command)
		for r := range p.replies {
			passed(r)
			if err := tr.acknowledged(s, r); err != nil {
				t.Fatal(err)
			}
			if r.Op == s.Op {
				return
			}
		}
		t.Fatalf("%+v: %v: %s", s.Command, p.end, p.stderr.String())
	}
	good := func(v int64) given {
		return given{rows: table{{1, 100 + v, secret}, {2, 500 + v, secret}, {3, 700 + v, secret + "x"}}}
	}
	bad := func(v int64) given { return given{rows: table{{1, 400, secret}, {2, 9000 + v, secret}}} }
	for _, g := range []given{good(0), good(1), good(2), bad(0)} {
		tr.take(t, "a", g)
		do(w.run("a"))
	}
	do(w.approve("a"))
	tr.take(t, "a", bad(1)) // what was approved of would pass now
	tr.take(t, "b", good(0))
	do(w.backfill())
	do(w.release("one", "b"))
	do(w.run("b"))
	if err := errors.Join(p.quit(), tr.look(settled, nil)); err != nil {
		t.Fatal(err)
	}
}

// take makes rows the input of a partition.
func (t *trial) take(tb testing.TB, part string, g given) {
	tb.Helper()
	if err := t.put(part, g); err != nil {
		tb.Fatal(err)
	}
}
