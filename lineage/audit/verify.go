package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/internal/datasets"
	"github.com/penstock-data/penstock/internal/faults"
)

// Options of Verify. The zero value checks everything that can be checked without knowing more
// than what is on disk.
type Options struct {
	// Head is what the project's chain ended with at another time: it must still be in it. The
	// zero value is none.
	Head Head
	// Keys are those whose signatures are believed. If there are any, no other is, and every entry
	// of a chain from the first that is signed on must be signed, and there must be one.
	Keys []Public
	// Signed demands that also where no Keys are given.
	Signed bool
}

// Problem is something that doesn't hold.
type Problem struct {
	// Path is the file, relative to the project, and, of a chain, the number of the entry.
	Path string `json:"path"`
	Seq  int64  `json:"seq,omitempty"`
	What string `json:"what"`
	// Expected and Found are digests, where that is what it is about.
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
}

// String says it in a line.
func (p Problem) String() string {
	text := p.Path
	if p.Seq > 0 {
		text += fmt.Sprintf(": entry %d", p.Seq)
	}
	text += ": " + p.What
	if p.Expected != "" {
		found := p.Found
		if len(found) > 12 {
			found = found[:12]
		}
		text += fmt.Sprintf(": sha256 is %s, expected %.12s", found, p.Expected)
	}
	return text
}

// Chain is what was found of a chain.
type Chain struct {
	Dataset string `json:"dataset,omitempty"` // empty is the project's
	Path    string `json:"path"`
	Entries int64  `json:"entries"`
	Head    Head   `json:"head"`
	// Signed counts the entries with a signature, Keys are the ids of those that made them.
	Signed int64    `json:"signed"`
	Keys   []string `json:"keys,omitempty"`
	// Adopted counts what was there before the chain began, Late what a crash left out and was
	// added later, Mended what a crash tore.
	Adopted int64 `json:"adopted,omitempty"`
	Late    int64 `json:"late,omitempty"`
	Mended  int64 `json:"mended,omitempty"`
}

// Report says what was looked at, and what doesn't hold.
type Report struct {
	Chains   []Chain `json:"chains"` // the project's first
	Runs     int     `json:"runs"`
	Versions int     `json:"versions"`
	Removed  int     `json:"removed"` // versions that are gone, on record
	Files    int     `json:"files"`
	Bytes    int64   `json:"bytes"`
	// Checked says that there were keys to check signatures with.
	Checked  bool      `json:"signatures_checked"`
	Problems []Problem `json:"problems"`
	// Notes are no problems, and good to know.
	Notes []string `json:"notes,omitempty"`
}

// Holds reports whether nothing is wrong.
func (r *Report) Holds() bool { return len(r.Problems) == 0 }

// Head is the last entry of the project's chain.
func (r *Report) Head() Head {
	if len(r.Chains) == 0 {
		return Head{}
	}
	return r.Chains[0].Head
}

// maxTries bounds how often a project is looked at while runs go on in it.
const maxTries = 5

// Verify checks the chains of the project at root and of its datasets, and every file they stand
// for. Problems are in the order in which they were found: chains first, each in its order, then
// files. The error is for what kept it from looking. While runs go on, what they do is looked at
// again.
func Verify(ctx context.Context, root string, o Options) (*Report, error) {
	c, err := look(ctx, root, o)
	if err != nil {
		return nil, err
	}
	return &c.Report, nil
}

func look(ctx context.Context, root string, o Options) (*checker, error) {
	c := newChecker(ctx, root, o)
	if err := c.all(); err != nil {
		return nil, err
	}
	// What did not hold may have been just then on its way to the chain.
	for n := 1; n < maxTries && !c.Holds() && c.moved(); n++ {
		again := newChecker(ctx, root, o)
		again.only, again.before = c.suspects, c.before
		if err := again.all(); err != nil {
			return nil, err
		}
		again.Runs, again.Versions, again.Removed, again.Files, again.Bytes = c.Runs, c.Versions, c.Removed, c.Files, c.Bytes
		c = again
	}
	return c, nil
}

// checker looks at a project once.
type checker struct {
	Report
	ctx    context.Context
	root   string
	opts   Options
	chains map[string]*chain // by dataset
	sums   map[string]string // that the files were compared with that readers see of a partition
	before map[string]bool   // runs that are older than the chain, and should not be
	dead   map[string]bool   // runs and backfills that were told of
	texts  map[string]bool   // of pipeline files, by their SHA-256: those that were looked for

	// subject is the partition or the record that is looked at, suspects are those of which
	// something does not hold. If only is set no others are looked at.
	subject  string
	suspects map[string]bool
	only     map[string]bool
}

func newChecker(ctx context.Context, root string, o Options) *checker {
	return &checker{
		ctx: ctx, root: root, opts: o,
		chains: map[string]*chain{}, sums: map[string]string{}, texts: map[string]bool{}, dead: map[string]bool{},
		suspects: map[string]bool{}, before: map[string]bool{},
	}
}

// turnTo turns to a partition or a record, and reports whether it is to be looked at.
func (c *checker) turnTo(subject string) bool {
	c.subject = subject
	return c.only == nil || c.only[subject]
}

func (c *checker) all() error {
	c.Problems, c.Chains, c.Checked = []Problem{}, []Chain{}, len(c.opts.Keys) > 0
	if err := c.read(""); err != nil {
		return err
	}
	datasets, err := c.datasets()
	if err != nil {
		return err
	}
	for _, dataset := range datasets {
		if err := c.read(dataset); err != nil {
			return err
		}
	}
	c.links()
	c.gaps(datasets)
	for _, dataset := range datasets {
		if err := c.dataset(dataset); err != nil {
			return err
		}
	}
	return c.records()
}

// moved reports whether a chain grew since it was read.
func (c *checker) moved() bool {
	for dataset, ch := range c.chains {
		if info, err := os.Stat(Path(c.root, dataset)); err == nil && info.Size() != ch.size {
			return true
		}
	}
	return false
}

func (c *checker) problem(where, format string, args ...any) {
	c.suspects[c.subject] = true
	c.Problems = append(c.Problems, Problem{Path: c.rel(where), What: fmt.Sprintf(format, args...)})
}

// differs notes that a file is not what it should be.
func (c *checker) differs(where, what, expected, found string) {
	c.suspects[c.subject] = true
	c.Problems = append(c.Problems, Problem{Path: c.rel(where), What: what, Expected: expected, Found: found})
}

func (c *checker) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

func (c *checker) rel(where string) string {
	if rel, err := filepath.Rel(c.root, where); err == nil && filepath.IsAbs(where) {
		where = rel
	}
	return filepath.ToSlash(where)
}

// datasets finds those of which anything is kept, or the project's chain knows, sorted.
func (c *checker) datasets() ([]string, error) {
	found, err := datasets.Find(faults.OS(), c.root)
	all := found.Names
	for _, e := range c.chains[""].entries {
		for _, h := range e.Heads {
			all = append(all, h.Dataset)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for _, copied := range found.Copies {
		if _, known := slices.BinarySearch(all, copied.Path); !known {
			c.note("%s is a copy of %s, and was not looked at", copied.Path, copied.Of)
		}
	}
	return all, err
}

// list names what is in a directory; nothing if there is none.
func list(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
