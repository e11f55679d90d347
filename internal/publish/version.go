package publish

import (
	"path/filepath"

	"github.com/penstock-data/penstock/pipeline"
)

// Version gives the manifest of a version that is kept, and its digest. The error is
// fs.ErrNotExist where it is not.
func (s *Store) Version(dataset, partitionDir string, n int64) (m *pipeline.Manifest, digest string, err error) {
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return nil, "", err
	}
	return s.read(filepath.Join(l.version(n), manifestName), l)
}
