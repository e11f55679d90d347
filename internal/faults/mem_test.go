package faults

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seen reads a file; "-" if there is none.
func seen(m *Mem, path string) string {
	text, err := m.ReadFile(path)
	if err != nil {
		return "-"
	}
	return string(text)
}

// What is synced is left by every crash; of the rest nothing, any part, or all.
func TestCrash(t *testing.T) {
	m := NewMem()
	put := func(path, text string) File {
		f, err := m.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := m.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	f := put("/d/a", "durable")
	if err := errors.Join(m.Sync([]File{f}, []string{"/d", "/"}), m.Rename("/d/a", "/d/b")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(" or not")); err != nil {
		t.Fatal(err)
	}
	put("/d/c", "new")
	if got := []string{seen(m.Crash(Lost), "/d/a"), seen(m.Crash(Lost), "/d/b"), seen(m.Crash(Lost), "/d/c")}; !slices.Equal(got, []string{"durable", "-", "-"}) {
		t.Errorf("lost: %q", got)
	}
	if got := []string{seen(m.Crash(Kept), "/d/a"), seen(m.Crash(Kept), "/d/b"), seen(m.Crash(Kept), "/d/c")}; !slices.Equal(got, []string{"-", "durable or not", "new"}) {
		t.Errorf("kept: %q", got)
	}
	halves := map[string]bool{}
	for m.Seed = range 200 {
		c := m.Crash(Half)
		for _, name := range []string{"a", "b", "c"} {
			got := seen(c, filepath.Join("/d", name))
			halves[name+got] = true
			if name != "c" && got != "-" && !strings.HasPrefix(got, "durable") {
				t.Errorf("seed %d: %s is %q", m.Seed, name, got)
			}
			if again := seen(m.Crash(Half), filepath.Join("/d", name)); again != got {
				t.Errorf("seed %d: %q, then %q", m.Seed, got, again)
			}
		}
	}
	for _, want := range []string{"a-", "adurable", "adurable or", "b-", "bdurable or not", "c-", "c", "cne", "cnew"} {
		if !halves[want] {
			t.Errorf("no half has %q: %v", want, halves)
		}
	}
	// What comes back is a file system of its own.
	c := m.Crash(Kept)
	g := put("/d/e", "x")
	if err := errors.Join(g.Close(), c.Mkdir("/d/f")); err != nil {
		t.Fatal(err)
	}
	if seen(c, "/d/e") != "-" || m.Mkdir("/d/f") != nil || !errors.Is(m.Mkdir("/d/f"), fs.ErrExist) || !errors.Is(m.Mkdir("/x/y"), fs.ErrNotExist) {
		t.Error("the crashed and the other are one")
	}
}

// A lock goes with the file, under any name, until it is closed or the process ends.
func TestLocks(t *testing.T) {
	for name, fsys := range map[string]FS{"memory": NewMem(), "disk": OS()} {
		dir := "/"
		if name == "disk" {
			dir = t.TempDir()
		}
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		lock, err := fsys.Lock(a, []byte("me"))
		if err := errors.Join(err, fsys.Link(a, b)); err != nil {
			t.Fatal(err)
		}
		if held, err := fsys.Held(b); err != nil || !held {
			t.Errorf("%s: held: %t, %v", name, held, err)
		}
		var other *LockedError
		if _, err := fsys.Lock(b, nil); !errors.As(err, &other) || string(other.Text) != "me" {
			t.Errorf("%s: got %v", name, err)
		}
		if err := fsys.Link(a, b); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := errors.Join(lock.Close(), fsys.RemoveAll(a)); err != nil {
			t.Fatal(err)
		}
		if held, err := fsys.Held(b); err != nil || held {
			t.Errorf("%s: held: %t, %v", name, held, err)
		}
		if _, err := fsys.Held(a); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
