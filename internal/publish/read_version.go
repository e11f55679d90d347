package publish

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/penstock-data/penstock/pipeline"
)

// ReadVersion takes a lease on a version of a partition that is kept, as Read does on that which
// is current. The error is fs.ErrNotExist where it is not kept any more.
func (s *Store) ReadVersion(ctx context.Context, dataset, partitionDir string, version int64) (*Reading, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return nil, err
	}
	r := &Reading{Manifest: &pipeline.Manifest{Version: version}, Dir: l.version(version), store: s}
	if err := r.enter(l); err != nil {
		return nil, ioError(l, "can't take a lease on "+l.rel(l.visible), err)
	}
	// Whoever takes versions away looks for leases before: what is there now stays.
	if r.Manifest, r.Digest, err = s.read(filepath.Join(r.Dir, manifestName), l); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if r.Manifest.Version != version {
		return nil, errors.Join(fs.ErrNotExist, r.Close())
	}
	r.stopBeat = s.beating(r.lease + ".")
	return r, nil
}
