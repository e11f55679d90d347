package pipeline

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// cancelGrace is how long a cancelled exchange waits for a worker that is stuck
// in somebody else's code before it gives up on it.
const cancelGrace = 400 * time.Millisecond

// An exchange carries units of work on several goroutines and hands their results
// on in the order of the units. It is the only place that starts goroutines.
//
// At most two results a worker are under way at once, and no new unit is begun
// while the budget is used up, except the one that all others wait for.
type exchange[T any] struct {
	cancel context.CancelFunc
	queue  chan chan outcome[T] // one slot a unit, in order
	closed chan struct{}        // when all workers have ended
	budget *Budget

	pull  sync.Mutex // held while a unit is claimed
	next  func(context.Context) (*work, error)
	ended bool

	mu          sync.Mutex
	outstanding int
	idle        chan struct{} // closed when nothing is outstanding
}

type outcome[T any] struct {
	value T
	bytes int64
	err   error
}

// startExchange begins at once. next is called by one goroutine at a time and
// gives io.EOF at the end; carry is called concurrently and says how many bytes
// its result holds.
func startExchange[T any](ctx context.Context, env *Env, next func(context.Context) (*work, error),
	carry func(context.Context, *work) (T, int64, error),
) *exchange[T] {
	ctx, cancel := context.WithCancel(ctx)
	x := &exchange[T]{
		cancel: cancel,
		queue:  make(chan chan outcome[T], 2*env.Workers),
		closed: make(chan struct{}),
		budget: env.Memory,
		next:   next,
		idle:   make(chan struct{}),
	}
	close(x.idle)
	var wg sync.WaitGroup
	for range env.Workers {
		wg.Go(func() { x.work(ctx, carry) })
	}
	go func() {
		wg.Wait()
		close(x.queue)
		close(x.closed)
	}()
	return x
}

func (x *exchange[T]) work(ctx context.Context, carry func(context.Context, *work) (T, int64, error)) {
	for {
		x.mu.Lock()
		idle := x.idle
		x.mu.Unlock()
		if err := x.budget.Wait(ctx, idle); err != nil {
			return
		}
		w, slot, ok := x.take(ctx)
		if !ok {
			return
		}
		if w == nil { // the end, or an error that is already in its slot
			return
		}
		var o outcome[T]
		o.value, o.bytes, o.err = guarded(ctx, w, carry)
		x.budget.Force(o.bytes)
		slot <- o
	}
}

// take claims the next unit and its slot in the queue.
func (x *exchange[T]) take(ctx context.Context) (w *work, slot chan outcome[T], ok bool) {
	x.pull.Lock()
	defer x.pull.Unlock()
	if x.ended {
		return nil, nil, false
	}
	w, err := guardedNext(ctx, x.next)
	if isEOF(err) {
		x.ended = true
		return nil, nil, false
	}
	slot = make(chan outcome[T], 1)
	if err != nil {
		x.ended = true
		w = nil
		slot <- outcome[T]{err: err}
	}
	x.begin()
	select {
	case x.queue <- slot:
	case <-ctx.Done():
		return nil, nil, false
	}
	return w, slot, true
}

// Next gives the result of the next unit, or io.EOF. After an error it gives no
// more results.
func (x *exchange[T]) Next(ctx context.Context) (T, error) {
	var none T
	select {
	case slot, open := <-x.queue:
		if !open {
			if err := ctx.Err(); err != nil {
				return none, err
			}
			return none, io.EOF
		}
		select {
		case o := <-slot:
			x.settle(o.bytes)
			return o.value, o.err
		case <-ctx.Done():
			return none, ctx.Err()
		}
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func (x *exchange[T]) begin() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.outstanding == 0 {
		x.idle = make(chan struct{})
	}
	x.outstanding++
}

func (x *exchange[T]) settle(bytes int64) {
	x.budget.Give(bytes)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.outstanding--
	if x.outstanding == 0 {
		close(x.idle)
	}
}

// Close stops the workers, waits for them, and passes the results that nobody
// took to drop.
func (x *exchange[T]) Close(drop func(T)) error {
	x.cancel()
	timer := time.NewTimer(cancelGrace)
	defer timer.Stop()
	select {
	case <-x.closed:
	case <-timer.C:
		return Errorf(Internal, "an operator did not stop within %v of being cancelled", cancelGrace)
	}
	for slot := range x.queue {
		select {
		case o := <-slot:
			x.budget.Give(o.bytes)
			if o.err == nil {
				drop(o.value)
			}
		default:
		}
	}
	return nil
}

// guarded calls carry and turns a panic into an error: what an operator does must
// not take other partitions down.
func guarded[T any](ctx context.Context, w *work, carry func(context.Context, *work) (T, int64, error)) (v T, n int64, err error) {
	defer recovered(&err)
	return carry(ctx, w)
}

func guardedNext(ctx context.Context, next func(context.Context) (*work, error)) (w *work, err error) {
	defer recovered(&err)
	return next(ctx)
}

// maxStack bounds the lines of a stack that an error carries.
const maxStack = 24

// recovered is deferred; it turns a panic into an Internal error with the stack.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = Errorf(Internal, "panic: %v", r).With(stack()...)
	}
}

func stack() []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(debug.Stack())), "\n") {
		if len(lines) == maxStack {
			lines = append(lines, fmt.Sprintf("… (cut at %d lines)", maxStack))
			break
		}
		lines = append(lines, line)
	}
	return lines
}
