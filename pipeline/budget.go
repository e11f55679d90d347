package pipeline

import (
	"context"
	"sync"
)

// Budget bounds the memory of a run. What holds data across batches (queues
// between stages, states that grow with the data) takes its bytes from here; what
// DuckDB holds is bounded by a share of Limit. It is safe for concurrent use.
type Budget struct {
	limit int64

	mu    sync.Mutex
	used  int64
	peak  int64
	freed chan struct{} // closed and renewed whenever bytes are given back
}

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit, freed: make(chan struct{})}
}

// Limit is the whole budget, in bytes.
func (b *Budget) Limit() int64 { return b.limit }

// Take takes n bytes if that many are left, and reports whether it did.
func (b *Budget) Take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.limit {
		return false
	}
	b.add(n)
	return true
}

// Force takes n bytes even beyond the limit: for the one consumer whose progress
// gives the others their bytes back.
func (b *Budget) Force(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(n)
}

func (b *Budget) add(n int64) {
	b.used += n
	b.peak = max(b.peak, b.used)
}

// Give returns n bytes.
func (b *Budget) Give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	close(b.freed)
	b.freed = make(chan struct{})
}

// Wait returns when the budget is not used up, or ready is closed, or ctx ends.
func (b *Budget) Wait(ctx context.Context, ready <-chan struct{}) error {
	for {
		b.mu.Lock()
		free, freed := b.used < b.limit, b.freed
		b.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-freed:
		case <-ready:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Peak is the most that was taken at one time, in bytes.
func (b *Budget) Peak() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peak
}
