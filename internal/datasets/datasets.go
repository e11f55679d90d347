// Package datasets finds what a project has published by looking, at a tree of directories that
// may hold anything else: other projects, copies, symbolic links.
package datasets

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/faults"
)

// Found is what there is below the root of a project.
type Found struct {
	// Names are the project's own datasets, sorted.
	Names []string
	// Copies lie where a dataset would, and their manifests are of another.
	Copies []Copy
}

// Copy is a copy of a dataset; both paths are relative to the project's root.
type Copy struct{ Path, Of string }

const (
	stateDir     = ".penstock"
	settingsFile = "penstock.yaml"
	maxDepth     = 12 // below the root
	maxLinks     = 3  // that one leads through
)

// Find looks for datasets. Links to directories are followed. A project below the root, and what
// a link leads to, may hold datasets of this one; whatever else is there is not told.
func Find(fsys faults.FS, root string) (Found, error) {
	f := finder{FS: fsys}
	if real, err := filepath.EvalSymlinks(root); err == nil { // else it is in memory, or is not there
		f.through = []string{real}
	}
	err := f.walk(place{dir: root})
	slices.Sort(f.Names)
	return f.Found, err
}

type finder struct {
	faults.FS
	Found
	through []string // the root, and what the links are to that are being followed
}

// place is a directory that is looked at.
type place struct {
	dir, rel string
	depth    int
	foreign  bool // of another project, or behind a link
}

func (f *finder) walk(p place) error {
	names, err := f.names(filepath.Join(p.dir, stateDir))
	if err != nil {
		return f.unless(p, err)
	}
	entries, err := f.ReadDir(p.dir)
	if err != nil {
		return f.unless(p, err)
	}
	p.foreign = p.foreign || p.depth > 0 && (slices.Contains(names, "runs") || slices.ContainsFunc(entries, isSettings))
	if slices.Contains(names, "datasets") {
		if err := f.store(p); err != nil {
			return err
		}
	}
	if p.depth == maxDepth {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		below := place{filepath.Join(p.dir, e.Name()), path.Join(p.rel, e.Name()), p.depth + 1, p.foreign}
		switch {
		case e.IsDir():
			err = f.walk(below)
		case e.Type()&fs.ModeSymlink != 0:
			err = f.follow(below)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unless is the error, unless it is that one may not look at what is not of this project.
func (f *finder) unless(p place, err error) error {
	if p.foreign && errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

func isSettings(e fs.DirEntry) bool { return e.Name() == settingsFile }

// follow walks what a link is to, if that is a directory, and does not lead in a circle.
func (f *finder) follow(p place) error {
	real, err := filepath.EvalSymlinks(p.dir)
	if err != nil || len(f.through) > maxLinks {
		return nil //nolint:nilerr // it leads nowhere
	}
	info, err := os.Stat(real)
	if err != nil || !info.IsDir() || slices.ContainsFunc(f.through, func(dir string) bool { return within(dir, real) }) {
		return nil //nolint:nilerr // it is no directory
	}
	f.through = append(f.through, real)
	p.foreign = true
	err = f.walk(p)
	f.through = f.through[:len(f.through)-1]
	return err
}

// within reports whether a directory is another, or below it.
func within(dir, other string) bool {
	rel, err := filepath.Rel(other, dir)
	return err == nil && filepath.IsLocal(rel)
}

// store takes the datasets that lie in a directory.
func (f *finder) store(p place) error {
	names, err := f.names(filepath.Join(p.dir, stateDir, "datasets"))
	if err != nil {
		return f.unless(p, err)
	}
	for _, name := range names {
		dataset := path.Join(p.rel, name)
		of, err := f.named(filepath.Join(p.dir, stateDir, "datasets", name, "versions"), dataset)
		switch {
		case err != nil && f.unless(p, err) != nil:
			return err
		case of == dataset || of == "" && !p.foreign:
			f.Names = append(f.Names, dataset)
		case !p.foreign:
			f.Copies = append(f.Copies, Copy{dataset, of})
		}
	}
	return nil
}

// named is the dataset that the versions below a directory are of: the one that is expected there
// if any of them says so. It is empty if none can be read.
func (f *finder) named(versions, expected string) (of string, err error) {
	partitions, err := f.names(versions)
	for _, partition := range partitions {
		kept, kerr := f.names(filepath.Join(versions, partition))
		if kerr != nil {
			return "", kerr
		}
		for _, version := range kept {
			text, rerr := f.ReadFile(filepath.Join(versions, partition, version, "manifest.json"))
			var m struct{ Dataset string }
			if rerr != nil || json.Unmarshal(text, &m) != nil || m.Dataset == "" {
				continue // who reads it for what it says tells
			}
			if of = m.Dataset; of == expected {
				return of, nil
			}
		}
	}
	return of, err
}

// names lists a directory; nothing if there is none.
func (f *finder) names(dir string) (names []string, err error) {
	entries, err := f.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
