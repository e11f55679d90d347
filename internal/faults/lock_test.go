package faults

import (
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// A lock whose file its holder removes is held by one at a time, also by those who had opened
// the file before it went.
func TestLockOfAFileThatGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders, taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				lock, err := OS().Lock(path, []byte("who"))
				var held *LockedError
				if errors.As(err, &held) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold it at once", n)
				}
				taken.Add(1)
				for range 20 { // others come to their turn meanwhile
					runtime.Gosched()
				}
				holders.Add(-1)
				if err := errors.Join(OS().RemoveAll(path), lock.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() < 8 {
		t.Errorf("it was taken %d times", taken.Load())
	}
}
