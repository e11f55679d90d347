package penstock

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// history gives what is published of the partitions of a stage's output before the one of
// this run, the latest first. What has no order in time, a key or a whole dataset, has its
// own earlier versions as its past.
func (a *attempt) history(s *pipeline.Stage) iter.Seq2[*pipeline.Manifest, error] {
	return a.p.history(s.Output.Path, a.env.Partition)
}

func (p *Project) history(dataset string, before pipeline.Partition) iter.Seq2[*pipeline.Manifest, error] {
	if before.Start.IsZero() {
		return p.versionsOf(dataset, before)
	}
	return func(yield func(*pipeline.Manifest, error) bool) {
		name, scheme := before.String(), before.Scheme()
		for {
			// The index says which there are, so that what was published long ago costs nothing.
			page, err := p.store.Before(context.Background(), path.Clean(filepath.ToSlash(dataset)), name, historyPage)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, known := range page {
				name = known.Partition
				part, err := scheme.Anyway(name)
				if err != nil || !part.Start.Before(before.Start) {
					continue // it is of another scheme, of the past
				}
				m, err := p.inHistory(dataset, part, known.Digest)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
			if len(page) < historyPage {
				return
			}
		}
	}
}

// historyPage is how many partitions of the past are asked for at once.
const historyPage = 32

// inHistory reads the manifest of a partition; the index has that of the digest.
func (p *Project) inHistory(dataset string, part pipeline.Partition, known string) (*pipeline.Manifest, error) {
	m, digest, err := p.recent.current(p.publish, dataset, part.Dir())
	if err == nil && digest != known {
		err = p.asPublished(m, digest)
	}
	return m, err
}

// recent keeps manifests that were read last: runs that follow each other look back at the same
// ones. One is had again while its file looks the same from outside. It is safe for concurrent
// use; what it gives is not to be changed.
type recent struct {
	mu    sync.Mutex
	known map[string]recentManifest // by file
}

type recentManifest struct {
	stamp    string
	manifest *pipeline.Manifest
	digest   string
}

// The most manifests that are kept, and the most bytes that one of them has.
const (
	maxRecent      = 512
	maxRecentBytes = 64 << 10
)

func (r *recent) current(from *publish.Store, dataset, dir string) (*pipeline.Manifest, string, error) {
	file := filepath.Join(from.Root, filepath.FromSlash(dataset), dir, publish.VisibleName)
	info, err := os.Lstat(file)
	if err != nil || info.Size() > maxRecentBytes {
		return from.Current(dataset, dir)
	}
	stamp := stampOf(info)
	r.mu.Lock()
	known, ok := r.known[file]
	r.mu.Unlock()
	if ok && known.stamp == stamp {
		return known.manifest, known.digest, nil
	}
	m, digest, err := from.Current(dataset, dir)
	if err != nil {
		return nil, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= maxRecent {
		r.known = map[string]recentManifest{}
	}
	r.known[file] = recentManifest{stamp, m, digest}
	return m, digest, nil
}

// asPublished is an error if the index has another manifest of a version than there is: then
// what it says of the past was changed since.
func (p *Project) asPublished(m *pipeline.Manifest, digest string) error {
	was, err := p.store.Digest(context.Background(), m.Dataset, m.Partition, m.Version)
	if err != nil || was == "" || was == digest {
		return err
	}
	return pipeline.Errorf(pipeline.IO, "the manifest of %s@%s, version %d, was changed since it was published", m.Dataset, m.Partition, m.Version).
		With("`penstock verify` tells what else is; run the partition again")
}

// published lists the partitions of a dataset that were ever published, in their order.
func (p *Project) published(dataset string, s pipeline.Scheme) ([]pipeline.Partition, error) {
	dirs, err := p.publish.Partitions(dataset)
	if err != nil {
		return nil, err
	}
	var all []pipeline.Partition
	for _, dir := range dirs {
		value, ok := strings.CutPrefix(dir, string(s.By)+"=")
		if part, err := s.Anyway(value); ok && err == nil {
			all = append(all, part)
		}
	}
	slices.SortFunc(all, func(a, b pipeline.Partition) int { return a.Start.Compare(b.Start) })
	return all, nil
}

// versionsOf gives the versions of a partition that are on record, the latest first.
func (p *Project) versionsOf(dataset string, part pipeline.Partition) iter.Seq2[*pipeline.Manifest, error] {
	return func(yield func(*pipeline.Manifest, error) bool) {
		all, err := p.store.Versions(context.Background(), path.Clean(filepath.ToSlash(dataset)), part.String())
		if err != nil {
			yield(nil, err)
			return
		}
		for _, m := range slices.Backward(all) {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// accepted is what was published last of a stage's output: of the latest partition before
// this one, or else of this one; nil where nothing was.
func (a *attempt) accepted(s *pipeline.Stage) (*pipeline.Manifest, error) {
	for m, err := range a.history(s) {
		return m, err
	}
	m, _, err := a.p.publish.Current(s.Output.Path, a.env.Partition.Dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return m, err
}
