package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// claimName is the first name of a claim's file, in the directory of what its holder writes.
const claimName = "claim"

// maxClaims bounds how often a partition is claimed again because another was faster.
const maxClaims = 100

// holder is what a claim says of who made it.
type holder struct {
	Run   string    `json:"run"`
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func (h holder) String() string {
	return fmt.Sprintf("process %d on %s, since %s", h.PID, h.Host, h.Since.Format(time.DateTime))
}

// holder is what this process says of itself.
func (s *Store) holder(run string) ([]byte, error) {
	return json.Marshal(holder{Run: run, PID: os.Getpid(), Host: hostname(), Since: s.Clock.Now()})
}

// claimed is the newest claim of a partition; the zero value is none.
type claimed struct {
	holder
	number int64
	dir    string // what the holder writes; gone when it has ended, or was fenced
}

// claim claims a partition for a run. Where another holds it the error is a Conflict that
// names it; a holder that is silent is watched for a lease if the caller is patient.
func (s *Store) claim(ctx context.Context, l layout, run string, patient bool) (*Staging, error) {
	for range maxClaims {
		n, err := s.vacant(ctx, l, patient)
		if err != nil {
			return nil, err
		}
		st, err := s.enter(l, n, run)
		if st != nil || err != nil {
			return st, err
		}
	}
	return nil, pipeline.Errorf(pipeline.Conflict, "%s is wanted by many at once", l.rel(l.visible)).With("run again in a while")
}

// vacant gives the number of the next claim, if nobody alive has the partition.
func (s *Store) vacant(ctx context.Context, l layout, patient bool) (int64, error) {
	c, top, err := s.newest(l)
	if err != nil {
		return 0, ioError(l, "can't claim "+l.rel(l.visible), err)
	}
	beat, alive, err := s.look(l, c)
	if err != nil {
		return 0, ioError(l, "can't claim "+l.rel(l.visible), err)
	}
	if !alive {
		return top + 1, nil
	}
	// That it is fresh goes by the clocks of two, so it decides only whether to watch.
	if age := s.Clock.Now().Sub(beat); !patient || age >= 0 && age < s.lease() {
		return 0, l.busy(c)
	}
	return top + 1, s.watch(ctx, l, c, beat)
}

func (l layout) busy(c claimed) error {
	return pipeline.Errorf(pipeline.Conflict, "%s is being written by run %s", l.rel(l.visible), c.Run).
		With(c.String(), "run again when it is done")
}

// newest gives the claim with the highest number, and the highest number in use.
func (s *Store) newest(l layout) (c claimed, top int64, err error) {
	names, err := s.names(l.staging())
	if err != nil {
		return c, 0, err
	}
	for _, name := range names {
		n, run := cutClaim(name)
		top = max(top, n)
		if run == "" {
			c.number = max(c.number, n)
		}
	}
	if c.number == 0 {
		return c, top, nil
	}
	text, err := s.FS.ReadFile(l.claim(c.number))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a newer one came, and will be found
		return c, top, err
	}
	_ = json.Unmarshal(text, &c.holder) // what is torn was torn by a crash, and nobody's any more
	c.dir = l.stagedBy(c.number, c.Run)
	return c, top, nil
}

// cutClaim reads the name of a claim or, if it has a run, of what its holder writes; 0 if it is
// neither.
func cutClaim(name string) (n int64, run string) {
	digits, run, _ := strings.Cut(name, ".")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || fmt.Sprintf("%06d", n) != digits {
		return 0, ""
	}
	return n, run
}

// look gives the last sign of life of a claim's holder, and whether it may be alive: what it
// writes is there, and on this machine its process is.
func (s *Store) look(l layout, c claimed) (beat time.Time, alive bool, err error) {
	if c.number == 0 {
		return beat, false, nil
	}
	names, err := s.FS.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return beat, false, nil
	}
	if err != nil {
		return beat, false, err
	}
	if c.Host == hostname() {
		held, err := s.FS.Held(l.claim(c.number))
		if err != nil && !errors.Is(err, fs.ErrNotExist) || !held {
			return beat, false, ignore(err, fs.ErrNotExist)
		}
	}
	beat = c.Since
	for _, e := range names {
		if at, ok := cutBeat(e.Name()); ok {
			beat = at
		}
	}
	return beat, true, nil
}

// watch returns when the holder of a claim has ended, or stood still for a lease by our own
// watch; an error is a Conflict if it moved.
func (s *Store) watch(ctx context.Context, l layout, c claimed, beat time.Time) error {
	for range beatsPerLease * 2 {
		if err := wait(ctx, s.lease()/(beatsPerLease*2)); err != nil {
			return err
		}
		now, alive, err := s.look(l, c)
		switch {
		case err != nil:
			return ioError(l, "can't claim "+l.rel(l.visible), err)
		case !alive:
			return nil
		case !now.Equal(beat):
			return l.busy(c)
		}
	}
	return nil
}

// enter makes the claim of a number, and nothing if another was faster. What the run will
// write in is there before the claim is, so that a claim without it has ended.
func (s *Store) enter(l layout, n int64, run string) (*Staging, error) {
	text, err := s.holder(run)
	if err != nil {
		return nil, err
	}
	st := &Staging{store: s, layout: l, run: run, number: n, dir: l.stagedBy(n, run), made: map[Kind]bool{}}
	err = s.FS.Mkdir(st.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.Join(s.FS.MkdirAll(l.staging()), s.FS.Mkdir(st.dir))
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, nil
	}
	if err == nil {
		err = st.enter(text)
	}
	if err == nil {
		st.stopBeat = s.beating(filepath.Join(st.dir, beatPrefix))
		return st, nil
	}
	if errors.Is(err, errFaster) {
		return nil, st.Abort()
	}
	return nil, errors.Join(st.ioError(err), st.Abort())
}

// errFaster says that another has claimed the partition before.
var errFaster = errors.New("another was faster")

func (st *Staging) enter(text []byte) (err error) {
	s, l := st.store, st.layout
	name := filepath.Join(st.dir, claimName)
	if st.lock, err = s.FS.Lock(name, text); err == nil {
		err = s.FS.Link(name, l.claim(st.number))
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return errFaster
	}
	if err != nil {
		return err
	}
	if err := st.fence(); err != nil {
		return err
	}
	return st.prepare()
}

// fence moves what holders of earlier claims write into our own directory, so that no path of
// theirs leads anywhere, and drops their claims. The highest claim stays for good.
func (st *Staging) fence() error {
	l := st.layout
	names, err := st.store.names(l.staging())
	if err != nil {
		return err
	}
	for _, name := range names {
		n, run := cutClaim(name)
		path := filepath.Join(l.staging(), name)
		switch {
		case n > st.number && run == "":
			return errors.Join(errFaster, st.store.FS.RemoveAll(l.claim(st.number)))
		case n == 0 || n >= st.number:
		case run == "":
			err = errors.Join(err, st.store.FS.RemoveAll(path))
		default:
			kept := filepath.Join(st.dir, fmt.Sprintf("%s%06d.%s", leftPrefix, n, run))
			err = errors.Join(err, ignore(st.store.FS.Rename(path, kept), fs.ErrNotExist))
		}
	}
	return err
}

// leftPrefix begins the names of what fence moves. They tell who died, also to the next who has
// to clear up, if this one dies of it.
const leftPrefix = "left."

// dead gives the runs that died while they had the partition, below a directory of a claim.
func (st *Staging) dead(dir string) (runs []string, err error) {
	names, err := st.store.names(dir)
	for _, name := range names {
		if of, ok := strings.CutPrefix(name, leftPrefix); ok && err == nil {
			_, run := cutClaim(of)
			var more []string
			more, err = st.dead(filepath.Join(dir, name))
			runs = append(append(runs, run), more...)
		}
	}
	return runs, err
}

// takeAway moves what is at a path into our own directory, to be removed with it. If there is
// nothing, or we were fenced, nothing happens.
func (st *Staging) takeAway(path string) error {
	st.away++
	return ignore(st.store.FS.Rename(path, filepath.Join(st.dir, fmt.Sprint("away.", st.away))), fs.ErrNotExist)
}

// fenced is the error of a run that another has taken the partition from; nil if none has.
func (st *Staging) fenced() error {
	c, _, err := st.store.newest(st.layout)
	if err != nil || c.number <= st.number {
		return nil
	}
	return pipeline.Errorf(pipeline.Conflict, "%s: run %s was fenced by run %s", st.layout.rel(st.layout.visible), st.run, c.Run).
		With(c.String(), fmt.Sprintf("run %s stood still for more than %s, and what it wrote is dropped; run it again", st.run, st.store.lease()))
}

func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "?"
	}
	return host
}

// ignore gives nil for an error that is another.
func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}
