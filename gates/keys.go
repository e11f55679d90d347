package gates

import (
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/pipeline"
)

func appendFloat(v float64) []byte { return strconv.AppendFloat(nil, v, 'g', -1, 64) }

// occurrences counts how often keys occur, by 128-bit hashes, within the budget.
type occurrences struct {
	env    *pipeline.Env
	counts map[xxh3.Uint128]uint32
	taken  int64
	failed bool
}

func newOccurrences(env *pipeline.Env) *occurrences {
	return &occurrences{env: env, counts: map[xxh3.Uint128]uint32{}}
}

func (o *occurrences) add(hashes []xxh3.Uint128) {
	for _, h := range hashes {
		if n, old := o.counts[h]; old {
			o.counts[h] = n + 1
			continue
		}
		if o.failed || !o.env.Memory.Take(keyBytes) {
			o.failed = true
			return
		}
		o.taken += keyBytes
		o.counts[h] = 1
	}
}

// shared gives how many keys occur more than once, and on how many rows.
func (o *occurrences) shared() (keys, rows int64) {
	for _, n := range o.counts {
		if n > 1 {
			keys++
			rows += int64(n)
		}
	}
	return keys, rows
}

func (o *occurrences) release() {
	o.env.Memory.Give(o.taken)
	o.taken, o.counts = 0, nil
}
