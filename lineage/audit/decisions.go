package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// decisionsIn is where the decisions about the breaks of a ledger are.
func decisionsIn(root, dataset string) string {
	return filepath.Join(root, stateDir, "breaks", filepath.FromSlash(dataset))
}

// Decisions gives what a dataset's chain says of the files with decisions about its breaks, by the
// directory of the partition and the name of the file, joined by a slash.
func (l *Log) Decisions(dataset string) (map[string]*Standing, error) {
	all := map[string]*Standing{}
	err := l.each(dataset, func(e *Entry) { decided(all, e) })
	return all, err
}

// decided takes the next entry, and gives what is known of the file it is about; nil if it is
// about something else.
func decided(all map[string]*Standing, e *Entry) *Standing {
	if e.File == "" {
		return nil
	}
	name := path.Join(e.Partition, e.File)
	s := all[name]
	if s == nil {
		s = &Standing{}
		all[name] = s
	}
	s.add(e)
	return s
}

// decisions checks the files with decisions about the breaks of a dataset: each is on record, and
// never changes.
func (c *checker) decisions(ch *chain) error {
	known := map[string]*Standing{}
	for _, e := range ch.entries {
		if s := known[path.Join(e.Partition, e.File)]; e.File != "" && s != nil {
			c.late(ch, e, s)
			if s.Last != nil && s.Last.Digest != e.Digest {
				c.Problems = append(c.Problems, Problem{c.rel(ch.name), e.Seq, "says that decision " + e.File + " is another than entry " +
					itoa(s.Last.Seq) + " says, and a decision never changes", s.Last.Digest, e.Digest})
			}
		}
		decided(known, e)
	}
	root := decisionsIn(c.root, ch.dataset)
	dirs, err := list(root)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !strings.Contains(dir, "=") {
			continue // of a dataset below this one: partitions have a "=" in them
		}
		names, err := list(filepath.Join(root, dir))
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".tmp") {
				continue
			}
			key := path.Join(dir, name)
			c.decision(filepath.Join(root, dir, name), known[key])
			if known[key] != nil {
				known[key].Last = nil
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if e := known[name].Last; e != nil && c.turnTo(filepath.Join(root, filepath.FromSlash(name))) {
			c.problem(filepath.Join(root, filepath.FromSlash(name)), "is gone; entry %d has its sha256, %.12s", e.Seq, e.Digest)
		}
	}
	return nil
}

// decision checks one that is there.
func (c *checker) decision(where string, s *Standing) {
	if !c.turnTo(where) {
		return
	}
	c.Files++
	n, sum, err := c.sum(where)
	c.Bytes += n
	switch {
	case err != nil:
		c.problem(where, "can't be read: %v", reason(err))
	case s == nil:
		c.problem(where, "no entry of the chain says who decided it")
	case c.stands(where, s, sum):
	case s.Last == nil:
		c.problem(where, "is another than was announced, and no entry of the chain says who decided it")
	default:
		c.differs(where, "was changed since entry "+itoa(s.Last.Seq), s.Last.Digest, sum)
	}
}

// decision is as much of one as the report of an auditor has.
type decision struct {
	Partition, Break, Action, Owner, Reason, Actor, Until string
	At                                                    time.Time
}

// decisionRows are the decisions that the chains of datasets stand for, each once: of one that was
// put on record late there may be two entries.
func (c *checker) decisionRows() (rows []Row) {
	for _, dataset := range slices.Sorted(maps.Keys(c.chains)) {
		told := map[string]bool{}
		for _, e := range c.chains[dataset].entries {
			name := path.Join(e.Partition, e.File)
			if e.File == "" || e.Kind == Intent || told[name] {
				continue
			}
			told[name] = true
			var d decision
			text, err := os.ReadFile(filepath.Join(decisionsIn(c.root, dataset), e.Partition, e.File))
			if err != nil || digestOf(text) != e.Digest || json.Unmarshal(text, &d) != nil {
				continue // Verified tells
			}
			row := Row{Time: d.At.UTC(), after: d.At, Act: Decided, Partition: d.Partition, Status: d.Action, Actor: d.Actor, Reason: d.Reason, Entry: e.Seq, Digest: e.Digest}
			row.Details = append(row.Details, fmt.Sprintf("break %s of %s", d.Break, dataset))
			if d.Owner != "" {
				row.Details = append(row.Details, "assigned to "+d.Owner)
			}
			if d.Until != "" {
				row.Details = append(row.Details, "accepted until "+d.Until)
			}
			rows = append(rows, row)
		}
	}
	return rows
}
