package faults

import (
	"io/fs"
)

// Failing is a file system of which every operation may fail, also those that read.
type Failing struct {
	FS
	// Fault is told each operation and its path before it is done. An error it gives is that
	// of the operation, which is then not done; but of what is written, the first half is. It
	// is called by several goroutines at once if the file system is.
	Fault func(op, path string) error
}

func (f Failing) fault(op, path string) error {
	if err := f.Fault(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// do does an operation that doesn't fail.
func (f Failing) do(op, path string, done func(string) error) error {
	if err := f.fault(op, path); err != nil {
		return err
	}
	return done(path)
}

// MkdirAll implements FS.
func (f Failing) MkdirAll(path string) error { return f.do("mkdir", path, f.FS.MkdirAll) }

// Mkdir implements FS.
func (f Failing) Mkdir(path string) error { return f.do("mkdir", path, f.FS.Mkdir) }

// RemoveAll implements FS.
func (f Failing) RemoveAll(path string) error { return f.do("remove", path, f.FS.RemoveAll) }

// SyncDir implements FS.
func (f Failing) SyncDir(path string) error { return f.do("syncdir", path, f.FS.SyncDir) }

// Sync implements FS. If one of them fails none is synced.
func (f Failing) Sync(files []File, dirs []string) error {
	inner := make([]File, len(files))
	for i, file := range files {
		w := file.(failingFile)
		if err := f.fault("sync", w.path); err != nil {
			return err
		}
		inner[i] = w.File
	}
	for _, dir := range dirs {
		if err := f.fault("syncdir", dir); err != nil {
			return err
		}
	}
	return f.FS.Sync(inner, dirs)
}

// Rename implements FS.
func (f Failing) Rename(from, to string) error {
	return f.do("rename", from, func(string) error { return f.FS.Rename(from, to) })
}

// Exchange implements FS.
func (f Failing) Exchange(a, b string) error {
	return f.do("exchange", a, func(string) error { return f.FS.Exchange(a, b) })
}

// Link implements FS.
func (f Failing) Link(from, to string) error {
	return f.do("link", from, func(string) error { return f.FS.Link(from, to) })
}

// ReadFile implements FS.
func (f Failing) ReadFile(path string) ([]byte, error) {
	if err := f.fault("read", path); err != nil {
		return nil, err
	}
	return f.FS.ReadFile(path)
}

// ReadDir implements FS.
func (f Failing) ReadDir(path string) ([]fs.DirEntry, error) {
	if err := f.fault("readdir", path); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(path)
}

// Stat implements FS.
func (f Failing) Stat(path string) (fs.FileInfo, error) {
	if err := f.fault("stat", path); err != nil {
		return nil, err
	}
	return f.FS.Stat(path)
}

// Lock implements FS.
func (f Failing) Lock(path string, text []byte) (Lock, error) {
	if err := f.fault("lock", path); err != nil {
		return nil, err
	}
	return f.FS.Lock(path, text)
}

// Held implements FS.
func (f Failing) Held(path string) (bool, error) {
	if err := f.fault("held", path); err != nil {
		return false, err
	}
	return f.FS.Held(path)
}

// Open implements FS.
func (f Failing) Open(path string) (Opened, error) {
	if err := f.fault("open", path); err != nil {
		return nil, err
	}
	o, err := f.FS.Open(path)
	if err != nil {
		return nil, err
	}
	return failingOpened{o, f, path}, nil
}

// failingOpened is a file being read.
type failingOpened struct {
	Opened
	f    Failing
	path string
}

// Read implements io.Reader.
func (o failingOpened) Read(p []byte) (int, error) {
	if err := o.f.fault("read", o.path); err != nil {
		return 0, err
	}
	return o.Opened.Read(p)
}

// ReadAt implements io.ReaderAt.
func (o failingOpened) ReadAt(p []byte, from int64) (int, error) {
	if err := o.f.fault("read", o.path); err != nil {
		return 0, err
	}
	return o.Opened.ReadAt(p, from)
}

// Create implements FS.
func (f Failing) Create(path string) (File, error) {
	if err := f.fault("create", path); err != nil {
		return nil, err
	}
	w, err := f.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return failingFile{w, f, path}, nil
}

// Append implements FS.
func (f Failing) Append(path string) (File, error) {
	if err := f.fault("append", path); err != nil {
		return nil, err
	}
	w, err := f.FS.Append(path)
	if err != nil {
		return nil, err
	}
	return failingFile{w, f, path}, nil
}

// failingFile is a file being written.
type failingFile struct {
	File
	f    Failing
	path string
}

// Write implements io.Writer.
func (w failingFile) Write(p []byte) (int, error) {
	if err := w.f.fault("write", w.path); err != nil {
		n, _ := w.File.Write(p[:len(p)/2]) // the fault is told
		return n, err
	}
	return w.File.Write(p)
}

// Sync implements File.
func (w failingFile) Sync() error {
	return w.f.do("sync", w.path, func(string) error { return w.File.Sync() })
}

// Close implements io.Closer. The file is closed in any case.
func (w failingFile) Close() error {
	err := w.File.Close()
	if ferr := w.f.fault("close", w.path); ferr != nil {
		return ferr
	}
	return err
}
