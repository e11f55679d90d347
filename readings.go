package penstock

import (
	"context"
	"errors"
	"os"
	"path"
	"sync"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// readings are leases on published versions: as long as they are held, what is read stays as it
// is, whatever is published meanwhile. The zero value but for p is ready. It is safe for
// concurrent use.
type readings struct {
	p   *Project
	mu  sync.Mutex
	all map[string]*publish.Reading // by dataset and directory
}

// take gives the version of a partition that is read, the same at every call.
func (r *readings) take(ctx context.Context, dataset, partitionDir string) (*publish.Reading, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := path.Join(dataset, partitionDir)
	if known := r.all[key]; known != nil {
		return known, nil
	}
	now, err := r.p.publish.Read(ctx, dataset, partitionDir)
	if err != nil {
		return nil, err
	}
	if r.all == nil {
		r.all = map[string]*publish.Reading{}
	}
	r.all[key] = now
	return now, nil
}

// pin is a pipeline.Env's Pin.
func (r *readings) pin(ctx context.Context) func(dataset, partitionDir string) (*pipeline.Manifest, string, string, error) {
	return func(dataset, partitionDir string) (*pipeline.Manifest, string, string, error) {
		v, err := r.take(ctx, dataset, partitionDir)
		if err != nil {
			return nil, "", "", err
		}
		return v.Manifest, v.Digest, v.Dir, nil
	}
}

// close gives the leases back.
func (r *readings) close() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.all {
		err = errors.Join(err, v.Close())
	}
	r.all = nil
	return err
}

// private makes a directory for files that nobody else reads, and gives what removes it. What a
// process that dies leaves of it is swept by who opens the project next.
func (p *Project) private() (dir string, done func() error, err error) {
	id := p.ids.New()
	lock, err := p.lockRun(id)
	if err != nil {
		return "", nil, err
	}
	dir = p.state("tmp", id)
	done = func() error { return errors.Join(os.RemoveAll(dir), p.unlockRun(id, lock)) }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, errors.Join(err, done())
	}
	return dir, done, nil
}
