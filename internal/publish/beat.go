package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// beating shows some times in a lease that its holder is alive, by an empty file whose name
// changes: of all that a file system has, this is seen at once by every machine. It ends when
// the file is gone, which a fenced run's is. stop ends it, and gives the file's name; empty if
// there is none yet.
func (s *Store) beating(prefix string) (stop func() string) {
	quit := make(chan struct{})
	var done sync.WaitGroup
	name := ""
	done.Go(func() {
		tick := time.NewTicker(max(s.lease()/beatsPerLease, 1))
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				now, err := s.beat(name, prefix)
				if errors.Is(err, fs.ErrNotExist) {
					return
				}
				if err == nil { // else the next may succeed
					name = now
				}
			}
		}
	})
	return func() string {
		close(quit)
		done.Wait()
		return name
	}
}

// beat gives the file of a beat its next name.
func (s *Store) beat(was, prefix string) (string, error) {
	now := fmt.Sprint(prefix, s.Clock.Now().UnixNano())
	if was != "" {
		return now, s.FS.Rename(was, now)
	}
	f, err := s.FS.Create(now)
	if err != nil {
		return "", err
	}
	return now, f.Close()
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
