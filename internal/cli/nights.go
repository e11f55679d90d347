package cli

import (
	"sync"

	"github.com/penstock-data/penstock"
)

// nights gathers how the reports of nights went. It is safe for concurrent use.
type nights struct {
	mu     sync.Mutex
	failed bool
}

// told is a penstock.Options' NightTold, which says what was written, and what could not be.
func (n *nights) told(a *app) func(penstock.NightTold) {
	return func(t penstock.NightTold) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, to := range t.Reports {
			a.say("report %s", to)
		}
		for _, p := range t.Problems {
			a.complain(p)
			n.failed = true
		}
	}
}

// status is the error that stands for a command: a verdict stays what it is, and what went well did
// not if nobody could be told.
func (n *nights) status(err error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil && n.failed {
		return errReported
	}
	return err
}
