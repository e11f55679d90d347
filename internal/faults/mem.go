package faults

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mem is a file system in memory that can lose power and fail. It keeps apart what was
// written and what is durable: the content of a file is once it is synced, a name once
// its directory is. It is safe for concurrent use.
type Mem struct {
	mu     sync.Mutex
	root   *inode
	locked map[*inode][]byte // what the holder wrote
	ops    int

	// Before, if set, is told each operation by its number, from 1, and its name
	// before it is done; an error it gives is that of the operation, which is then not
	// done. It must not use the file system, but for Crash.
	Before func(n int, op, path string) error
	// Lazy, if set, says of each sync by its number whether it does nothing.
	Lazy  func(n int) bool
	syncs int
	// Seed, and how many operations were begun, choose what a crash keeps by Half.
	Seed uint64
}

// inode is a file or a directory.
type inode struct {
	dir     bool
	data    []byte
	synced  []byte
	names   map[string]*inode
	durable map[string]*inode
}

func newDir() *inode {
	return &inode{dir: true, names: map[string]*inode{}, durable: map[string]*inode{}}
}

// NewMem returns an empty file system with a root directory.
func NewMem() *Mem { return &Mem{root: newDir(), locked: map[*inode][]byte{}} }

// Ops is how many operations were begun.
func (m *Mem) Ops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ops
}

// Syncs is how many files and directories were synced.
func (m *Mem) Syncs() int { return m.syncs }

// begin counts an operation and asks whether it fails.
func (m *Mem) begin(op, path string) error {
	m.ops++
	if m.Before != nil {
		if err := m.Before(m.ops, op, path); err != nil {
			return &fs.PathError{Op: op, Path: path, Err: err}
		}
	}
	return nil
}

func split(path string) []string {
	return strings.FieldsFunc(filepath.ToSlash(path), func(r rune) bool { return r == '/' })
}

func (m *Mem) find(path string) *inode {
	n := m.root
	for _, part := range split(path) {
		if n == nil || !n.dir {
			return nil
		}
		n = n.names[part]
	}
	return n
}

// parent gives the directory of a path and the last part of it.
func (m *Mem) parent(op, path string) (*inode, string, error) {
	dir := m.find(filepath.Dir(path))
	if dir == nil || !dir.dir {
		return nil, "", &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
	}
	return dir, filepath.Base(path), nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("mkdir", path); err != nil {
		return err
	}
	n := m.root
	for _, part := range split(path) {
		if n.names[part] == nil {
			n.names[part] = newDir()
		}
		n = n.names[part]
	}
	return nil
}

// Mkdir implements FS.
func (m *Mem) Mkdir(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("mkdir", path); err != nil {
		return err
	}
	dir, name, err := m.parent("mkdir", path)
	if err != nil {
		return err
	}
	if dir.names[name] != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: fs.ErrExist}
	}
	dir.names[name] = newDir()
	return nil
}

// Create implements FS.
func (m *Mem) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("create", path); err != nil {
		return nil, err
	}
	dir, name, err := m.parent("create", path)
	if err != nil {
		return nil, err
	}
	if dir.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	n := &inode{}
	dir.names[name] = n
	return &memFile{m, n, path}, nil
}

// Append implements FS.
func (m *Mem) Append(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("append", path); err != nil {
		return nil, err
	}
	n := m.find(path)
	if n == nil || n.dir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return &memFile{m, n, path}, nil
}

type memFile struct {
	m    *Mem
	n    *inode
	path string
}

func (f *memFile) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("write", f.path); err != nil {
		half := len(p) / 2 // a full disk takes a part
		f.n.data = append(f.n.data, p[:half]...)
		return half, err
	}
	f.n.data = append(f.n.data, p...)
	return len(p), nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("sync", f.path); err != nil {
		return err
	}
	if !f.m.lazy() {
		f.n.synced = slices.Clone(f.n.data)
	}
	return nil
}

func (f *memFile) Close() error { return nil }

func (m *Mem) lazy() bool {
	m.syncs++
	return m.Lazy != nil && m.Lazy(m.syncs)
}

// Open implements FS. To open and to read are operations that may fail.
func (m *Mem) Open(path string) (Opened, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("open", path); err != nil {
		return nil, err
	}
	n := m.find(path)
	if n == nil || n.dir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return &memOpened{memFile: &memFile{m, n, path}}, nil
}

// memOpened is a file being read.
type memOpened struct {
	*memFile
	at int64
}

// Read implements io.Reader.
func (f *memOpened) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	if f.at += int64(n); n > 0 {
		return n, nil // the end, or what is wrong, is told by the next
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *memOpened) ReadAt(p []byte, from int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("read", f.path); err != nil {
		return 0, err
	}
	n := 0
	if from < int64(len(f.n.data)) {
		n = copy(p, f.n.data[from:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// ReadFile implements FS.
func (m *Mem) ReadFile(path string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(path)
	if n == nil || n.dir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return slices.Clone(n.data), nil
}

// ReadDir implements FS.
func (m *Mem) ReadDir(path string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(path)
	if n == nil || !n.dir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for name, child := range n.names {
		entries = append(entries, fs.FileInfoToDirEntry(memInfo{name, child}))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Stat implements FS.
func (m *Mem) Stat(path string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(path)
	if n == nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	return memInfo{filepath.Base(path), n}, nil
}

type memInfo struct {
	name string
	n    *inode
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return int64(len(i.n.data)) }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.n.dir }
func (i memInfo) Sys() any           { return nil }

func (i memInfo) Mode() fs.FileMode {
	if i.n.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// Rename implements FS.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("rename", from); err != nil {
		return err
	}
	fromDir, fromName, err := m.parent("rename", from)
	if err != nil {
		return err
	}
	toDir, toName, err := m.parent("rename", to)
	if err != nil {
		return err
	}
	n, old := fromDir.names[fromName], toDir.names[toName]
	switch {
	case n == nil:
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	case old != nil && (old.dir || n.dir):
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	delete(fromDir.names, fromName)
	toDir.names[toName] = n
	return nil
}

// Exchange implements FS.
func (m *Mem) Exchange(a, b string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("exchange", a); err != nil {
		return err
	}
	aDir, aName, err := m.parent("exchange", a)
	if err != nil {
		return err
	}
	bDir, bName, err := m.parent("exchange", b)
	if err != nil {
		return err
	}
	if aDir.names[aName] == nil || bDir.names[bName] == nil {
		return &fs.PathError{Op: "exchange", Path: a, Err: fs.ErrNotExist}
	}
	aDir.names[aName], bDir.names[bName] = bDir.names[bName], aDir.names[aName]
	return nil
}

// Link implements FS.
func (m *Mem) Link(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("link", from); err != nil {
		return err
	}
	n := m.find(from)
	dir, name, err := m.parent("link", to)
	if err != nil {
		return err
	}
	switch {
	case n == nil || n.dir:
		return &fs.PathError{Op: "link", Path: from, Err: fs.ErrNotExist}
	case dir.names[name] != nil:
		return &fs.PathError{Op: "link", Path: to, Err: fs.ErrExist}
	}
	dir.names[name] = n
	return nil
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("remove", path); err != nil {
		return err
	}
	if dir, name, err := m.parent("remove", path); err == nil {
		delete(dir.names, name)
	}
	return nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("syncdir", path); err != nil {
		return err
	}
	n := m.find(path)
	if n == nil || !n.dir {
		return &fs.PathError{Op: "sync", Path: path, Err: fs.ErrNotExist}
	}
	if !m.lazy() {
		n.durable = map[string]*inode{}
		for name, child := range n.names {
			n.durable[name] = child
		}
	}
	return nil
}

// Sync implements FS, one after the other.
func (m *Mem) Sync(files []File, dirs []string) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Sync())
	}
	for _, dir := range dirs {
		errs = append(errs, m.SyncDir(dir))
	}
	return errors.Join(errs...)
}

// Lock implements FS.
func (m *Mem) Lock(path string, text []byte) (Lock, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("lock", path); err != nil {
		return nil, err
	}
	dir, name, err := m.parent("lock", path)
	if err != nil {
		return nil, err
	}
	n := dir.names[name]
	if n == nil {
		n = &inode{}
		dir.names[name] = n
	}
	if held, ok := m.locked[n]; ok {
		return nil, &LockedError{path, held}
	}
	n.data, m.locked[n] = text, text
	return memLock{m, n}, nil
}

// Held implements FS.
func (m *Mem) Held(path string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(path)
	if n == nil {
		return false, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	_, held := m.locked[n]
	return held, nil
}

type memLock struct {
	m *Mem
	n *inode
}

func (l memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locked, l.n)
	return nil
}
