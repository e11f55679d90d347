package compare

import (
	"math/bits"
	"sync"
)

// Bounds of how many buckets there are. More of them leave fewer rows to be put together; fewer
// stay in the cache of a processor while rows are added into them.
const (
	bucketRows = 256
	minBuckets = 1 << 8
	maxBuckets = 1 << 15
)

// buckets is a power of two.
func (u *unequal) buckets() int {
	rows := int64(0)
	for _, in := range u.in {
		for _, s := range in.Splits {
			rows += max(s.Rows, 0)
		}
	}
	n := int64(minBuckets)
	most := u.Env.Memory.Limit() / 16 / tableBytes / int64(u.Env.Workers+1)
	for n < maxBuckets && n*bucketRows < rows && 2*n <= most {
		n *= 2
	}
	return int(n)
}

// tableBytes is what a bucket takes.
const tableBytes = 16

// sums are two of each bucket, which don't depend on the order of the rows.
type sums [][2]uint64

// tables are as many as are in use at one time.
type tables struct {
	size int
	mu   sync.Mutex
	free []*sums
}

func (t *tables) take() *sums {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		one := t.free[n-1]
		t.free = t.free[:n-1]
		return one
	}
	one := make(sums, t.size)
	return &one
}

func (t *tables) give(one *sums) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, one)
}

// add adds the rows of h from one on; those of the right side are subtracted. Rows that are marked
// already are left out.
func (t *sums) add(h *hashes, from, side int) {
	mask := uint64(len(*t) - 1)
	buckets := *t
	all := h.all[from:]
	for i, key := range h.keys[from:] {
		if h.marks != nil && h.marks.Has(int64(from+i)) {
			continue
		}
		one, other := sumsOf(key, all[i])
		b := &buckets[key&mask]
		if side == before {
			b[0], b[1] = b[0]+one, b[1]+other
		} else {
			b[0], b[1] = b[0]-one, b[1]-other
		}
	}
}

// sumsOf are the two numbers of a row that are added up: that two sets of rows whose hashes differ have
// the same sums has a chance of one in 10^38.
func sumsOf(key, all uint64) (one, other uint64) {
	return mix(all), mix(all + bits.RotateLeft64(key, 32))
}

// differ marks the buckets that are not the same on both sides; nil: all are.
func (u *unequal) differ() Marks {
	var differ Marks
	for b := range u.tables.size {
		var one, other uint64
		for _, t := range u.tables.free {
			one, other = one+(*t)[b][0], other+(*t)[b][1]
		}
		if one != 0 || other != 0 {
			mark(&differ, int64(u.tables.size), int64(b))
		}
	}
	u.tables.free = nil
	return differ
}
