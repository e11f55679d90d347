package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const claims = storeOfClean + "/staging/month=2001-07/"

// put writes a file in a memory, and makes the directories it lies in.
func put(t *testing.T, mem *faults.Mem, path, text string) {
	t.Helper()
	if err := errors.Join(mem.MkdirAll(path[:strings.LastIndexByte(path, '/')]), faults.Write(mem, path, []byte(text))); err != nil {
		t.Fatal(err)
	}
}

// What a contender finds decides whether it gets the partition, at once or after a lease.
func TestWhoGetsThePartition(t *testing.T) {
	const elsewhere = `{"run": "run-x", "pid": 7, "host": "elsewhere", "since": "2001-09-09T01:46:40Z"}`
	here := strings.Replace(elsewhere, "elsewhere", hostname(), 1)
	for name, test := range map[string]struct {
		files map[string]string
		late  bool // by the clock of the contender, everything was long ago
		lease time.Duration
		want  string // the error
		waits bool
	}{
		"nobody":                       {nil, false, time.Hour, "", false},
		"one who has ended":            {map[string]string{"000007": elsewhere}, false, time.Hour, "", false},
		"one who died here":            {map[string]string{"000007": here, "000007.run-x/claim": ""}, false, time.Hour, "", false},
		"one elsewhere":                {map[string]string{"000007": elsewhere, "000007.run-x/claim": ""}, false, time.Hour, "warehouse/clean/month=2001-07 is being written by run run-x\n\tprocess 7 on elsewhere, since 2001-09-09 01:46:40\n\trun again when it is done", false},
		"a stray clock":                {map[string]string{"000007": strings.Replace(elsewhere, "2001", "2031", 1), "000007.run-x/claim": ""}, false, time.Millisecond, "", true},
		"one who was silent":           {map[string]string{"000007": elsewhere, "000007.run-x/claim": ""}, true, time.Millisecond, "", true},
		"one who gave a sign of life":  {map[string]string{"000007": elsewhere, "000007.run-x/beat.1999999999000000000": ""}, true, time.Hour, "warehouse/clean/month=2001-07 is being written by run run-x", false},
		"a torn claim":                 {map[string]string{"000007": elsewhere[:9], "000007.run-x/claim": ""}, false, time.Hour, "", false},
		"one who never came to claim":  {map[string]string{"000007.run-x/claim": ""}, false, time.Hour, "", false},
		"one who lost, and one who is": {map[string]string{"000007": elsewhere, "000007.run-x/claim": "", "000008.run-y/claim": ""}, false, time.Hour, "warehouse/clean/month=2001-07 is being written by run run-x", false},
		"files of others":              {map[string]string{"notes.txt": "", "7": "", "0000007": "", "-00001": ""}, false, time.Hour, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			mem := newMem()
			for path, text := range test.files {
				put(t, mem, claims+path, text)
			}
			s := newStore(mem, "/project")
			if test.late {
				s = later(mem, "/project")
			}
			s.Lease = test.lease
			start := time.Now()
			st, err := s.Begin(bg, dataset, july, "run-a")
			if waited := time.Since(start) >= test.lease; waited != test.waits {
				t.Errorf("it took %s", time.Since(start))
			}
			if test.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.want) || pipeline.KindOf(err) != pipeline.Conflict {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if left := staged(mem, "/project"); len(left) != 1 && name != "files of others" {
				t.Errorf("staging holds %v", left)
			}
			if err := st.Abort(); err != nil {
				t.Error(err)
			}
		})
	}
}

// beatingFS tells of each beat.
type beatingFS struct {
	faults.FS
	beats chan string
}

func (b *beatingFS) Create(path string) (faults.File, error) {
	f, err := b.FS.Create(path)
	b.tell(path)
	return f, err
}

func (b *beatingFS) Rename(from, to string) error {
	err := b.FS.Rename(from, to)
	b.tell(to)
	return err
}

func (b *beatingFS) tell(path string) {
	if strings.Contains(path, "/"+beatPrefix) || strings.Contains(path, "/readers/") {
		select {
		case b.beats <- path:
		default:
		}
	}
}

// A holder that lives is not taken over, however old its claim is, and its beat ends with it.
func TestHolderShowsThatItLives(t *testing.T) {
	mem := newMem()
	beating := &beatingFS{mem, make(chan string)}
	before := runtime.NumGoroutine()
	a := newStore(beating, "/project")
	a.Lease = 5 * time.Millisecond
	st, err := a.Begin(bg, dataset, july, "run-a")
	if err != nil {
		t.Fatal(err)
	}
	<-beating.beats
	b := later(mem, "/project")
	b.Lease = 10 * time.Second // it returns when it sees a beat
	_, err = b.Begin(bg, dataset, july, "run-b")
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.Contains(err.Error(), "is being written by run run-a") {
		t.Errorf("got %v", err)
	}
	if _, err := commitText(st, "a"); err != nil {
		t.Error(err)
	}
	if left := staged(mem, "/project"); len(left) > 0 {
		t.Errorf("staging holds %v", left)
	}
	r, err := a.Read(bg, dataset, july.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i > 1e6 {
			t.Fatal("a goroutine is left")
		}
		runtime.Gosched()
	}
}

// A fenced run's beat ends, too.
func TestBeatOfAFencedRunEnds(t *testing.T) {
	mem := newMem()
	stop := newStopFS(mem, never)
	a := newStore(stop, "/project")
	a.Lease = time.Millisecond
	stop.on = "Create" // the first beat
	st, err := a.Begin(bg, dataset, july, "run-a")
	if err != nil {
		t.Fatal(err)
	}
	<-stop.stopped
	mustPublish(t, later(mem, "/project"), "b")
	close(stop.goOn)
	_, err = commitText(st, "a")
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), "warehouse/clean/month=2001-07: run run-a was fenced by run run-b\n\tprocess ") {
		t.Errorf("got %v", err)
	}
	if names := files(mem, storeOfClean+"/staging"); len(names) != 2 {
		t.Errorf("staging holds %v", names)
	}
}

// crowdFS has another run claim the partition whenever we are about to.
type crowdFS struct {
	faults.FS
	times int
}

func (c *crowdFS) Link(from, to string) error {
	if strings.HasPrefix(to, claims) {
		c.times++
		if err := faults.Write(c.FS, to, nil); err != nil {
			return err
		}
	}
	return c.FS.Link(from, to)
}

// crowdedReadFS has another publish whenever a reader has its lease.
type crowdedReadFS struct {
	faults.FS
	t     *testing.T
	times int
}

func (c *crowdedReadFS) Rename(from, to string) error {
	if strings.HasPrefix(to, readersDir) {
		c.times++
		mustPublish(c.t, newStore(c.FS, "/project"), fmt.Sprint(c.times))
	}
	return c.FS.Rename(from, to)
}

// Nobody tries for ever.
func TestTriesAreBounded(t *testing.T) {
	crowd := &crowdFS{FS: newMem()}
	_, err := newStore(crowd, "/project").Begin(bg, dataset, july, "run-a")
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), "warehouse/clean/month=2001-07 is wanted by many at once") || crowd.times != maxClaims {
		t.Errorf("%d times, %v", crowd.times, err)
	}
	mem := newMem()
	mustPublish(t, newStore(mem, "/project"), "a")
	crowded := &crowdedReadFS{FS: mem, t: t}
	_, err = newStore(crowded, "/project").Read(bg, dataset, july.Dir())
	if pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), "warehouse/clean/month=2001-07 is published again and again") || crowded.times != maxReads {
		t.Errorf("%d times, %v", crowded.times, err)
	}
	if left, err := mem.ReadDir(readersDir); err != nil || len(left) > 0 {
		t.Errorf("leases are left: %v, %v", left, err)
	}
}

// Who watches can be stopped.
func TestWatchingEndsWithTheContext(t *testing.T) {
	mem := newMem()
	put(t, mem, claims+"000007", `{"run": "run-x", "host": "elsewhere"}`)
	put(t, mem, claims+"000007.run-x/claim", "")
	s := later(mem, "/project")
	s.Lease = 10 * time.Hour
	s.Clock = faults.NewStepClock(time.Unix(4e9, 0), 0)
	ctx, cancel := context.WithTimeout(bg, time.Millisecond)
	defer cancel()
	if _, err := s.Begin(ctx, dataset, july, "run-a"); pipeline.KindOf(err) != pipeline.Canceled {
		t.Errorf("got %v", err)
	}
}

// Power is lost at every operation of a takeover, and every operation fails: the next run finds
// its way.
func TestTakeoverUnderFaults(t *testing.T) {
	dead := func() (mem *faults.Mem, goOn func() error) {
		mem = newMem()
		mustPublish(t, newStore(mem, "/project"), "old")
		stop := newStopFS(mem, never)
		stop.on = "Exchange"
		done := make(chan error)
		go func() {
			_, err := publishText(newStore(stop, "/project"), "dead")
			done <- err
		}()
		<-stop.stopped
		return mem, func() error { close(stop.goOn); return <-done }
	}
	mem, goOn := dead()
	cuts := cutAll(mem, func() { mustPublish(t, later(mem, "/project"), "new") })
	if err := goOn(); pipeline.KindOf(err) != pipeline.Conflict {
		t.Errorf("got %v", err)
	}
	for i, cut := range cuts {
		if got := visible(t, cut, "/project"); got != "old" && got != "new" || got == "old" && i >= len(cuts)-2-halves {
			t.Errorf("cut %d: a reader sees %q", i, got)
		}
		s := newStore(cut, "/project")
		mustPublish(t, s, "newer")
		if left := staged(cut, "/project"); len(left) > 0 {
			t.Errorf("cut %d: staging holds %v", i, left)
		}
		checkKept(t, s, fmt.Sprint("cut ", i))
	}
	for n := 1; ; n++ {
		mem, goOn := dead()
		fired := failAt(mem, n)
		_, err := publishText(later(mem, "/project"), "new")
		mem.Before = nil
		deadErr := goOn()
		if !*fired {
			if n < 25 {
				t.Errorf("only %d operations could fail", n)
			}
			return
		}
		got := visible(t, mem, "/project")
		if want := map[bool]string{true: "dead", false: "old"}[deadErr == nil]; err != nil && got != want && got != "new" {
			t.Errorf("operation %d: a reader sees %q, %v, %v", n, got, err, deadErr)
		}
		if deadErr != nil && pipeline.KindOf(deadErr) != pipeline.Conflict {
			t.Errorf("operation %d: %v", n, deadErr)
		}
		if err == nil && got != "new" || err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d: a reader sees %q, %v", n, got, err)
		}
		s := later(mem, "/project")
		mustPublish(t, s, "newer")
		if left := staged(mem, "/project"); len(left) > 0 {
			t.Errorf("operation %d: staging holds %v", n, left)
		}
		checkKept(t, s, fmt.Sprint("operation ", n))
	}
}

// A directory that holds nothing is no version, and in nobody's way.
func TestAnEmptyDirectoryIsReplaced(t *testing.T) {
	for name, fsys := range map[string]faults.FS{"memory": newMem(), "disk": faults.OS()} {
		root := "/project"
		if name == "disk" {
			root = t.TempDir()
		}
		if err := fsys.MkdirAll(root + "/" + dataset + "/" + july.Dir()); err != nil {
			t.Fatal(err)
		}
		mustPublish(t, newStore(fsys, root), "a")
		if got := visible(t, fsys, root); got != "a" {
			t.Errorf("%s: a reader sees %q", name, got)
		}
		if _, err := fsys.Stat(root + "/warehouse/.penstock/datasets/clean/locks"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
