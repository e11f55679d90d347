package crashtest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/pipeline"
)

// way is a way to damage the state of a project.
type way struct {
	name string
	// from is which backup the state is of: 0 is the oldest, -1 the last.
	from int
	// do damages it. It gives the runs of which no record is left but in the index.
	do func(x *ruin) (lost []string)
	// behind says that the index lacks what only the manifests tell: it answers right of what is
	// published, and the rest when it was rebuilt.
	behind bool
}

// ruin is a state that is being damaged.
type ruin struct {
	*lived
	t     *testing.T
	rng   *rand.Rand
	state string // directory
}

func (r *ruin) path(name string) string { return filepath.Join(r.state, name) }

// file gives one of the files that match, as it is now.
func (r *ruin) file(pattern string) (path string, text []byte) {
	r.t.Helper()
	found, err := filepath.Glob(r.path(pattern))
	must(r.t, err)
	if len(found) == 0 {
		r.t.Fatalf("no %s", pattern)
	}
	path = found[r.rng.IntN(len(found))]
	text, err = os.ReadFile(path)
	must(r.t, err)
	return path, text
}

func (r *ruin) write(path string, text []byte) {
	r.t.Helper()
	must(r.t, os.WriteFile(path, text, 0o644))
}

func (r *ruin) remove(names ...string) {
	r.t.Helper()
	for _, name := range names {
		must(r.t, os.RemoveAll(r.path(name)))
	}
}

// take takes a file from another backup.
func (r *ruin) take(from int, names ...string) {
	r.t.Helper()
	for _, name := range names {
		must(r.t, copyFile(filepath.Join(r.backups[from], name), r.path(name)))
	}
}

func (r *ruin) flip(pattern string) {
	path, text := r.file(pattern)
	text[r.rng.IntN(len(text))] ^= 1 << r.rng.IntN(8)
	r.write(path, text)
}

func (r *ruin) zero(pattern string) {
	path, text := r.file(pattern)
	at := r.rng.IntN(len(text)) &^ 4095
	clear(text[at:min(at+4096, len(text))])
	r.write(path, text)
}

func (r *ruin) cut(pattern string) {
	path, text := r.file(pattern)
	r.write(path, text[:r.rng.IntN(len(text))])
}

func (r *ruin) garbage(name string) {
	text := make([]byte, r.rng.IntN(20_000))
	for i := range text {
		text[i] = byte(r.rng.Uint32())
	}
	r.write(r.path(name), text)
}

// settle has the log of the index written into it, as when its last user ends.
func (r *ruin) settle() {
	r.t.Helper()
	dir := r.t.TempDir()
	must(r.t, os.Rename(r.state, filepath.Join(dir, penstock.StateDir)))
	p, err := openProject(r.t, dir, false)
	must(r.t, err)
	must(r.t, p.Close())
	must(r.t, os.Rename(filepath.Join(dir, penstock.StateDir), r.state))
}

// lose damages the record of a run, and the index, so that nothing of the run is left but what
// it published.
func (r *ruin) lose(damage func(pattern string)) []string {
	run := r.recorded()
	damage("runs/" + run + ".json")
	r.t.Logf("the record that is lost is %.120s", r.truth.runs[run])
	r.remove("state.db", "state.db-wal", "state.db-shm")
	return []string{run}
}

// recorded is a run that is superseded, or unchanged, so that nothing but its record tells of
// it.
func (r *ruin) recorded() string {
	r.t.Helper()
	var runs []string
	for run, rec := range r.truth.runs {
		if strings.Contains(rec, `"pipeline":"daily","partition":"2026-01-02"`) {
			runs = append(runs, run)
		}
	}
	slices.Sort(runs)
	return runs[r.rng.IntN(len(runs)-1)] // not the last
}

func nothing(f func(r *ruin)) func(*ruin) []string {
	return func(r *ruin) []string { f(r); return nil }
}

// ways are all ways.
func ways() []way {
	const last = -1
	db, log, mem := "state.db", "state.db-wal", "state.db-shm"
	return []way{
		{"a bit of the index flips", last, nothing(func(r *ruin) { r.settle(); r.flip(db) }), false},
		{"many bits of the index flip", last, nothing(func(r *ruin) {
			r.settle()
			for range 20 {
				r.flip(db)
			}
		}), false},
		{"a bit of the log flips", last, nothing(func(r *ruin) { r.flip(log) }), false},
		{"a bit of the shared memory flips", last, nothing(func(r *ruin) { r.flip(mem) }), false},
		{"a page of the index is zero", last, nothing(func(r *ruin) { r.settle(); r.zero(db) }), false},
		{"a page of the log is zero", last, nothing(func(r *ruin) { r.zero(log) }), false},
		{"the index is cut", last, nothing(func(r *ruin) { r.settle(); r.cut(db) }), false},
		{"the log is cut", last, nothing(func(r *ruin) { r.cut(log) }), false},
		{"the index is empty", last, nothing(func(r *ruin) { r.settle(); r.write(r.path(db), nil) }), false},
		{"the index is garbage", last, nothing(func(r *ruin) { r.garbage(db) }), false},
		{"the log is garbage", last, nothing(func(r *ruin) { r.garbage(log) }), false},
		{"the shared memory is garbage", last, nothing(func(r *ruin) { r.garbage(mem) }), false},
		{"the index is a directory", last, nothing(func(r *ruin) { r.remove(db, log, mem); must(r.t, os.Mkdir(r.path(db), 0o755)) }), false},
		{"the index is gone", last, nothing(func(r *ruin) { r.remove(db, log, mem) }), false},
		{"the index is gone, and its log is not", last, nothing(func(r *ruin) { r.remove(db) }), false},
		{"the log is gone", last, nothing(func(r *ruin) { r.remove(log, mem) }), false},
		{"an old index", last, nothing(func(r *ruin) { r.take(r.rng.IntN(2), db, log, mem) }), false},
		{"an old index with the new log", last, nothing(func(r *ruin) { r.take(r.rng.IntN(2), db) }), false},
		{"the new index with an old log", last, nothing(func(r *ruin) { r.take(r.rng.IntN(2), log) }), false},
		{"the settled index with an old log", last, nothing(func(r *ruin) { r.settle(); r.take(r.rng.IntN(2), log) }), false},
		{"an old index that was settled", last, nothing(func(r *ruin) {
			old := &ruin{r.lived, r.t, r.rng, r.t.TempDir() + "/state"}
			must(r.t, copyTree(r.backups[r.rng.IntN(2)], old.state, copyFile))
			old.settle()
			r.remove(log, mem)
			must(r.t, copyFile(old.path(db), r.path(db)))
		}), false},
		{"the record of a run is gone", last, func(r *ruin) []string {
			run := r.recorded()
			r.remove("runs/" + run + ".json")
			return []string{run}
		}, false},
		{"the record of a run, and the index, are gone", last, func(r *ruin) []string {
			return r.lose(func(name string) { r.remove(name) })
		}, false},
		{"a bit of the record of a run flips, and the index is gone", last, func(r *ruin) []string { return r.lose(r.flip) }, false},
		{"the record of a run is cut, and the index is gone", last, func(r *ruin) []string { return r.lose(r.cut) }, false},
		{"the record of a run is empty, and the index is gone", last, func(r *ruin) []string {
			return r.lose(func(name string) { r.write(r.path(name), nil) })
		}, false},
		{"temporary files lie about", last, nothing(func(r *ruin) {
			must(r.t, os.MkdirAll(r.path("tmp/20260101T000000-dead00"), 0o755))
			r.garbage("tmp/20260101T000000-dead00/spill")
			r.garbage("live/20260101T000000-dead00.lock")
			r.garbage("runs/20260101T000000-dead00.json.tmp")
		}), false},
		{"all state is of an old backup", 1, nil, true},
		{"all state is of an older backup", 0, nil, true},
		{"all state is gone", last, nothing(func(r *ruin) { must(r.t, os.RemoveAll(r.state)) }), true},
	}
}

// The state of a project is damaged, lost or rolled back. That is told, or what the project says
// is right all the same; a rebuild restores all that is on record; and nothing old is published
// again.
func TestDamagedState(t *testing.T) {
	x := live(t)
	all := ways()
	n := len(all)
	if seed.Long() {
		n = 1000
	}
	told := 0
	for i := range n {
		w := all[i%len(all)]
		t.Run(fmt.Sprintf("%d %s", i, w.name), func(t *testing.T) {
			if x.damage(t, w, uint64(i)) {
				told++
			}
		})
	}
	t.Logf("%d ways, of which an error told %d", n, told)
}

// damage damages the state in a way and looks at what comes of it. It reports whether an error
// told of it.
func (x *lived) damage(t *testing.T, w way, seed uint64) (told bool) {
	t.Helper()
	dir := x.again(t, x.backups[(w.from+len(x.backups))%len(x.backups)])
	before := published(t, dir)
	r := &ruin{x, t, rand.New(rand.NewPCG(seed, 4)), filepath.Join(dir, penstock.StateDir)}
	var lost []string
	if w.do != nil {
		lost = w.do(r)
	}
	p, err := openProject(t, dir, false)
	if err == nil {
		told = x.hears(t, p, w, lost)
		defer func() { must(t, p.Close()) }()
	} else {
		told = true
		isHelpful(t, err)
		p = x.reopen(t, dir, err)
		defer func() { must(t, p.Close()) }()
	}
	_, _, err = p.Rebuild(t.Context())
	must(t, err)
	got, want := x.ask(t, p), x.without(lost)
	if w.behind { // what nobody published left no trace but in the records
		want.runs = got.runs
		want.plan = x.withoutBlocked(want.plan, got.plan)
	}
	x.same(t, "after a rebuild", got, want)
	x.runAll(t, p, before, dir)
	return told
}

// hears asks a project that opened, which tells of its damage or is right.
func (x *lived) hears(t *testing.T, p *penstock.Project, w way, lost []string) (told bool) {
	t.Helper()
	got, err := x.tryAsk(t, p)
	if err != nil {
		isHelpful(t, err)
		return true
	}
	want := x.truth
	if len(got.runs) < len(want.runs) {
		want = x.without(lost)
	}
	if w.behind {
		r, err := p.Verify(t.Context())
		must(t, err)
		if len(r.Problems) == 0 {
			t.Error("verify finds nothing")
		}
		want.runs, want.versions = got.runs, got.versions
		want.plan = x.withoutBlocked(want.plan, got.plan)
	}
	x.same(t, "as it is", got, want)
	return false
}

// isHelpful says whether an error names the file and the way out.
func isHelpful(t *testing.T, err error) {
	t.Helper()
	if msg := err.Error(); !strings.Contains(msg, penstock.StateDir) || !strings.Contains(msg, "`penstock rebuild`") {
		t.Errorf("the error is %v", err)
	}
}

var recordOfARun = regexp.MustCompile(`(\S+\.json) is not the record of a run`)

// reopen does what the error says.
func (x *lived) reopen(t *testing.T, dir string, err error) *penstock.Project {
	t.Helper()
	for range 3 {
		if m := recordOfARun.FindStringSubmatch(err.Error()); m != nil {
			must(t, os.Rename(m[1], m[1]+".away"))
		}
		var p *penstock.Project
		if p, err = openProject(t, dir, true); err == nil {
			return p
		}
	}
	t.Fatalf("what the error says does not help: %v", err)
	return nil
}

// without is the truth but for the records of runs.
func (x *lived) without(lost []string) answers {
	want := x.truth
	want.runs = maps.Clone(want.runs)
	for _, run := range lost {
		delete(want.runs, run)
	}
	return want
}

// withoutBlocked is the plan as it may be where no record says that a gate blocked a partition:
// that one is as if it had never been run since it was published.
func (x *lived) withoutBlocked(want, got []string) []string {
	want = slices.Clone(want)
	for i := range want {
		if strings.Contains(want[i], `"state":"blocked"`) && strings.Contains(got[i], `"run":true`) {
			want[i] = got[i]
		}
	}
	return want
}

func (x *lived) same(t *testing.T, when string, got, want answers) {
	t.Helper()
	if !maps.Equal(got.runs, want.runs) {
		t.Errorf("%s there are the runs %v, want %v", when, slices.Sorted(maps.Keys(got.runs)), slices.Sorted(maps.Keys(want.runs)))
		for run, rec := range want.runs {
			if got.runs[run] != "" && got.runs[run] != rec {
				t.Errorf("run %s is\n%s, want\n%s", run, got.runs[run], rec)
			}
		}
	}
	if !slices.Equal(got.versions, want.versions) {
		t.Errorf("%s there are the versions\n%s, want\n%s", when, strings.Join(got.versions, "\n"), strings.Join(want.versions, "\n"))
	}
	if !slices.Equal(got.plan, want.plan) {
		t.Errorf("%s the plan is\n%s, want\n%s", when, strings.Join(got.plan, "\n"), strings.Join(want.plan, "\n"))
	}
}

// runAll runs what is published once more: nothing of it is published again.
func (x *lived) runAll(t *testing.T, p *penstock.Project, before map[string]string, dir string) {
	t.Helper()
	for _, day := range []string{"2026-01-01", "2026-01-02", "2026-01-04"} {
		rec, err := p.Run(t.Context(), daily(), day)
		must(t, err)
		if rec.Status != pipeline.Unchanged {
			t.Errorf("%s once more is %s: %s", day, rec.Status, rec.Error)
		}
	}
	if now := published(t, dir); !maps.Equal(now, before) {
		t.Errorf("readers see other files than before: %v, and %v before", slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(before)))
	}
}

// published are the files that readers see.
func published(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, "out"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".penstock" {
				return fs.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}
