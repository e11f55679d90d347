package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// interrupts turns SIGINT and SIGTERM into the end of a context. A command that drains is given
// time after the first: see drain. The signal after the one that ended the context ends the
// process, as if it had not been caught.
type interrupts struct {
	cancel  context.CancelCauseFunc
	signals chan os.Signal
	ended   chan struct{}

	mu       sync.Mutex
	first    os.Signal
	draining chan struct{} // nil: no command drains
	told     func()        // says that it is draining
}

// drainTime is how long what runs may go on after the first signal.
const drainTime = 10 * time.Second

// notified gives a context that ends at a signal. It is watched until stop is called.
func notified() (ctx context.Context, in *interrupts, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	in = &interrupts{cancel: cancel, signals: make(chan os.Signal, 1), ended: make(chan struct{})}
	signal.Notify(in.signals, syscall.SIGINT, syscall.SIGTERM)
	go in.watch()
	return ctx, in, func() {
		signal.Stop(in.signals)
		close(in.ended)
		cancel(nil)
	}
}

func (in *interrupts) watch() {
	var over <-chan time.Time
	for {
		select {
		case s := <-in.signals:
			if in.drains(s) {
				over = time.After(drainTime)
				continue
			}
		case <-over:
		case <-in.ended:
			return
		}
		signal.Stop(in.signals)
		in.cancel(errInterrupted)
		return
	}
}

var errInterrupted = errors.New("stopped by a signal")

// drains takes note of a signal and reports whether there is time to drain.
func (in *interrupts) drains(s os.Signal) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	again := in.first != nil
	if !again {
		in.first = s
	}
	if again || in.draining == nil {
		return false
	}
	close(in.draining)
	in.told()
	return true
}

// drain gives a channel that is closed at the first signal, and has the context end at the
// second, or when drainTime is over. told is called at the first.
func (in *interrupts) drain(told func()) <-chan struct{} {
	if in == nil {
		return nil // nobody sends signals
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.draining, in.told = make(chan struct{}), told
	return in.draining
}

// caught is the first signal that came; nil if none did.
func (in *interrupts) caught() os.Signal {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.first
}
