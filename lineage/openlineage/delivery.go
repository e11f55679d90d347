package openlineage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// line is a transport, and how it is doing.
type line struct {
	Transport
	retries int
	backoff time.Duration

	rest  time.Duration
	until time.Time // it is left alone until then
	err   error     // why
	left  map[string]bool
	Delivery
}

// Delivery is how it went with a transport.
type Delivery struct {
	Transport string `json:"transport"`
	// Runs and backfills of which all has arrived; was refused; is left in the outbox.
	Sent    int `json:"sent"`
	Refused int `json:"refused"`
	Left    int `json:"left"`
	// Error is what went wrong last; empty where somebody broke it off.
	Error string `json:"error,omitempty"`
}

// Deliveries tell, when the sender is closed, how it went.
func (s *Sender) Deliveries() (all []Delivery) {
	for _, l := range s.lines {
		d := l.Delivery
		d.Transport, d.Left = l.Name(), len(l.left)
		if l.err != nil && !errors.Is(l.err, context.Canceled) {
			d.Error = l.err.Error()
		}
		all = append(all, d)
	}
	return all
}

// deliver sends a whole run by one transport, and reports whether nothing of it is left to do.
func (s *Sender) deliver(ctx context.Context, l *line, story *Story) bool {
	if s.outbox.Sent(story.Intent, l.Name()) {
		return true
	}
	if s.resting(l) || ctx.Err() != nil {
		return false
	}
	events := story.End()
	if !s.started[story.Run][l.Name()] {
		events = append(story.Start(), events...)
	}
	texts := encode(kept(events, s.filter))
	err := s.persist(ctx, l, texts)
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		err = s.outbox.Refuse(&RefusedEvent{
			Run: story.Run, Transport: l.Name(), Status: refused.Status, Reason: refused.Reason,
			Event: texts[refused.Event], Intent: story.Intent,
		})
		if l.Refused == 0 { // of the others is said how many there are
			s.say(fmt.Sprintf("%s refused what it was told of run %s (%v)", l.Name(), story.Run, refused))
		}
		l.Refused++
	case err != nil:
		s.failed(l, err)
		return false
	default:
		l.Sent++
	}
	if err == nil {
		err = s.outbox.Note(story.Intent, l.Name())
	}
	if err != nil {
		s.say("the outbox can't be written: " + err.Error())
	}
	return err == nil
}

// persist tries a few times, with waits that grow and are never twice the same.
func (s *Sender) persist(ctx context.Context, l *line, texts [][]byte) error {
	wait := l.backoff
	for i := 0; ; i++ {
		err := l.send(ctx, texts)
		var refused *Refused
		if err == nil || errors.As(err, &refused) || i == l.retries || ctx.Err() != nil {
			if err == nil {
				l.rest, l.err = firstRest, nil
			}
			return err
		}
		if serr := s.sleep(s.naps, wait/2+rand.N(wait)); serr != nil {
			return err
		}
		wait *= 2
	}
}

// send sends once. Of what was broken off the error says why it was.
func (l *line) send(ctx context.Context, texts [][]byte) error {
	err := l.Send(ctx, texts)
	var refused *Refused
	if err != nil && ctx.Err() != nil && !errors.As(err, &refused) {
		return context.Cause(ctx)
	}
	return err
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
