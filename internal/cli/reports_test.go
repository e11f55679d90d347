package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The summary of a step is added to, and never grows over what GitHub takes.
func TestSummaryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.md")
	piece := bytes.Repeat([]byte("x"), maxSummary/3)
	for i := range 5 {
		if err := addTo(path, piece); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(min(i+1, 3) * len(piece)); info.Size() != want {
			t.Errorf("after %d pieces: %d bytes, want %d", i+1, info.Size(), want)
		}
	}
}

// A report replaces what a link leads to, not the link, and is written into what is no file.
func TestReportGoesWhereItIsToldTo(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.xml"), filepath.Join(dir, "link.xml")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	r := reports{app: &app{}}
	if err := r.put(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "new" {
		t.Errorf("found %q, %v", got, err)
	}
	if err := r.put(os.DevNull, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s is a file now: %v", os.DevNull, err)
	}
}
