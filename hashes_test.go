package penstock

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// A digest is remembered only of a file that can't have been written since: not by its size and
// the time that programs set.
func TestHashesAreOfTheFilesThereAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	later := time.Now()
	h := &hashes{now: func() time.Time { return later }}
	check := func(known bool) {
		t.Helper()
		want, err := pipeline.HashFile(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.file(t.Context(), path)
		if err != nil || got != want {
			t.Fatalf("got %s (%v), want %s", got, err, want)
		}
		if _, ok := h.known[path]; ok != known {
			t.Fatalf("remembered: %v, want %v", ok, known)
		}
	}
	write("one")
	check(false) // it may be written again in this very moment
	later = later.Add(time.Hour)
	check(true)
	h.known[path] = hashed{h.known[path].stamp, "remembered"}
	if got, err := h.file(t.Context(), path); err != nil || got != "remembered" {
		t.Fatalf("got %s (%v): it was hashed again", got, err)
	}
	write("two")
	check(true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := h.file(t.Context(), path); err == nil {
		t.Fatal("the digest of a file that is not there")
	}
}
