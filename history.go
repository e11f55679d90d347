package penstock

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"

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
		parts, err := p.published(dataset, before.Scheme())
		if err != nil {
			yield(nil, err)
			return
		}
		for _, part := range slices.Backward(parts) {
			if !part.Start.Before(before.Start) {
				continue
			}
			m, digest, err := p.publish.Current(dataset, part.Dir())
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = p.asPublished(m, digest)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
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
