package audit

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
)

// Last gives the last entry of a chain that is about the same as another: the same run, the same
// version, the approvals of the same partition. It reads the whole chain, and is for what comes
// after a crash. It is nil where there is none.
func (l *Log) Last(as Entry) (*Entry, error) {
	return l.find(as.Dataset, func(e *Entry) bool { return e.about() == as.about() })
}

// subject is what an entry is about, whatever was done with it.
type subject struct {
	partition, run string
	version        int64
	approval       bool
}

func (e *Entry) about() subject {
	s := subject{partition: e.Partition, run: e.Run, version: e.Version, approval: e.Kind == Approval}
	if e.Dataset != "" {
		s.run = ""
	}
	return s
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
	text, err := l.FS.ReadFile(Path(l.Root, dataset))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		if e, perr := parse(bytes.TrimSuffix(line, []byte("\n"))); perr == nil && is(e) {
			last = e
		}
	}
	return last, err
}
