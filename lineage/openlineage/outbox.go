package openlineage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/internal/faults"
)

// Outbox keeps, below a project's state, which runs are to be told of. What is told follows from
// the record of the run, so that nothing is lost that is on record; what was sent and not noted is
// sent again, which the standard allows.
//
//	RUN.json                     an intent
//	RUN.taken                    the same, while it is removed
//	RUN.N.TRANSPORT.sent         all of it has arrived there, N approvals included
//	refused/RUN.TRANSPORT.json   what a server refused, and why
type Outbox struct {
	FS  faults.FS
	Dir string
}

// Put keeps an intent for good. It is synced once, with its directory.
func (o *Outbox) Put(in *Intent) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if err := o.make(o.Dir); err != nil {
		return err
	}
	path := o.path(in.Run + ".json")
	temp := path + ".tmp"
	if err := o.FS.RemoveAll(temp); err != nil {
		return err
	}
	f, err := o.FS.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = o.FS.Rename(temp, path) // who looks on sees all of it
	}
	if err == nil {
		err = o.FS.Sync([]faults.File{f}, []string{o.Dir})
	}
	return errors.Join(err, f.Close())
}

// make makes a directory that stays, if it isn't there.
func (o *Outbox) make(dir string) error {
	if _, err := o.FS.Stat(dir); err == nil {
		return nil
	}
	return errors.Join(o.FS.MkdirAll(dir), o.FS.SyncDir(filepath.Dir(dir)))
}

// PutAgain keeps the intent of a run that was told of before, or was to be: what has arrived of it
// is not all any more.
func (o *Outbox) PutAgain(in *Intent) error {
	if err := o.Put(in); err != nil {
		return err
	}
	entries, err := o.FS.ReadDir(o.Dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), in.Run+".") && strings.HasSuffix(e.Name(), ".sent") {
			err = errors.Join(err, o.FS.RemoveAll(o.path(e.Name())))
		}
	}
	return err
}

func (o *Outbox) path(elem ...string) string {
	return filepath.Join(append([]string{o.Dir}, elem...)...)
}

// Has reports whether a run is to be told of.
func (o *Outbox) Has(run string) bool {
	_, err := o.FS.Stat(o.path(run + ".json"))
	return err == nil
}

// List gives the ids of the runs that are to be told of, the oldest first.
func (o *Outbox) List() (runs []string, err error) {
	entries, err := o.FS.ReadDir(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		run, ok := strings.CutSuffix(e.Name(), ".json")
		if taken, is := strings.CutSuffix(e.Name(), ".taken"); is && !o.Has(taken) {
			// Whoever took it has died, or is about to remove it: it is told once more.
			run, ok = taken, o.FS.Rename(o.path(e.Name()), o.path(taken+".json")) == nil
		}
		if ok && !e.IsDir() {
			runs = append(runs, run)
		}
	}
	return runs, err
}

// Intent reads one. It is nil where there is none any more, or power was cut before it was on disk:
// then the run had not begun, which it does when its intent is.
func (o *Outbox) Intent(run string) (*Intent, error) {
	text, err := o.FS.ReadFile(o.path(run + ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	in := &Intent{}
	if json.Unmarshal(text, in) != nil || in.Run != run {
		return nil, o.FS.RemoveAll(o.path(run + ".json"))
	}
	return in, nil
}

// note is the file that says that all of a run has arrived by a transport.
func (o *Outbox) note(in *Intent, transport string) string {
	return o.path(fmt.Sprintf("%s.%d.%s.sent", in.Run, in.Approvals, transport))
}

// Sent reports whether all of a run has arrived by a transport.
func (o *Outbox) Sent(in *Intent, transport string) bool {
	_, err := o.FS.Stat(o.note(in, transport))
	return err == nil
}

// Note notes that all of a run has arrived. The note need not be durable.
func (o *Outbox) Note(in *Intent, transport string) error {
	f, err := o.FS.Create(o.note(in, transport))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Remove forgets a run of which all has arrived everywhere, unless somebody has put it here once
// more by now. It takes the intent before it looks at it, so that nobody puts one in its place that
// it has not seen. First the intent goes: notes without one do no harm.
func (o *Outbox) Remove(in *Intent, transports []string) error {
	there, taken := o.path(in.Run+".json"), o.path(in.Run+".taken")
	err := o.FS.Rename(there, taken)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := o.FS.ReadFile(taken)
	if err != nil {
		return err // it stays taken, and so is told once more
	}
	now := &Intent{}
	if json.Unmarshal(text, now) == nil && now.Approvals != in.Approvals {
		return o.FS.Rename(taken, there)
	}
	err = o.FS.RemoveAll(taken)
	for _, t := range transports {
		err = errors.Join(err, o.FS.RemoveAll(o.note(in, t)))
	}
	return err
}

// RefusedEvent is what a server did not take.
type RefusedEvent struct {
	Run       string          `json:"run"`
	Transport string          `json:"transport"`
	Status    int             `json:"status"`
	Reason    string          `json:"reason"`
	Event     json.RawMessage `json:"event"`
	Intent    *Intent         `json:"intent"`
}

// Refuse keeps what a server refused aside.
func (o *Outbox) Refuse(e *RefusedEvent) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := o.make(o.path("refused")); err != nil {
		return err
	}
	return faults.WriteFile(o.FS, o.path("refused", e.Run+"."+e.Transport+".json"), append(text, '\n'))
}

// Refused lists what servers refused.
func (o *Outbox) Refused() (all []RefusedEvent, err error) {
	entries, err := o.FS.ReadDir(o.path("refused"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		text, rerr := o.FS.ReadFile(o.path("refused", entry.Name()))
		var e RefusedEvent
		if rerr == nil {
			rerr = json.Unmarshal(text, &e)
		}
		if rerr == nil {
			all = append(all, e)
		}
		err = errors.Join(err, rerr)
	}
	return all, err
}

// Again puts back what a server refused, to be sent once more.
func (o *Outbox) Again(e *RefusedEvent) error {
	if err := o.Put(e.Intent); err != nil {
		return err
	}
	return o.FS.RemoveAll(o.path("refused", e.Run+"."+e.Transport+".json"))
}
