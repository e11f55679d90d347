package openlineage

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Sender tells what runs do, in one goroutine beside them. It never makes a run wait but for the
// one sync of its intent, and never fails one.
type Sender struct {
	outbox *Outbox
	past   Past
	lines  []*line
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	warn   func(string)
	filter []filter

	queue  chan message
	cancel context.CancelCauseFunc
	naps   context.Context // in which it waits to try again
	awake  context.CancelFunc
	done   chan struct{}
	once   sync.Once

	lost    atomic.Bool                // a message found the queue full; its run is in the outbox
	started map[string]map[string]bool // transports that know of a run that it began
}

// Past finds what is on record.
type Past struct {
	// Dir is the root of the project.
	Dir string
	// Run gives the record of a run or a backfill: nil where there is none, and nobody is about
	// to make one. Its status is running while its process is alive.
	Run func(ctx context.Context, id string) (*pipeline.RunRecord, error)
	// Manifest and PartitionDir are as in Story.
	Manifest     func(dataset, partitionDir string, version int64) *pipeline.Manifest
	PartitionDir func(dataset, partition string) (dir string, known bool)
}

// message is what the sender is asked to do: to carry events of a run now, which are of its
// beginning or not, or to look at a run that has ended; sweep is to look at all that is left.
type message struct {
	run    string
	in     *Intent // of events
	events []Event
	begins bool
	sweep  bool
}

// The bounds of the sender.
const (
	queueLength = 1024
	firstWait   = 300 * time.Millisecond // after the first attempt that failed; doubled after each

	defaultRetries = 5
	firstRest      = 30 * time.Second // that a transport is left alone after so many attempts
	longestRest    = 10 * time.Minute
)

// NewSender starts a sender over an outbox. It first sends what earlier commands left there.
func NewSender(c *Config, o *Outbox, past Past, now func() time.Time, sleep func(context.Context, time.Duration) error) *Sender {
	s, ctx := newSender(c, o, past, now, sleep)
	s.queue <- message{sweep: true}
	go s.work(ctx)
	return s
}

// newSender is one that does not work yet, and the context that it works in.
func newSender(c *Config, o *Outbox, past Past, now func() time.Time, sleep func(context.Context, time.Duration) error) (*Sender, context.Context) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Sender{
		outbox: o, past: past, now: now, sleep: sleep, warn: c.Warn, filter: c.filters,
		queue: make(chan message, queueLength), cancel: cancel, done: make(chan struct{}), started: map[string]map[string]bool{},
	}
	s.naps, s.awake = context.WithCancel(ctx)
	for _, t := range c.Transports {
		l := &line{Transport: t, rest: firstRest, left: map[string]bool{}}
		if srv, ok := t.(*server); ok {
			l.retries, l.backoff = srv.retries, srv.backoff
		}
		s.lines = append(s.lines, l)
	}
	return s, ctx
}

// Began tells that a run has begun. Its intent is in the outbox.
func (s *Sender) Began(story *Story) {
	s.ask(message{run: story.Run, in: story.Intent, events: story.Start(), begins: true})
}

// Runs tells that a run still runs. It is told once, or not at all.
func (s *Sender) Runs(story *Story, at time.Time) {
	s.ask(message{run: story.Run, in: story.Intent, events: story.Running(at)})
}

// Ended tells that the record of a run is as it will stay.
func (s *Sender) Ended(run string) { s.ask(message{run: run}) }

func (s *Sender) ask(m message) {
	select {
	case s.queue <- m:
	default:
		s.lost.Store(true)
	}
}

// Close sends what is left, until the context ends, whose cause is what is said of a server that has
// not answered by then; the rest stays in the outbox. It waits for no server to come back. Nobody may
// ask for more by then.
func (s *Sender) Close(ctx context.Context) {
	s.awake()
	s.Flush(ctx)
}

// Flush is Close with the patience that a sender has beside a run.
func (s *Sender) Flush(ctx context.Context) {
	s.once.Do(func() { close(s.queue) })
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel(context.Cause(ctx))
		<-s.done
	}
	s.awake()
	s.cancel(nil)
	for _, l := range s.lines {
		if srv, ok := l.Transport.(*server); ok {
			srv.client.CloseIdleConnections()
		}
	}
}

func (s *Sender) work(ctx context.Context) {
	defer close(s.done)
	for m := range s.queue {
		s.take(ctx, m)
	}
	if s.lost.Load() {
		s.sweep(ctx)
	}
}

func (s *Sender) take(ctx context.Context, m message) {
	switch {
	case m.sweep:
		s.sweep(ctx)
	case m.events != nil:
		s.announce(ctx, m)
	case s.settle(ctx, m.run) && s.behind():
		s.sweep(ctx)
	}
}

// behind reports whether a transport that works has runs left from when it did not.
func (s *Sender) behind() bool {
	return slices.ContainsFunc(s.lines, func(l *line) bool { return len(l.left) > 0 && !s.resting(l) })
}

// sweep looks at all that the outbox has.
func (s *Sender) sweep(ctx context.Context) {
	runs, err := s.outbox.List()
	if err != nil {
		s.say("the outbox can't be read: " + err.Error())
	}
	for _, l := range s.lines {
		clear(l.left) // others may have told of them
	}
	for _, run := range runs {
		s.settle(ctx, run)
	}
}

// announce sends what need not arrive: that a run begins, or still runs. What has not arrived of a
// beginning is told with the end.
func (s *Sender) announce(ctx context.Context, m message) {
	if !s.outbox.Has(m.run) {
		return // its end is told already
	}
	texts := encode(kept(m.events, s.filter))
	for _, l := range s.lines {
		if s.resting(l) || ctx.Err() != nil || s.outbox.Sent(m.in, l.Name()) {
			continue
		}
		if l.err = l.send(ctx, texts); l.err != nil || !m.begins {
			continue
		}
		if s.started[m.run] == nil {
			s.started[m.run] = map[string]bool{}
		}
		s.started[m.run][l.Name()] = true
	}
}

// settle sends what is left of a run that has ended, and forgets it when all has arrived. It
// reports whether it came to that.
func (s *Sender) settle(ctx context.Context, run string) bool {
	if ctx.Err() != nil || !slices.ContainsFunc(s.lines, func(l *line) bool { return !s.resting(l) }) {
		for _, l := range s.lines {
			l.left[run] = true
		}
		return false
	}
	story, err := s.story(ctx, run)
	if err != nil {
		s.say(fmt.Sprintf("run %s is not told of yet: %v", run, err))
	}
	if story == nil {
		for _, l := range s.lines {
			delete(l.left, run) // nothing is to be told, or nothing yet
		}
		return false
	}
	all := true
	var names []string
	for _, l := range s.lines {
		names = append(names, l.Name())
		done := s.deliver(ctx, l, story)
		if delete(l.left, run); !done {
			l.left[run], all = true, false
		}
	}
	if !all {
		return false
	}
	delete(s.started, run)
	if err := s.outbox.Remove(story.Intent, names); err != nil {
		s.say("the outbox can't be cleared: " + err.Error())
	}
	return true
}

// story is what is to be told of a run; nil while it runs, or where nothing is.
func (s *Sender) story(ctx context.Context, run string) (*Story, error) {
	in, err := s.outbox.Intent(run)
	if in == nil || err != nil {
		return nil, err
	}
	rec, err := s.past.Run(ctx, run)
	switch {
	case err != nil:
		return nil, err
	case rec == nil:
		rec = in.lost()
	case rec.Status == pipeline.Running:
		return nil, nil
	}
	return &Story{Intent: in, Record: rec, Dir: s.past.Dir, Manifest: s.past.Manifest, PartitionDir: s.past.PartitionDir}, nil
}

// lost is the record of a run that left none: its process ended before it had one.
func (in *Intent) lost() *pipeline.RunRecord {
	rec := &pipeline.RunRecord{
		Run: in.Run, Pipeline: in.Pipeline, Partition: in.Partition, Started: in.Started,
		Status: pipeline.Failed, Error: "the run ended before it was on record", Penstock: "unknown",
	}
	for _, j := range in.Stages {
		rec.Bases = append(rec.Bases, pipeline.Basis{Stage: j.Stage, Dataset: j.Dataset})
	}
	return rec
}

func (s *Sender) say(text string) {
	if s.warn != nil {
		s.warn("openlineage: " + text)
	}
}
