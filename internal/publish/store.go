package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/penstock-data/penstock/internal/datasets"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// Store publishes the datasets below one root. It holds no state that matters and is
// safe for concurrent use, also by several processes and machines.
type Store struct {
	FS    faults.FS
	Clock faults.Clock
	// Root is the absolute path of the project.
	Root string
	// Keep is the number of earlier versions kept of each partition.
	Keep int
	// HoldFor is how long a blocked version waits for a decision; 0 or less: not at all.
	HoldFor time.Duration
	// FourEyes refuses approvals by who made the version.
	FourEyes bool
	// Lease is how long who holds a partition may stand still before another may take it
	// over, which goes by the watch of the other; 0: 30 seconds.
	Lease time.Duration
	// Removing, if set, is told of versions past their keep before they are removed; after an
	// error they stay.
	Removing func(dataset, partitionDir string, versions []int64) error

	// Approving, if set, is told which SHA-256 the approvals of a partition will have, before they
	// have it; after an error they stay as they are. Known, if set, says whether approvals that
	// are found are on record: others don't count.
	Approving func(ctx context.Context, dataset, partitionDir, digest string) error
	Known     func(dataset, partitionDir, digest string) (bool, error)

	durable sync.Map // directories with all above them, as far as this process knows
}

// Kept is a version that was published and is still kept.
type Kept struct {
	Manifest *pipeline.Manifest
	// Digest is the hex SHA-256 of the manifest.
	Digest string
	// Current says that this is what readers see.
	Current bool
	// Dir is the directory of the partition below its dataset; empty if it has none.
	Dir string
}

// Begin claims a partition of a dataset for writing and clears up what a run that
// died left of it. Only one at a time may hold it: another gets a Conflict that
// names who does. Who is dead, or does not move for a lease, is fenced.
func (s *Store) Begin(ctx context.Context, dataset string, p pipeline.Partition, run string) (*Staging, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := newLayout(s.Root, dataset, p.Dir())
	if err != nil {
		return nil, err
	}
	return s.claim(ctx, l, run, true)
}

// Current gives the manifest of what readers see of a partition, and its digest.
// The error is fs.ErrNotExist where nothing was published.
func (s *Store) Current(dataset, partitionDir string) (*pipeline.Manifest, string, error) {
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return nil, "", err
	}
	return s.read(filepath.Join(l.visible, VisibleName), l)
}

// Confirms reports whether a directory is what readers see of a partition of some dataset
// of ours, and its manifest, of this digest, that of a version that is kept.
func (s *Store) Confirms(dir, digest string) bool {
	_, m := s.confirm(dir, digest)
	return m != nil
}

// confirm gives the layout and manifest of a visible directory of ours; no manifest where
// it is none, or not that of a kept version, or of another digest. An empty digest is any.
func (s *Store) confirm(dir, digest string) (layout, *pipeline.Manifest) {
	rel, err := filepath.Rel(s.Root, dir)
	if err != nil {
		return layout{}, nil
	}
	rel = filepath.ToSlash(rel)
	for _, place := range [][2]string{{rel, ""}, {path.Dir(rel), path.Base(rel)}} {
		l, err := newLayout(s.Root, place[0], place[1])
		if err != nil {
			continue
		}
		m, seen, err := s.read(filepath.Join(l.visible, VisibleName), l)
		if err != nil || digest != "" && seen != digest {
			continue
		}
		if _, kept, err := s.read(filepath.Join(l.version(m.Version), manifestName), l); err == nil && kept == seen {
			return l, m
		}
	}
	return layout{}, nil
}

func (s *Store) read(name string, l layout) (*pipeline.Manifest, string, error) {
	text, err := s.FS.ReadFile(name)
	if err != nil {
		return nil, "", err
	}
	m := &pipeline.Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, "", pipeline.Errorf(pipeline.IO, "%s is damaged: %w", l.rel(name), err).
			With("`penstock verify` tells what else is")
	}
	if m.Format != pipeline.ManifestFormat {
		return nil, "", pipeline.Errorf(pipeline.IO, "%s has format %d, this program reads %d", l.rel(name), m.Format, pipeline.ManifestFormat).
			With("a newer penstock wrote it: update this one")
	}
	sum := sha256.Sum256(text)
	return m, hex.EncodeToString(sum[:]), nil
}

// Manifests lists the versions kept of all partitions of a dataset, by partition and
// version. Versions that never became current are left out.
func (s *Store) Manifests(dataset string) ([]Kept, error) {
	l, err := newLayout(s.Root, dataset, "")
	if err != nil {
		return nil, err
	}
	partitions, err := s.names(filepath.Join(l.store, "versions"))
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, p := range partitions {
		dir := p
		if p == whole {
			dir = ""
		}
		if l, err = newLayout(s.Root, dataset, dir); err != nil {
			return nil, err
		}
		kept, err := s.kept(l)
		if err != nil {
			return nil, err
		}
		all = append(all, kept...)
	}
	return all, nil
}

// Partitions lists the directories of the partitions of a dataset of which a version is
// kept, without order. Of a dataset without partitions it gives none.
func (s *Store) Partitions(dataset string) ([]string, error) {
	l, err := newLayout(s.Root, dataset, "")
	if err != nil {
		return nil, err
	}
	names, err := s.names(filepath.Join(l.store, "versions"))
	return slices.DeleteFunc(names, func(name string) bool { return name == whole }), err
}

// Versions lists the versions kept of a partition, by version.
func (s *Store) Versions(dataset, partitionDir string) ([]Kept, error) {
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return nil, err
	}
	return s.kept(l)
}

func (s *Store) kept(l layout) ([]Kept, error) {
	current, _, err := s.read(filepath.Join(l.visible, VisibleName), l)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	numbers, err := s.numbers(l)
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, n := range numbers {
		if n > current.Version {
			continue
		}
		m, digest, err := s.read(filepath.Join(l.version(n), manifestName), l)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was being removed
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Kept{m, digest, n == current.Version, l.dir()})
	}
	return all, nil
}

// numbers lists the versions on disk, ascending.
func (s *Store) numbers(l layout) ([]int64, error) {
	names, err := s.names(l.versions())
	if err != nil {
		return nil, err
	}
	var numbers []int64
	for _, name := range names {
		if n, run := cutClaim(name); n > 0 && run == "" { // versions have names as claims have
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// names lists a directory; nothing if there is none.
func (s *Store) names(dir string) ([]string, error) {
	entries, err := s.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Datasets finds the datasets of the project, sorted.
func (s *Store) Datasets() ([]string, error) {
	found, err := datasets.Find(s.FS, s.Root)
	return found.Names, err
}

// ioError says what could not be done and why, with a way out where there is one.
func ioError(l layout, what string, err error) error {
	e := &pipeline.Error{Kind: pipeline.IO, Msg: what + ": " + reason(err), Err: err}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		e.Evidence = append(e.Evidence, pe.Op+" "+l.rel(pe.Path))
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		e.Evidence = append(e.Evidence, "the disk is full: free some space and run again; what was visible before still is")
	case errors.Is(err, fs.ErrPermission):
		e.Evidence = append(e.Evidence, "give yourself the right to write there, or choose another output")
	case errors.Is(err, faults.ErrNoExchange):
		e.Evidence = append(e.Evidence, "choose an output on a local file system such as ext4, xfs, btrfs or apfs")
	}
	return e
}

func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
