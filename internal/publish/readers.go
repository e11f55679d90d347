package publish

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const (
	// maxReads bounds how often a reader tries to get hold of what is current while others publish.
	maxReads = 100
	leaseID  = 26 // the length of an id, as rand.Text gives it
)

// Reading is a version that stays as it is while somebody reads it, whatever is published,
// pruned or collected meanwhile.
type Reading struct {
	Manifest *pipeline.Manifest
	// Digest is the hex SHA-256 of the manifest.
	Digest string
	// Dir is the absolute directory that the paths of the manifest's files go from.
	Dir string

	store    *Store
	lease    string // a file whose lock we hold
	lock     faults.Lock
	stopBeat func() string
}

// Read takes a lease on the version of a partition that is current, until Close or the end of
// the process. The error is fs.ErrNotExist where nothing was published.
func (s *Store) Read(ctx context.Context, dataset, partitionDir string) (*Reading, error) {
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return nil, err
	}
	for range maxReads {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := s.tryRead(l)
		if r != nil || err != nil {
			return r, err
		}
	}
	return nil, pipeline.Errorf(pipeline.Conflict, "%s is published again and again", l.rel(l.visible)).With("read it in a while")
}

// tryRead takes a lease on what is current, and looks whether it still is: then whoever
// switches to another version later, and looks for leases after that, finds this one. It gives
// nothing if another version came in between.
func (s *Store) tryRead(l layout) (*Reading, error) {
	visible := filepath.Join(l.visible, VisibleName)
	m, digest, err := s.read(visible, l)
	if err != nil {
		return nil, err
	}
	r := &Reading{Manifest: m, Digest: digest, Dir: l.version(m.Version), store: s}
	if err := r.enter(l); errors.Is(err, fs.ErrNotExist) { // taken for dead
		return nil, nil
	} else if err != nil {
		return nil, ioError(l, "can't take a lease on "+l.rel(l.visible), err)
	}
	_, now, err := s.read(visible, l)
	if err != nil || now != digest {
		return nil, errors.Join(err, r.Close())
	}
	r.stopBeat = s.beating(r.lease + ".")
	return r, nil
}

// enter makes the lease: under another name first, so that it is never seen without its lock.
func (r *Reading) enter(l layout) (err error) {
	f := r.store.FS
	if err := f.MkdirAll(l.readers()); err != nil {
		return err
	}
	text, err := r.store.holder("")
	if err != nil {
		return err
	}
	id := rand.Text()
	r.lease = filepath.Join(l.readers(), id)
	if r.lock, err = f.Lock(r.lease, text); err == nil {
		named := filepath.Join(l.readers(), fmt.Sprintf("%06d.%s", r.Manifest.Version, id))
		if err = f.Rename(r.lease, named); err == nil {
			r.lease = named
		}
	}
	if err != nil {
		return errors.Join(err, r.Close())
	}
	return nil
}

// Close gives the lease back.
func (r *Reading) Close() error {
	var err error
	if r.stopBeat != nil {
		if beat := r.stopBeat(); beat != "" {
			err = r.store.FS.RemoveAll(beat)
		}
		r.stopBeat = nil
	}
	err = errors.Join(err, r.store.FS.RemoveAll(r.lease))
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
		r.lock = nil
	}
	return err
}

// lease is what says that somebody reads a version.
type lease struct {
	path    string
	version int64 // 0: not taken yet
	// here says that it was made on this machine, dead that its process is gone: of other
	// machines that can't be known.
	here, dead bool
}

// leases lists those on versions of a partition.
func (s *Store) leases(l layout) (all []lease, err error) {
	names, err := s.names(l.readers())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if of, ok := cutLease(name); !ok || of != name {
			continue
		}
		found := lease{path: filepath.Join(l.readers(), name)}
		found.version, _ = cutClaim(name)
		text, err := s.FS.ReadFile(found.path)
		if err == nil {
			var h holder
			_ = json.Unmarshal(text, &h) // what a crash tore is of some other machine
			if found.here = h.Host == hostname(); found.here {
				var held bool
				held, err = s.FS.Held(found.path)
				found.dead = !held
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // given back
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// cutLease gives the name of the lease that a file among the leases is of: itself, or, of a
// beat, what comes before the time.
func cutLease(name string) (of string, ok bool) {
	of, last := name, name
	if n, rest := cutClaim(name); n > 0 {
		last, _, _ = strings.Cut(rest, ".")
		of = fmt.Sprintf("%06d.%s", n, last)
	}
	return of, len(last) == leaseID
}

// pinned gives the versions of a partition that somebody reads. A lease of another machine
// holds until GC has watched it for some time.
func (s *Store) pinned(l layout) (map[int64]bool, error) {
	leases, err := s.leases(l)
	pinned := map[int64]bool{}
	for _, found := range leases {
		if !found.dead {
			pinned[found.version] = true
		}
	}
	return pinned, err
}
