package audit

import "slices"

// Standing is what a chain says of a file that is written more than once: a record, approvals.
type Standing struct {
	// Last is the entry that stands for it; nil: none does.
	Last *Entry
	// Intended are digests that it was to have next, since Last.
	Intended []string
	// By is who announced it last.
	By string
	// Decided says that it was to be written anew at some time: somebody decided upon it.
	Decided bool
}

// Knows reports whether a file with a digest is the one on record, or was written just before
// its entry could be.
func (s *Standing) Knows(digest string) bool {
	return s.Last != nil && s.Last.Digest == digest || slices.Contains(s.Intended, digest)
}

// add takes the next entry that is about the file.
func (s *Standing) add(e *Entry) {
	if e.Kind == Intent {
		s.Intended, s.Decided, s.By = append(s.Intended, e.Digest), true, e.Actor
		return
	}
	s.Last, s.Intended = e, nil
}

// Standing gives what a chain says of what an entry is about: the same run, the same version, the
// approvals of the same partition. It reads the whole chain, and is for what comes after a crash.
func (l *Log) Standing(as Entry) (s Standing, err error) {
	err = l.each(as.Dataset, func(e *Entry) {
		if e.Kind != Missing && e.about() == as.about() {
			s.add(e)
		}
	})
	return s, err
}

// subject is what an entry is about, whatever was done with it.
type subject struct {
	partition, run string
	file           string
	version        int64
	approval       bool
}

func (e *Entry) about() subject {
	s := subject{partition: e.Partition, run: e.Run, version: e.Version, file: e.File}
	if e.Dataset != "" {
		s.run, s.approval = "", e.Version == 0 && e.Digest != "" && e.File == ""
	}
	return s
}

// runs gathers what the project's chain says of the records of runs and backfills.
func (c *checker) runs(own *chain) map[string]*Standing {
	all := map[string]*Standing{}
	for _, e := range own.entries {
		if e.Run == "" || e.Kind == Missing {
			continue
		}
		s := all[e.Run]
		if s == nil {
			s = &Standing{}
			all[e.Run] = s
		}
		c.late(own, e, s)
		s.add(e)
	}
	return all
}

// stands reports whether a file is the one on record.
func (c *checker) stands(where string, s *Standing, sum string) bool {
	if !s.Knows(sum) {
		return false
	}
	if s.Last == nil || s.Last.Digest != sum {
		c.note("%s is as it was announced, and its entry is still to come: somebody is at it, or died", c.rel(where))
	}
	return true
}

// late tells of an entry that came late, and stands for another file than the one before: it must
// have been announced.
func (c *checker) late(ch *chain, e *Entry, s *Standing) {
	if !e.Late || s.Last == nil && e.Dataset == "" || s.Knows(e.Digest) && !slices.Contains(s.Intended, e.Digest) {
		return
	}
	what, than := "the record of "+e.Run, ""
	switch {
	case e.File != "":
		what = "the decision " + e.File + " of " + place(e.Dataset, e.Partition)
	case e.Dataset != "":
		what = "the approvals of " + place(e.Dataset, e.Partition)
	}
	if s.Last != nil {
		than = ", in place of entry " + itoa(s.Last.Seq)
	}
	if s.Knows(e.Digest) {
		c.note("%s: entry %d, for %s, was added late%s; it is what was announced before a process died", c.rel(ch.name), e.Seq, what, than)
		return
	}
	c.Problems = append(c.Problems, Problem{Path: c.rel(ch.name), Seq: e.Seq, What: "was added late, for " + what + than + ", and nobody had announced it"})
}
