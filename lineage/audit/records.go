package audit

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/faults"
)

// record is as much of the record of a run as is checked.
type record struct {
	Status     string            `json:"status"`
	Held       []json.RawMessage `json:"held"`
	Definition []file            `json:"definition"`
}

// records checks the records of runs and of backfills against the project's chain, and what they
// stand for.
func (c *checker) records() error {
	own := c.chains[""]
	if own.size == 0 {
		names, err := list(filepath.Join(c.root, stateDir, "runs"))
		if len(names) > 0 {
			c.problem(own.name, "there is no chain of the project; the next run begins one, with what is there then")
		}
		return err
	}
	runs := c.runs(own)
	for _, dir := range []string{"runs", "backfills"} {
		if err := c.recordsIn(filepath.Join(c.root, stateDir, dir), runs); err != nil {
			return err
		}
	}
	for _, e := range own.entries {
		if s := runs[e.Run]; s != nil && s.Last == e {
			c.turnTo("")
			dir := "runs"
			if strings.HasPrefix(e.Run, backfillMark) {
				dir = "backfills"
			}
			c.problem(filepath.Join(c.root, stateDir, dir, e.Run+".json"), "is gone; entry %d has its sha256, %.12s", e.Seq, e.Digest)
		}
	}
	if len(c.before) > 0 {
		c.problem(own.name, "%d of the runs that were there when it began were made by a penstock that keeps chains: there was one before it, and it is gone", len(c.before))
	}
	return c.code()
}

// backfillMark begins the ids of backfills, and of no run.
const backfillMark = "b"

// waits ends the name of the record of a run that could not be put on record.
const waits = ".end.json.tmp"

// recordsIn checks the records of a directory, and takes those that are there from runs.
func (c *checker) recordsIn(dir string, runs map[string]*Standing) error {
	names, err := list(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		where := filepath.Join(dir, name)
		run, isRecord := strings.CutSuffix(name, ".json")
		switch {
		case isRecord:
			if err := c.record(where, run, runs[run]); err != nil {
				return err
			}
			delete(runs, run)
		case strings.HasSuffix(name, waits) && c.died(strings.TrimSuffix(name, waits)):
		case !strings.HasSuffix(name, ".json.tmp"):
			c.problem(where, "penstock did not put it there")
		}
	}
	return nil
}

func (c *checker) record(where, run string, s *Standing) error {
	if !c.turnTo(where) {
		return nil
	}
	text, err := os.ReadFile(where)
	if err != nil {
		c.problem(where, "can't be read: %v", reason(err))
		return nil
	}
	if c.lives(run) {
		return nil // it is not at its end
	}
	c.Files++
	c.Bytes += int64(len(text))
	found := digestOf(text)
	known := s != nil && s.Last != nil
	stands := known && c.stands(where, s, found)
	if !stands && c.died(run) {
		return nil
	}
	if !known {
		c.problem(where, "no entry of the project's chain stands for it")
		return nil
	}
	if !stands {
		c.differs(where, "was changed since entry "+itoa(s.Last.Seq), s.Last.Digest, found)
		return nil
	}
	var rec record
	if err := json.Unmarshal(text, &rec); err != nil {
		c.problem(where, "can't be read: %v", err)
		return nil
	}
	if filepath.Base(filepath.Dir(where)) != "runs" {
		return nil
	}
	c.Runs++
	if s.Last.Kind == Adopt && len(rec.Definition) > 0 {
		c.before[run] = true
	}
	for _, text := range rec.Held {
		if err := c.held(text); err != nil {
			return err
		}
	}
	c.definition(where, rec.Definition)
	return nil
}

// lives reports whether a run or a backfill goes on: some process holds its lock.
func (c *checker) lives(run string) bool {
	held, err := faults.OS().Held(filepath.Join(c.root, stateDir, "live", run+".lock"))
	return err == nil && held
}

// claimed reports whether a run goes on, or died and is still to be ended: the next command in
// the project ends it, and drops what it holds and did not say so.
func (c *checker) claimed(run string) bool {
	_, err := os.Stat(filepath.Join(c.root, stateDir, "live", run+".lock"))
	return err == nil
}

// died reports whether a run or a backfill left a lock that nobody holds: it ended, and could not
// say so. Of each that is one problem.
func (c *checker) died(run string) bool {
	lock := filepath.Join(c.root, stateDir, "live", run+".lock")
	if held, err := faults.OS().Held(lock); err != nil || held {
		return false
	}
	if !c.dead[run] {
		c.dead[run] = true
		c.problem(lock, "what it did is not on record: its process died, or could not write there; the next command in the project puts it there, such as `penstock runs`")
	}
	return true
}

// heldAs is what a record says of a version that is held.
type heldAs struct{ Run, Dataset, Path, Manifest string }

// in is the directory of what is held.
func (h heldAs) in(root string) string {
	dir := ""
	if h.Path != h.Dataset {
		dir = filepath.Base(h.Path)
	}
	return filepath.Join(filepath.Dir(Path(root, h.Dataset)), "held", nameOfPartition(dir)+"."+h.Run)
}

// held checks what a run holds for a decision, if it is still there.
func (c *checker) held(text json.RawMessage) error {
	var h heldAs
	if err := json.Unmarshal(text, &h); err != nil {
		return nil //nolint:nilerr // the record is as it was written
	}
	where := h.in(c.root)
	if _, err := os.Stat(where); err != nil {
		return ignore(err, fs.ErrNotExist) // it was dropped: its time is over, or another run came after it
	}
	about, err := os.ReadFile(filepath.Join(where, "held.json"))
	if err != nil {
		c.problem(filepath.Join(where, "held.json"), "can't be read: %v", reason(err))
		return nil
	}
	c.Files++
	if want, err := indented(text); err != nil || string(about) != want {
		c.problem(filepath.Join(where, "held.json"), "was changed: it is not what the record of run %s says", h.Run)
		return nil
	}
	version := filepath.Join(where, "version")
	files, err := c.manifest(filepath.Join(version, "manifest.json"), h.Manifest)
	if files == nil || err != nil {
		return err
	}
	for _, f := range files {
		if err := c.file(filepath.Join(version, filepath.FromSlash(f.Path)), f); err != nil {
			return err
		}
	}
	return c.others(version, files)
}

// indented writes JSON as a file of its own.
func indented(text json.RawMessage) (string, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	err := enc.Encode(text)
	return out.String(), err
}

// definition checks that the texts a run was read from are kept; each is missed once.
func (c *checker) definition(where string, texts []file) {
	for _, f := range texts {
		name := filepath.Join(c.root, stateDir, codeDir, f.SHA256)
		if c.texts[f.SHA256] {
			continue
		}
		c.texts[f.SHA256] = true
		if _, err := os.Stat(name); err != nil {
			c.problem(name, "is gone: it is the text of %s, by which %s was run", f.Path, strings.TrimSuffix(filepath.Base(where), ".json"))
		}
	}
}

// codeDir has the texts of pipeline files, each under its SHA-256.
const codeDir = "code"

// code checks that each of the texts that are kept is the one its name says.
func (c *checker) code() error {
	dir := filepath.Join(c.root, stateDir, codeDir)
	names, err := list(dir)
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, ".tmp") })
	for _, name := range names {
		n, sum, err := c.sum(filepath.Join(dir, name))
		if cerr := c.ctx.Err(); cerr != nil {
			return cerr
		}
		c.Files++
		c.Bytes += n
		if err != nil {
			c.problem(filepath.Join(dir, name), "can't be read: %v", reason(err))
		} else if sum != name {
			c.differs(filepath.Join(dir, name), "was changed", name, sum)
		}
	}
	return err
}
