package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

const (
	heldName = "held.json"
	// maxHeld bounds how many partitions of a dataset are held at once.
	maxHeld = 100
)

// Hold keeps what was staged, described by m, for a decision: no reader sees it, and it is
// thrown away when Store.HoldFor is over, or the next run of the partition holds or
// publishes something. The staging has ended then, with or without an error.
func (st *Staging) Hold(m *pipeline.Manifest) (h *pipeline.HeldRecord, err error) {
	if st.ended {
		return nil, pipeline.Errorf(pipeline.Internal, "staging of %s was ended before", st.layout.dataset)
	}
	defer func() { err = errors.Join(err, st.Abort()) }()
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	sum := sha256.Sum256(text)
	h = &pipeline.HeldRecord{
		Run: st.run, Dataset: m.Dataset, Partition: m.Partition, Path: st.layout.rel(st.layout.visible), Rows: m.Rows,
		Bytes: m.BytesDigest(), Gates: m.Gates, Manifest: hex.EncodeToString(sum[:]), Previous: st.digest, FourEyes: m.FourEyes,
		Until: st.store.Clock.Now().UTC().Add(st.store.HoldFor).Truncate(time.Second),
	}
	if err := st.hold(h, text); err != nil {
		return nil, errors.Join(st.holdError(h, err), st.takeAway(st.layout.heldBy(st.run)))
	}
	// It is held. What should go now and stays goes with its time, or with the next run.
	_ = errors.Join(st.dropHeld(st.run), st.store.bound(st.layout))
	return h, nil
}

func (st *Staging) holdError(h *pipeline.HeldRecord, err error) error {
	if fenced := st.fenced(); fenced != nil {
		return fenced
	}
	return ioError(st.layout, "can't hold "+h.Path, err)
}

func (st *Staging) hold(h *pipeline.HeldRecord, manifest []byte) error {
	f, l := st.store.FS, st.layout
	about, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Join(st.dir, "held")
	version := filepath.Join(dir, "version")
	if err := f.Mkdir(dir); err != nil {
		return err
	}
	if err := st.write(filepath.Join(st.version(), manifestName), manifest); err != nil {
		return err
	}
	if err := st.write(filepath.Join(dir, heldName), append(about, '\n')); err != nil {
		return err
	}
	if err := f.Rename(st.version(), version); err != nil {
		return err
	}
	if err := st.sync(append(st.dirs(version), dir)...); err != nil {
		return err
	}
	if err := st.store.makeDir(l.held()); err != nil {
		return err
	}
	if err := f.Rename(dir, l.heldBy(st.run)); err != nil {
		return err
	}
	if err := f.Sync(nil, st.store.above(l.held(), filepath.Dir(l.root))); err != nil {
		return err
	}
	st.store.durable.Store(l.held(), true)
	return nil
}

// Discard is Abort for a run that leaves nothing: what an earlier one holds of the
// partition is dropped, too, for this one came after it.
func (st *Staging) Discard() error {
	if st.ended {
		return nil
	}
	return errors.Join(st.dropHeld(""), st.Abort())
}

// Forget is Abort for a run that died before it said that it holds something: that is dropped.
func (st *Staging) Forget() error {
	return errors.Join(st.takeHeld(func(run string) (bool, error) { return run == st.run, nil }), st.Abort())
}

// dropHeld removes what is held of the partition, but not what the run except holds.
func (st *Staging) dropHeld(except string) error {
	return st.takeHeld(func(run string) (bool, error) { return run != except, nil })
}

// sweep removes what is held of the partition past its time.
func (st *Staging) sweep() error {
	return st.takeHeld(func(run string) (bool, error) { return st.store.over(st.layout.heldBy(run)) })
}

func (st *Staging) takeHeld(which func(run string) (bool, error)) error {
	names, err := st.store.names(st.layout.held())
	for _, name := range names {
		p, run := cutRun(name)
		if p != st.layout.partition {
			continue
		}
		chosen, cerr := which(run)
		if err = errors.Join(err, cerr); chosen {
			err = errors.Join(err, st.takeAway(st.layout.heldBy(run)))
		}
	}
	return err
}

// over reports whether what is held in the directory is past its time, or nobody can tell what
// it is. What can't be read just now is not over: the error says why.
func (s *Store) over(dir string) (bool, error) {
	h, err := s.readHeld(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil // not ours
	case failed(err):
		return false, err
	}
	return err != nil || !s.Clock.Now().Before(h.Until), nil
}

// failed reports whether the file system failed, and not what was read: another time it may be
// there, as it was.
func failed(err error) bool {
	var pe *fs.PathError
	var le *os.LinkError
	return (errors.As(err, &pe) || errors.As(err, &le)) && !errors.Is(err, fs.ErrNotExist)
}

func (s *Store) readHeld(dir string) (*pipeline.HeldRecord, error) {
	text, err := s.FS.ReadFile(filepath.Join(dir, heldName))
	if err != nil {
		return nil, err
	}
	h := &pipeline.HeldRecord{}
	return h, json.Unmarshal(text, h)
}

// Sweep removes what is held of a dataset past its time; what is being written is left to
// who writes it.
func (s *Store) Sweep(dataset string) error {
	l, err := newLayout(s.Root, dataset, "")
	if err != nil {
		return err
	}
	names, err := s.names(l.held())
	for _, name := range names {
		over, oerr := s.over(filepath.Join(l.held(), name))
		if err = errors.Join(err, oerr); over {
			err = errors.Join(err, s.dropIfFree(l, name))
		}
	}
	return err
}

// bound removes the oldest of what is held of a dataset beyond maxHeld.
func (s *Store) bound(l layout) error {
	names, err := s.names(l.held())
	slices.SortFunc(names, func(a, b string) int {
		_, first := cutRun(a)
		_, second := cutRun(b)
		return strings.Compare(first, second) // ids of runs sort like time
	})
	for _, name := range names[:max(0, len(names)-maxHeld)] {
		if p, _ := cutRun(name); p != l.partition {
			err = errors.Join(err, s.dropIfFree(l, name))
		}
	}
	return err
}

// dropIfFree removes a held version, unless somebody is at its partition.
func (s *Store) dropIfFree(l layout, name string) error {
	var run string
	l.partition, run = cutRun(name)
	st, err := s.claim(context.Background(), l, run, false)
	if pipeline.KindOf(err) == pipeline.Conflict {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(st.takeAway(l.heldBy(run)), st.Abort())
}

// Holds reports whether a held version is there and its time is not over.
func (s *Store) Holds(h pipeline.HeldRecord) bool {
	l, err := heldLayout(s.Root, h)
	if err != nil {
		return false
	}
	if _, err := s.readHeld(l.heldBy(h.Run)); err != nil {
		return false
	}
	over, err := s.over(l.heldBy(h.Run))
	return err == nil && !over
}

// ReadHeld gives the manifest of a held version, and the absolute directory that the paths of its
// files go from. It takes no lease: whoever decides meanwhile takes the files away. The error is
// fs.ErrNotExist where it is not held any more.
func (s *Store) ReadHeld(h pipeline.HeldRecord) (m *pipeline.Manifest, dir string, err error) {
	l, err := heldLayout(s.Root, h)
	if err != nil {
		return nil, "", err
	}
	dir = filepath.Join(l.heldBy(h.Run), "version")
	m, digest, err := s.read(filepath.Join(dir, manifestName), l)
	if err == nil && digest != h.Manifest {
		return nil, "", pipeline.Errorf(pipeline.IO, "what run %s holds of %s was changed since", h.Run, h.Path).With("run the partition again")
	}
	return m, dir, err
}

// heldLayout gives the place of a held version, and refuses one that leads elsewhere.
func heldLayout(root string, h pipeline.HeldRecord) (layout, error) {
	dir := ""
	if h.Path != h.Dataset {
		dir = path.Base(h.Path)
	}
	if path.Join(h.Dataset, dir) != h.Path || strings.HasPrefix(dir, ".") || strings.ContainsAny(h.Run+dir, `/\`) {
		return layout{}, pipeline.Errorf(pipeline.IO, "the record of run %s is damaged: it holds %q of dataset %q", h.Run, h.Path, h.Dataset).
			With("run it again")
	}
	return newLayout(root, h.Dataset, dir)
}
