package penstock

import "sync"

// scraps are what a run could not remove, because the disk failed just then. A process may live
// long, so it does not leave them to the next that opens the project.
type scraps struct {
	mu    sync.Mutex
	paths []string
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

// clearScraps removes what could not be removed before, as far as the disk lets it.
func (p *Project) clearScraps() {
	p.scraps.mu.Lock()
	defer p.scraps.mu.Unlock()
	for len(p.scraps.paths) > 0 && p.fs.RemoveAll(p.scraps.paths[0]) == nil {
		p.scraps.paths = p.scraps.paths[1:]
	}
}
