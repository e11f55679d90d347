package audit

import (
	"bytes"
	"errors"
	"io/fs"
)

// Last gives the last entry of a chain that is about the same as another: the same run, the same
// version, the approvals of the same partition. It reads the whole chain, and is for what comes
// after a crash. It is nil where there is none.
func (l *Log) Last(as Entry) (last *Entry, err error) {
	text, err := l.FS.ReadFile(Path(l.Root, as.Dataset))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		e, perr := parse(bytes.TrimSuffix(line, []byte("\n")))
		if perr == nil && e.about() == as.about() {
			last = e
		}
	}
	return last, err
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
