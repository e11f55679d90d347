//go:build failpoints

package faults

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Action is what happens at a point.
type Action string

// The actions. A process that was stopped goes on when it is sent SIGCONT.
const (
	Kill  Action = "kill"
	Stop  Action = "stop"
	Error Action = "error"
)

// points are those that were passed, how often, and the one that is armed.
var points struct {
	sync.Mutex
	hits   map[string]int
	name   string
	left   int
	action Action
}

// The variable arms a point from the start: "kill:3:before sync staging data".
func init() {
	points.hits = map[string]int{}
	text := os.Getenv("PENSTOCK_FAILPOINT")
	if text == "" {
		return
	}
	part := strings.SplitN(text, ":", 3)
	if len(part) != 3 {
		panic("PENSTOCK_FAILPOINT: want action:count:name")
	}
	n, err := strconv.Atoi(part[1])
	if err != nil {
		panic("PENSTOCK_FAILPOINT: " + err.Error())
	}
	Arm(part[2], n, Action(part[0]))
}

// Arm has the action happen when the point is passed for the n-th time from now, and
// disarms what was armed before. An empty name arms nothing.
func Arm(name string, n int, a Action) {
	points.Lock()
	defer points.Unlock()
	points.name, points.left, points.action = name, n, a
}

// Hits says how often each point was passed.
func Hits() map[string]int {
	points.Lock()
	defer points.Unlock()
	return maps.Clone(points.hits)
}

// Step does something durable, between two points: "before" its name and "after" it.
func Step(name string, do func() error) error {
	if err := point("before " + name); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return point("after " + name)
}

func point(name string) error {
	switch pass(name) {
	case Kill:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case Stop:
		return syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case Error:
		return fmt.Errorf("%s: %w", name, syscall.EIO)
	}
	return nil
}

func pass(name string) Action {
	points.Lock()
	defer points.Unlock()
	points.hits[name]++
	if name != points.name {
		return ""
	}
	if points.left--; points.left != 0 {
		return ""
	}
	return points.action
}
