package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// maxApprovals bounds how many approvals are kept of a partition, the latest.
const maxApprovals = 100

// Approvals lists what was approved of a partition; nothing if nothing was.
func (s *Store) Approvals(dataset, partitionDir string) ([]pipeline.Approval, error) {
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return nil, err
	}
	return s.approvals(l)
}

// ApprovalsDigest is the hex SHA-256 of the file that says what was approved of a partition.
func (s *Store) ApprovalsDigest(dataset, partitionDir string) (string, error) {
	l, err := newLayout(s.Root, dataset, partitionDir)
	if err != nil {
		return "", err
	}
	text, err := s.FS.ReadFile(l.approvals())
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

func (s *Store) approvals(l layout) (all []pipeline.Approval, err error) {
	text, err := s.FS.ReadFile(l.approvals())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, pipeline.Errorf(pipeline.IO, "%s can't be read: %w", l.rel(l.approvals()), err).
			With("move it away: what was approved of, and not published, has to be approved again")
	}
	if err := s.onRecord(l, text); err != nil {
		return nil, err
	}
	return all, nil
}

// onRecord is an error if approvals are not those on record.
func (s *Store) onRecord(l layout, text []byte) error {
	if s.Known == nil {
		return nil
	}
	sum := sha256.Sum256(text)
	known, err := s.Known(l.dataset, l.dir(), hex.EncodeToString(sum[:]))
	if err != nil {
		return ioError(l, "can't tell whether "+l.rel(l.approvals())+" is on record", err)
	}
	if !known {
		return pipeline.Errorf(pipeline.BadInput, "no entry of the audit says who wrote %s as it is", l.rel(l.approvals())).
			With("see `penstock audit verify`; when you have looked into it, move the file away, and approve again of what is to be published")
	}
	return nil
}

// Approve puts approvals of the partition on record, durably, and gives all that have not
// expired.
func (st *Staging) Approve(ctx context.Context, more []pipeline.Approval) ([]pipeline.Approval, error) {
	s, l := st.store, st.layout
	was, err := s.approvals(l)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	var all []pipeline.Approval
	for _, a := range append(was, more...) {
		if a.Expires.IsZero() || now.Before(a.Expires) {
			all = append(all, a)
		}
	}
	all = all[max(0, len(all)-maxApprovals):]
	if len(more) == 0 {
		return all, nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if s.Approving != nil {
		sum := sha256.Sum256(text)
		if err := s.Approving(ctx, l.dataset, l.dir(), hex.EncodeToString(sum[:])); err != nil {
			return nil, ioError(l, "can't announce what is approved of", err)
		}
	}
	dir := filepath.Dir(l.approvals())
	if err := s.FS.MkdirAll(dir); err != nil {
		return nil, st.ioError(err)
	}
	next := filepath.Join(st.dir, "approvals") // from there a fenced run can't put it into place
	if err := s.FS.RemoveAll(next); err != nil {
		return nil, st.ioError(err)
	}
	if err := faults.Write(s.FS, next, text); err != nil {
		return nil, st.ioError(err)
	}
	if err := s.FS.Rename(next, l.approvals()); err != nil {
		return nil, st.ioError(err)
	}
	if err := s.FS.Sync(nil, []string{dir, l.store}); err != nil { // what lies above was made durable by the hold
		return nil, st.ioError(err)
	}
	return all, nil
}
