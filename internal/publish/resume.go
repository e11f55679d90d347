package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Resumed is a held version that is claimed again.
type Resumed struct {
	// Staging is for Commit or Abort; nil if Done is not.
	Staging *Staging
	// Manifest describes what is staged, as it was when it was held.
	Manifest *pipeline.Manifest
	// Done is the version that readers see, if the held one was published before.
	Done *Version
}

// Resume claims the partition of a held version and stages it once more. Every byte is
// compared with what the run left. What is held stays until Commit has made the switch. The
// error is a Conflict where another version was published since, or another run is at it.
func (s *Store) Resume(ctx context.Context, h pipeline.HeldRecord) (*Resumed, error) {
	l, err := heldLayout(s.Root, h)
	if err != nil {
		return nil, err
	}
	st, err := s.claim(ctx, l, h.Run, true)
	if err != nil {
		return nil, err
	}
	r, err := st.resume(ctx, h)
	if err != nil {
		return nil, errors.Join(err, st.Abort())
	}
	if r.Done != nil {
		return r, errors.Join(st.settle(), st.Discard())
	}
	return r, nil
}

func (st *Staging) resume(ctx context.Context, h pipeline.HeldRecord) (*Resumed, error) {
	l := st.layout
	if c := st.current; c != nil && c.BytesDigest() == h.Bytes && c.Run == h.Run {
		return &Resumed{Done: &Version{Manifest: c, Digest: st.digest}}, nil
	}
	found, err := st.store.readHeld(l.heldBy(h.Run))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return st.gone(h)
	case err != nil:
		return nil, st.unread(h, heldName, err)
	case !st.store.Clock.Now().Before(found.Until) || !st.store.Clock.Now().Before(h.Until):
		return nil, overdue(h)
	case *found != h:
		return nil, st.altered(h, heldName, "it is not what the record of the run says")
	case st.digest != h.Previous:
		return nil, st.overtaken(h)
	}
	name := filepath.Join(l.heldBy(h.Run), "version", manifestName)
	m, digest, err := st.store.read(name, l)
	if err != nil {
		return nil, st.unread(h, "version/"+manifestName, err)
	}
	if digest != h.Manifest {
		return nil, st.altered(h, "version/"+manifestName, fmt.Sprintf("its sha256 is %.12s, run %s left %.12s", digest, h.Run, h.Manifest))
	}
	if m.BytesDigest() != h.Bytes || m.Gates != h.Gates || m.Run != h.Run || m.Dataset != h.Dataset || m.Partition != h.Partition || m.FourEyes != h.FourEyes {
		return nil, st.altered(h, "version/"+manifestName, "it is of another version")
	}
	for kind, files := range filesOf(m) {
		for _, f := range files {
			if err := st.relink(ctx, h, kind, f); err != nil {
				return nil, err
			}
		}
	}
	return &Resumed{Staging: st, Manifest: m}, nil
}

// relink stages a held file under a second name, and reads all of it.
func (st *Staging) relink(ctx context.Context, h pipeline.HeldRecord, kind Kind, f pipeline.File) error {
	if f.Path != path.Join(string(kind), path.Base(f.Path)) {
		return st.altered(h, "version/"+manifestName, fmt.Sprintf("it names the file %q", f.Path))
	}
	held := filepath.Join(st.layout.heldBy(h.Run), "version", filepath.FromSlash(f.Path))
	now, err := st.linkAndRead(ctx, held, kind, f)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return st.altered(h, "version/"+f.Path, "it is missing")
	case err != nil:
		return err
	case now.Bytes != f.Bytes:
		return st.altered(h, "version/"+f.Path, fmt.Sprintf("it is %d bytes, run %s left %d", now.Bytes, h.Run, f.Bytes))
	case now.SHA256 != f.SHA256:
		return st.altered(h, "version/"+f.Path, fmt.Sprintf("its sha256 is %.12s, run %s left %.12s", now.SHA256, h.Run, f.SHA256))
	}
	return nil
}

// gone says where a held version went; if it is what readers see already, it is done.
func (st *Staging) gone(h pipeline.HeldRecord) (*Resumed, error) {
	switch {
	case st.current != nil && st.digest == h.Previous && st.current.BytesDigest() == h.Bytes:
		return &Resumed{Done: &Version{Manifest: st.current, Digest: st.digest, Unchanged: true}}, nil
	case !st.store.Clock.Now().Before(h.Until):
		return nil, overdue(h)
	case st.digest != h.Previous:
		return nil, st.overtaken(h)
	}
	return nil, pipeline.Errorf(pipeline.Conflict, "what run %s held of %s is gone: a later run of the partition came after it", h.Run, h.Path).
		With("approve of the latest run, see `penstock runs --status blocked`, or run it again")
}

func overdue(h pipeline.HeldRecord) error {
	return pipeline.Errorf(pipeline.Conflict, "what run %s held of %s is gone: it was held until %s",
		h.Run, h.Path, h.Until.Local().Format(time.DateTime)).With("run it again; --hold-for holds it longer")
}

func (st *Staging) overtaken(h pipeline.HeldRecord) error {
	now := "nothing is published now"
	if c := st.current; c != nil {
		now = fmt.Sprintf("version %d is current now, by run %s", c.Version, c.Run)
	}
	return pipeline.Errorf(pipeline.Conflict, "%s is not what it was when run %s was blocked: %s", h.Path, h.Run, now).
		With("nothing was published; run it again, and look at what comes out")
}

// unread refuses a held version of which a part is not as the run left it, or can't be read now.
func (st *Staging) unread(h pipeline.HeldRecord, name string, err error) error {
	if failed(err) {
		return st.ioError(err)
	}
	return st.altered(h, name, err.Error())
}

// altered refuses a held version that is not as the run left it.
func (st *Staging) altered(h pipeline.HeldRecord, name, what string) error {
	if fenced := st.fenced(); fenced != nil {
		return fenced // then it may be gone
	}
	where := path.Join(st.layout.rel(st.layout.heldBy(h.Run)), name)
	return &pipeline.Error{
		Kind: pipeline.BadInput, Where: where, Msg: "was changed since it was held: " + what,
		Evidence: []string{"no approval holds of it, and nothing was published; run it again"},
	}
}
