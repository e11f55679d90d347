package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
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
	approvals *Entry
	last      *Entry // of the highest version
}

// partitions gathers what a dataset's chain says, by the directory of the partition.
func (c *checker) partitions(ch *chain) map[string]*said {
	all := map[string]*said{}
	for _, e := range ch.entries {
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
			p.approvals = e
		}
	}
	return all
}

func place(dataset, partition string) string { return path.Join(dataset, partition) }

// dataset checks everything that is kept of a dataset against its chain.
func (c *checker) dataset(dataset string) error {
	ch := c.chains[dataset]
	store := filepath.Dir(ch.name)
	kept, err := list(filepath.Join(store, "versions"))
	if err != nil {
		return err
	}
	if len(ch.entries) == 0 {
		if ch.size == 0 && c.shown(dataset, kept) {
			c.problem(ch.name, "there is no chain of %s; the next run of it begins one, with what is there then", dataset)
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
	return c.approvals(store, all)
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
	name := dir
	if dir == "" {
		name = whole
	}
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
	for _, n := range sortedVersions(s.versions) {
		switch e := s.versions[n]; {
		case there[n]:
		case s.removed[n]:
			c.Removed++
		default:
			c.problem(filepath.Join(versions, nameOf(n)), "is gone: entry %d says that run %s made it, and no entry that it was removed", e.Seq, e.Run)
		}
	}
	return nil
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
		if !c.goesOn(m) {
			c.problem(name, "is published, and no entry of the chain says who made it")
		}
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
// record yet.
func (c *checker) goesOn(m made) bool {
	if m.Run == "" || strings.ContainsAny(m.Run, `/\`) || !c.lives(m.Run) {
		return false
	}
	c.note("run %s goes on: what it has published is not on record yet", m.Run)
	return true
}

// file is one that a manifest names.
type file struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// manifest checks a manifest and gives the files of the version; nil if it is not what it should
// be.
func (c *checker) manifest(name, expected string) ([]file, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		c.problem(name, "can't be read: %v; its sha256 should be %.12s", reason(err), expected)
		return nil, nil
	}
	c.Files++
	c.Bytes += int64(len(text))
	if found := digestOf(text); found != expected {
		c.differs(name, "was changed", expected, found)
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		c.problem(name, "can't be read: %v", err)
		return nil, nil
	}
	all := []file{}
	for field, value := range fields {
		var files []file
		if field != "inputs" && json.Unmarshal(value, &files) == nil { // whatever has files has them in this form
			all = append(all, slices.DeleteFunc(files, func(f file) bool { return f.Path == "" || f.SHA256 == "" })...)
		}
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// file checks a file.
func (c *checker) file(name string, want file) error {
	n, sum, err := c.sum(name)
	if cerr := c.ctx.Err(); cerr != nil {
		return cerr
	}
	c.Files++
	c.Bytes += n
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.problem(name, "is gone; its manifest names it, with sha256 %.12s", want.SHA256)
	case err != nil:
		c.problem(name, "can't be read: %v", reason(err))
	case n != want.Bytes:
		c.problem(name, "was changed: it is %d bytes, its manifest says %d", n, want.Bytes)
	case sum != want.SHA256:
		c.differs(name, "was changed", want.SHA256, sum)
	}
	return nil
}

func (c *checker) sum(name string) (int64, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := c.ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(p)
	}))
	return n, hex.EncodeToString(h.Sum(nil)), err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// others looks for files in the directory of a version that its manifest does not name.
func (c *checker) others(dir string, named []file) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p) // it is below
		rel = filepath.ToSlash(rel)
		if rel != "manifest.json" && !slices.ContainsFunc(named, func(f file) bool { return f.Path == rel }) {
			c.problem(p, "no manifest names it")
		}
		return nil
	})
}

// approvals checks the files that say what was approved of.
func (c *checker) approvals(store string, all map[string]*said) error {
	names, err := list(filepath.Join(store, "approvals"))
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, name := range names {
		dir, isJSON := strings.CutSuffix(name, ".json")
		where := filepath.Join(store, "approvals", name)
		if there[dir] = true; !isJSON {
			c.problem(where, "penstock did not put it there")
			continue
		}
		s := all[strings.TrimPrefix(dir, whole)]
		if s == nil || s.approvals == nil {
			c.problem(where, "no entry of the chain says who approved")
			continue
		}
		c.Files++
		_, sum, err := c.sum(where)
		if err != nil {
			c.problem(where, "can't be read: %v", reason(err))
		} else if sum != s.approvals.Digest {
			c.differs(where, "was changed since entry "+itoa(s.approvals.Seq), s.approvals.Digest, sum)
		}
	}
	for dir, s := range all {
		if name := nameOfPartition(dir); s.approvals != nil && !there[name] {
			c.problem(filepath.Join(store, "approvals", name+".json"), "is gone; entry %d has its sha256, %.12s", s.approvals.Seq, s.approvals.Digest)
		}
	}
	return nil
}
