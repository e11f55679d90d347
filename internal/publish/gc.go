package publish

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// GCReport says what GC removed, or would remove.
type GCReport struct {
	Removed []Garbage `json:"removed"`
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
	// Busy are the partitions, as readers see them, that a run was writing: they are left to it.
	Busy []string `json:"busy,omitempty"`
}

// Garbage is a file or directory that nothing needs. Bytes are freed where no other name of
// the files is left.
type Garbage struct {
	Path  string `json:"path"` // relative to the project
	What  string `json:"what"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
}

// GC removes what nothing needs of a dataset: what dead runs were writing, versions that were
// never switched to or are past their keep, held versions past their time, leases of readers
// that are gone. It leaves a partition alone that a run is writing, versions that somebody
// reads, and whatever penstock did not make. With dryRun it only says what it would do; what
// is told by watching for a lease is not among it then.
func (s *Store) GC(ctx context.Context, dataset string, dryRun bool) (*GCReport, error) {
	l, err := newLayout(s.Root, dataset, "")
	if err != nil {
		return nil, err
	}
	places, err := s.places(l)
	if err != nil {
		return nil, ioError(l, "can't look through "+l.dataset, err)
	}
	c := &collector{s: s, dryRun: dryRun, report: &GCReport{Removed: []Garbage{}}}
	if !dryRun {
		if c.silent, err = s.silent(ctx, places); err != nil {
			return nil, err
		}
	}
	var errs []error
	for _, l := range places {
		if err := ctx.Err(); err != nil {
			return c.report, errors.Join(append(errs, err)...)
		}
		errs = append(errs, c.partition(ctx, l))
	}
	return c.report, errors.Join(append(errs, c.old(l))...)
}

// places gives the layouts of all partitions of a dataset of which there is anything.
func (s *Store) places(l layout) (all []layout, err error) {
	found := map[string]bool{}
	for _, dir := range []string{"versions", "staging", "readers"} {
		names, err := s.names(filepath.Join(l.store, dir))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			found[name] = true
		}
	}
	held, err := s.names(l.held())
	if err != nil {
		return nil, err
	}
	for _, name := range held {
		p, _ := cutRun(name)
		found[p] = true
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		dir := name
		if name == whole {
			dir = ""
		}
		if p, err := newLayout(l.root, l.dataset, dir); err == nil && !s.isOldStaging(p.staging()) {
			all = append(all, p)
		}
	}
	return all, nil
}

// silent watches the leases of readers on other machines for a lease, and gives those whose
// readers did not move.
func (s *Store) silent(ctx context.Context, places []layout) (map[string]bool, error) {
	before, err := s.beats(places)
	if err != nil || len(before) == 0 {
		return nil, err
	}
	if err := wait(ctx, s.lease()); err != nil {
		return nil, err
	}
	after, err := s.beats(places)
	silent := map[string]bool{}
	for path, beat := range before {
		silent[path] = after[path] == beat
	}
	return silent, err
}

// beats gives the last sign of life of every reader of whom that can't be told otherwise.
func (s *Store) beats(places []layout) (map[string]string, error) {
	beats := map[string]string{}
	for _, l := range places {
		leases, err := s.leases(l)
		if err != nil {
			return nil, ioError(l, "can't look for readers of "+l.rel(l.visible), err)
		}
		names, err := s.names(l.readers())
		if err != nil {
			return nil, ioError(l, "can't look for readers of "+l.rel(l.visible), err)
		}
		for _, lease := range leases {
			if !lease.here {
				beats[lease.path] = ""
			}
		}
		for _, name := range names {
			of, _ := cutLease(name)
			of = filepath.Join(l.readers(), of)
			if _, ok := beats[of]; ok {
				beats[of] = max(beats[of], name)
			}
		}
	}
	return beats, nil
}

type collector struct {
	s      *Store
	dryRun bool
	silent map[string]bool // leases of readers that did not move
	report *GCReport
}

// partition removes what can go of a partition. Whatever a run might be about to use is moved
// away under a claim; a lease is its reader's alone.
func (c *collector) partition(ctx context.Context, l layout) error {
	leases, err := c.leases(l)
	if err != nil {
		return ioError(l, "can't look for readers of "+l.rel(l.visible), err)
	}
	if err := c.remove(l, leases); err != nil {
		return err
	}
	garbage, busy, err := c.garbage(l)
	switch {
	case err != nil:
		return ioError(l, "can't look through "+l.rel(l.visible), err)
	case busy && c.dryRun:
		c.report.Busy = append(c.report.Busy, l.rel(l.visible))
	case c.dryRun:
		c.count(garbage)
	case len(garbage) > 0:
		return c.collect(ctx, l, garbage)
	}
	return nil
}

// collect claims the partition, and so takes away what dead runs left; then the rest.
func (c *collector) collect(ctx context.Context, l layout, garbage []Garbage) error {
	st, err := c.s.claim(ctx, l, "gc", true)
	if pipeline.KindOf(err) == pipeline.Conflict {
		c.report.Busy = append(c.report.Busy, l.rel(l.visible))
		return nil
	}
	if err != nil {
		return err
	}
	if st.current != nil {
		err = st.prune(st.current.Version)
	}
	err = errors.Join(err, st.takeAway(l.approvals()+".tmp"))
	if err != nil {
		return errors.Join(st.ioError(err), st.Abort())
	}
	if err := st.Abort(); err != nil {
		return err
	}
	c.count(slices.DeleteFunc(garbage, func(g Garbage) bool {
		_, err := c.s.FS.Stat(filepath.Join(l.root, filepath.FromSlash(g.Path)))
		return err == nil
	}))
	return nil
}

func (c *collector) count(garbage []Garbage) {
	for _, g := range garbage {
		c.report.Removed = append(c.report.Removed, g)
		c.report.Files += g.Files
		c.report.Bytes += g.Bytes
	}
}

// remove removes what only its owner, who is gone, would ever use.
func (c *collector) remove(l layout, garbage []Garbage) error {
	for _, g := range garbage {
		if !c.dryRun {
			if err := c.s.FS.RemoveAll(filepath.Join(l.root, filepath.FromSlash(g.Path))); err != nil {
				return ioError(l, "can't remove "+g.Path, err)
			}
		}
	}
	c.count(garbage)
	return nil
}

// leases lists the leases of readers that are gone, and what else they left.
func (c *collector) leases(l layout) (all []Garbage, err error) {
	leases, err := c.s.leases(l)
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for _, lease := range leases {
		alive[filepath.Base(lease.path)] = !lease.dead && !c.silent[lease.path]
	}
	names, err := c.s.names(l.readers())
	for _, name := range names {
		of, ok := cutLease(name)
		if !ok || alive[of] {
			continue
		}
		if g, ok := c.measure(l, filepath.Join(l.readers(), name), "the lease of a reader that is gone"); ok {
			all = append(all, g)
		}
	}
	return all, err
}

// garbage lists what can go of a partition under a claim, and says whether a run has it.
func (c *collector) garbage(l layout) (all []Garbage, busy bool, err error) {
	newest, _, err := c.s.newest(l)
	if err != nil {
		return nil, false, err
	}
	_, busy, err = c.s.look(l, newest)
	if err != nil {
		return nil, false, err
	}
	add := func(path, what string) {
		if g, ok := c.measure(l, path, what); ok {
			all = append(all, g)
		}
	}
	names, err := c.s.names(l.staging())
	for _, name := range names {
		if n, run := cutClaim(name); n > 0 && (run != "" || n < newest.number) {
			add(filepath.Join(l.staging(), name), "what a run was writing that is gone")
		}
	}
	held, herr := c.s.names(l.held())
	for _, name := range held {
		p, run := cutRun(name)
		if p != l.partition {
			continue
		}
		over, oerr := c.s.over(l.heldBy(run))
		if herr = errors.Join(herr, oerr); over {
			add(l.heldBy(run), "held, and past its time")
		}
	}
	add(l.approvals()+".tmp", "half written")
	return all, busy, errors.Join(err, herr, c.versions(l, add))
}

// versions adds those that were never switched to, and those past their keep.
func (c *collector) versions(l layout, add func(path, what string)) error {
	numbers, err := c.s.numbers(l)
	if err != nil || len(numbers) == 0 {
		return err
	}
	current, _, err := c.s.read(filepath.Join(l.visible, VisibleName), l)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	pinned, err := c.s.pinned(l)
	for _, n := range numbers {
		switch {
		case n > current.Version:
			add(l.version(n), "a version that was never switched to")
		case n < current.Version-int64(c.s.Keep) && !pinned[n]:
			add(l.version(n), "a version past its keep")
		}
	}
	return err
}

// measure counts what is at a path; nothing if there is nothing.
func (c *collector) measure(l layout, path, what string) (g Garbage, ok bool) {
	info, err := c.s.FS.Stat(path)
	if err != nil {
		return g, false
	}
	g = Garbage{Path: l.rel(path), What: what}
	if !info.IsDir() {
		g.Files, g.Bytes = 1, info.Size()
		return g, true
	}
	entries, _ := c.s.FS.ReadDir(path)
	for _, e := range entries {
		in, _ := c.measure(l, filepath.Join(path, e.Name()), what)
		g.Files += in.Files
		g.Bytes += in.Bytes
	}
	return g, true
}

// old removes what a program left that locked partitions and did not claim them.
func (c *collector) old(l layout) error {
	locks, err := c.s.names(filepath.Join(l.store, "locks"))
	staging, serr := c.s.names(filepath.Join(l.store, "staging"))
	if err := cmp.Or(err, serr); err != nil {
		return ioError(l, "can't look through "+l.dataset, err)
	}
	free := func(partition string) bool {
		held, err := c.s.FS.Held(filepath.Join(l.store, "locks", partition))
		return !held && ignore(err, fs.ErrNotExist) == nil
	}
	var all []Garbage
	for _, name := range staging {
		path := filepath.Join(l.store, "staging", name)
		if p, run := cutRun(name); run != "" && c.s.isOldStaging(path) && free(p) {
			if g, ok := c.measure(l, path, "what a run was writing that is gone"); ok {
				all = append(all, g)
			}
		}
	}
	for _, name := range locks {
		if g, ok := c.measure(l, filepath.Join(l.store, "locks", name), "the lock of a run that is gone"); ok && free(name) {
			all = append(all, g)
		}
	}
	return c.remove(l, all)
}

// isOldStaging reports whether a directory in staging is what a run wrote, and not the place of
// a partition.
func (s *Store) isOldStaging(dir string) bool {
	names, _ := s.names(dir)
	return slices.Contains(names, "version") || slices.Contains(names, "visible")
}
