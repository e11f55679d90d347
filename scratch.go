package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// scratch is a pipeline.Stager whose files nobody will read but the run itself. It makes
// nothing durable.
type scratch struct{ dir string }

// Create implements pipeline.Stager.
func (s scratch) Create(_ context.Context, stage *pipeline.Stage, quarantine bool, name string) (pipeline.StagedFile, error) {
	kind := publish.Data
	if quarantine {
		kind = publish.Quarantine
	}
	return s.create(stage, kind, name)
}

// Trace implements pipeline.Stager.
func (s scratch) Trace(_ context.Context, stage *pipeline.Stage, name string) (pipeline.StagedFile, error) {
	return s.create(stage, publish.Lineage, name)
}

func (s scratch) create(stage *pipeline.Stage, kind publish.Kind, name string) (pipeline.StagedFile, error) {
	where := filepath.Join(s.dir, "again", stage.Name, string(kind), name)
	if err := os.MkdirAll(filepath.Dir(where), 0o700); err != nil {
		return nil, err
	}
	f, err := os.Create(where)
	return &scratchFile{file: f, sum: sha256.New(), path: where, name: path.Join(string(kind), name)}, err
}

// Adopt implements pipeline.Stager. The file stays where it is, and is only hashed.
func (s scratch) Adopt(_ context.Context, _ *pipeline.Stage, name, from string) (pipeline.StagedFile, error) {
	f, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	w := &scratchFile{sum: sha256.New(), path: from, name: path.Join(string(publish.Data), name)}
	w.bytes, err = io.Copy(w.sum, f)
	return w, errors.Join(err, f.Close())
}

// scratchFile is a file that is hashed while it is written.
type scratchFile struct {
	file       *os.File
	sum        hash.Hash
	path, name string
	bytes      int64
}

func (f *scratchFile) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.sum.Write(p[:n])
	f.bytes += int64(n)
	return n, err
}

func (f *scratchFile) Close() error { return f.file.Close() }

func (f *scratchFile) File() pipeline.File {
	return pipeline.File{Path: f.name, Bytes: f.bytes, SHA256: hex.EncodeToString(f.sum.Sum(nil)), Rows: -1}
}

func (f *scratchFile) Path() string { return f.path }
