package penstock

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/host"
	"github.com/penstock-data/penstock/pipeline"
)

// hashes keeps the digests of files that were read before, so that a backfill whose partitions
// all read one file hashes it once. One is had again while nothing of the file's stamp, which the
// system changes with every write, is another. It is safe for concurrent use.
type hashes struct {
	now   func() time.Time
	mu    sync.Mutex
	known map[string]hashed // by path
}

type hashed struct{ stamp, sum string }

// settled is how long ago a file must have been changed: the clock of a file system may tick
// slowly.
const settled = 2 * time.Second

// maxHashes is how many digests are kept.
const maxHashes = 4096

// file is a pipeline.Env's HashFile.
func (h *hashes) file(ctx context.Context, path string) (string, error) {
	stamp := h.stamp(path)
	h.mu.Lock()
	known := h.known[path]
	h.mu.Unlock()
	if stamp != "" && known.stamp == stamp {
		return known.sum, nil
	}
	sum, err := pipeline.HashFile(ctx, path)
	if err != nil || stamp == "" || h.stamp(path) != stamp {
		return sum, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil || len(h.known) >= maxHashes {
		h.known = map[string]hashed{}
	}
	h.known[path] = hashed{stamp, sum}
	return sum, nil
}

// stamp is empty where the system does not say enough, or the file is so young that it could be
// written again without another stamp.
func (h *hashes) stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stamp, changed := host.Stamp(info)
	if h.now().Sub(changed) < settled {
		return ""
	}
	return stamp
}
