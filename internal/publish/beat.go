package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// defaultLease is how long who holds a partition may stand still.
	defaultLease = 30 * time.Second
	// beatsPerLease is how often it shows in that time that it is alive.
	beatsPerLease = 5
	beatPrefix    = "beat."
)

func (s *Store) lease() time.Duration {
	if s.Lease > 0 {
		return s.Lease
	}
	return defaultLease
}

// beating calls beat some times in a lease until it gives false, or stop is called, which
// waits for it.
func beating(lease time.Duration, beat func() bool) (stop func()) {
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(max(lease/beatsPerLease, 1))
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				if !beat() {
					return
				}
			}
		}
	})
	return sync.OnceFunc(func() { close(quit); done.Wait() })
}

// beat gives the function that shows that the holder is alive, by a name that changes: of all
// that a file system has, this is seen at once by every machine.
func (st *Staging) beat() func() bool {
	was := ""
	return func() bool {
		now := filepath.Join(st.dir, fmt.Sprint(beatPrefix, st.store.Clock.Now().UnixNano()))
		var err error
		if was != "" {
			err = st.store.FS.Rename(was, now)
		} else if f, cerr := st.store.FS.Create(now); cerr == nil {
			err = f.Close()
		} else {
			err = cerr
		}
		if err == nil {
			was = now
		}
		return !errors.Is(err, fs.ErrNotExist) // else it was fenced
	}
}

func cutBeat(name string) (at time.Time, ok bool) {
	digits, ok := strings.CutPrefix(name, beatPrefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	return time.Unix(0, n), ok && err == nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
