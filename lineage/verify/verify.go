// Package verify checks a project's invariants from what is on disk alone: outputs,
// manifests and records of runs. It shares no code with what wrote them, but how datasets
// are found.
//
// It looks for these, and reports every breach:
//
//   - a visible partition has one manifest, and every file it names is there, whole,
//     and no other; nothing else lies where readers of the dataset look;
//   - the version it says is current is kept, with the same manifest, and its chain
//     of earlier manifests is unbroken; one that was rolled back to has the files it says;
//   - every blocking rule it was published under has passed, or somebody approved of just
//     its bytes under just its rules, and the approval had not expired;
//   - what a run made that a rule blocked is a record of what was found, and not made of what the
//     rule judged;
//   - the rows of a version are those of its files, and what its stages counted adds up;
//   - what is held for a decision is as its run left it;
//   - what it was made of, if that was published too, is a version that is on record;
//   - nothing lies about in staging that no run owns;
//   - the index of runs agrees with the manifests.
package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/datasets"
	"github.com/penstock-data/penstock/internal/faults"
)

// Problem is a breach of an invariant.
type Problem struct {
	// Path is where, relative to the project; What is what is wrong there.
	Path string `json:"path"`
	What string `json:"what"`
}

// Report says what was looked at and what was found.
type Report struct {
	Datasets   int       `json:"datasets"`
	Partitions int       `json:"partitions"`
	Versions   int       `json:"versions"`
	Files      int       `json:"files"`
	Bytes      int64     `json:"bytes"`
	Problems   []Problem `json:"problems"`
}

// manifest is as much of a manifest as is checked, read on its own terms.
type manifest struct {
	Format     int       `json:"format"`
	Dataset    string    `json:"dataset"`
	Partition  string    `json:"partition"`
	Version    int64     `json:"version"`
	Previous   string    `json:"previous"`
	Files      []file    `json:"files"`
	Quarantine []file    `json:"quarantine"`
	Lineage    []file    `json:"lineage"`
	Rows       int64     `json:"rows"`
	Stage      string    `json:"stage"`
	Stages     []stage   `json:"stages"`
	Findings   []finding `json:"findings"`
	Gates      string    `json:"gates"`
	Actor      string    `json:"actor"`
	Published  time.Time `json:"published"`
	FourEyes   bool      `json:"four_eyes"`
	Rollback   *rollback `json:"rollback"`
	Run        string    `json:"run"`
	Always     bool      `json:"always"`
	Inputs     []input   `json:"inputs"`
	digest     string
}

type file struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

type finding struct {
	Stage    string `json:"stage"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Verdict  string `json:"verdict"`
	Rule     string `json:"rule"`

	Approved *approval `json:"approved"`
}

// Indexed is a version as the index knows it.
type Indexed struct {
	Dataset, Partition string
	Version            int64
	Digest             string
	Current            bool
}

type checker struct {
	ctx    context.Context
	root   string
	report Report
	// datasets are those of the project.
	datasets []string
	// current holds the digest of the visible manifest of each dataset@partition.
	current map[string]manifest
	// blockers are the findings that blocked a run, by its id.
	blockers map[string][]finding
}

// Project checks everything below root, and the index against it.
func Project(ctx context.Context, root string, index []Indexed) (*Report, error) {
	c := &checker{ctx: ctx, root: root, current: map[string]manifest{}, blockers: map[string][]finding{}}
	c.report.Problems = []Problem{}
	found, err := datasets.Find(faults.OS(), root)
	if err != nil {
		return nil, err
	}
	c.datasets = found.Names
	for _, dataset := range found.Names {
		if err := c.dataset(dataset); err != nil {
			return nil, err
		}
	}
	c.index(index)
	return &c.report, nil
}

func (c *checker) problem(where, format string, args ...any) {
	if rel, err := filepath.Rel(c.root, where); err == nil && filepath.IsAbs(where) {
		where = filepath.ToSlash(rel)
	}
	c.report.Problems = append(c.report.Problems, Problem{where, fmt.Sprintf(format, args...)})
}

// dataset checks everything that is kept of a dataset, and what readers see of it.
func (c *checker) dataset(dataset string) error {
	shown := filepath.Join(c.root, filepath.FromSlash(dataset))
	store := filepath.Join(filepath.Dir(shown), ".penstock", "datasets", path.Base(dataset))
	versions := filepath.Join(store, "versions")
	c.report.Datasets++
	there := list(shown) // first: a version is kept before it is seen
	partitions := list(versions)
	c.strangers(shown, there, partitions)
	for _, partition := range partitions {
		visible := filepath.Join(shown, partition)
		if partition == "all" {
			visible = shown
		}
		if err := c.partition(filepath.Join(versions, partition), visible); err != nil {
			return err
		}
	}
	c.staging(store)
	return c.held(store)
}

// strangers looks among what readers find in the directory of a dataset with partitions for what
// is none of them. Readers don't look at what is hidden.
func (c *checker) strangers(dir string, there, partitions []string) {
	if slices.Contains(partitions, "all") {
		return // its files lie there
	}
	for _, name := range there {
		where := filepath.Join(dir, name)
		holds := slices.ContainsFunc(c.datasets, func(dataset string) bool {
			below, err := filepath.Rel(where, filepath.Join(c.root, filepath.FromSlash(dataset)))
			return err == nil && filepath.IsLocal(below)
		})
		if !holds && !slices.Contains(partitions, name) && !strings.HasPrefix(name, ".") {
			c.problem(where, "no version is kept of it, and it lies where readers look")
		}
	}
}

// partition checks the versions of one partition and what of it is visible.
func (c *checker) partition(versions, visible string) error {
	names := list(versions)
	if _, err := os.Stat(filepath.Join(visible, "_manifest.json")); len(names) == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever published
	}
	c.report.Partitions++
	kept := map[int64]manifest{}
	for _, name := range names {
		dir := filepath.Join(versions, name)
		c.report.Versions++
		m, err := c.read(filepath.Join(dir, "manifest.json"))
		if err != nil {
			c.problem(dir, "the version has no readable manifest: %v", err)
			continue
		}
		if want := fmt.Sprintf("%06d", m.Version); want != name {
			c.problem(dir, "the manifest says version %d", m.Version)
		}
		kept[m.Version] = m
		if err := c.files(dir, slices.Concat(m.Files, m.Quarantine, m.Lineage)); err != nil {
			return err
		}
		c.verdicts(dir, m)
		c.blockedRun(dir, m)
		c.counts(dir, m)
	}
	c.chain(versions, kept)
	c.rollbacks(versions, kept)
	return c.visible(visible, kept, claimed(filepath.Join(filepath.Dir(filepath.Dir(versions)), "staging", filepath.Base(versions))))
}

// visible checks the directory that readers look at. While a run has the partition, it may be
// about to switch.
func (c *checker) visible(dir string, kept map[int64]manifest, claimed bool) error {
	m, err := c.read(filepath.Join(dir, "_manifest.json"))
	if err != nil {
		c.problem(dir, "versions are kept, but none is visible: %v", err)
		return nil
	}
	c.current[m.Dataset+"@"+m.Partition] = m
	if k, ok := kept[m.Version]; !ok {
		c.problem(dir, "version %d is visible, but is not kept", m.Version)
	} else if k.digest != m.digest {
		c.problem(dir, "the visible manifest of version %d is not the one that is kept", m.Version)
	}
	for v := range kept {
		if v > m.Version && !claimed {
			c.problem(dir, "version %d is kept, but version %d is visible", v, m.Version)
		}
	}
	var files []file
	named := map[string]bool{"_manifest.json": true}
	for _, f := range m.Files {
		f.Path = path.Base(f.Path)
		named[f.Path] = true
		files = append(files, f)
	}
	for _, name := range list(dir) {
		if !named[name] {
			c.problem(filepath.Join(dir, name), "no manifest names this file")
		}
	}
	return c.files(dir, files)
}

// files checks that the files are there with the sizes and digests they should have.
func (c *checker) files(dir string, files []file) error {
	for _, f := range files {
		where := filepath.Join(dir, filepath.FromSlash(f.Path))
		c.report.Files++
		size, sum, err := digest(c.ctx, where)
		if cerr := c.ctx.Err(); cerr != nil {
			return cerr
		}
		c.report.Bytes += size
		switch {
		case err != nil:
			c.problem(where, "can't be read: %v", err)
		case size != f.Bytes:
			c.problem(where, "is %d bytes, the manifest says %d", size, f.Bytes)
		case sum != f.SHA256:
			c.problem(where, "sha256 is %.12s, the manifest says %.12s", sum, f.SHA256)
		}
	}
	return nil
}

// chain checks that each manifest names the digest of the one before it.
func (c *checker) chain(versions string, kept map[int64]manifest) {
	for v, m := range kept {
		if before, ok := kept[v-1]; ok && m.Previous != before.digest {
			c.problem(versions, "the manifest of version %d follows %.12s, but version %d is %.12s", v, m.Previous, v-1, before.digest)
		}
		if v == 1 && m.Previous != "" {
			c.problem(versions, "version 1 says that another came before it")
		}
	}
}

// index compares the index with the visible manifests.
func (c *checker) index(index []Indexed) {
	indexed := map[string]Indexed{}
	for _, v := range index {
		if v.Current {
			indexed[v.Dataset+"@"+v.Partition] = v
		}
	}
	for name, m := range c.current {
		v, ok := indexed[name]
		switch {
		case !ok:
			c.problem(name, "is published, but not in the index; run `penstock rebuild`")
		case v.Digest != m.digest:
			c.problem(name, "version %d is published, the index says version %d; run `penstock rebuild`", m.Version, v.Version)
		}
	}
	for name := range indexed {
		if _, ok := c.current[name]; !ok {
			c.problem(name, "is in the index, but not published; run `penstock rebuild`")
		}
	}
	slices.SortFunc(c.report.Problems, func(a, b Problem) int { return strings.Compare(a.Path+a.What, b.Path+b.What) })
}

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 64 << 20

func (c *checker) read(name string) (manifest, error) {
	var m manifest
	f, err := os.Open(name)
	if err != nil {
		return m, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return m, err
	}
	sum := sha256.Sum256(text)
	m.digest = hex.EncodeToString(sum[:])
	return m, json.Unmarshal(text, &m)
}

func digest(ctx context.Context, name string) (int64, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(p)
	}))
	return n, hex.EncodeToString(h.Sum(nil)), err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// list names what is in a directory; nothing if there is none.
func list(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
