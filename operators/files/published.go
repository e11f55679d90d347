package files

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/penstock-data/penstock/pipeline"
)

// manifestName is the manifest beside published files.
const manifestName = "_manifest.json"

// maxManifest bounds the manifest that is read, in bytes.
const maxManifest = 256 << 20

// published are the manifests of the directories that were looked into; nil where there is
// none.
type published map[string]*pipeline.Manifest

// describe adds to a file what the manifest beside it says of it: its digests. A file that
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
		f.SHA256, f.Chunks, f.Footer = w.SHA256, w.Chunks, w.Footer
	}
	return nil
}

func readManifest(path string) (*pipeline.Manifest, error) {
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
	return m, nil
}
