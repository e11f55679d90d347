package files

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// manifestName is the manifest beside published files.
const manifestName = "_manifest.json"

// maxManifest bounds the manifest that is read, in bytes.
const maxManifest = 256 << 20

// published are the manifests of the directories that were looked into; nil where there is
// none.
type published map[string]*found

// found is a manifest with its digest.
type found struct {
	*pipeline.Manifest
	digest string
}

// describe adds to a file what the manifest beside it says of it: its digests and rows. A file that
// is not as it was published is an error.
func (p published) describe(f *File) error {
	dir := filepath.Dir(f.Abs)
	m, known := p[dir]
	if !known {
		var err error
		if m, err = readManifest(filepath.Join(dir, manifestName)); err != nil {
			return &pipeline.Error{Kind: pipeline.BadInput, Where: f.Path, Msg: "the manifest beside it can't be read: " + err.Error()}
		}
		p[dir] = m
	}
	if m == nil {
		return nil
	}
	for _, w := range m.Files {
		if filepath.Base(w.Path) != filepath.Base(f.Abs) {
			continue
		}
		if w.Bytes != f.Bytes {
			return pipeline.Errorf(pipeline.BadInput, "%s has %d bytes, and was published with %d", f.Path, f.Bytes, w.Bytes).
				With("`penstock verify` tells what else is not as it was published")
		}
		f.SHA256, f.Chunks, f.Footer, f.Rows = w.SHA256, w.Chunks, w.Footer, w.Rows
	}
	return nil
}

// states are what gates found of the files when they were published, if these are all files
// of one partition, and the run believes its manifest.
func (p published) states(env *pipeline.Env, all []File) map[string]json.RawMessage {
	if len(p) != 1 || env.Believes == nil {
		return nil
	}
	for dir, m := range p {
		if m == nil || len(m.Files) != len(all) || !env.Believes(dir, m.digest) {
			return nil
		}
		for _, f := range all {
			if f.SHA256 == "" {
				return nil
			}
		}
		return m.Metrics
	}
	return nil
}

// approved names the gates that what was found did not pass, and somebody approved of.
func (p published) approved() (all []string) {
	for _, m := range p {
		if m != nil {
			all = append(all, m.ApprovedGates()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// tags are those of the columns of what was found, where it was published.
func (p published) tags() map[string][]string {
	tags := map[string][]string{}
	for _, m := range p {
		if m != nil {
			m.TagsInto(tags)
		}
	}
	return tags
}

// Manifest reads the manifest in a directory of published files, and gives its digest. The
// error is fs.ErrNotExist where there is none.
func Manifest(dir string) (m *pipeline.Manifest, digest string, err error) {
	f, err := readManifest(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, "", err
	}
	if f == nil {
		return nil, "", fs.ErrNotExist
	}
	return f.Manifest, f.digest, nil
}

func readManifest(path string) (*found, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxManifest {
		return nil, errors.New("it is too large")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &pipeline.Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &found{m, hex.EncodeToString(sum[:])}, nil
}
