package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// strangers looks among what readers find in the directory of a dataset for what is no partition
// of it. Of one without partitions that was done: its files lie there.
func (c *checker) strangers(dataset string, visible []string, all map[string]*said) {
	if s := all[""]; s != nil && (s.versions == nil || len(s.versions) > 0) { // kept, or on record
		return
	}
	for _, name := range visible {
		if all[name] != nil || name == stateDir || c.holdsDatasets(place(dataset, name)) || !c.turnTo(place(dataset, name)) {
			continue
		}
		where := filepath.Join(c.root, filepath.FromSlash(dataset), name)
		if hidden(name) {
			c.note("%s: no manifest names it; readers don't look at what is hidden", c.rel(where))
			continue
		}
		c.problem(where, "is no partition of %s on record, and lies where readers look", dataset)
	}
}

// hidden reports whether a file is one that tools leave, and globs leave out.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// holdsDatasets reports whether a directory is above a dataset of the project, or is one.
func (c *checker) holdsDatasets(dir string) bool {
	for dataset := range c.chains {
		if dataset == dir || strings.HasPrefix(dataset, dir+"/") {
			return true
		}
	}
	return false
}

// strangersHeld looks among what is held for a decision for what no run on record holds.
func (c *checker) strangersHeld(dir string) error {
	names, err := list(dir)
	for _, name := range names {
		where := filepath.Join(dir, name)
		run := name[strings.LastIndexByte(name, '.')+1:]
		if c.turnTo(where) && !c.claimed(run) && !c.holds(run, where) {
			c.problem(where, "is held, and no run on record holds it")
		}
	}
	return err
}

// holds reports whether the record of a run says that it holds what lies somewhere.
func (c *checker) holds(run, where string) bool {
	text, err := os.ReadFile(filepath.Join(c.root, stateDir, "runs", run+".json"))
	var rec record
	if err != nil || json.Unmarshal(text, &rec) != nil {
		return false
	}
	for _, text := range rec.Held {
		var h heldAs
		if json.Unmarshal(text, &h) == nil && h.in(c.root) == where {
			return true
		}
	}
	return false
}
