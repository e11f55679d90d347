package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// stopFS stops whoever uses it before the operation with the number at, with all others that
// come then, until it is let go.
type stopFS struct {
	faults.FS
	at      int64
	on      string // the operation, if its number is not known; only one goroutine may be at it then
	ops     atomic.Int64
	stopped chan struct{}
	goOn    chan struct{}
}

// never is the number of an operation that does not come.
const never = 1 << 30

func newStopFS(fsys faults.FS, at int) *stopFS {
	return &stopFS{FS: fsys, at: int64(at), stopped: make(chan struct{}), goOn: make(chan struct{})}
}

func (s *stopFS) op(name string) {
	n := s.ops.Add(1)
	if name == s.on {
		s.at, s.on = n, ""
	}
	if n == s.at {
		close(s.stopped)
	}
	if n >= s.at {
		<-s.goOn
	}
}

func (s *stopFS) MkdirAll(p string) error {
	s.op("MkdirAll")
	return s.FS.MkdirAll(p)
}

func (s *stopFS) Mkdir(p string) error {
	s.op("Mkdir")
	return s.FS.Mkdir(p)
}

func (s *stopFS) Open(p string) (faults.Opened, error) {
	s.op("Open")
	return s.FS.Open(p)
}

func (s *stopFS) ReadFile(p string) ([]byte, error) {
	s.op("ReadFile")
	return s.FS.ReadFile(p)
}

func (s *stopFS) ReadDir(p string) ([]fs.DirEntry, error) {
	s.op("ReadDir")
	return s.FS.ReadDir(p)
}

func (s *stopFS) Stat(p string) (fs.FileInfo, error) {
	s.op("Stat")
	return s.FS.Stat(p)
}

func (s *stopFS) Rename(a, b string) error {
	s.op("Rename")
	return s.FS.Rename(a, b)
}

func (s *stopFS) Exchange(a, b string) error {
	s.op("Exchange")
	return s.FS.Exchange(a, b)
}

func (s *stopFS) Link(a, b string) error {
	s.op("Link")
	return s.FS.Link(a, b)
}

func (s *stopFS) RemoveAll(p string) error {
	s.op("RemoveAll")
	return s.FS.RemoveAll(p)
}

func (s *stopFS) SyncDir(p string) error {
	s.op("SyncDir")
	return s.FS.SyncDir(p)
}

func (s *stopFS) Sync(f []faults.File, dirs []string) error {
	s.op("Sync")
	return s.FS.Sync(f, dirs)
}

func (s *stopFS) Held(p string) (bool, error) {
	s.op("Held")
	return s.FS.Held(p)
}

func (s *stopFS) Lock(p string, text []byte) (faults.Lock, error) {
	s.op("Lock")
	return s.FS.Lock(p, text)
}

func (s *stopFS) Create(p string) (faults.File, error) {
	s.op("Create")
	f, err := s.FS.Create(p)
	return stopFile{f, s}, err
}

type stopFile struct {
	faults.File
	s *stopFS
}

func (f stopFile) Write(p []byte) (int, error) { f.s.op("Write"); return f.File.Write(p) }

// later is a store whose clock is far ahead, so that whatever it finds looks silent, and which
// is not patient for long.
func later(fsys faults.FS, root string) *Store {
	s := holdingStore(fsys, root)
	s.Clock = faults.NewStepClock(time.Unix(2e9, 0), time.Second)
	s.Lease = time.Millisecond
	return s
}

// stoppable is what may be stopped at any operation.
type stoppable struct {
	name string
	// prepare comes before, on a store that is not stopped.
	prepare func(t *testing.T, s *Store) any
	run     func(s *Store, prepared any) (*Version, error)
}

func stoppables() []stoppable {
	publish := func(text string) func(*Store, any) (*Version, error) {
		return func(s *Store, _ any) (*Version, error) { return publishText(s, text) }
	}
	many := func(t *testing.T, s *Store) any {
		t.Helper()
		for i := range 4 {
			mustPublish(t, s, fmt.Sprint("old", i))
		}
		return nil
	}
	return []stoppable{
		{"first publish", func(*testing.T, *Store) any { return nil }, publish("a")},
		{"into an empty directory", func(t *testing.T, s *Store) any {
			t.Helper()
			if err := s.FS.MkdirAll(s.Root + "/" + dataset + "/" + july.Dir()); err != nil {
				t.Fatal(err)
			}
			return nil
		}, publish("a")},
		{"publish", many, publish("a")},
		{"unchanged", many, publish("old3")},
		{"healing", func(t *testing.T, s *Store) any {
			t.Helper()
			many(t, s)
			l, err := newLayout(s.Root, dataset, july.Dir())
			name := l.version(4) + damaged
			if err := errors.Join(err, s.FS.RemoveAll(name), faults.Write(s.FS, name, []byte("damaged"))); err != nil {
				t.Fatal(err)
			}
			return nil
		}, publish("old3")},
		{"hold", func(t *testing.T, s *Store) any { t.Helper(); many(t, s); mustHold(t, s, "held"); return nil }, func(s *Store, _ any) (*Version, error) {
			_, err := holdText(s, "a")
			return nil, err
		}},
		{"approve", func(t *testing.T, s *Store) any { t.Helper(); many(t, s); return mustHold(t, s, "a") }, func(s *Store, h any) (*Version, error) {
			return release(s, h.(*pipeline.HeldRecord))
		}},
		{"rollback", many, func(s *Store, _ any) (*Version, error) { return rollback(s, 3) }},
		{"takeover", func(t *testing.T, s *Store) any {
			t.Helper()
			many(t, s)
			dead := newStopFS(s.FS, never)
			dead.on = "Exchange"
			go publishText(holdingStore(dead, s.Root), "dead")
			<-dead.stopped
			return nil
		}, func(s *Store, _ any) (*Version, error) {
			s.Clock, s.Lease = faults.NewStepClock(time.Unix(15e8, 0), time.Second), time.Millisecond
			return publishText(s, "a")
		}},
	}
}

func rollback(s *Store, version int64) (*Version, error) {
	return s.Rollback(bg, dataset, july, version, pipeline.Rollback{Run: "run-back", Reason: "because", Actor: "boss"})
}

// A run is stopped before its n-th operation, for every n; another takes the partition over
// and publishes; then the first goes on. It has committed before, or it gets a Conflict, or
// it comes after the other: never both at once, never a mix, and nothing of it is left.
func TestStoppedAtEveryOperation(t *testing.T) {
	for _, what := range stoppables() {
		t.Run(what.name, func(t *testing.T) {
			fenced, before, after := 0, 0, 0
			n := 1
			for ; ; n++ {
				mem := newMem()
				prepared := what.prepare(t, holdingStore(mem, "/project"))
				stop := newStopFS(mem, n)
				a := holdingStore(stop, "/project")
				a.Lease = time.Hour
				type result struct {
					v   *Version
					err error
				}
				done := make(chan result, 1)
				go func() {
					v, err := what.run(a, prepared)
					done <- result{v, err}
				}()
				select {
				case <-stop.stopped:
				case r := <-done:
					if r.err != nil {
						t.Fatal(r.err)
					}
					if n < 20 || fenced < 10 || before+after == 0 {
						t.Errorf("%d operations; %d fenced, %d before, %d after", n-1, fenced, before, after)
					}
					return
				}
				visible(t, mem, "/project")
				b := later(mem, "/project")
				vb, err := publishText(b, "b")
				if err != nil {
					t.Fatalf("operation %d: nobody may hold it for longer than its lease: %v", n, err)
				}
				if got := visible(t, mem, "/project"); got != "b" {
					t.Errorf("operation %d: a reader sees %q", n, got)
				}
				close(stop.goOn)
				r := <-done
				got := visible(t, mem, "/project")
				switch {
				case r.err != nil:
					fenced++
					if pipeline.KindOf(r.err) != pipeline.Conflict || got != "b" {
						t.Errorf("operation %d: a reader sees %q, %v", n, got, r.err)
					}
					if text := r.err.Error(); !strings.Contains(text, "fenced by run run-b\n\tprocess ") && !strings.Contains(text, "is not what it was when run") && !strings.Contains(text, "is gone") {
						t.Errorf("operation %d: %v", n, r.err)
					}
				case r.v == nil: // held
					before++
				case r.v.Manifest.Version < vb.Manifest.Version:
					before++
					if got != "b" {
						t.Errorf("operation %d: a reader sees %q", n, got)
					}
				default:
					after++
					if got == "b" {
						t.Errorf("operation %d: a reader sees %q", n, got)
					}
				}
				checkKept(t, b, fmt.Sprint("operation ", n))
				if held := heldNames(mem); len(held) > 0 && (what.name != "hold" || r.err != nil) {
					t.Errorf("operation %d: %v is held", n, held)
				}
				mustPublish(t, b, "c")
				if left := staged(mem, "/project"); len(left) > 0 {
					t.Errorf("operation %d: staging holds %v", n, left)
				}
				checkKept(t, b, fmt.Sprint("operation ", n))
			}
		})
	}
}

// The same on disk, before every fifth operation.
func TestStoppedOnDisk(t *testing.T) {
	fenced := 0
	for n := 1; ; n += 5 {
		root := t.TempDir()
		stop := newStopFS(faults.OS(), n)
		a := newStore(stop, root)
		a.Lease = time.Hour
		done := make(chan error, 1)
		go func() {
			_, err := publishText(a, "a")
			done <- err
		}()
		select {
		case <-stop.stopped:
		case err := <-done:
			if n < 30 || fenced < 3 || err != nil {
				t.Errorf("%d operations, %d fenced, %v", n, fenced, err)
			}
			return
		}
		b := later(faults.OS(), root)
		vb := mustPublish(t, b, "b")
		close(stop.goOn)
		err := <-done
		got, want := visible(t, faults.OS(), root), "b"
		switch {
		case err == nil && vb.Manifest.Version == 1:
			want = "a"
		case pipeline.KindOf(err) == pipeline.Conflict:
			fenced++
		case err != nil:
			t.Errorf("operation %d: %v", n, err)
		}
		if got != want {
			t.Errorf("operation %d: a reader sees %q, want %q, %v", n, got, want, err)
		}
		if left := staged(faults.OS(), root); len(left) > 0 {
			t.Errorf("operation %d: staging holds %v", n, left)
		}
		checkKept(t, b, fmt.Sprint("operation ", n))
	}
}

// A run is stopped before its n-th operation, for every n; others come and go, until the number
// it is about to claim has been used and forgotten, and one holds the partition when it goes on.
func TestStoppedWhileAnotherHolds(t *testing.T) {
	t.Run("others came", func(t *testing.T) { stoppedWhileAnotherHolds(t, true) })
	t.Run("no others came", func(t *testing.T) { stoppedWhileAnotherHolds(t, false) })
}

func stoppedWhileAnotherHolds(t *testing.T, othersCome bool) {
	for n := 1; ; n++ {
		mem := newMem()
		mustPublish(t, newStore(mem, "/project"), "old")
		stop := newStopFS(mem, n)
		a := newStore(stop, "/project")
		a.Lease = 20 * time.Millisecond // it may have to see that the other moves
		done := make(chan error, 1)
		go func() {
			_, err := publishText(a, "a")
			done <- err
		}()
		select {
		case <-stop.stopped:
		case err := <-done:
			if n < 30 || err != nil {
				t.Errorf("only %d operations were seen, %v", n, err)
			}
			return
		}
		c := later(mem, "/project")
		if othersCome {
			mustPublish(t, c, "b")
			mustPublish(t, c, "b again")
		}
		st, err := c.Begin(bg, dataset, july, "run-c")
		if err != nil {
			t.Fatal(err)
		}
		before := visible(t, mem, "/project")
		close(stop.goOn)
		if err := <-done; err != nil && pipeline.KindOf(err) != pipeline.Conflict {
			t.Errorf("operation %d: %v", n, err)
		}
		if got := visible(t, mem, "/project"); got != before {
			t.Errorf("operation %d: while another holds the partition, a reader sees %q", n, got)
		}
		if v, err := commitText(st, "c"); err != nil || v.Unchanged {
			t.Errorf("operation %d: %v, %v", n, v, err)
		}
		checkKept(t, c, fmt.Sprint("operation ", n))
	}
}

// A run is stopped before its n-th operation, for every n; a gate blocks what another makes, or
// somebody approves of something; then the first goes on, and nothing of that is lost.
func TestStoppedWhileOthersDecide(t *testing.T) {
	for n := 1; ; n++ {
		mem := newMem()
		mustPublish(t, newStore(mem, "/project"), "old")
		h := mustHold(t, holdingStore(mem, "/project"), "a")
		stop := newStopFS(mem, n)
		a := holdingStore(stop, "/project")
		a.Lease = time.Hour
		type result struct {
			v   *Version
			err error
		}
		done := make(chan result, 1)
		go func() {
			v, err := release(a, h)
			done <- result{v, err}
		}()
		select {
		case <-stop.stopped:
		case r := <-done:
			if n < 40 || r.err != nil {
				t.Errorf("only %d operations were seen, %v", n, r.err)
			}
			return
		}
		b := later(mem, "/project")
		st, m, err := stageText(b, "b")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Approve(t.Context(), []pipeline.Approval{{Gate: "of b"}}); err != nil {
			t.Fatal(err)
		}
		held, err := st.Hold(m)
		if err != nil {
			t.Fatal(err)
		}
		close(stop.goOn)
		r := <-done
		if r.err != nil && pipeline.KindOf(r.err) != pipeline.Conflict {
			t.Errorf("operation %d: %v", n, r.err)
		}
		if after := r.err == nil && held.Previous != r.v.Digest; !b.Holds(*held) && !after {
			t.Errorf("operation %d: what was held is lost (%v)", n, r.err)
		}
		all, err := b.Approvals(dataset, july.Dir())
		if err != nil || !slices.ContainsFunc(all, func(a pipeline.Approval) bool { return a.Gate == "of b" }) {
			t.Errorf("operation %d: approvals are %v, %v", n, all, err)
		}
	}
}

// damaged is the file of version 4 that a run finds damaged.
const damaged = "/data/part-0.txt"

// checkKept checks that no version is on disk but those that are kept, that each is whole, and
// that they are a chain.
func checkKept(t *testing.T, s *Store, when string) {
	t.Helper()
	l, err := newLayout(s.Root, dataset, july.Dir())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.Manifests(dataset)
	numbers, nerr := s.numbers(l)
	if err := errors.Join(err, nerr); err != nil || len(kept) != len(numbers) {
		t.Fatalf("%s: %d versions are kept, and %v on disk, %v", when, len(kept), numbers, err)
	}
	for i, k := range kept {
		if i > 0 && k.Manifest.Previous != kept[i-1].Digest {
			t.Errorf("%s: version %d does not follow version %d", when, k.Manifest.Version, kept[i-1].Manifest.Version)
		}
		for _, f := range slices.Concat(k.Manifest.Files, k.Manifest.Quarantine, k.Manifest.Lineage) {
			st := &Staging{store: s, layout: l}
			name := l.version(k.Manifest.Version) + "/" + f.Path
			if text, _ := s.FS.ReadFile(name); string(text) == "damaged" {
				continue
			}
			if whole, err := st.whole(bg, name, f); err != nil || !whole {
				t.Errorf("%s: %s of version %d is torn, %v", when, f.Path, k.Manifest.Version, err)
			}
		}
	}
}
