package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// hashInputs fills in the digest of every file the run reads. A pipeline that publishes
// nothing has no use for them.
func (r *run) hashInputs(ctx context.Context) error {
	if !slices.ContainsFunc(r.plan.Stages, func(s *StagePlan) bool { return s.Output != nil }) {
		return nil
	}
	for _, s := range r.plan.Pipeline.Sources {
		in := r.plan.Inputs[s.Name]
		for i := range in.Files {
			if err := r.hashInput(ctx, &in.Files[i]); err != nil {
				return inSource(err, s)
			}
		}
	}
	return nil
}

// inputs are the records of what the run reads.
func (r *run) inputs() (all []InputRecord) {
	for _, s := range r.plan.Pipeline.Sources {
		rec := InputRecord{Name: s.Name, Source: s.Reads(r.plan.Env.Partition), Approved: r.plan.Inputs[s.Name].Approved}
		if of := r.plan.Inputs[s.Name].Published; of != nil {
			for _, p := range of {
				p.Name, p.Source = rec.Name, rec.Source
				all = append(all, p)
			}
			continue
		}
		for _, f := range r.plan.Inputs[s.Name].Files {
			f.Chunks, f.Footer = nil, "" // they stand in the manifest it was published with
			rec.Files = append(rec.Files, f)
		}
		all = append(all, rec)
	}
	return all
}

// hashInput fills in a file's digest. One that was published has it already: where its
// parts have digests, these are checked as they are read; else the whole file is.
func (r *run) hashInput(ctx context.Context, f *File) error {
	if f.SHA256 != "" && (f.Chunks != nil || r.hashed[f]) {
		return nil
	}
	hash := HashFile
	if r.env.HashFile != nil && f.SHA256 == "" { // what was published is held against its digest, and so read
		hash = r.env.HashFile
	}
	sum, err := hash(ctx, r.path(f.Path))
	if err != nil {
		return err
	}
	if f.SHA256 != "" && f.SHA256 != sum {
		return Errorf(BadInput, "%s is not as it was published: its SHA-256 is %.12s…, the manifest says %.12s…", f.Path, sum, f.SHA256).
			With("`penstock verify` tells what else is not; publish the partition again to mend it")
	}
	f.SHA256, r.hashed[f] = sum, true
	return nil
}

// checkInputs makes sure that no input changed while it was read: the digests
// would not be those of the rows.
func (r *run) checkInputs() error {
	for _, s := range r.plan.Pipeline.Sources {
		for _, f := range r.plan.Inputs[s.Name].Files {
			info, err := os.Stat(r.path(f.Path))
			if err != nil || info.Size() != f.Bytes || !info.ModTime().Equal(f.Modified) {
				return Errorf(BadInput, "%s was changed or removed while it was read", f.Path).
					With("run again when whoever writes it is done; nothing was published")
			}
		}
	}
	return nil
}

func (r *run) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.env.Dir, filepath.FromSlash(name))
}

// hashBuffers are had again: of small files most of the time would go into making one.
var hashBuffers = sync.Pool{New: func() any { return new([1 << 20]byte) }}

// HashFile gives the hex SHA-256 of a file.
func HashFile(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	held := hashBuffers.Get().(*[1 << 20]byte)
	defer hashBuffers.Put(held)
	buf := held[:]
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := file.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
