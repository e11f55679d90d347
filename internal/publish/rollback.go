package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Rollback makes an earlier version, which is kept, current again: as a new version of hard
// links to its files, so that the chain of manifests only grows. Version 0 is the one before
// the current; of r, Run, Reason and Actor are for the caller to fill in. Every byte is
// compared with the manifest first. Where the last thing done was a rollback to this version,
// nothing is. What gates did not pass needs an approval that has not
// expired: once it has, nobody stands for these bytes any more.
func (s *Store) Rollback(ctx context.Context, dataset string, p pipeline.Partition, version int64, r pipeline.Rollback) (*Version, error) {
	st, err := s.Begin(ctx, dataset, p, r.Run)
	if err != nil {
		return nil, err
	}
	v, err := st.rollback(ctx, version, r)
	return v, st.end(err)
}

func (st *Staging) rollback(ctx context.Context, version int64, r pipeline.Rollback) (*Version, error) {
	if c := st.current; c != nil && c.Rollback != nil && c.Rollback.To == version { // who asked may not know that it is done
		return st.unchanged()
	}
	m, err := st.earlier(version)
	if err != nil {
		return nil, err
	}
	for kind, files := range filesOf(m) {
		for _, f := range files {
			if err := st.relinkKept(ctx, m.Version, kind, f); err != nil {
				return nil, err
			}
		}
	}
	now := st.store.Clock.Now().UTC()
	if err := m.Admits(now, st.store.FourEyes); err != nil {
		return nil, &pipeline.Error{
			Kind: pipeline.Conflict, Msg: fmt.Sprintf("version %d of %s can't be current again", m.Version, st.layout.rel(st.layout.visible)),
			Evidence: strings.Split(err.Error(), "\n")[:1], Err: err,
		}
	}
	r.From, r.To, r.At = st.current.Version, m.Version, now
	m.Rollback = &r
	v, err := st.commit(m, now)
	if err != nil {
		return nil, st.ioError(err)
	}
	return v, nil
}

// earlier gives the manifest of a kept version that is not current.
func (st *Staging) earlier(version int64) (*pipeline.Manifest, error) {
	l := st.layout
	if st.current == nil {
		return nil, pipeline.Errorf(pipeline.BadInput, "nothing of %s is published, so there is no earlier version", l.rel(l.visible))
	}
	if version == 0 {
		version = st.current.Version - 1
	}
	m, _, err := st.store.read(filepath.Join(l.version(version), manifestName), l)
	switch {
	case version == st.current.Version:
		return nil, pipeline.Errorf(pipeline.BadInput, "version %d of %s is current already", version, l.rel(l.visible))
	case errors.Is(err, fs.ErrNotExist):
		return nil, st.notKept(version)
	case err != nil:
		return nil, err
	case m.Version != version || m.Dataset != st.current.Dataset || m.Partition != st.current.Partition:
		return nil, pipeline.Errorf(pipeline.BadInput, "%s is damaged: its manifest is of version %d of %s@%s",
			l.rel(l.version(version)), m.Version, m.Dataset, m.Partition).With("`penstock verify` tells what else is")
	}
	return m, nil
}

// notKept lists the versions there are instead.
func (st *Staging) notKept(version int64) error {
	l := st.layout
	if fenced := st.fenced(); fenced != nil {
		return fenced // then it may be pruned
	}
	numbers, err := st.store.numbers(l)
	if err != nil {
		return st.ioError(err)
	}
	var kept []string
	for _, n := range numbers {
		if n != st.current.Version {
			kept = append(kept, fmt.Sprint(n))
		}
	}
	e := pipeline.Errorf(pipeline.BadInput, "version %d of %s is not kept", version, l.rel(l.visible))
	if len(kept) == 0 {
		return e.With(fmt.Sprintf("version %d is current, and no other is kept", st.current.Version))
	}
	return e.With(fmt.Sprintf("version %d is current, and kept are %s", st.current.Version, strings.Join(kept, ", ")))
}

// Again stages a file of a kept version under a second name, once every byte was compared.
func (st *Staging) Again(ctx context.Context, version int64, kind Kind, f pipeline.File) error {
	return st.relinkKept(ctx, version, kind, f)
}

// relinkKept stages a file of a kept version under a second name, and reads all of it.
func (st *Staging) relinkKept(ctx context.Context, version int64, kind Kind, f pipeline.File) error {
	where := filepath.Join(st.layout.version(version), filepath.FromSlash(f.Path))
	damaged := func(what string) error {
		return &pipeline.Error{
			Kind: pipeline.BadInput, Where: st.layout.rel(where), Msg: "is damaged, and can't be current again: " + what,
			Evidence: []string{"nothing was changed; choose another version, or run the partition again"},
		}
	}
	if f.Path != path.Join(string(kind), path.Base(f.Path)) {
		return damaged(fmt.Sprintf("the manifest names the file %q", f.Path))
	}
	now, err := st.linkAndRead(ctx, where, kind, f)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return damaged("it is missing")
	case err != nil:
		return err
	case now.Bytes != f.Bytes || now.SHA256 != f.SHA256:
		return damaged(fmt.Sprintf("it has %d bytes with sha256 %.12s, the manifest says %d with %.12s", now.Bytes, now.SHA256, f.Bytes, f.SHA256))
	}
	return nil
}
