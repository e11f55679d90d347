package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// Staging is a version being written. Only its holder may publish the partition.
// Its methods are not safe for concurrent use.
type Staging struct {
	store   *Store
	layout  layout
	run     string
	dir     string
	lock    faults.Lock
	current *pipeline.Manifest // nil if nothing is visible
	digest  string             // of current
	last    int64              // the highest version there ever was
	made    map[Kind]bool
	ended   bool
}

// Kind is what a staged file holds; it is also its directory in the version.
type Kind string

// The kinds of files.
const (
	Data       Kind = "data"
	Quarantine Kind = "quarantine"
)

// Version is what Commit made, or found unchanged: the one readers see now.
type Version struct {
	Manifest *pipeline.Manifest
	// Digest is the hex SHA-256 of the manifest.
	Digest string
	// Unchanged says that the files are those of the version that was current
	// before, and nothing was switched.
	Unchanged bool
}

// prepare sweeps what a dead run left, and reads what is current.
func (st *Staging) prepare() error {
	s, l := st.store, st.layout
	left, err := s.names(l.staging())
	if err != nil {
		return err
	}
	for _, name := range left {
		if p, _ := cutRun(name); p == l.partition {
			if err := s.FS.RemoveAll(filepath.Join(l.staging(), name)); err != nil {
				return err
			}
		}
	}
	if err := s.sweep(l); err != nil {
		return err
	}
	st.current, st.digest, err = s.read(filepath.Join(l.visible, visibleName), l)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	numbers, err := s.numbers(l)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if st.current != nil && n > st.current.Version { // kept, but never switched to
			if err := s.dropVersion(l, n); err != nil {
				return err
			}
			continue
		}
		st.last = n
	}
	st.made = map[Kind]bool{}
	return s.FS.MkdirAll(st.version())
}

func (st *Staging) version() string { return filepath.Join(st.dir, "version") }

// Create begins a file. The caller closes it before Commit.
func (st *Staging) Create(kind Kind, name string) (*Writer, error) {
	w, err := st.writer(kind, name)
	if err != nil {
		return nil, err
	}
	if w.f, err = st.store.FS.Create(w.Path()); err != nil {
		return nil, st.ioError(err)
	}
	return w, nil
}

// writer makes the directory of a file, and what will describe it.
func (st *Staging) writer(kind Kind, name string) (*Writer, error) {
	dir := filepath.Join(st.version(), string(kind))
	if !st.made[kind] {
		if err := st.store.FS.MkdirAll(dir); err != nil {
			return nil, st.ioError(err)
		}
		st.made[kind] = true
	}
	return &Writer{staging: st, hash: sha256.New(), name: path.Join(string(kind), name)}, nil
}

func (st *Staging) ioError(err error) error {
	return ioError(st.layout, "can't write "+st.layout.rel(st.layout.visible), err)
}

// Writer writes one staged file and hashes what it writes.
type Writer struct {
	staging *Staging
	f       faults.File
	hash    hash.Hash
	name    string
	bytes   int64
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.hash.Write(p[:n])
	w.bytes += int64(n)
	if err != nil {
		return n, w.staging.ioError(err)
	}
	return n, nil
}

// Close syncs the file and closes it.
func (w *Writer) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return w.staging.ioError(err)
	}
	return nil
}

// File describes what was written; Rows is for the caller to fill in.
func (w *Writer) File() pipeline.File {
	return pipeline.File{Path: w.name, Bytes: w.bytes, SHA256: hex.EncodeToString(w.hash.Sum(nil)), Rows: -1}
}

// Path is where the file can be read until the staging ends.
func (w *Writer) Path() string {
	return filepath.Join(w.staging.version(), filepath.FromSlash(w.name))
}

// Commit makes what was staged the version that readers see, described by m, whose
// Version, Previous and Published it fills in. It refuses a manifest in which a
// blocking rule has not passed, unless somebody approved of just these bytes under just
// these rules (pipeline.Manifest.Admits). What was held of the partition is dropped. If
// every file is as in the current version, and on disk, and so are the rules, nothing is
// switched; if one on disk is damaged, what was staged takes its place. The staging has ended then, with or without an error; after an error
// readers see what they saw before, or the new version if the switch was made.
func (st *Staging) Commit(ctx context.Context, m *pipeline.Manifest) (v *Version, err error) {
	if st.ended {
		return nil, pipeline.Errorf(pipeline.Internal, "staging of %s was ended before", st.layout.dataset)
	}
	defer func() { err = errors.Join(err, st.Abort()) }()
	now := st.store.Clock.Now().UTC() // it is admitted, and published, at one time
	if err := m.Admits(now, st.store.FourEyes); err != nil {
		return nil, err
	}
	if st.current != nil && sameFiles(st.current, m) {
		damaged, err := st.damaged(ctx)
		if err != nil {
			return nil, err
		}
		if !damaged && st.current.Gates == m.Gates && sameApprovals(st.current, m) {
			if err := st.finish(); err != nil {
				return nil, st.ioError(err)
			}
			return &Version{Manifest: st.current, Digest: st.digest, Unchanged: true}, nil
		}
		if damaged {
			if err := st.heal(); err != nil {
				return nil, st.ioError(err)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v, err = st.commit(m, now)
	if err != nil {
		return nil, st.ioError(err)
	}
	return v, nil
}

// finish does what a run that died after its switch has not come to: only what is durable is
// current for good.
func (st *Staging) finish() error {
	l := st.layout
	return errors.Join(
		st.syncUp(l.versions(), filepath.Dir(l.root)), st.syncUp(filepath.Dir(l.visible), filepath.Dir(l.beside())),
		st.prune(st.current.Version), st.dropHeld(""),
	)
}

func sameFiles(a, b *pipeline.Manifest) bool {
	same := func(a, b pipeline.File) bool { return a.Path == b.Path && a.SHA256 == b.SHA256 && a.Bytes == b.Bytes }
	return slices.EqualFunc(a.Files, b.Files, same) && slices.EqualFunc(a.Quarantine, b.Quarantine, same)
}

// sameApprovals reports whether whatever was approved of in m is on the record already.
func sameApprovals(current, m *pipeline.Manifest) bool {
	for _, f := range m.Findings {
		if f.Approved != nil && !slices.ContainsFunc(current.Findings, func(was pipeline.Finding) bool {
			return was.Approved != nil && was.Stage == f.Stage && was.Name == f.Name && was.Approved.Rules == f.Approved.Rules
		}) {
			return false
		}
	}
	return true
}

func (st *Staging) commit(m *pipeline.Manifest, now time.Time) (*Version, error) {
	m.Version, m.Published = st.last+1, now
	switch {
	case st.current != nil:
		m.Version, m.Previous = st.current.Version+1, st.digest
	case st.last > 0: // kept, but somebody removed what was visible, or it never was
		_, m.Previous, _ = st.store.read(filepath.Join(st.layout.version(st.last), manifestName), st.layout)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if err := st.keep(m, text); err != nil {
		return nil, err
	}
	if err := st.show(m); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &Version{Manifest: m, Digest: hex.EncodeToString(sum[:])}, errors.Join(st.prune(m.Version), st.dropHeld(""))
}

// keep makes the version durable among those that are kept.
func (st *Staging) keep(m *pipeline.Manifest, text []byte) error {
	f, l := st.store.FS, st.layout
	if err := st.seal(text); err != nil {
		return err
	}
	if err := f.Rename(st.version(), l.version(m.Version)); err != nil {
		return err
	}
	// All of it before the switch: else a power cut could leave what is visible and not this.
	return st.syncUp(l.versions(), filepath.Dir(l.root))
}

// seal writes the manifest of the staged version and makes all of it durable.
func (st *Staging) seal(text []byte) error {
	f := st.store.FS
	if err := faults.Write(f, filepath.Join(st.version(), manifestName), text); err != nil {
		return err
	}
	for kind := range st.made {
		if err := f.SyncDir(filepath.Join(st.version(), string(kind))); err != nil {
			return err
		}
	}
	return f.SyncDir(st.version())
}

// show switches the visible directory to the version.
func (st *Staging) show(m *pipeline.Manifest) error {
	f, l := st.store.FS, st.layout
	next := filepath.Join(st.dir, "visible")
	if err := f.MkdirAll(next); err != nil {
		return err
	}
	from := l.version(m.Version)
	if err := f.Link(filepath.Join(from, manifestName), filepath.Join(next, visibleName)); err != nil {
		return err
	}
	for _, file := range m.Files {
		if err := f.Link(filepath.Join(from, filepath.FromSlash(file.Path)), filepath.Join(next, path.Base(file.Path))); err != nil {
			return err
		}
	}
	if err := f.SyncDir(next); err != nil {
		return err
	}
	parent := filepath.Dir(l.visible)
	if err := f.MkdirAll(parent); err != nil {
		return err
	}
	if err := st.replace(next); err != nil {
		return err
	}
	return st.syncUp(parent, filepath.Dir(l.beside())) // what lies above was synced by keep
}

// replace is the switch. What stands in the visible place must be what was
// published there: anything else is somebody's, and stays.
func (st *Staging) replace(next string) error {
	f, l := st.store.FS, st.layout
	names, err := st.store.names(l.visible)
	if err != nil {
		return err
	}
	known := map[string]bool{visibleName: true}
	if st.current != nil {
		for _, file := range st.current.Files {
			known[path.Base(file.Path)] = true
		}
	}
	for _, name := range names {
		if !known[name] {
			return fmt.Errorf("it holds %q, which penstock did not put there; move it away", name)
		}
	}
	if st.current == nil {
		if len(names) == 0 {
			if err := f.RemoveAll(l.visible); err != nil {
				return err
			}
		}
		return f.Rename(next, l.visible)
	}
	return f.Exchange(next, l.visible)
}

// syncUp syncs a directory and those above it, any of which may be new, up to but
// without end.
func (st *Staging) syncUp(dir, end string) error {
	for ; dir != end && len(dir) > len(end); dir = filepath.Dir(dir) {
		if err := st.store.FS.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// prune removes versions past their keep.
func (st *Staging) prune(current int64) error {
	numbers, err := st.store.numbers(st.layout)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n < current-int64(st.store.Keep) {
			if err := st.store.dropVersion(st.layout, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Abort removes what was staged and gives the partition free. After Commit it does
// nothing.
func (st *Staging) Abort() error {
	if st.ended {
		return nil
	}
	st.ended = true
	err := st.store.FS.RemoveAll(st.dir)
	if err != nil {
		err = st.ioError(err)
	}
	return errors.Join(err, st.lock.Close())
}

// Current is the manifest of what was visible when the partition was claimed; nil if nothing
// was. It is not to be changed.
func (st *Staging) Current() *pipeline.Manifest { return st.current }
