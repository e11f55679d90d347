package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
)

// Log appends to the chains of a project. It is safe for concurrent use, also by several
// processes. Those who come while another writes wait, and one of them takes all of their entries
// along, for a sync costs the same whatever is synced.
type Log struct {
	FS    faults.FS
	Clock faults.Clock
	Sleep func(context.Context, time.Duration) error
	// Root is the absolute path of the project.
	Root string
	// Holder says who this is, to those who wait for it.
	Holder string
	// Key signs; nil: nothing is signed.
	Key *Key
	// Before gives the entries for what was there when a chain begins, in their order. What is
	// appended just then is left out of it.
	Before func(dataset string) ([]Entry, error)
	// Datasets lists those that may have chains.
	Datasets func() ([]string, error)

	turn sync.Mutex // held by who writes

	mu      sync.Mutex
	waiting []*addition

	ends    map[string]end // of chains, by dataset, as this process left them
	unnamed []string       // the datasets whose chains began with the project's, and that it does not name yet
}

// addition is what somebody wants appended, and the record that has to be there before.
type addition struct {
	ctx     context.Context
	path    string // empty: there is none
	text    []byte
	entries []Entry
	done    chan error // gets one value
}

// end is where a chain ends.
type end struct {
	Head
	size int64
}

// Append appends entries, and is durable when it returns. Entries of datasets come before those
// of the project, which name where the chains of the datasets then end. After an error some may
// be on record, and may be appended again: an entry that is there twice says nothing else.
func (l *Log) Append(ctx context.Context, entries ...Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return l.add(&addition{ctx: ctx, entries: entries})
}

// Record writes a record, in one step, and appends the entries for it. No entry is in the
// project's chain before the record is durable; they are written together because that takes no
// longer than one of them.
func (l *Log) Record(ctx context.Context, path string, text []byte, entries ...Entry) error {
	return l.add(&addition{ctx: ctx, path: path, text: text, entries: entries})
}

func (l *Log) add(a *addition) error {
	a.done = make(chan error, 1)
	l.mu.Lock()
	l.waiting = append(l.waiting, a)
	l.mu.Unlock()
	l.turn.Lock()
	defer l.turn.Unlock()
	select {
	case err := <-a.done: // somebody took it along
		return err
	default:
	}
	l.mu.Lock()
	all := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	l.write(all)
	return <-a.done
}

// write appends what several want; if that can't be, what each wants, so that one harms no other.
func (l *Log) write(all []*addition) {
	if len(all) > 1 && l.append(context.WithoutCancel(all[0].ctx), all) == nil {
		for _, a := range all {
			a.done <- nil
		}
		return
	}
	for _, a := range all {
		a.done <- l.append(a.ctx, []*addition{a})
	}
}

func (l *Log) append(ctx context.Context, all []*addition) (err error) {
	lock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	byDataset := map[string][]Entry{}
	for _, a := range all {
		for _, e := range a.entries {
			byDataset[e.Dataset] = append(byDataset[e.Dataset], e)
		}
	}
	// The project's chain begins before any other, for else it would look like one that was made
	// anew; and then it comes last: if it names an entry, that is there whatever happens.
	old, err := l.beginProject(byDataset[""])
	if err != nil {
		return err
	}
	for _, dataset := range old {
		byDataset[dataset] = slices.Clip(byDataset[dataset]) // there, if with no entry: it begins
	}
	delete(byDataset, "")
	if err := l.extend(byDataset, all); err != nil {
		return err
	}
	if err := l.rename(all); err != nil {
		return err
	}
	var own []Entry
	for _, a := range all {
		own = append(own, l.own(a.entries)...)
	}
	if len(own) == 0 {
		return nil
	}
	return l.extend(map[string][]Entry{"": own}, nil)
}

// own are the entries for the project's chain, with the ends of the chains of datasets that
// were appended to with them.
func (l *Log) own(entries []Entry) (own []Entry) {
	var heads []Head
	for _, dataset := range l.unnamed {
		heads = append(heads, l.ends[dataset].Head)
	}
	for _, e := range entries {
		if h := l.ends[e.Dataset].Head; e.Dataset != "" && !slices.Contains(heads, h) {
			heads = append(heads, h)
		}
	}
	for _, e := range entries {
		if e.Dataset == "" {
			e.Heads = append(e.Heads, heads...)
			own, l.unnamed = append(own, e), nil
		}
	}
	return own
}

// pause is how long one waits for another process; it writes for a few milliseconds. After
// maxPauses it is not waited for any longer.
const (
	pause     = 2 * time.Millisecond
	maxPauses = 15000
)

// lock waits for its turn among processes.
func (l *Log) lock(ctx context.Context) (faults.Lock, error) {
	for n := 0; ; n++ {
		lock, err := l.FS.Lock(filepath.Join(l.Root, stateDir, "audit.lock"), []byte(l.Holder))
		var held *faults.LockedError
		if !errors.As(err, &held) {
			return lock, err
		}
		if n == maxPauses {
			return nil, fmt.Errorf("another process has not stopped writing to the audit for %s: %w%s", pause*maxPauses, err, holder(held.Text))
		}
		if err := l.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// holder says who has the lock, as far as its file does: who locks it otherwise leaves what it was.
func holder(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	return ", last by " + string(text)
}

// temp is where a record is written before it is renamed.
func (a *addition) temp() string { return a.path + ".tmp" }

// extend appends to chains and writes records beside their places, and syncs all of them at once.
func (l *Log) extend(by map[string][]Entry, records []*addition) (err error) {
	var files []faults.File
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			clear(l.ends) // nobody knows how much was written
		}
	}()
	for _, a := range records {
		if a.path == "" {
			continue
		}
		if err := l.FS.RemoveAll(a.temp()); err != nil {
			return err
		}
		f, err := l.FS.Create(a.temp())
		if err != nil {
			return err
		}
		files = append(files, f)
		if _, err := f.Write(a.text); err != nil {
			return err
		}
	}
	for dataset, entries := range by {
		f, err := l.open(dataset, entries)
		if f != nil {
			files = append(files, f)
		}
		if err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return nil
	}
	return l.FS.Sync(files, nil)
}

// rename puts records in their places.
func (l *Log) rename(records []*addition) error {
	var dirs []string
	for _, a := range records {
		if a.path == "" {
			continue
		}
		if err := l.FS.Rename(a.temp(), a.path); err != nil {
			return err
		}
		if dir := filepath.Dir(a.path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return nil
	}
	return l.FS.Sync(nil, dirs)
}

// open writes entries to the end of a chain; the file is to be synced, and nil if it is new.
func (l *Log) open(dataset string, entries []Entry) (faults.File, error) {
	at, torn, err := l.end(dataset)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.begin(dataset, nil, entries)
	}
	if err != nil {
		return nil, err
	}
	var sep []byte
	if torn != nil {
		sep = torn.sep
	}
	if torn != nil && torn.Torn != nil {
		entries = append([]Entry{{Kind: Mend, Dataset: dataset, Torn: torn.Torn}}, entries...)
	}
	at.size += int64(len(sep))
	lines, at, err := l.lines(at, entries)
	if err != nil {
		return nil, err
	}
	f, err := l.FS.Append(Path(l.Root, dataset))
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(append(sep, lines...)); err != nil {
		return f, err
	}
	l.remember(dataset, at)
	return f, nil
}

func (l *Log) remember(dataset string, at end) {
	if l.ends == nil {
		l.ends = map[string]end{}
	}
	at.Dataset = dataset
	l.ends[dataset] = at
}

// lines writes entries as they follow what a chain ends with.
func (l *Log) lines(at end, entries []Entry) (text []byte, _ end, err error) {
	for i := range entries {
		e := &entries[i]
		e.Seq, e.Prev, e.Time = at.Seq+1, at.Sum, l.Clock.Now().UTC()
		line, err := e.line(l.Key)
		if err != nil {
			return nil, at, err
		}
		text = append(text, line...)
		at.Seq, at.Sum = e.Seq, e.Sum
	}
	at.size += int64(len(text))
	return text, at, nil
}
