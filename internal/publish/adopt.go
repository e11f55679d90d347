package publish

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/penstock-data/penstock/pipeline"
)

// adoptBuffers hold how much of a file is copied at once.
var adoptBuffers = sync.Pool{New: func() any { return new([1 << 20]byte) }}

// Adopt makes a file that is there already a data file of the version, byte for byte, and
// hashes it on the way. A file of a version that we keep gets a second name, for it never
// changes; any other is copied, for its owner may write to it. The writer is closed.
func (st *Staging) Adopt(ctx context.Context, name, from string) (_ *Writer, err error) {
	src, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if kept := st.store.keptFile(from); kept != "" {
		if w, err := st.link(kept, name); err == nil {
			return w, w.copy(ctx, src, io.Discard)
		}
	}
	w, err := st.Create(Data, name)
	if err != nil {
		return nil, err
	}
	err = w.copy(ctx, src, w.f)
	return w, errors.Join(err, w.Close())
}

// link gives a kept file a second name in the version.
func (st *Staging) link(kept, name string) (*Writer, error) {
	w, err := st.writer(Data, name)
	if err != nil {
		return nil, err
	}
	return w, st.store.FS.Link(kept, w.Path())
}

// linkAndRead gives a file of ours a second name in the version, and says what is in it. The
// error is fs.ErrNotExist where it is missing.
func (st *Staging) linkAndRead(ctx context.Context, from string, kind Kind, f pipeline.File) (pipeline.File, error) {
	w, err := st.writer(kind, path.Base(f.Path))
	if err != nil {
		return f, err
	}
	if err := st.store.FS.Link(from, w.Path()); err != nil {
		return f, st.ioError(err)
	}
	src, err := st.store.FS.Open(w.Path())
	if err != nil {
		return f, st.ioError(err)
	}
	err = errors.Join(w.copy(ctx, src, io.Discard), src.Close())
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	if err != nil {
		return f, st.ioError(err)
	}
	return w.File(), nil
}

// copy hashes what it reads, and writes it.
func (w *Writer) copy(ctx context.Context, from io.Reader, to io.Writer) error {
	pooled := adoptBuffers.Get().(*[1 << 20]byte)
	defer adoptBuffers.Put(pooled)
	buf := pooled[:]
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := from.Read(buf)
		w.hash.Write(buf[:n])
		w.bytes += int64(n)
		if _, werr := to.Write(buf[:n]); werr != nil {
			return w.staging.ioError(werr)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// keptFile gives the file of a kept version that a visible file is another name of; empty if
// it is none of ours.
func (s *Store) keptFile(visible string) string {
	dir := filepath.Dir(visible)
	l, m := s.confirm(dir, "")
	if m == nil {
		return ""
	}
	for _, f := range m.Files {
		if path.Base(f.Path) == filepath.Base(visible) {
			return filepath.Join(l.version(m.Version), filepath.FromSlash(f.Path))
		}
	}
	return ""
}
