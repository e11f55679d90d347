package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
)

// fault is one way in which the n-th operation fails.
type fault struct {
	err error
	// on says which operations can fail so.
	on []string
	// stays says that all operations after it that can, fail too.
	stays bool
}

var (
	writing = []string{"mkdir", "create", "write", "sync", "close", "rename", "exchange", "link", "syncdir", "lock"}
	every   = append([]string{"remove", "open", "read", "readdir", "stat", "held"}, writing...)
)

// faultKinds are all ways.
func faultKinds() (all []fault) {
	for _, f := range []fault{{err: syscall.EIO, on: every}, {err: syscall.ENOSPC, on: writing}, {err: io.ErrShortWrite, on: []string{"write"}}} {
		all = append(all, f, fault{f.err, f.on, true})
	}
	return all
}

func (f fault) String() string {
	if f.stays {
		return fmt.Sprintf("%v for good", f.err)
	}
	return fmt.Sprintf("%v once", f.err)
}

// plan gives what fails: the n-th operation that can, or all from it on.
func (f fault) plan(n int, fired *int) func(op, path string) error {
	seen := 0
	return func(op, _ string) error {
		if !slices.Contains(f.on, op) {
			return nil
		}
		if seen++; seen == n || seen > n && f.stays {
			*fired++
			return f.err
		}
		return nil
	}
}

// Of random commands the n-th operation fails, for every n, in every way, once and for good.
// None says that it did what it did not; what was published stays; and when the fault has
// gone, the same command does it.
func TestEveryOperationFails(t *testing.T) {
	campaign(t, "faults", 500, 50_000, func(h *history, c *command) error { return h.fail(t.Context(), c) })
}

// fail does a command after it failed in every way.
func (h *history) fail(ctx context.Context, c *command) error {
	for _, f := range faultKinds() {
		if err := h.failAll(ctx, c, f); err != nil {
			return err
		}
	}
	o, err := c.do(ctx, h.store(h.disk))
	if err != nil {
		return err
	}
	c.at.learn(c, o)
	return nil
}

// failAll has the n-th operation of the command fail, for every n.
func (h *history) failAll(ctx context.Context, c *command, f fault) error {
	for n := 1; ; n++ {
		fired := 0
		err := h.failOne(ctx, c, f.plan(n, &fired), f.err, &fired)
		if err != nil {
			return fmt.Errorf("%v, operation %d: %w", f, n, err)
		}
		if fired == 0 {
			return nil
		}
		h.count.Add(1)
	}
}

// failOne does the command on a copy of the disk with a fault, and looks at what came of it.
func (h *history) failOne(ctx context.Context, c *command, plan func(op, path string) error, fault error, fired *int) error {
	mem := h.disk.Crash(faults.Kept)
	try := h.again(c)
	try.at = c.at.clone()
	places := slices.Clone(h.places)
	places[slices.Index(places, c.at)] = try.at
	o, err := try.do(ctx, h.store(faults.Failing{FS: mem, Fault: plan}))
	switch {
	case err == nil:
		try.at.learn(try, o)
		// Success is what also a power cut can't take.
		if err := try.at.inspect(disk{mem.Crash(faults.Lost), h.known}, nil); err != nil {
			return fmt.Errorf("it said that it was done: %w", err)
		}
	case *fired == 0:
		return fmt.Errorf("without a fault: %w", err)
	case !errors.Is(err, fault):
		return fmt.Errorf("the error is %w", err)
	}
	for _, p := range places {
		if err := p.inspect(disk{mem, h.known}, try); err != nil {
			return err
		}
	}
	if c.kind == approve && try.at.held == nil {
		return nil
	}
	return h.converge(ctx, try, mem, places)
}
