package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const dataset = "warehouse/clean"

var bg = context.Background()

var july = pipeline.Partition{By: pipeline.Month, Value: "2001-07"}

// newMem has a project directory, and it is durable: it was there before.
func newMem() *faults.Mem {
	m := faults.NewMem()
	if err := errors.Join(m.MkdirAll("/project"), m.SyncDir("/")); err != nil {
		panic(err)
	}
	return m
}

func newStore(fsys faults.FS, root string) *Store {
	return &Store{FS: fsys, Clock: faults.NewStepClock(time.Unix(1e9, 0), time.Second), Root: root, Keep: 2}
}

// publishText publishes one file of data, one of quarantine, and one of lineage, with the text.
func publishText(s *Store, text string) (*Version, error) {
	st, err := s.Begin(context.Background(), dataset, july, "run-"+text)
	if err != nil {
		return nil, err
	}
	return commitText(st, text)
}

func commitText(st *Staging, text string) (*Version, error) {
	m := &pipeline.Manifest{Format: pipeline.ManifestFormat, Dataset: dataset, Partition: "2001-07", Run: "run-" + text}
	for _, kind := range []Kind{Data, Quarantine, Lineage} {
		w, err := st.Create(kind, "part-0.txt")
		if err != nil {
			return nil, errors.Join(err, st.Abort())
		}
		for _, part := range []string{"the rows of ", text} {
			if _, err := w.Write([]byte(part)); err != nil {
				return nil, errors.Join(err, st.Abort())
			}
		}
		if err := w.Close(); err != nil {
			return nil, errors.Join(err, st.Abort())
		}
		switch kind {
		case Data:
			m.Files = append(m.Files, w.File())
		case Quarantine:
			m.Quarantine = append(m.Quarantine, w.File())
		default:
			m.Lineage = append(m.Lineage, w.File())
		}
	}
	return st.Commit(context.Background(), m)
}

// visible reads what a reader with plain tools sees: the text, "" if there is nothing.
// Whatever it sees must be whole: the manifest, and the file with its digest.
func visible(t *testing.T, fsys faults.FS, root string) string {
	t.Helper()
	dir := filepath.Join(root, dataset, july.Dir())
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Name() != VisibleName || entries[1].Name() != "part-0.txt" {
		t.Fatalf("a reader sees %v", entries)
	}
	text, err := fsys.ReadFile(filepath.Join(dir, VisibleName))
	if err != nil {
		t.Fatal(err)
	}
	var m pipeline.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("the visible manifest is torn: %v", err)
	}
	data, err := fsys.ReadFile(filepath.Join(dir, "part-0.txt"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(data []byte, f pipeline.File) {
		t.Helper()
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Fatalf("%s is torn: %q", f.Path, data)
		}
	}
	check(data, m.Files[0])
	l, err := newLayout(root, dataset, july.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(m.Quarantine, m.Lineage...) {
		kept, err := fsys.ReadFile(filepath.Join(l.version(m.Version), filepath.FromSlash(f.Path)))
		if err != nil {
			t.Fatalf("version %d is visible and %s is not kept: %v", m.Version, f.Path, err)
		}
		check(kept, f)
	}
	return strings.TrimPrefix(string(data), "the rows of ")
}

// staged lists what is left in staging of the partition, but the claim that stays.
func staged(fsys faults.FS, root string) (left []string) {
	l, err := newLayout(root, dataset, july.Dir())
	if err != nil {
		panic(err)
	}
	entries, _ := fsys.ReadDir(l.staging())
	for i, e := range entries {
		if _, run := cutClaim(e.Name()); run != "" || i > 0 {
			left = append(left, e.Name())
		}
	}
	return left
}

func mustPublish(t *testing.T, s *Store, text string) *Version {
	t.Helper()
	v, err := publishText(s, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionsFollowEachOther(t *testing.T) {
	for name, fsys := range map[string]faults.FS{"memory": newMem(), "disk": faults.OS()} {
		t.Run(name, func(t *testing.T) {
			root := "/project"
			if name == "disk" {
				root = t.TempDir()
			}
			s := newStore(fsys, root)
			first := mustPublish(t, s, "a")
			if v := mustPublish(t, s, "a"); !v.Unchanged || v.Digest != first.Digest {
				t.Errorf("the same files were published again: %+v", v)
			}
			var last *Version
			for _, text := range []string{"b", "c", "d"} {
				last = mustPublish(t, s, text)
				if got := visible(t, fsys, root); got != text {
					t.Errorf("a reader sees %q, want %q", got, text)
				}
			}
			kept, err := s.Manifests(dataset)
			if err != nil || len(kept) != 3 {
				t.Fatalf("%d versions kept, %v; want the current one and two", len(kept), err)
			}
			for i, k := range kept {
				if want := int64(i + 2); k.Manifest.Version != want || k.Current != (i == 2) {
					t.Errorf("kept %d: version %d, current %t", i, k.Manifest.Version, k.Current)
				}
				if i > 0 && k.Manifest.Previous != kept[i-1].Digest {
					t.Errorf("version %d does not follow version %d", k.Manifest.Version, kept[i-1].Manifest.Version)
				}
			}
			m, digest, err := s.Current(dataset, july.Dir())
			if err != nil || digest != last.Digest || m.Version != 4 {
				t.Errorf("current: %v, %v", m, err)
			}
			if names, err := s.Datasets(); err != nil || len(names) != 1 || names[0] != dataset {
				t.Errorf("datasets: %v, %v", names, err)
			}
		})
	}
}

func TestNothingBlockedIsPublished(t *testing.T) {
	s := newStore(newMem(), "/project")
	for _, verdict := range []pipeline.Verdict{pipeline.Fail, pipeline.ErrorVerdict, pipeline.NoData, pipeline.InsufficientHistory, pipeline.Skipped, ""} {
		st, err := s.Begin(t.Context(), dataset, july, "run")
		if err != nil {
			t.Fatal(err)
		}
		m := &pipeline.Manifest{Files: []pipeline.File{{Path: "data/x"}}, Findings: []pipeline.Finding{{Name: "g", Verdict: verdict}}}
		if _, err := st.Commit(t.Context(), m); err == nil || !strings.Contains(err.Error(), "was about to be published") {
			t.Errorf("a version of verdict %q is refused by %v", verdict, err)
		}
	}
	if got := visible(t, s.FS, s.Root); got != "" {
		t.Errorf("a reader sees %q", got)
	}
}

// halves is how many of the many ways to lose a half are tried at each operation.
const halves = 16

// cutAll gives the file system as it is after a power cut at every operation of f, with
// nothing, some and all of what was not synced.
func cutAll(mem *faults.Mem, f func()) (cuts []*faults.Mem) {
	cut := func() {
		cuts = append(cuts, mem.Crash(faults.Lost), mem.Crash(faults.Kept))
		for seed := range uint64(halves) {
			mem.Seed = seed
			cuts = append(cuts, mem.Crash(faults.Half))
		}
	}
	mem.Before = func(int, string, string) error {
		cut()
		return nil
	}
	f()
	mem.Before = nil
	cut()
	return cuts
}

// At every operation of a publish power is lost: what comes back is the old version or
// the new one, whole, and the same publish again converges.
func TestPowerCutAtEveryOperation(t *testing.T) {
	mem := newMem()
	mustPublish(t, newStore(mem, "/project"), "old")
	cuts := cutAll(mem, func() { mustPublish(t, newStore(mem, "/project"), "new") })
	if len(cuts) < 20*(2+halves) {
		t.Fatalf("only %d cuts were made", len(cuts))
	}
	seen := map[string]bool{}
	for i, cut := range cuts {
		got := visible(t, cut, "/project")
		seen[got] = true
		if got != "old" && got != "new" {
			t.Errorf("cut %d: a reader sees %q", i, got)
		}
		mustPublish(t, newStore(cut, "/project"), "new")
		if got := visible(t, cut.Crash(faults.Lost), "/project"); got != "new" {
			t.Errorf("cut %d: after the next run and another cut a reader sees %q", i, got)
		}
		if left := staged(cut, "/project"); len(left) > 0 {
			t.Errorf("cut %d: staging holds %v", i, left)
		}
	}
	if !seen["old"] || !seen["new"] {
		t.Errorf("the cuts saw %v", seen)
	}
}

// Every sync is needed: without any one of them, some power cut after the publish was
// acknowledged loses or tears it, or one before shows what is not kept. Those that an earlier
// publish made needless are left out.
func TestEverySyncIsNeeded(t *testing.T) {
	for name, test := range map[string]struct {
		before  func(s *Store) error
		version int
		most    int
	}{
		"first": {func(*Store) error { return nil }, 1, 18},
		"another partition": {func(s *Store) error {
			st, err := s.Begin(bg, dataset, august, "run-before")
			if err == nil {
				_, err = commitText(st, "before")
			}
			return err
		}, 1, 12},
		"again": {func(s *Store) error { _, err := publishText(s, "old"); return err }, 2, 11},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(skip int) (mem *faults.Mem, count int) {
				mem = newMem()
				s := newStore(mem, "/project")
				if err := test.before(s); err != nil {
					t.Fatal(err)
				}
				before := mem.Syncs()
				mem.Lazy = func(n int) bool { return n == before+skip }
				mustPublish(t, s, "new")
				return mem, mem.Syncs() - before
			}
			mem, count := run(-1)
			if !isWhole(mem.Crash(faults.Lost), test.version) {
				t.Error("it is not durable")
			}
			if count > test.most {
				t.Errorf("%d syncs, want at most %d", count, test.most)
			}
			for skip := 1; skip <= count; skip++ {
				if mem, _ := run(skip); isWhole(mem.Crash(faults.Lost), test.version) && !isEarly(t, test.before, skip, test.version) {
					t.Errorf("sync %d of %d can be left out", skip, count)
				}
			}
		})
	}
}

// isEarly reports whether, without a sync, some power cut during a publish shows a version that
// is not kept.
func isEarly(t *testing.T, prepare func(*Store) error, skip, version int) (early bool) {
	t.Helper()
	mem := newMem()
	s := newStore(mem, "/project")
	if err := prepare(s); err != nil {
		t.Fatal(err)
	}
	before := mem.Syncs()
	mem.Lazy = func(n int) bool { return n == before+skip }
	for _, cut := range cutAll(mem, func() { mustPublish(t, s, "new") }) {
		m, _, err := newStore(cut, "/project").Current(dataset, july.Dir())
		early = early || err == nil && m.Version == int64(version) && !isWhole(cut, version)
	}
	return early
}

// isWhole reports whether what a crash left is the publish, with its kept version.
func isWhole(fsys faults.FS, version int) bool {
	store := fmt.Sprintf("/project/warehouse/.penstock/datasets/clean/versions/month=2001-07/%06d/", version)
	for _, p := range []string{
		"/project/warehouse/clean/month=2001-07/part-0.txt", store + "data/part-0.txt", store + "quarantine/part-0.txt",
		store + "lineage/part-0.txt",
	} {
		if text, err := fsys.ReadFile(p); err != nil || string(text) != "the rows of new" {
			return false
		}
	}
	for _, p := range []string{"/project/warehouse/clean/month=2001-07/" + VisibleName, store + manifestName} {
		text, err := fsys.ReadFile(p)
		if err != nil || !json.Valid(text) {
			return false
		}
	}
	return true
}

// The n-th operation fails, for every n: never a false success, never a torn reader, and
// the next run converges.
func TestEveryOperationFails(t *testing.T) {
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		for n, done := 1, false; !done; n++ {
			mem := newMem()
			mustPublish(t, newStore(mem, "/project"), "old")
			fired, base := false, mem.Ops()
			mem.Before = func(op int, _, _ string) error {
				if op == base+n {
					fired = true
					return fault
				}
				return nil
			}
			v, err := publishText(newStore(mem, "/project"), "new")
			mem.Before = nil
			if done = !fired; done {
				if n < 20 {
					t.Fatalf("only %d operations could fail", n)
				}
				break
			}
			got := visible(t, mem, "/project")
			if err == nil && got != "new" {
				t.Errorf("%v at operation %d: success, and a reader sees %q (%+v)", fault, n, got, v)
			}
			if err == nil {
				if got := visible(t, mem.Crash(faults.Lost), "/project"); got != "new" {
					t.Errorf("%v at operation %d: success, and after a power cut a reader sees %q", fault, n, got)
				}
			}
			if got != "old" && got != "new" {
				t.Errorf("%v at operation %d: a reader sees %q", fault, n, got)
			}
			if err != nil && !errors.Is(err, fault) {
				t.Errorf("%v at operation %d: the error is %v", fault, n, err)
			}
			mustPublish(t, newStore(mem, "/project"), "new")
			if got := visible(t, mem, "/project"); got != "new" {
				t.Errorf("%v at operation %d: the next run left %q", fault, n, got)
			}
			if got := visible(t, mem.Crash(faults.Lost), "/project"); got != "new" {
				t.Errorf("%v at operation %d: after the next run, and a power cut, a reader sees %q", fault, n, got)
			}
			// Also where the next run found all as it should be, and changed nothing.
			if got := visible(t, mem.Crash(faults.Lost), "/project"); got != "new" {
				t.Errorf("%v at operation %d: after the next run and a power cut a reader sees %q", fault, n, got)
			}
		}
	}
}

func TestMessages(t *testing.T) {
	mem := newMem()
	s := newStore(mem, "/project")
	st, err := s.Begin(t.Context(), dataset, july, "20010801T020000-aaaaaa")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Begin(t.Context(), dataset, july, "other")
	if err == nil || pipeline.KindOf(err) != pipeline.Conflict ||
		!strings.HasPrefix(err.Error(), "warehouse/clean/month=2001-07 is being written by run 20010801T020000-aaaaaa\n\tprocess ") {
		t.Errorf("conflict: %v", err)
	}
	if err := st.Abort(); err != nil {
		t.Fatal(err)
	}
	mem.Before = func(_ int, op, _ string) error {
		if op == "write" {
			return syscall.ENOSPC
		}
		return nil
	}
	_, err = publishText(s, "new")
	want := "can't write warehouse/clean/month=2001-07: no space left on device\n\t" +
		"write warehouse/.penstock/datasets/clean/staging/month=2001-07/000002.run-new/version/data/part-0.txt\n\t" +
		"the disk is full: free some space and run again; what was visible before still is"
	if err == nil || err.Error() != want {
		t.Errorf("full disk: got\n%v\nwant\n%s", err, want)
	}
	for name, want := range map[string]string{
		"../x":      `output "../x": ".." leads out of the project`,
		"/tmp/x":    `output "/tmp/x": the path must be relative to the project`,
		"a/.hidden": `output "a/.hidden": no part of the path may begin with "." or "_"`,
		"":          `output "": a directory is needed`,
		"a\nb":      `output "a\nb": control characters, "\", "*" and "?" are not allowed`,
	} {
		_, err := s.Begin(t.Context(), name, july, "run")
		if err == nil || strings.SplitN(err.Error(), "\n", 2)[0] != strings.SplitN(want, "\n\t", 2)[0] {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// Of many that want the partition at once one at a time gets it, and all others are
// told; a reader never sees anything but one whole version.
func TestContendersAndReaders(t *testing.T) {
	root := t.TempDir()
	mustPublish(t, newStore(faults.OS(), root), "0")
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			text, err := os.ReadFile(filepath.Join(root, dataset, july.Dir(), "part-0.txt"))
			if err != nil || !strings.HasPrefix(string(text), "the rows of ") {
				t.Errorf("a reader sees %q, %v", text, err)
				return
			}
		}
	})
	var mu sync.Mutex
	published, refused := 0, 0
	for w := range 4 {
		writers.Go(func() {
			for i := range 15 {
				_, err := publishText(newStore(faults.OS(), root), fmt.Sprintf("%d-%d", w, i))
				mu.Lock()
				switch {
				case err == nil:
					published++
				case pipeline.KindOf(err) == pipeline.Conflict:
					refused++
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if published+refused != 60 || published == 0 {
		t.Errorf("%d published, %d refused", published, refused)
	}
	visible(t, faults.OS(), root)
	m, _, err := newStore(faults.OS(), root).Current(dataset, july.Dir())
	if err != nil || m.Version != int64(published+1) {
		t.Errorf("version %d after %d publishes, %v", m.Version, published, err)
	}
}

func TestForeignFilesStay(t *testing.T) {
	root := t.TempDir()
	mine := filepath.Join(root, dataset, july.Dir(), "notes.txt")
	if err := os.MkdirAll(filepath.Dir(mine), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := publishText(newStore(faults.OS(), root), "new"); err == nil {
		t.Error("a directory with somebody's file was replaced")
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "mine" {
		t.Errorf("the file is gone: %q, %v", text, err)
	}
	if left := staged(faults.OS(), root); len(left) > 0 {
		t.Errorf("staging holds %v", left)
	}
}
