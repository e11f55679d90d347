package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
)

const readersDir = storeOfClean + "/readers/month=2001-07"

// readText reads what a reader with a lease sees.
func readText(t *testing.T, r *Reading) string {
	t.Helper()
	text, err := r.store.FS.ReadFile(filepath.Join(r.Dir, "data/part-0.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)[len("the rows of "):]
}

func TestReadersKeepTheirVersion(t *testing.T) {
	for name, fsys := range map[string]faults.FS{"memory": newMem(), "disk": faults.OS()} {
		t.Run(name, func(t *testing.T) {
			root := "/project"
			if name == "disk" {
				root = t.TempDir()
			}
			s := newStore(fsys, root)
			if _, err := s.Read(bg, dataset, july.Dir()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v", err)
			}
			mustPublish(t, s, "a")
			r, err := s.Read(bg, dataset, july.Dir())
			if err != nil {
				t.Fatal(err)
			}
			second, err := s.Read(bg, dataset, july.Dir())
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"b", "c", "d", "e"} {
				mustPublish(t, s, text)
			}
			if err := second.Close(); err != nil {
				t.Error(err)
			}
			if report, err := s.GC(bg, dataset, false); err != nil || len(report.Removed) > 0 {
				t.Errorf("%+v, %v", report, err)
			}
			if got := readText(t, r); got != "a" || r.Manifest.Version != 1 {
				t.Errorf("the reader sees %q of version %d", got, r.Manifest.Version)
			}
			if kept, err := s.Manifests(dataset); err != nil || len(kept) != 4 {
				t.Errorf("%d versions are kept, %v", len(kept), err)
			}
			if err := errors.Join(r.Close(), r.Close()); err != nil {
				t.Error(err)
			}
			report, err := s.GC(bg, dataset, false)
			if err != nil || len(report.Removed) != 1 || report.Removed[0].Path != "warehouse/.penstock/datasets/clean/versions/month=2001-07/000001" {
				t.Errorf("%+v, %v", report, err)
			}
			l, err := newLayout(root, dataset, july.Dir())
			if err != nil {
				t.Fatal(err)
			}
			if left, err := fsys.ReadDir(l.readers()); err != nil || len(left) > 0 {
				t.Errorf("leases are left: %v, %v", left, err)
			}
		})
	}
}

// A reader is stopped before its n-th operation, for every n, while versions come and go: what
// it gets in the end is there, whole, and stays.
func TestReaderStoppedAtEveryOperation(t *testing.T) {
	for n := 1; ; n++ {
		mem := newMem()
		s := newStore(mem, "/project")
		s.Keep = 0
		mustPublish(t, s, "a")
		stop := newStopFS(mem, n)
		done := make(chan *Reading)
		go func() {
			r, err := newStore(stop, "/project").Read(bg, dataset, july.Dir())
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
		var r *Reading
		select {
		case <-stop.stopped:
			mustPublish(t, s, "b")
			mustPublish(t, s, "c")
			close(stop.goOn)
			r = <-done
		case r = <-done:
			if n < 6 {
				t.Errorf("only %d operations were seen", n)
			}
			r.store = s // which nothing stops
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		mustPublish(t, s, "d")
		if _, err := s.GC(bg, dataset, false); err != nil {
			t.Error(err)
		}
		if got := readText(t, r); got != "c" && got != "a" {
			t.Errorf("operation %d: the reader sees %q", n, got)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		mustPublish(t, s, "e")
		if kept, err := s.Manifests(dataset); err != nil || len(kept) != 1 {
			t.Errorf("operation %d: %d versions are kept, %v", n, len(kept), err)
		}
	}
}

// Who prunes is stopped before its n-th operation, for every n, while a reader comes.
func TestReaderMeetsAStoppedPrune(t *testing.T) {
	for n := 1; ; n++ {
		mem := newMem()
		s := newStore(mem, "/project")
		s.Keep = 0
		mustPublish(t, s, "a")
		stop := newStopFS(mem, n)
		done := make(chan error)
		go func() {
			s := newStore(stop, "/project")
			s.Keep = 0
			_, err := publishText(s, "b")
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
		r, err := s.Read(bg, dataset, july.Dir())
		if err != nil {
			t.Fatal(err)
		}
		got := readText(t, r)
		close(stop.goOn)
		if err := <-done; err != nil {
			t.Error(err)
		}
		mustPublish(t, s, "c")
		if now := readText(t, r); now != got {
			t.Errorf("operation %d: the reader saw %q, and now %q", n, got, now)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Every operation of a reader fails: it has a version, or an error.
func TestEveryOperationOfAReaderFails(t *testing.T) {
	for n := 1; ; n++ {
		mem := newMem()
		s := newStore(mem, "/project")
		mustPublish(t, s, "a")
		fired := failAt(mem, n)
		r, err := s.Read(bg, dataset, july.Dir())
		mem.Before = nil
		if !*fired {
			if n < 3 {
				t.Errorf("only %d operations could fail", n)
			}
			return
		}
		if err == nil {
			err = r.Close()
		} else if r != nil {
			t.Errorf("operation %d: a version and %v", n, err)
		}
		if left, _ := mem.ReadDir(readersDir); err == nil && len(left) > 0 {
			t.Errorf("operation %d: leases are left: %v", n, left)
		}
	}
}

// A lease of another machine holds while its reader moves, and until GC has watched it; that
// of a process that died here holds no longer.
func TestLeasesEnd(t *testing.T) {
	mem := newMem()
	s := newStore(mem, "/project")
	s.Keep, s.Lease = 0, time.Millisecond
	mustPublish(t, s, "a")
	write := func(name, text string) {
		if err := errors.Join(mem.MkdirAll(readersDir), faults.Write(mem, filepath.Join(readersDir, name), []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	const id, dead, torn = "AAAAAAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBBBBBB", "CCCCCCCCCCCCCCCCCCCCCCCCCC"
	write("000001."+id, `{"host": "elsewhere"}`)
	write("000001."+id+".17", "")
	mustPublish(t, s, "b")
	kept := func() int {
		all, err := s.Manifests(dataset)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if kept() != 2 {
		t.Errorf("%d versions are kept: the lease of another machine holds", kept())
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	write("000002."+dead, fmt.Sprintf(`{"host": %q}`, host))
	write("000002."+dead+".3", "")
	write(torn, "")
	write("notes", "mine")
	report, err := s.GC(bg, dataset, true)
	if err != nil || len(report.Removed) != 2 || kept() != 2 {
		t.Errorf("asked only: %+v, %v", report, err)
	}
	s.FS = &movingFS{FS: mem, beat: filepath.Join(readersDir, "000001."+id+"."), at: 17}
	if _, err := s.GC(bg, dataset, false); err != nil || kept() != 2 {
		t.Errorf("%d versions are kept, %v: its reader moves", kept(), err)
	}
	s.FS = mem
	report, err = s.GC(bg, dataset, false)
	if err != nil || kept() != 1 {
		t.Errorf("%d versions are kept, %v: its reader does not move", kept(), err)
	}
	left, err := mem.ReadDir(readersDir)
	if err != nil || len(left) != 1 || left[0].Name() != "notes" {
		t.Errorf("leases are left: %v, %v", left, err)
	}
	if len(report.Removed) != 3 {
		t.Errorf("%+v", report)
	}
}

// movingFS moves the beat of a reader on another machine whenever somebody looks.
type movingFS struct {
	faults.FS
	beat string
	at   int
}

func (m *movingFS) ReadDir(path string) ([]fs.DirEntry, error) {
	if path == readersDir {
		m.at++
		if err := m.Rename(fmt.Sprint(m.beat, m.at-1), fmt.Sprint(m.beat, m.at)); err != nil {
			return nil, err
		}
	}
	return m.FS.ReadDir(path)
}
