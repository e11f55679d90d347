package audit

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// makes reports whether an entry names the run that made a version, which has to be on the
// project's chain.
func (e *Entry) makes() bool {
	return e.Run != "" && (e.Kind == Publish || e.Kind == Release || e.Kind == Rollback)
}

// gaps checks that the project's chain knows every run that made a version: else its end was cut
// off, or it is an old one again.
func (c *checker) gaps(datasets []string) {
	knows, missing := map[string]bool{}, map[string]*Entry{}
	for _, e := range c.chains[""].entries {
		switch {
		case e.Run == "" || e.Kind == Intent:
		case e.Kind == Missing:
			missing[e.Run] = e
		default:
			knows[e.Run] = true
		}
	}
	for _, dataset := range datasets {
		for _, e := range c.chains[dataset].entries {
			if !e.makes() || knows[e.Run] {
				continue
			}
			knows[e.Run] = true // it is told once
			c.gap(e, missing[e.Run])
		}
	}
}

// gap tells of a run that the project's chain does not know, unless it is still going on, or its
// record is there and will be told of.
func (c *checker) gap(e, missing *Entry) {
	_, err := os.Stat(filepath.Join(c.root, stateDir, "runs", e.Run+".json"))
	if err == nil || c.lives(e.Run) || c.died(e.Run) {
		return
	}
	since := ""
	if missing != nil {
		since = "; entry " + itoa(missing.Seq) + " says so since " + missing.Time.Format("2006-01-02 15:04:05")
	}
	c.problem(c.chains[""].name, "does not know run %s, and its record is gone: entry %d of %s says that it made version %d of %s. "+
		"The end of the chain was cut off, or %s was put back to what it was before%s",
		e.Run, e.Seq, c.rel(Path(c.root, e.Dataset)), e.Version, place(e.Dataset, e.Partition), stateDir, since)
}

// Gaps gives entries for runs that chains of datasets name, and the project's chain does not know,
// although they live no more: it was cut, or put back. What is looked at first is the last run of
// each dataset.
func (l *Log) Gaps(lives func(run string) bool) (all []Entry, err error) {
	datasets, err := l.Datasets()
	if err != nil {
		return nil, err
	}
	last := map[string]string{}
	for _, dataset := range datasets {
		run, err := l.lastMaker(dataset)
		if err != nil {
			return nil, err
		}
		if run != "" && !lives(run) { // its entry is there before it lives no more
			last[dataset] = run
		}
	}
	own, err := l.FS.ReadFile(Path(l.Root, ""))
	if err != nil || len(last) == 0 { // a chain that is begun anew names the others
		return nil, ignore(err, fs.ErrNotExist)
	}
	told := map[string]bool{}
	for _, dataset := range datasets {
		if run := last[dataset]; run == "" || names(own, run) {
			continue
		}
		err := l.each(dataset, func(e *Entry) {
			if e.makes() && !told[e.Run] && !names(own, e.Run) && !lives(e.Run) {
				told[e.Run] = true
				all = append(all, Entry{Kind: Missing, Run: e.Run})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// names reports whether a chain's text has a run in it.
func names(text []byte, run string) bool { return bytes.Contains(text, []byte(`"run":"`+run+`"`)) }

// lastMaker gives the run of the last entry of a chain that makes a version, if it is among the
// last that were written.
func (l *Log) lastMaker(dataset string) (run string, err error) {
	f, err := l.FS.Open(Path(l.Root, dataset))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := l.FS.Stat(Path(l.Root, dataset))
	if err != nil {
		return "", err
	}
	text := make([]byte, min(info.Size(), 16<<10))
	n, _ := f.ReadAt(text, info.Size()-int64(len(text))) // what can't be read, verify tells
	for line := range bytes.Lines(text[:n]) {
		if e, err := parse(bytes.TrimSuffix(line, []byte("\n"))); err == nil && e.makes() {
			run = e.Run
		}
	}
	return run, nil
}
