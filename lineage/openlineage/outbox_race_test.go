package openlineage

import (
	"errors"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// meddled is a file system in which somebody else is quicker, before the call of a number.
type meddled struct {
	faults.FS
	calls, at int
	meddle    func()
}

func (m *meddled) step() {
	if m.calls++; m.calls == m.at {
		m.meddle()
	}
}

func (m *meddled) Rename(from, to string) error { m.step(); return m.FS.Rename(from, to) }
func (m *meddled) RemoveAll(name string) error  { m.step(); return m.FS.RemoveAll(name) }
func (m *meddled) ReadFile(name string) ([]byte, error) {
	m.step()
	return m.FS.ReadFile(name)
}

// Whenever a run is approved of while another process forgets it, it is told of once more.
func TestApprovedWhileItIsRemoved(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t)
		in := w.begin("r1").Intent
		again := *in
		again.Approvals = 1
		slow := &meddled{FS: w.box.FS, at: at, meddle: func() {
			if err := w.box.PutAgain(&again); err != nil {
				t.Fatal(err)
			}
		}}
		if err := (&Outbox{FS: slow, Dir: w.box.Dir}).Remove(in, []string{"http"}); err != nil {
			t.Fatal(err)
		}
		if slow.calls < at {
			if at < 4 {
				t.Errorf("it made %d calls", slow.calls)
			}
			return
		}
		if got := strings.Join(w.waiting(), " "); got != "r1" {
			t.Errorf("put before call %d: %q waits", at, got)
		}
	}
}

// What was taken by one who died before it was removed is told once more.
func TestTakenByTheDead(t *testing.T) {
	w := newWorld(t)
	w.begin("r1")
	w.set("r1", pipeline.Published)
	if err := w.box.FS.Rename(w.box.path("r1.json"), w.box.path("r1.taken")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.waiting(), " "); got != "r1" {
		t.Errorf("%q waits", got)
	}
}

// unread is a file system that gives what nobody can read.
type unread struct{ faults.FS }

var errUnread = errors.New("it can't be read")

func (unread) ReadFile(string) ([]byte, error) { return nil, errUnread }

// What can't be looked at when it is to be forgotten is told once more: somebody may have put it there
// again.
func TestRemovedUnread(t *testing.T) {
	w := newWorld(t)
	in := w.begin("r1").Intent
	again := *in
	again.Approvals = 1
	if err := w.box.PutAgain(&again); err != nil {
		t.Fatal(err)
	}
	if err := (&Outbox{FS: unread{w.box.FS}, Dir: w.box.Dir}).Remove(in, []string{"http"}); !errors.Is(err, errUnread) {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(w.waiting(), " "); got != "r1" {
		t.Errorf("%q waits", got)
	}
}
