//go:build failpoints

package faults

import (
	"path/filepath"
	"strings"
)

// pointFS has a point before and after each durable operation, named by what is done and
// where: "before rename staging to versions".
type pointFS struct{ FS }

func withPoints(fsys FS) FS { return pointFS{fsys} }

// words are the parts of paths that tell what something is.
var words = map[string]bool{
	"data": true, "quarantine": true, "manifest.json": true, "_manifest.json": true, "held.json": true, "visible": true, "version": true, "healed": true, "claim": true,
}

// place names what a path is of: the directory of the store it lies in, or of the state,
// or "visible", and the last word in it that tells more.
func place(path string) string {
	_, below, ours := strings.Cut(filepath.ToSlash(path), "/"+stateName+"/")
	if !ours {
		if filepath.Base(path) == stateName {
			return "state"
		}
		return "visible"
	}
	parts := strings.Split(below, "/")
	if parts[0] == "datasets" {
		if len(parts) < 3 {
			return "store"
		}
		parts = parts[2:]
	}
	for i := len(parts) - 1; i > 0; i-- {
		if words[parts[i]] {
			return parts[0] + " " + parts[i]
		}
	}
	return parts[0]
}

const stateName = ".penstock"

func (p pointFS) MkdirAll(path string) error {
	return Step("mkdir "+place(path), func() error { return p.FS.MkdirAll(path) })
}

func (p pointFS) Mkdir(path string) error {
	return Step("mkdir "+place(path), func() error { return p.FS.Mkdir(path) })
}

func (p pointFS) Create(path string) (f File, err error) {
	err = Step("create "+place(path), func() error {
		f, err = p.FS.Create(path)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pointFile{f, place(path)}, nil
}

func (p pointFS) Append(path string) (f File, err error) {
	err = Step("append to "+place(path), func() error {
		f, err = p.FS.Append(path)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pointFile{f, place(path)}, nil
}

func (p pointFS) Rename(from, to string) error {
	return Step("rename "+place(from)+" to "+place(to), func() error { return p.FS.Rename(from, to) })
}

func (p pointFS) Exchange(a, b string) error {
	return Step("exchange "+place(a)+" and "+place(b), func() error { return p.FS.Exchange(a, b) })
}

func (p pointFS) Link(from, to string) error {
	return Step("link "+place(from)+" to "+place(to), func() error { return p.FS.Link(from, to) })
}

func (p pointFS) RemoveAll(path string) error {
	return Step("remove "+place(path), func() error { return p.FS.RemoveAll(path) })
}

func (p pointFS) SyncDir(path string) error {
	return Step("sync "+place(path), func() error { return p.FS.SyncDir(path) })
}

// Sync has no point between one and the next: they are synced at once.
func (p pointFS) Sync(files []File, dirs []string) error {
	name := "sync files"
	if len(dirs) > 0 {
		name = "sync all of " + place(dirs[0])
	}
	return Step(name, func() error { return p.FS.Sync(files, dirs) })
}

func (p pointFS) Lock(path string, text []byte) (l Lock, err error) {
	err = Step("lock "+place(path), func() error {
		l, err = p.FS.Lock(path, text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pointLock{l, place(path)}, nil
}

type pointFile struct {
	File
	place string
}

func (f pointFile) Write(b []byte) (n int, err error) {
	err = Step("write "+f.place, func() error {
		n, err = f.File.Write(b)
		return err
	})
	return n, err
}

func (f pointFile) Sync() error { return Step("fsync "+f.place, f.File.Sync) }

type pointLock struct {
	Lock
	place string
}

func (l pointLock) Close() error { return Step("unlock "+l.place, l.Lock.Close) }
