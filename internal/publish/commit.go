package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Commit makes what was staged the version that readers see, described by m, whose
// Version, Previous and Published it fills in. It refuses a manifest in which a
// blocking rule has not passed, unless somebody approved of just these bytes under just
// these rules (pipeline.Manifest.Admits). What was held of the partition is dropped. If
// every file is as in the current version, and on disk, and so are the rules, what is said
// of the columns, and what rows are traced to, nothing is switched; if one on disk is damaged, what was staged takes its place. The staging has ended
// then, with or without an error; after an error readers see what they saw before, or the new
// version if the switch was made. Once that is durable nothing is an error any more: what could
// not be cleared up goes with the next run, or with GC. A run that was fenced gets a Conflict.
func (st *Staging) Commit(ctx context.Context, m *pipeline.Manifest) (v *Version, err error) {
	if st.ended {
		return nil, pipeline.Errorf(pipeline.Internal, "staging of %s was ended before", st.layout.dataset)
	}
	defer func() { err = st.end(err) }()
	now := st.store.Clock.Now().UTC() // it is admitted, and published, at one time
	if err := m.Admits(now, st.store.FourEyes); err != nil {
		return nil, err
	}
	if st.current != nil && sameFiles(st.current, m) {
		damaged, err := st.damaged(ctx)
		if err != nil {
			return nil, err
		}
		if !damaged && st.current.Gates == m.Gates && sameApprovals(st.current, m) && sameColumns(st.current, m) && sameTraced(st.current, m) {
			return st.unchanged()
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

// unchanged leaves what is visible as it is, and makes it durable: who switched to it may have
// died before.
func (st *Staging) unchanged() (*Version, error) {
	if err := st.settle(); err != nil {
		return nil, st.ioError(err)
	}
	_ = st.dropHeld("")
	return &Version{Manifest: st.current, Digest: st.digest, Unchanged: true}, nil
}

// end is Abort after a commit, of which err is the error.
func (st *Staging) end(err error) error {
	if aerr := st.Abort(); err != nil {
		return errors.Join(err, aerr)
	}
	return nil
}

func sameFiles(a, b *pipeline.Manifest) bool {
	same := func(a, b pipeline.File) bool { return a.Path == b.Path && a.SHA256 == b.SHA256 && a.Bytes == b.Bytes }
	return slices.EqualFunc(a.Files, b.Files, same) && slices.EqualFunc(a.Quarantine, b.Quarantine, same) &&
		slices.EqualFunc(a.Lineage, b.Lineage, same)
}

// sameColumns reports whether both say the same of where columns come from, and of their tags:
// to tag a column, or to say otherwise what it is made of, is a new version of the same data. A
// release that changes no row has nothing to say of them.
func sameColumns(a, b *pipeline.Manifest) bool {
	if b.Release != nil {
		return true
	}
	text := func(m *pipeline.Manifest) string {
		// By which texts, and for which of several reasons, is for people, and no more; but what is
		// not known is not what is made of nothing.
		l := pipeline.Lineage{Columns: slices.Clone(m.Columns), RowsBy: m.RowsBy, RowsUnknown: whether(m.RowsUnknown)}
		for i := range l.Columns {
			l.Columns[i].By, l.Columns[i].Unknown = nil, whether(l.Columns[i].Unknown)
		}
		text, err := json.Marshal(l)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	return text(a) == text(b)
}

// whether stands for any reason.
func whether(unknown string) string {
	if unknown != "" {
		return "unknown"
	}
	return ""
}

// sameTraced reports whether both trace rows to the same files and versions. The rows of a trace file
// are those of what its manifest names as inputs, which goes when later versions of them come: so what
// is traced to others is a new version, even where every byte of it is the same.
func sameTraced(a, b *pipeline.Manifest) bool {
	if len(b.Lineage) == 0 || b.Release != nil {
		return true
	}
	same := func(a, b pipeline.File) bool { return a.Path == b.Path && a.SHA256 == b.SHA256 }
	return slices.EqualFunc(a.Inputs, b.Inputs, func(a, b pipeline.InputRecord) bool {
		return a.Name == b.Name && a.Dataset == b.Dataset && a.Partition == b.Partition && a.Version == b.Version && a.Missing == b.Missing &&
			slices.EqualFunc(a.Files, b.Files, same)
	})
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
	if err := st.replace(); err != nil {
		return nil, err
	}
	if err := st.settle(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	_ = errors.Join(st.prune(m.Version), st.dropHeld(""))
	return &Version{Manifest: m, Digest: hex.EncodeToString(sum[:])}, nil
}

// next is the directory that will be visible.
func (st *Staging) next() string { return filepath.Join(st.dir, "visible") }

// keep puts the version among those that are kept, and makes it durable with what will be
// visible of it. Until all of it is, nothing is switched to it, and a run that comes after a
// crash takes it away.
func (st *Staging) keep(m *pipeline.Manifest, text []byte) error {
	s, l := st.store, st.layout
	if err := st.write(filepath.Join(st.version(), manifestName), text); err != nil {
		return err
	}
	if err := st.show(m); err != nil {
		return err
	}
	all := filepath.Dir(l.versions())
	if err := s.makeDir(all); err != nil {
		return err
	}
	err := s.FS.Mkdir(l.versions())
	isNew := err == nil || st.current == nil // else it was made durable before current was switched to
	if err := ignore(err, fs.ErrExist); err != nil {
		return err
	}
	if err := s.FS.Rename(st.version(), l.version(m.Version)); err != nil {
		return err
	}
	dirs := append(st.dirs(l.version(m.Version)), st.next(), l.versions())
	// Up to where store and visible part: else a crash could leave what is visible without what
	// is kept. What lies above is synced after the switch.
	if isNew {
		dirs = append(dirs, s.above(all, filepath.Dir(l.beside()))...)
	}
	if err := st.sync(dirs...); err != nil {
		return err
	}
	s.durable.Store(all, true)
	return nil
}

// write writes a file that is synced with all others.
func (st *Staging) write(path string, text []byte) error {
	f, err := st.store.FS.Create(path)
	if err != nil {
		return err
	}
	st.open = append(st.open, f)
	_, err = f.Write(text)
	return err
}

// show makes the directory that will be visible, of links to the files of the version.
func (st *Staging) show(m *pipeline.Manifest) error {
	f := st.store.FS
	if err := f.Mkdir(st.next()); err != nil {
		return err
	}
	if err := f.Link(filepath.Join(st.version(), manifestName), filepath.Join(st.next(), VisibleName)); err != nil {
		return err
	}
	for _, file := range m.Files {
		from := filepath.Join(st.version(), filepath.FromSlash(file.Path))
		if err := f.Link(from, filepath.Join(st.next(), path.Base(file.Path))); err != nil {
			return err
		}
	}
	return nil
}

// dirs are the directories of a version.
func (st *Staging) dirs(version string) []string {
	dirs := []string{version}
	for kind := range st.made {
		dirs = append(dirs, filepath.Join(version, string(kind)))
	}
	slices.Sort(dirs)
	return dirs
}

// replace is the switch. What stands in the visible place must be what was
// published there: anything else is somebody's, and stays.
func (st *Staging) replace() error {
	f, l := st.store.FS, st.layout
	names, err := st.store.names(l.visible)
	if err != nil {
		return err
	}
	known := map[string]bool{VisibleName: true}
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
		if err := st.store.makeDir(filepath.Dir(l.visible)); err != nil {
			return err
		}
		if err := f.Rename(st.next(), l.visible); !errors.Is(err, fs.ErrExist) {
			return err
		} // else an empty directory is in the way
	}
	return f.Exchange(st.next(), l.visible)
}

// settle makes the switch durable.
func (st *Staging) settle() error {
	s, l := st.store, st.layout
	dir := filepath.Dir(l.visible)
	if err := s.FS.Sync(nil, s.above(dir, filepath.Dir(l.root))); err != nil {
		return err
	}
	s.durable.Store(dir, true)
	return nil
}

// prune takes versions past their keep away, but those that somebody reads.
func (st *Staging) prune(current int64) error {
	l := st.layout
	numbers, err := st.store.numbers(l)
	if err != nil || len(numbers) == 0 || numbers[0] >= current-int64(st.store.Keep) {
		return err
	}
	pinned, err := st.store.pinned(l)
	if err != nil {
		return err
	}
	numbers = slices.DeleteFunc(numbers, func(n int64) bool { return n >= current-int64(st.store.Keep) || pinned[n] })
	if st.store.Removing != nil && len(numbers) > 0 {
		err = st.store.Removing(l.dataset, l.dir(), numbers)
	}
	for _, n := range numbers {
		if err == nil {
			err = st.takeAway(l.version(n))
		}
	}
	return err
}

// makeDir makes a directory, and those above it if need be.
func (s *Store) makeDir(dir string) error {
	err := s.FS.Mkdir(dir)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	s.durable.Delete(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s.FS.MkdirAll(dir)
	}
	return err
}

// above lists a directory and those above it, up to but without end, any of which may be
// new. If it is known that those above are durable, it is the directory alone.
func (s *Store) above(dir, end string) (dirs []string) {
	if _, ok := s.durable.Load(dir); ok {
		return []string{dir}
	}
	for ; dir != end && len(dir) > len(end); dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}
