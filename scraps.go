package penstock

import (
	"context"
	"sync"
)

// scraps are what a run could not remove, and the runs that could not be put on record, because
// the disk failed just then. A process may live long, so it does not leave them to the next that
// opens the project.
type scraps struct {
	mu    sync.Mutex
	paths []string
	runs  []string
}

// waits notes a run that is not on record yet.
func (s *scraps) waits(run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, run)
}

// waiting takes the runs that are not on record yet.
func (s *scraps) waiting() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := s.runs
	s.runs = nil
	return runs
}

// discard removes a path, now or before a later run.
func (p *Project) discard(path string) error {
	err := p.fs.RemoveAll(path)
	if err != nil {
		p.scraps.mu.Lock()
		defer p.scraps.mu.Unlock()
		p.scraps.paths = append(p.scraps.paths, path)
	}
	return err
}

// clearScraps removes what could not be removed before, and puts on record what could not be, as
// far as the disk lets it.
func (p *Project) clearScraps(ctx context.Context) {
	for _, run := range p.scraps.waiting() {
		if p.buryOne(ctx, run) != nil {
			p.scraps.waits(run)
		}
	}
	p.scraps.mu.Lock()
	defer p.scraps.mu.Unlock()
	for len(p.scraps.paths) > 0 && p.fs.RemoveAll(p.scraps.paths[0]) == nil {
		p.scraps.paths = p.scraps.paths[1:]
	}
}
