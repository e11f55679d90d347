package faults

import (
	"context"
	"time"
)

// Sleep returns after d, or with ctx's error when that ends before. What waits takes it as a
// function, so that no test does.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
