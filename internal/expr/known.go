package expr

import (
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// known are programs that were made before. To make one takes about a millisecond, as long as a
// small partition does in all, and a backfill binds the same expressions to the same schema
// thousands of times. A program is not changed once made, so it can be had again; one that names
// a moment is another each time and is not kept.
var known = programs{most: 2048}

// programs are kept by their text, and then told apart by their schemas. When there are too many,
// all are forgotten. It is safe for concurrent use.
type programs struct {
	most int

	mu    sync.Mutex
	n     int
	bySrc map[programKey][]*Program
}

// programKey is the text of an expression; of a statement also the metrics it calls, which stand
// for its columns.
type programKey struct{ src, calls string }

func (k *programs) get(key programKey, schema *arrow.Schema) *Program {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.bySrc[key] {
		if p.schema.Equal(schema) {
			return p
		}
	}
	return nil
}

func (k *programs) put(key programKey, p *Program) {
	if p.timed {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bySrc == nil || k.n >= k.most {
		k.n, k.bySrc = 0, map[programKey][]*Program{}
	}
	k.n++
	k.bySrc[key] = append(k.bySrc[key], p)
}
