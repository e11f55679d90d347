// Package faults holds the seams at which the world can fail: the file system, the
// clock and randomness. Durable code reaches them through here alone, so that a
// test can lose power, fill the disk or stop the clock at any operation.
package faults

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
)

// FS is what publishing needs of a file system. It has as many methods as there
// are durable operations, because each of them is a place where a crash is tested.
// Paths are absolute. Implementations are safe for concurrent use.
type FS interface {
	// MkdirAll makes a directory and those above it; Mkdir makes one, and it is an error if
	// the path exists, or what it should lie in does not.
	MkdirAll(path string) error
	Mkdir(path string) error
	// Create makes a new file; it is an error if the path exists.
	Create(path string) (File, error)
	// Append opens a file that exists to write at its end.
	Append(path string) (File, error)
	// Open opens a file to read parts of it.
	Open(path string) (Opened, error)
	// ReadFile and ReadDir read; ReadDir sorts by name.
	ReadFile(path string) ([]byte, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	Stat(path string) (fs.FileInfo, error)
	// Rename moves a file or directory; a directory must not replace another.
	Rename(from, to string) error
	// Exchange swaps two directories in one atomic step.
	Exchange(a, b string) error
	// Link gives a file a second name.
	Link(from, to string) error
	// RemoveAll removes a path and all below it; no path is no error.
	RemoveAll(path string) error
	// SyncDir makes the entries of a directory durable.
	SyncDir(path string) error
	// Sync makes files and the entries of directories durable, in no order, which takes
	// little longer than one of them: a journal is written once for all.
	Sync(files []File, dirs []string) error
	// Lock takes an exclusive lock on a file, making it if need be, and writes text
	// into it. It does not wait: if another holds it the error is a *LockedError.
	Lock(path string, text []byte) (Lock, error)
	// Held reports whether a process holds the lock of a file, under whatever name it has
	// the file; where that can't be known, it does.
	Held(path string) (bool, error)
}

// File is a file being written.
type File interface {
	io.WriteCloser
	// Sync makes what was written durable.
	Sync() error
}

// Opened is a file being read; ReadAt by any number of goroutines.
type Opened interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// Lock is held until it is closed, or the process ends.
type Lock interface{ io.Closer }

// LockedError says that another holds a lock, and what it wrote there.
type LockedError struct {
	Path string
	Text []byte
}

func (e *LockedError) Error() string { return e.Path + " is locked" }

// ErrNoExchange says that the file system can't swap directories atomically.
var ErrNoExchange = errors.New("this file system can't swap two directories in one step")

// WriteFile writes a file so that, whatever happens, readers find the old content or
// the new: beside its place, synced, renamed, and the directory synced.
func WriteFile(fsys FS, path string, text []byte) (err error) {
	return WriteFrom(fsys, path, textOf(text))
}

// WriteFrom is WriteFile of what a function writes.
func WriteFrom(fsys FS, path string, write func(io.Writer) error) (err error) {
	temp := path + ".tmp"
	if err := fsys.RemoveAll(temp); err != nil {
		return err
	}
	if err := create(fsys, temp, write); err != nil {
		return errors.Join(err, fsys.RemoveAll(temp))
	}
	if err := fsys.Rename(temp, path); err != nil {
		return errors.Join(err, fsys.RemoveAll(temp))
	}
	return fsys.SyncDir(filepath.Dir(path))
}

// Write writes a new file and syncs it, but not its directory.
func Write(fsys FS, path string, text []byte) error { return create(fsys, path, textOf(text)) }

func textOf(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}

func create(fsys FS, path string, write func(io.Writer) error) error {
	f, err := fsys.Create(path)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
