package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// damaged reports whether a file of the current version is not on disk as its manifest
// says: what readers see of the data, and what is kept of both data and quarantine.
func (st *Staging) damaged(ctx context.Context) (bool, error) {
	l, m := st.layout, st.current
	for _, f := range slices.Concat(m.Files, m.Quarantine, m.Lineage) {
		kept := filepath.Join(l.version(m.Version), filepath.FromSlash(f.Path))
		names := []string{kept}
		if path.Dir(f.Path) == string(Data) {
			names = append(names, filepath.Join(l.visible, path.Base(f.Path)))
		}
		for _, name := range st.distinct(names) {
			whole, err := st.whole(ctx, name, f)
			if err != nil || !whole {
				return true, err
			}
		}
	}
	return false, nil
}

// distinct leaves out the first of two names of one file.
func (st *Staging) distinct(names []string) []string {
	if len(names) < 2 {
		return names
	}
	a, errA := st.store.FS.Stat(names[0])
	b, errB := st.store.FS.Stat(names[1])
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return names[1:]
	}
	return names
}

// whole reports whether a file has the size and the SHA-256 that the manifest says. One
// that can't be read is not whole; the error is that of the context.
func (st *Staging) whole(ctx context.Context, name string, want pipeline.File) (bool, error) {
	if info, err := st.store.FS.Stat(name); err != nil || info.Size() != want.Bytes {
		return false, nil
	}
	f, err := st.store.FS.Open(name)
	if err != nil {
		return false, nil
	}
	w := &Writer{staging: st, hash: sha256.New()}
	err = errors.Join(w.copy(ctx, f, io.Discard), f.Close())
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil && w.File().SHA256 == want.SHA256, nil
}

// heal gives the current version, which stays kept when it is current no more, the staged
// files in place of its own: they are what its manifest says.
func (st *Staging) heal() error {
	s, l, m := st.store, st.layout, st.current
	if err := st.sync(st.dirs(st.version())...); err != nil {
		return err
	}
	for _, f := range slices.Concat(m.Files, m.Quarantine, m.Lineage) {
		name := filepath.FromSlash(f.Path)
		kept, fresh := filepath.Join(l.version(m.Version), name), filepath.Join(st.dir, "healed")
		if err := ignore(s.FS.Mkdir(filepath.Dir(kept)), fs.ErrExist); err != nil {
			return err
		}
		if err := s.FS.Link(filepath.Join(st.version(), name), fresh); err != nil {
			return err
		}
		if err := s.FS.Rename(fresh, kept); err != nil {
			return err
		}
		if err := s.FS.RemoveAll(fresh); err != nil { // it stays where both were one file
			return err
		}
		if err := s.FS.SyncDir(filepath.Dir(kept)); err != nil {
			return err
		}
	}
	return nil
}
