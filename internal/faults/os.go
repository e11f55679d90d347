package faults

import (
	"errors"
	"io/fs"
	"os"
	"sync"
)

// OS is the file system of the machine.
func OS() FS { return withPoints(osFS{}) }

type osFS struct{}

func (osFS) MkdirAll(path string) error                 { return os.MkdirAll(path, 0o755) }
func (osFS) Mkdir(path string) error                    { return os.Mkdir(path, 0o755) }
func (osFS) Open(path string) (Opened, error)           { return os.Open(path) }
func (osFS) ReadFile(path string) ([]byte, error)       { return os.ReadFile(path) }
func (osFS) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (osFS) Stat(path string) (fs.FileInfo, error)      { return os.Lstat(path) }
func (osFS) Rename(from, to string) error               { return os.Rename(from, to) }
func (osFS) Exchange(a, b string) error                 { return exchange(a, b) }
func (osFS) Link(from, to string) error                 { return os.Link(from, to) }
func (osFS) RemoveAll(path string) error                { return os.RemoveAll(path) }

func (osFS) Create(path string) (File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
}

func (osFS) Append(path string) (File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
}

func (osFS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Sync has a goroutine for each: file systems write the journal once for all that wait, if
// the content of files is on its way before.
func (fsys osFS) Sync(files []File, dirs []string) error {
	for _, f := range files {
		if f, ok := f.(*os.File); ok {
			startWriting(f)
		}
	}
	errs := make([]error, len(files)+len(dirs))
	var all sync.WaitGroup
	for i, f := range files {
		all.Go(func() { errs[i] = f.Sync() })
	}
	for i, dir := range dirs {
		all.Go(func() { errs[len(files)+i] = fsys.SyncDir(dir) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (osFS) Held(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	held, err := isLocked(f)
	return held, errors.Join(err, f.Close())
}

func (fsys osFS) Lock(path string, text []byte) (Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	held, err := tryLock(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !held {
		holder, _ := os.ReadFile(path) // for the message only
		return nil, errors.Join(&LockedError{path, holder}, f.Close())
	}
	if !stillAt(f, path) { // its holder before removed it between our two steps
		if err := f.Close(); err != nil {
			return nil, err
		}
		return fsys.Lock(path, text)
	}
	if err := errors.Join(f.Truncate(0), write(f, text)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// stillAt reports whether an open file is the one that the path names.
func stillAt(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func write(f *os.File, text []byte) error {
	_, err := f.WriteAt(text, 0)
	return err
}
