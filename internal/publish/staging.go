package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// Staging is a version being written. Only its holder may publish the partition.
// Its methods are not safe for concurrent use.
type Staging struct {
	store    *Store
	layout   layout
	run      string
	number   int64  // of the claim
	dir      string // gone if we were fenced
	lock     faults.Lock
	stopBeat func() string
	away     int                // how much was moved into dir to be removed
	current  *pipeline.Manifest // nil if nothing is visible
	digest   string             // of current
	last     int64              // the highest version there ever was
	made     map[Kind]bool
	open     []faults.File // written, and not yet synced
	ended    bool
}

// Kind is what a staged file holds; it is also its directory in the version.
type Kind string

// The kinds of files.
const (
	Data       Kind = "data"
	Quarantine Kind = "quarantine"
	Lineage    Kind = "lineage"
)

// filesOf are the files of a version by what they hold.
func filesOf(m *pipeline.Manifest) map[Kind][]pipeline.File {
	return map[Kind][]pipeline.File{Data: m.Files, Quarantine: m.Quarantine, Lineage: m.Lineage}
}

// Version is what Commit made, or found unchanged: the one readers see now.
type Version struct {
	Manifest *pipeline.Manifest
	// Digest is the hex SHA-256 of the manifest.
	Digest string
	// Unchanged says that the files are those of the version that was current
	// before, and nothing was switched.
	Unchanged bool
}

// prepare reads what is current, once no other can change it any more, and sweeps what a
// dead run left.
func (st *Staging) prepare() (err error) {
	s, l := st.store, st.layout
	if err := st.sweep(); err != nil {
		return err
	}
	st.current, st.digest, err = s.read(filepath.Join(l.visible, VisibleName), l)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if st.current != nil { // who switched to it may have died before
		if err := st.prune(st.current.Version); err != nil {
			return err
		}
	}
	numbers, err := s.numbers(l)
	if err != nil {
		return err
	}
	dead, err := st.dead(st.dir)
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(numbers) {
		whole, err := st.wasKept(n, dead)
		if err != nil {
			return err
		}
		if whole {
			st.last = n
			break
		}
		if err := st.takeAway(l.version(n)); err != nil { // it was never switched to
			return err
		}
	}
	return s.FS.Mkdir(st.version())
}

// wasKept reports whether a version on disk was current once. Where nothing is visible, that
// can't be known but of those who died at it: then it may stay if it is whole.
func (st *Staging) wasKept(n int64, dead []string) (bool, error) {
	if st.current != nil {
		return n <= st.current.Version, nil
	}
	dir := st.layout.version(n)
	m, _, err := st.store.read(filepath.Join(dir, manifestName), st.layout)
	if err != nil || slices.Contains(dead, m.Run) {
		return false, nil
	}
	for _, f := range slices.Concat(m.Files, m.Quarantine, m.Lineage) {
		whole, err := st.whole(context.Background(), filepath.Join(dir, filepath.FromSlash(f.Path)), f)
		if err != nil || !whole {
			return false, err
		}
	}
	return true, nil
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
		if err := st.store.FS.Mkdir(dir); err != nil { // not what it lies in: a fenced run would make it anew
			return nil, st.ioError(err)
		}
		st.made[kind] = true
	}
	return &Writer{staging: st, hash: sha256.New(), name: path.Join(string(kind), name)}, nil
}

// ioError says what could not be done and why; of a run that was fenced it says so, for then
// nothing is where it was.
func (st *Staging) ioError(err error) error {
	if fenced := st.fenced(); fenced != nil {
		return fenced
	}
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

// maxOpen bounds how many files stay open until they are synced together.
const maxOpen = 8

// Close ends the file. It is durable once the version is: a file is synced together with
// what else the version has.
func (w *Writer) Close() error {
	st := w.staging
	st.open = append(st.open, w.f)
	if len(st.open) < maxOpen {
		return nil
	}
	if err := st.sync(); err != nil {
		return st.ioError(err)
	}
	return nil
}

// sync makes directories, and all files that are still open, durable, and closes these.
func (st *Staging) sync(dirs ...string) error {
	err := st.store.FS.Sync(st.open, dirs)
	for _, f := range st.open {
		err = errors.Join(err, f.Close())
	}
	st.open = nil
	return err
}

// File describes what was written; Rows is for the caller to fill in.
func (w *Writer) File() pipeline.File {
	return pipeline.File{Path: w.name, Bytes: w.bytes, SHA256: hex.EncodeToString(w.hash.Sum(nil)), Rows: -1}
}

// Path is where the file can be read until the staging ends.
func (w *Writer) Path() string {
	return filepath.Join(w.staging.version(), filepath.FromSlash(w.name))
}

// Abort removes what was staged and gives the partition free. After Commit it does
// nothing.
func (st *Staging) Abort() error {
	if st.ended {
		return nil
	}
	st.ended = true
	if st.stopBeat != nil {
		st.stopBeat()
	}
	var err error
	for _, f := range st.open {
		err = errors.Join(err, f.Close())
	}
	err = errors.Join(err, st.store.FS.RemoveAll(st.dir))
	if st.lock != nil {
		err = errors.Join(err, st.lock.Close())
	}
	if err != nil {
		return ioError(st.layout, "can't clear up after "+st.layout.rel(st.layout.visible), err)
	}
	return nil
}

// Current is the manifest of what was visible when the partition was claimed; nil if nothing
// was. It is not to be changed.
func (st *Staging) Current() *pipeline.Manifest { return st.current }
