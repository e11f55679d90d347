package audit

import (
	"bytes"
	"io/fs"
	"slices"
)

// Adopts reports whether anything was there before the project's chain began, or it has not begun.
func (l *Log) Adopts() (bool, error) {
	if _, err := l.FS.Stat(Path(l.Root, "")); err != nil {
		return true, ignore(err, fs.ErrNotExist)
	}
	e, err := l.find("", func(e *Entry) bool { return e.Kind == Adopt })
	return e != nil, err
}

// Removed gives the entry that says that a version was removed; nil where none does.
func (l *Log) Removed(dataset, partition string, version int64) (*Entry, error) {
	return l.find(dataset, func(e *Entry) bool {
		return e.Kind == GC && e.Partition == partition && slices.Contains(e.Removed, version)
	})
}

// Made gives the entry that says who made a version; nil where none does.
func (l *Log) Made(dataset, partition string, version int64) (*Entry, error) {
	return l.find(dataset, func(e *Entry) bool { return e.Version == version && e.Partition == partition })
}

// find gives the last entry of a chain of which something is true.
func (l *Log) find(dataset string, is func(*Entry) bool) (last *Entry, err error) {
	err = l.each(dataset, func(e *Entry) {
		if is(e) {
			last = e
		}
	})
	return last, err
}

// each gives the entries of a chain; none where there is no chain.
func (l *Log) each(dataset string, take func(*Entry)) error {
	text, err := l.FS.ReadFile(Path(l.Root, dataset))
	for line := range bytes.Lines(text) {
		if e, perr := parse(bytes.TrimSuffix(line, []byte("\n"))); perr == nil {
			take(e)
		}
	}
	return ignore(err, fs.ErrNotExist)
}
