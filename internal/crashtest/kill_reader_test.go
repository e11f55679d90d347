package crashtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// reader reads all outputs of a project over and over, as somebody else would: it opens a
// directory once, and reads what is in it.
type reader struct {
	w     *world
	end   atomic.Bool
	done  sync.WaitGroup
	reads atomic.Int64
	wrong atomic.Pointer[error]
}

func newReader(w *world) *reader {
	r := &reader{w: w}
	r.done.Go(func() {
		pace := time.NewTicker(time.Millisecond) // leaves time to those that are killed
		defer pace.Stop()
		for !r.end.Load() {
			<-pace.C
			for _, st := range w.outputs() {
				for _, p := range w.parts() {
					harmed := w.harm.Load()
					if err := r.read(filepath.Join(w.dir, visibleDir(st.Name, p))); err != nil && !harmed && !w.harm.Load() {
						r.wrong.CompareAndSwap(nil, &err)
					}
				}
			}
		}
	})
	return r
}

func (r *reader) stop() int {
	r.end.Store(true)
	r.done.Wait()
	return int(r.reads.Load())
}

func (r *reader) err() error {
	r.stop()
	if err := r.wrong.Load(); err != nil {
		return *err
	}
	return nil
}

// read reads what a directory shows. A file that is gone is no harm if another directory has
// taken the place of this one meanwhile.
func (r *reader) read(dir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	err = readAll(root)
	if err == nil {
		r.reads.Add(1)
		return nil
	}
	was, err1 := root.Stat(".")
	is, err2 := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) && err1 == nil && (errors.Is(err2, fs.ErrNotExist) || err2 == nil && !os.SameFile(was, is)) {
		return nil
	}
	return fmt.Errorf("I6: a reader of %s finds %w", dir, err)
}

func readAll(root *os.Root) error {
	text, err := slurp(root, "_manifest.json")
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	for _, f := range m.Files {
		text, err := slurp(root, path.Base(f.Path))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f.SHA256 {
			return fmt.Errorf("%s with other bytes than the manifest says", f.Path)
		}
	}
	return nil
}

func slurp(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
