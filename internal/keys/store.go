package keys

import (
	"errors"
	"sync"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// A Store is where logs keep their keys: in memory from the budget, and in one file. It
// is safe for concurrent use; each of its logs is used by one goroutine at a time.
type Store struct {
	memory *pipeline.Budget
	share  int64
	spill  spill

	mu   sync.Mutex
	held int64 // bytes of logs, of share
	work int64 // bytes of tables, for which there is no share
	shut bool
}

// NewStore returns a store without keys. Its logs together take up to share bytes of the
// budget, a quarter of it if share is 0, and spill the rest to a new file in dir, which
// has to be there then. Even where the budget is used up each log that is being filled takes 128 KiB
// or, if that is more, 1/32 of share up to 2 MiB, and each answer 512 KiB.
func NewStore(memory *pipeline.Budget, share int64, fsys faults.FS, dir string) *Store {
	if share == 0 {
		share = memory.Limit() / 4
	}
	return &Store{memory: memory, share: share, spill: spill{fs: fsys, dir: dir}}
}

// Log returns an empty log that keeps each key as often as it is added.
func (s *Store) Log() *Log { return &Log{store: s} }

// Positions returns an empty log that keeps a position with each key.
func (s *Store) Positions() *Log { return &Log{store: s, positions: true} }

// Set returns an empty log that knows which keys were added, but not how often.
func (s *Store) Set() *Log { return &Log{store: s, set: true} }

// Spilled is how many bytes were written to the file.
func (s *Store) Spilled() int64 {
	s.spill.mu.Lock()
	defer s.spill.mu.Unlock()
	return s.spill.size
}

// Close gives all memory back and removes the file. The logs can't be used any more.
// To close twice is no error.
func (s *Store) Close() error {
	s.mu.Lock()
	n := s.held + s.work
	s.held, s.work, s.shut = 0, 0, true
	s.mu.Unlock()
	if n != 0 {
		s.memory.Give(n)
	}
	return s.spill.close()
}

// take takes n bytes of the share for a log.
func (s *Store) take(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held+n > s.share || !s.memory.Take(n) {
		return false
	}
	s.held += n
	return true
}

// leastKeys is how many keys a log may add, whatever the budget says, before it spills
// them: where there is more to share, fewer and larger segments are made.
func (s *Store) leastKeys() int {
	return int(min(max(s.share/keyBytes/64, leastKeys), blockKeys))
}

// tight reports whether a log that gathers from others, and has n bytes in memory, should
// spill them, so that the others have room to fill their blocks.
func (s *Store) tight(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held > s.share/4*3 && n > s.share/16
}

// force takes n bytes for a log that could not go on without.
func (s *Store) force(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.Force(n)
	s.held += n
}

func (s *Store) give(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n != 0 && !s.shut {
		s.held -= n
		s.memory.Give(n)
	}
}

// borrow takes n bytes for an answer, even beyond the limit if must is set.
func (s *Store) borrow(n int64, must bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if must {
		s.memory.Force(n)
	} else if !s.memory.Take(n) {
		return false
	}
	s.work += n
	return true
}

func (s *Store) repay(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n != 0 && !s.shut {
		s.work -= n
		s.memory.Give(n)
	}
}

// failed gives err its kind, and says what to do.
func failed(what string, err error) error {
	var known *pipeline.Error
	if errors.As(err, &known) {
		return err
	}
	return pipeline.Errorf(pipeline.IO, "%s: %w", what, err).
		With("keys that don't fit in memory are kept in a file of the run: free disk space, or give the run more memory with --memory")
}
