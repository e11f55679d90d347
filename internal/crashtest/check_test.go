package crashtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// What follows reads a project as somebody would who has never seen the code that wrote it:
// JSON, digests, and the list of invariants in the design.

type manifest struct {
	Dataset    string       `json:"dataset"`
	Partition  string       `json:"partition"`
	Version    int64        `json:"version"`
	Previous   string       `json:"previous"`
	Run        string       `json:"run"`
	Rows       int64        `json:"rows"`
	Files      []fileRecord `json:"files"`
	Quarantine []fileRecord `json:"quarantine"`
	Lineage    []fileRecord `json:"lineage"`
	Findings   []finding    `json:"findings"`
	Inputs     []input      `json:"inputs"`
	Gates      string       `json:"gates"`
	Published  time.Time    `json:"published"`
	Rollback   *struct {
		Run string `json:"run"`
	} `json:"rollback"`
	digest string
}

// by is the run that made it current.
func (m *manifest) by() string {
	if m.Rollback != nil {
		return m.Rollback.Run
	}
	return m.Run
}

type fileRecord struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

type finding struct {
	Stage    string `json:"stage"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Verdict  string `json:"verdict"`
	Approved *struct {
		Stage   string `json:"stage"`
		Gate    string `json:"gate"`
		Verdict string `json:"verdict"`
		Bytes   string `json:"bytes"`
	} `json:"approved"`
}

type input struct {
	Name      string       `json:"name"`
	Source    string       `json:"source"`
	Files     []fileRecord `json:"files"`
	Dataset   string       `json:"dataset"`
	Partition string       `json:"partition"`
	Version   int64        `json:"version"`
	Manifest  string       `json:"manifest"`
}

// When says how much has to hold.
type when int

const (
	killed  when = iota // a process was killed: what readers see, and what is kept
	started             // and another was started: nothing is said to be running
	settled             // and did again what was interrupted: everything
)

// checker collects what is wrong in a project.
type checker struct {
	root  string
	when  when
	keep  int
	wrong []string
	// damaged are visible directories in which a test has put something wrong itself.
	damaged map[string]bool
	visible map[string]*manifest // what readers see, by directory: "out/one/key=a"
	kept    map[string]*manifest // by "out/one/key=a#3"
}

// check looks at a project whose datasets lie in out/, and gives what readers see.
func check(root string, w when, keep int, damaged map[string]bool) *checker {
	c := &checker{root: root, when: w, keep: keep, damaged: damaged, visible: map[string]*manifest{}, kept: map[string]*manifest{}}
	store := filepath.Join(root, "out/.penstock/datasets")
	for _, dataset := range list(store) {
		c.dataset(dataset, filepath.Join(store, dataset))
	}
	for dir, m := range c.visible {
		c.inputs(dir, m)
	}
	if w >= started {
		c.state()
		c.audit()
	}
	return c
}

func (c *checker) bad(invariant, format string, args ...any) {
	c.wrong = append(c.wrong, invariant+": "+fmt.Sprintf(format, args...))
}

func list(dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (c *checker) dataset(name, store string) {
	parts := map[string]bool{}
	for _, p := range list(filepath.Join(store, "versions")) {
		parts[p] = true
	}
	visible := filepath.Join(c.root, "out", name)
	for _, p := range list(visible) {
		if strings.HasPrefix(p, "key=") {
			parts[p] = true
		}
	}
	for p := range parts {
		dir := path.Join("out", name, p)
		if p == "all" {
			dir = path.Join("out", name)
		}
		c.partition(dir, filepath.Join(store, "versions", p))
	}
	if c.when == settled {
		for _, p := range list(filepath.Join(store, "staging")) {
			// The number of the last claim stays, as a file.
			if left := list(filepath.Join(store, "staging", p)); len(left) > 1 || len(left) == 1 && strings.Contains(left[0], ".") {
				c.bad("I5", "%s: staging of %s holds %v", name, p, left)
			}
		}
	}
	for _, h := range list(filepath.Join(store, "held")) {
		if c.when == settled {
			c.held(filepath.Join(store, "held", h))
		}
	}
	c.strays(store)
}

// partition checks I1, I3 and I5 of what is visible and kept of a partition.
func (c *checker) partition(dir, versions string) {
	if c.damaged[dir] {
		return
	}
	names := list(filepath.Join(c.root, dir))
	m := c.read(filepath.Join(c.root, dir, "_manifest.json"))
	if m != nil {
		c.visible[dir] = m
		known := []string{"_manifest.json"}
		for _, f := range m.Files {
			known = append(known, path.Base(f.Path))
			c.file(filepath.Join(c.root, dir, path.Base(f.Path)), f)
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				c.bad("I1", "%s holds %s, which its manifest does not name", dir, name)
			}
		}
		c.passed(dir, m)
	} else if len(names) > 0 {
		c.bad("I1", "%s has no manifest, and holds %v", dir, names)
	}
	c.versions(dir, versions, m)
}

func (c *checker) versions(dir, versions string, visible *manifest) {
	var numbers []int64
	for _, name := range list(versions) {
		n, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			c.bad("I5", "%s holds %s", versions, name)
			continue
		}
		at := filepath.Join(versions, name)
		if c.when < settled && (visible == nil || n > visible.Version || n < visible.Version-int64(c.keep)) {
			continue // on its way out
		}
		m := c.read(filepath.Join(at, "manifest.json"))
		if m == nil || m.Version != n {
			c.bad("I1", "%s has no manifest, or that of another version", at)
			continue
		}
		for _, f := range slices.Concat(m.Files, m.Quarantine, m.Lineage) {
			c.file(filepath.Join(at, f.Path), f)
		}
		if visible == nil || n > visible.Version {
			if c.when == settled {
				c.bad("I5", "%s was never switched to, and stays", at)
			}
			continue
		}
		c.passed(at, m)
		numbers = append(numbers, n)
		c.kept[fmt.Sprintf("%s#%d", dir, n)] = m
	}
	if visible == nil {
		return
	}
	kept := c.kept[fmt.Sprintf("%s#%d", dir, visible.Version)]
	if kept == nil || kept.digest != visible.digest {
		c.bad("I1", "%s shows version %d, which is not kept so", dir, visible.Version)
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	for i := 1; i < len(numbers); i++ {
		before, m := c.kept[fmt.Sprintf("%s#%d", dir, numbers[i-1])], c.kept[fmt.Sprintf("%s#%d", dir, numbers[i])]
		if m.Version == before.Version+1 && m.Previous != before.digest {
			c.bad("I4", "%s: version %d does not follow version %d", dir, m.Version, before.Version)
		}
	}
	if c.when == settled && len(numbers) > c.keep+1 {
		c.bad("I5", "%s keeps versions %v, %d earlier ones were asked for", dir, numbers, c.keep)
	}
}

// passed checks that every blocking rule has passed, or was approved of for these bytes.
func (c *checker) passed(where string, m *manifest) {
	if len(m.Findings) == 0 {
		c.bad("I3", "%s was published without any finding", where)
	}
	for _, f := range m.Findings {
		if f.Severity == "warn" || f.Verdict == "pass" || f.Verdict == "warn" {
			continue
		}
		a := f.Approved
		if a == nil || a.Stage != f.Stage || a.Gate != f.Name || a.Verdict != f.Verdict || a.Bytes != bytesDigest(m) {
			c.bad("I3", "%s is visible, and gate %s/%s says %s", where, f.Stage, f.Name, f.Verdict)
		}
	}
}

func bytesDigest(m *manifest) string {
	files := slices.Concat(m.Files, m.Quarantine)
	sort.Slice(files, func(i, j int) bool { return files[i].Path < files[j].Path })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %s %d\n", f.Path, f.SHA256, f.Bytes)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *checker) file(name string, f fileRecord) {
	text, err := os.ReadFile(name)
	if err != nil {
		c.bad("I1", "%v", err)
		return
	}
	if sum := sha256.Sum256(text); int64(len(text)) != f.Bytes || hex.EncodeToString(sum[:]) != f.SHA256 {
		c.bad("I1", "%s is %d bytes with sha256 %x, the manifest says %d and %s", name, len(text), sum, f.Bytes, f.SHA256)
	}
}

// read gives a manifest; nil if there is none.
func (c *checker) read(name string) *manifest {
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return nil
	}
	m := &manifest{}
	if err == nil {
		err = json.Unmarshal(text, m)
	}
	if err != nil {
		c.bad("I1", "%s: %v", name, err)
		return nil
	}
	sum := sha256.Sum256(text)
	m.digest = hex.EncodeToString(sum[:])
	return m
}

// inputs checks that the versions which a visible one was made of are those that are kept.
func (c *checker) inputs(dir string, m *manifest) {
	for _, in := range m.Inputs {
		if in.Dataset == "" || in.Source != "" {
			continue
		}
		of := in.Dataset
		if in.Partition != "all" {
			of = path.Join(of, "key="+in.Partition)
		}
		if kept := c.kept[fmt.Sprintf("%s#%d", of, in.Version)]; kept != nil && kept.digest != in.Manifest {
			c.bad("I10", "%s was made of version %d of %s, of which the manifest is another", dir, in.Version, of)
		}
		if up := c.visible[of]; !c.damaged[of] && (up == nil || up.Version < in.Version) {
			c.bad("I10", "%s was made of version %d of %s, which is not published", dir, in.Version, of)
		}
	}
}

// held checks that what is held is on the record of the run that left it.
func (c *checker) held(dir string) {
	var about struct {
		Run string `json:"run"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "held.json"))
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	if err != nil {
		c.bad("I5", "%s: %v", dir, err)
		return
	}
	record, err := os.ReadFile(filepath.Join(c.root, ".penstock/runs", about.Run+".json"))
	if err != nil || !strings.Contains(string(record), `"held"`) {
		c.bad("I5", "%s is held of run %s, which does not say so", dir, about.Run)
	}
}

// strays checks that nothing lies about that is half written.
func (c *checker) strays(dir string) {
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && c.when == settled && strings.HasSuffix(name, ".tmp") {
			c.bad("I8", "%s is left", name)
		}
		return nil
	})
}
