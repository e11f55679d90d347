package openlineage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// writer is a transport to a stream, like stderr: an event a line.
type writer struct {
	name string
	to   io.Writer
}

func (w *writer) Name() string { return w.name }

func (w *writer) Send(_ context.Context, events [][]byte) error {
	_, err := w.to.Write(lines(events))
	return err
}

func lines(events [][]byte) []byte {
	return append(bytes.Join(events, []byte("\n")), '\n')
}

// logFile is a transport to a file that grows by a line for each event.
type logFile struct{ name, path string }

func (l *logFile) Name() string { return l.name }

func (l *logFile) Send(_ context.Context, events [][]byte) error {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	text := lines(events)
	torn, err := endsTorn(f)
	if torn {
		text = append([]byte("\n"), text...)
	}
	if err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// endsTorn reports whether a file ends within a line: whoever wrote it did not come to the end.
func endsTorn(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return last[0] != '\n', err
}

// newFiles is a transport to a file for each event, whose name ends in the time.
type newFiles struct {
	name, path string
	now        func() time.Time
}

func (n *newFiles) Name() string { return n.name }

func (n *newFiles) Send(_ context.Context, events [][]byte) error {
	if err := os.MkdirAll(filepath.Dir(n.path), 0o755); err != nil {
		return err
	}
	for _, e := range events {
		if err := n.write(append(e[:len(e):len(e)], '\n')); err != nil {
			return err
		}
	}
	return nil
}

// maxSameTime bounds how many events have the time of their file in common.
const maxSameTime = 10_000

func (n *newFiles) write(text []byte) error {
	at := n.now()
	for range maxSameTime {
		path := n.path + "-" + at.Format("20060102-150405.000000") + ".json"
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			at = at.Add(time.Microsecond)
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if err == nil {
			err = f.Sync()
		}
		return errors.Join(err, f.Close())
	}
	return fmt.Errorf("%s: there are %d files of this instant", n.path, maxSameTime)
}
