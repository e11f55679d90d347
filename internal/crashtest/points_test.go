package crashtest

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the points that are passed into testdata")

// pointList has a point a line.
const pointList = "testdata/points.txt"

// The list of points is complete: commands that do all that can be done pass each of them,
// and no other. A durable step that is new, or gone, shows here.
func TestEveryPointIsListed(t *testing.T) {
	passed := tour(t, buildChild(t))
	is := strings.Join(slices.Sorted(maps.Keys(passed)), "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(pointList, []byte(is), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(pointList)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(is) {
		if !bytes.Contains(was, []byte(name)) {
			t.Errorf("%q is passed, and not in %s (-rewrite writes it anew)", strings.TrimSpace(name), pointList)
		}
	}
	for name := range strings.Lines(string(was)) {
		if !strings.Contains(is, name) {
			t.Errorf("%q is in %s, and not passed (-rewrite writes it anew)", strings.TrimSpace(name), pointList)
		}
	}
	t.Logf("points: %d", len(passed))
}

// tour has everything done that can be done, checks what comes of it, and gives the points
// that are passed.
func tour(t *testing.T, exe string) map[string]bool {
	t.Helper()
	tr := newTour(t, exe, filepath.Join(t.TempDir(), "project"))
	good := func(v int64) given {
		return given{rows: table{{1, 100 + v, secret}, {2, 500 + v, secret}, {3, 700 + v, secret + "x"}}}
	}
	bad := func(v int64) given { return given{rows: table{{1, 400, secret}, {2, 9000 + v, secret}}} }
	for _, g := range []given{good(0), good(1), good(2), bad(0)} {
		tr.take(t, "a", g)
		tr.must(t, tr.world.run("a"))
	}
	tr.must(t, tr.approve("a"))
	tr.take(t, "a", bad(1)) // what was approved of would pass now
	tr.take(t, "b", good(0))
	tr.must(t, tr.backfill())
	tr.must(t, tr.release("one", "b"))
	tr.must(t, tr.world.run("b"))
	tr.must(t, tr.backfill())
	back := tr.rollbacks("one", "b")[0]
	tr.must(t, back)
	tr.must(t, back) // finds it done
	tr.must(t, tr.world.run("b"))
	again, err := tr.damage("b")
	if err != nil || len(tr.damaged) == 0 {
		t.Fatalf("nothing was damaged: %v", err)
	}
	tr.must(t, again)
	tr.must(t, step{Command: Command{Op: "gc"}})
	if err := errors.Join(tr.p.quit(), tr.look(settled, nil)); err != nil {
		t.Fatal(err)
	}
	passed := map[string]bool{}
	for name := range tr.kills {
		passed[name] = true
	}
	return passed
}
