package audit

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// said is what a chain says of the versions of one partition.
type said struct {
	versions  map[int64]*Entry
	previous  map[int64]string // what the version after says of one
	removed   map[int64]bool
	approvals Standing
	last      *Entry // of the highest version
}

// partitions gathers what a dataset's chain says, by the directory of the partition.
func (c *checker) partitions(ch *chain) map[string]*said {
	all := map[string]*said{}
	for _, e := range ch.entries {
		if e.File != "" {
			continue
		}
		p := all[e.Partition]
		if p == nil {
			p = &said{versions: map[int64]*Entry{}, previous: map[int64]string{}, removed: map[int64]bool{}}
			all[e.Partition] = p
		}
		switch {
		case e.Version > 0:
			if was := p.versions[e.Version]; was != nil && was.Digest != e.Digest {
				c.Problems = append(c.Problems, Problem{c.rel(ch.name), e.Seq, "says that version " + itoa(e.Version) + " of " +
					place(ch.dataset, e.Partition) + " is another than entry " + itoa(was.Seq) + " says", was.Digest, e.Digest})
			}
			p.versions[e.Version] = e
			if p.last == nil || e.Version >= p.last.Version {
				p.last = e
			}
			if e.Previous != "" {
				p.previous[e.Version-1] = e.Previous
			}
		case e.Kind == GC:
			for _, v := range e.Removed {
				p.removed[v] = true
			}
		case e.Digest != "":
			c.late(ch, e, &p.approvals)
			p.approvals.add(e)
		}
	}
	return all
}

func place(dataset, partition string) string { return path.Join(dataset, partition) }

// dataset checks everything that is kept of a dataset against its chain.
func (c *checker) dataset(dataset string) error {
	ch := c.chains[dataset]
	store := filepath.Dir(ch.name)
	visible, err := list(filepath.Join(c.root, filepath.FromSlash(dataset))) // first: a version is kept before it is seen
	if err != nil {
		return err
	}
	kept, err := list(filepath.Join(store, "versions"))
	if err != nil {
		return err
	}
	if len(ch.entries) == 0 {
		if ch.size == 0 && c.shown(dataset, kept) {
			c.unchained(ch)
		}
		return nil
	}
	all := c.partitions(ch)
	for _, name := range kept {
		dir := strings.TrimPrefix(name, whole) // partitions have a "=" in them
		if all[dir] == nil {
			all[dir] = &said{}
		}
	}
	names := make([]string, 0, len(all))
	for dir := range all {
		names = append(names, dir)
	}
	slices.Sort(names)
	for _, dir := range names {
		if err := c.partition(dataset, dir, all[dir]); err != nil {
			return err
		}
	}
	c.strangers(dataset, visible, all)
	if err := c.strangersHeld(filepath.Join(store, "held")); err != nil {
		return err
	}
	if err := c.approvals(store, all); err != nil {
		return err
	}
	return c.decisions(ch)
}

// unchained tells of a dataset that has no chain. In a project that is older than its chain it
// may be that nothing was done with it since.
func (c *checker) unchained(ch *chain) {
	named, older := false, false
	for _, e := range c.chains[""].entries {
		older = older || e.Kind == Adopt
		named = named || slices.ContainsFunc(e.Heads, func(h Head) bool { return h.Dataset == ch.dataset })
	}
	if older && !named {
		c.note("there is no chain of %s, and none was begun since the project has one: nothing is proven of it; the next run of it begins one", ch.dataset)
		return
	}
	c.problem(ch.name, "there is no chain of %s; the next run of it begins one, with what is there then", ch.dataset)
}

// shown reports whether readers see any of some partitions. A run that has not ended keeps a
// version before it is the first that they see.
func (c *checker) shown(dataset string, partitions []string) bool {
	return slices.ContainsFunc(partitions, func(name string) bool {
		text, err := os.ReadFile(filepath.Join(c.root, filepath.FromSlash(dataset), strings.TrimPrefix(name, whole), "_manifest.json"))
		return err == nil && !c.goesOn(whose(text))
	})
}

// whole names the partition of a dataset that has none.
const whole = "all"

// partition checks the versions of a partition, and what readers see of it.
func (c *checker) partition(dataset, dir string, s *said) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if !c.turnTo(place(dataset, dir)) {
		return nil
	}
	name := nameOfPartition(dir)
	clear(c.sums)
	versions := filepath.Join(filepath.Dir(c.chains[dataset].name), "versions", name)
	visible := filepath.Join(c.root, filepath.FromSlash(dataset), dir)
	names, err := list(versions)
	if err != nil {
		return err
	}
	shown, err := c.visible(visible, s)
	if err != nil {
		return err
	}
	there := map[int64]bool{}
	for _, name := range names {
		n, err := versionOf(name)
		if err != nil {
			c.problem(filepath.Join(versions, name), "is no version")
			continue
		}
		there[n] = true
		if err := c.version(filepath.Join(versions, name), visible, n, s, shown); err != nil {
			return err
		}
	}
	c.gone(versions, s, there)
	return nil
}

// gone looks for versions that are on record, and are not there.
func (c *checker) gone(versions string, s *said, there map[int64]bool) {
	for _, n := range slices.Sorted(maps.Keys(s.versions)) {
		switch e := s.versions[n]; {
		case there[n]:
		case s.removed[n]:
			c.Removed++
		default:
			c.problem(filepath.Join(versions, nameOf(n)), "is gone: entry %d says that run %s made it, and no entry that it was removed", e.Seq, e.Run)
		}
	}
}

// version checks a kept version; visible is what readers see of the partition.
func (c *checker) version(dir, visible string, n int64, s *said, shown int64) error {
	expected := s.previous[n]
	if e := s.versions[n]; e != nil {
		expected = e.Digest
	}
	if expected == "" {
		if n <= shown {
			c.problem(dir, "is kept, and no entry of the chain says who made it")
		}
		return nil // it was never switched to; the next run removes it
	}
	c.Versions++
	m, err := c.manifest(filepath.Join(dir, "manifest.json"), expected)
	if m == nil || err != nil {
		return err
	}
	for _, f := range m {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		if c.sawIt(name, filepath.Join(visible, path.Base(f.Path)), f.SHA256) {
			continue
		}
		if err := c.file(name, f); err != nil {
			return err
		}
	}
	return c.others(dir, m)
}

// sawIt reports whether a file is another name of the one that readers see, which was read, and
// compared with the same digest.
func (c *checker) sawIt(kept, visible, digest string) bool {
	if c.sums[visible] != digest {
		return false
	}
	a, aerr := os.Stat(kept)
	b, berr := os.Stat(visible)
	if aerr != nil || berr != nil || !os.SameFile(a, b) {
		return false
	}
	c.Files++
	return true
}

// visible checks what readers see, and gives its version.
func (c *checker) visible(dir string, s *said) (shown int64, err error) {
	name := filepath.Join(dir, "_manifest.json")
	if s.last == nil {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, ignore(err, fs.ErrNotExist)
		}
		m := whose(text)
		if c.goesOn(m) {
			return 0, nil
		}
		c.problem(name, "is published, and no entry of the chain says who made it")
		return m.Version, nil
	}
	if text, err := os.ReadFile(name); err == nil && digestOf(text) != s.last.Digest && c.goesOn(whose(text)) {
		return s.last.Version, nil
	}
	files, err := c.manifest(name, s.last.Digest)
	if files == nil || err != nil {
		return s.last.Version, err
	}
	named := map[string]bool{"_manifest.json": true}
	for _, f := range files {
		if kind, base := path.Split(f.Path); kind == "data/" {
			named[base] = true
			if err := c.file(filepath.Join(dir, base), f); err != nil {
				return 0, err
			}
			c.sums[filepath.Join(dir, base)] = f.SHA256
		}
	}
	names, err := list(dir)
	for _, n := range names {
		if !named[n] {
			c.problem(filepath.Join(dir, n), "no manifest names it")
		}
	}
	return s.last.Version, err
}

// made is as much of a manifest as says which run made it current.
type made struct {
	Version  int64
	Run      string
	Rollback *struct{ Run string }
}

func whose(text []byte) (m made) {
	_ = json.Unmarshal(text, &m) // of what can't be read, nobody is at it
	if m.Rollback != nil {
		m.Run = m.Rollback.Run
	}
	return m
}

// goesOn reports whether the run that made a version current has not ended, so that it is not on
// record yet. If it never will, for its process has died, that is told.
func (c *checker) goesOn(m made) bool {
	if m.Run == "" || strings.ContainsAny(m.Run, `/\`) {
		return false
	}
	if !c.lives(m.Run) {
		return c.died(m.Run)
	}
	c.note("run %s goes on: what it has published is not on record yet", m.Run)
	return true
}
