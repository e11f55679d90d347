package openlineage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
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

	queue  chan message
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once

	lost    int // messages that found the queue full; their runs are in the outbox
	lostMu  sync.Mutex
	started map[string]map[string]bool // transports that know of a run that it began
}

// Past finds what is on record.
type Past struct {
	// Dir is the root of the project.
	Dir string
	// Run gives the record of a run or a backfill: nil where there is none, and nobody is about
	// to make one. Its status is running while its process is alive.
	Run func(ctx context.Context, id string) (*pipeline.RunRecord, error)
	// Manifest is as in Story.
	Manifest func(dataset, partitionDir string, version int64) *pipeline.Manifest
}

// message is what the sender is asked to do: to carry events now, or to look at a run; sweep is to
// look at all that is left.
type message struct {
	run    string
	events []Event
	sweep  bool
}

// The bounds of the sender.
const (
	queueLength = 1024
	attempts    = 5
	firstWait   = 300 * time.Millisecond
	firstRest   = 30 * time.Second // that a transport is left alone after so many attempts
	longestRest = 10 * time.Minute
)

// line is a transport, and how it is doing.
type line struct {
	Transport
	rest  time.Duration
	until time.Time // it is left alone until then
	err   error     // why
	Delivery
}

// Delivery is how it went with a transport.
type Delivery struct {
	Transport string `json:"transport"`
	// Runs and backfills of which all has arrived; was refused; is left in the outbox.
	Sent    int `json:"sent"`
	Refused int `json:"refused"`
	Left    int `json:"left"`
	// Error is what went wrong last.
	Error string `json:"error,omitempty"`
}

// Deliveries tell, when the sender is closed, how it went.
func (s *Sender) Deliveries() (all []Delivery) {
	for _, l := range s.lines {
		d := l.Delivery
		d.Transport = l.Name()
		if l.err != nil {
			d.Error = l.err.Error()
		}
		all = append(all, d)
	}
	return all
}

// NewSender starts a sender over an outbox. It first sends what earlier commands left there.
func NewSender(c *Config, o *Outbox, past Past, now func() time.Time, sleep func(context.Context, time.Duration) error) *Sender {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sender{
		outbox: o, past: past, now: now, sleep: sleep, warn: c.Warn,
		queue: make(chan message, queueLength), cancel: cancel, done: make(chan struct{}), started: map[string]map[string]bool{},
	}
	for _, t := range c.Transports {
		s.lines = append(s.lines, &line{Transport: t, rest: firstRest})
	}
	s.queue <- message{sweep: true}
	go s.work(ctx)
	return s
}

// Began tells that a run has begun. Its intent is in the outbox.
func (s *Sender) Began(story *Story) { s.ask(message{run: story.Run, events: story.Start()}) }

// Runs tells that a run still runs. It is told once, or not at all.
func (s *Sender) Runs(story *Story, at time.Time) { s.ask(message{events: story.Running(at)}) }

// Ended tells that the record of a run is as it will stay.
func (s *Sender) Ended(run string) { s.ask(message{run: run}) }

func (s *Sender) ask(m message) {
	select {
	case s.queue <- m:
	default:
		s.lostMu.Lock()
		s.lost++
		s.lostMu.Unlock()
	}
}

// Close sends what is left, until wait is over; the rest stays in the outbox. Nobody may ask for
// more by then.
func (s *Sender) Close(wait <-chan struct{}) {
	s.once.Do(func() { close(s.queue) })
	select {
	case <-s.done:
	case <-wait:
		s.cancel()
		<-s.done
	}
	s.cancel()
}

func (s *Sender) work(ctx context.Context) {
	defer close(s.done)
	for m := range s.queue {
		s.take(ctx, m)
	}
	s.lostMu.Lock()
	lost := s.lost
	s.lostMu.Unlock()
	if lost > 0 {
		s.sweep(ctx)
	}
}

func (s *Sender) take(ctx context.Context, m message) {
	switch {
	case m.sweep:
		s.sweep(ctx)
	case m.events != nil:
		s.announce(ctx, m)
	default:
		s.settle(ctx, m.run)
	}
}

// sweep looks at all that the outbox has.
func (s *Sender) sweep(ctx context.Context) {
	runs, err := s.outbox.List()
	if err != nil {
		s.say("the outbox can't be read: " + err.Error())
	}
	for _, run := range runs {
		if ctx.Err() != nil {
			return
		}
		s.settle(ctx, run)
	}
}

// announce sends what need not arrive: that a run begins, or still runs. What has not arrived of a
// beginning is told with the end.
func (s *Sender) announce(ctx context.Context, m message) {
	texts := encode(m.events)
	for _, l := range s.lines {
		if s.resting(l) || ctx.Err() != nil {
			continue
		}
		err := l.Send(ctx, texts)
		switch {
		case err != nil:
			s.failed(l, err)
		case m.run != "":
			if s.started[m.run] == nil {
				s.started[m.run] = map[string]bool{}
			}
			s.started[m.run][l.Name()] = true
		}
	}
}

// settle sends what is left of a run that has ended, and forgets it when all has arrived.
func (s *Sender) settle(ctx context.Context, run string) {
	story, err := s.story(ctx, run)
	if err != nil {
		s.say(fmt.Sprintf("run %s is not told of yet: %v", run, err))
	}
	if story == nil {
		return
	}
	all := true
	var names []string
	for _, l := range s.lines {
		names = append(names, l.Name())
		all = s.deliver(ctx, l, story) && all
	}
	if !all {
		return
	}
	delete(s.started, run)
	if err := s.outbox.Remove(story.Intent, names); err != nil {
		s.say("the outbox can't be cleared: " + err.Error())
	}
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
	return &Story{Intent: in, Record: rec, Dir: s.past.Dir, Manifest: s.past.Manifest}, nil
}

// lost is the record of a run that left none: its process ended before it had one.
func (in *Intent) lost() *pipeline.RunRecord {
	rec := &pipeline.RunRecord{
		Run: in.Run, Pipeline: in.Pipeline, Partition: in.Partition, Started: in.Started,
		Status: pipeline.Failed, Error: "the process ended before the run was on record", Penstock: "unknown",
	}
	for _, j := range in.Stages {
		rec.Bases = append(rec.Bases, pipeline.Basis{Stage: j.Stage, Dataset: j.Dataset})
	}
	return rec
}

// deliver sends a whole run by one transport, and reports whether nothing of it is left to do.
func (s *Sender) deliver(ctx context.Context, l *line, story *Story) bool {
	if s.outbox.Sent(story.Run, l.Name()) {
		return true
	}
	if s.resting(l) || ctx.Err() != nil {
		l.Left++
		return false
	}
	events := story.End()
	if !s.started[story.Run][l.Name()] {
		events = append(story.Start(), events...)
	}
	texts := encode(events)
	err := s.persist(ctx, l, texts)
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		err = s.outbox.Refuse(&RefusedEvent{
			Run: story.Run, Transport: l.Name(), Status: refused.Status, Reason: refused.Reason,
			Event: texts[refused.Event], Intent: story.Intent,
		})
		s.say(fmt.Sprintf("%s refused what it was told of run %s (%v)", l.Name(), story.Run, refused))
		l.Refused++
	case err != nil:
		l.Left++
		s.failed(l, err)
		return false
	default:
		l.Sent++
	}
	if err == nil {
		err = s.outbox.Note(story.Run, l.Name())
	}
	if err != nil {
		s.say("the outbox can't be written: " + err.Error())
	}
	return err == nil
}

// persist tries a few times, with waits that grow and are never twice the same.
func (s *Sender) persist(ctx context.Context, l *line, texts [][]byte) error {
	wait := firstWait
	for i := 1; ; i++ {
		err := l.Send(ctx, texts)
		var refused *Refused
		if err == nil || errors.As(err, &refused) || i == attempts || ctx.Err() != nil {
			if err == nil {
				l.rest, l.err = firstRest, nil
			}
			return err
		}
		if serr := s.sleep(ctx, wait/2+rand.N(wait)); serr != nil {
			return err
		}
		wait *= 2
	}
}

// resting reports whether a transport is left alone for now.
func (s *Sender) resting(l *line) bool {
	if l.until.IsZero() {
		return false
	}
	if s.now().Before(l.until) {
		return true
	}
	l.until = time.Time{}
	return false
}

// failed leaves a transport alone for a while.
func (s *Sender) failed(l *line, err error) {
	l.err, l.until = err, s.now().Add(l.rest)
	l.rest = min(2*l.rest, longestRest)
}

func (s *Sender) say(text string) {
	if s.warn != nil {
		s.warn("openlineage: " + text)
	}
}

// encode writes events as JSON. They are made of texts and numbers: there is nothing to fail.
func encode(events []Event) (texts [][]byte) {
	for i := range events {
		text, err := json.Marshal(&events[i])
		if err != nil {
			panic(err)
		}
		texts = append(texts, text)
	}
	return texts
}
