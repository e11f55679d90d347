package faults

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"sync"
	"time"
)

// Clock tells the time. Correctness never depends on it.
type Clock interface{ Now() time.Time }

// SystemClock is the clock of the machine.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// StepClock starts at a time and goes on by a step whenever it is asked. It is safe
// for concurrent use.
type StepClock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

// NewStepClock returns a clock for tests.
func NewStepClock(start time.Time, step time.Duration) *StepClock {
	return &StepClock{now: start, step: step}
}

// Now implements Clock.
func (c *StepClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.now
	c.now = c.now.Add(c.step)
	return t
}

// IDs makes the ids of runs: the time to the second and six random hex digits, so
// that they sort like time and can be typed. It is safe for concurrent use.
type IDs struct {
	clock  Clock
	random io.Reader
}

// NewIDs returns ids from the clock and the system's randomness.
func NewIDs(c Clock) *IDs { return &IDs{c, rand.Reader} }

// New gives an id like 20261124T092402-4f2a9c.
func (ids *IDs) New() string {
	var b [3]byte
	if _, err := io.ReadFull(ids.random, b[:]); err != nil {
		panic(err) // crypto/rand does not fail
	}
	return ids.clock.Now().UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}
