package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is one that a manifest names.
type file struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// manifest checks a manifest and gives the files of the version; nil if it is not what it should
// be.
func (c *checker) manifest(name, expected string) ([]file, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		c.problem(name, "can't be read: %v; its sha256 should be %.12s", reason(err), expected)
		return nil, nil
	}
	c.Files++
	c.Bytes += int64(len(text))
	if found := digestOf(text); found != expected {
		c.differs(name, "was changed", expected, found)
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		c.problem(name, "can't be read: %v", err)
		return nil, nil
	}
	all := []file{}
	for field, value := range fields {
		var files []file
		if field != "inputs" && json.Unmarshal(value, &files) == nil { // whatever has files has them in this form
			all = append(all, slices.DeleteFunc(files, func(f file) bool { return f.Path == "" || f.SHA256 == "" })...)
		}
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// file checks a file.
func (c *checker) file(name string, want file) error {
	n, sum, err := c.sum(name)
	if cerr := c.ctx.Err(); cerr != nil {
		return cerr
	}
	c.Files++
	c.Bytes += n
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.problem(name, "is gone; its manifest names it, with sha256 %.12s", want.SHA256)
	case err != nil:
		c.problem(name, "can't be read: %v", reason(err))
	case n != want.Bytes:
		c.problem(name, "was changed: it is %d bytes, its manifest says %d", n, want.Bytes)
	case sum != want.SHA256:
		c.differs(name, "was changed", want.SHA256, sum)
	}
	return nil
}

func (c *checker) sum(name string) (int64, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := c.ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(p)
	}))
	return n, hex.EncodeToString(h.Sum(nil)), err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// others looks for files in the directory of a version that its manifest does not name.
func (c *checker) others(dir string, named []file) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p) // it is below
		rel = filepath.ToSlash(rel)
		if rel != "manifest.json" && !slices.ContainsFunc(named, func(f file) bool { return f.Path == rel }) {
			c.problem(p, "no manifest names it")
		}
		return nil
	})
}

// approvals checks the files that say what was approved of.
func (c *checker) approvals(store string, all map[string]*said) error {
	names, err := list(filepath.Join(store, "approvals"))
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, name := range names {
		dir, isJSON := strings.CutSuffix(name, ".json")
		where := filepath.Join(store, "approvals", name)
		if there[dir] = true; !isJSON {
			c.problem(where, "penstock did not put it there")
			continue
		}
		s := Standing{}
		if p := all[strings.TrimPrefix(dir, whole)]; p != nil {
			s = p.approvals
		}
		c.Files++
		_, sum, err := c.sum(where)
		switch {
		case err != nil:
			c.problem(where, "can't be read: %v", reason(err))
		case c.stands(where, &s, sum):
		case s.Last == nil:
			c.problem(where, "no entry of the chain says who approved")
		default:
			c.differs(where, "was changed since entry "+itoa(s.Last.Seq), s.Last.Digest, sum)
		}
	}
	for dir, s := range all {
		if name, e := nameOfPartition(dir), s.approvals.Last; e != nil && !there[name] {
			c.problem(filepath.Join(store, "approvals", name+".json"), "is gone; entry %d has its sha256, %.12s", e.Seq, e.Digest)
		}
	}
	return nil
}
