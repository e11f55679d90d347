package penstock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// Rerun is what came of computing a published partition once more.
type Rerun struct {
	Dataset   string `json:"dataset"`
	Partition string `json:"partition"`
	Version   int64  `json:"version"`
	// Same says that every file came out byte for byte as it is published; false where
	// Unknown is not empty.
	Same bool `json:"same"`
	// Unknown says why that can't be told: an input that is not there any more, code that was
	// changed, rows that a person released.
	Unknown []string `json:"unknown,omitempty"`
	// Differ says what came out otherwise.
	Differ []string `json:"differ,omitempty"`
	// Unsure are the reasons for which a stage can't promise the same bytes.
	Unsure []string `json:"unsure,omitempty"`
	Files  int      `json:"files"`
	Bytes  int64    `json:"bytes"`
	Rows   int64    `json:"rows"`
}

// Rerun computes what is published of a partition of a dataset again, from the inputs that its
// manifest names, and compares the digests. Nothing is published, and the partition is not
// claimed. The pipeline is the one that made it, with the parameters of the manifest.
func (p *Project) Rerun(ctx context.Context, pl *pipeline.Pipeline, dataset, partition string) (*Rerun, error) {
	s, err := chosenStage(pl, ReleaseOptions{Dataset: dataset})
	if err != nil {
		return nil, err
	}
	part, err := pl.Partitions.Parse(partition)
	if err != nil {
		return nil, err
	}
	v, err := p.readersSee(s, part)
	if err != nil {
		return nil, err
	}
	r := &rerun{excerpt: p.newExcerpt(ctx, pl, part), v: v, Rerun: &Rerun{Dataset: v.manifest.Dataset, Partition: part.String(), Version: v.manifest.Version}}
	r.Unsure = pl.Unsure(s.Name)
	for _, f := range slices.Concat(v.manifest.Files, v.manifest.Quarantine) {
		r.Files, r.Bytes = r.Files+1, r.Bytes+f.Bytes
	}
	r.Rows = v.manifest.Rows
	if r.comparable(s); len(r.Unknown) > 0 {
		return r.Rerun, nil
	}
	return r.Rerun, r.compute(ctx, s)
}

// rerun is a version that is computed again.
type rerun struct {
	*Rerun
	*excerpt
	v *versionAt
}

// unknown notes why the version can't be computed again.
func (r *rerun) unknown(format string, args ...any) {
	r.Unknown = append(r.Unknown, fmt.Sprintf(format, args...))
}

// comparable notes what speaks against computing the version again.
func (r *rerun) comparable(s *pipeline.Stage) {
	m := r.v.manifest
	if rel := m.Release; rel != nil {
		r.unknown("version %d holds rows that %s released from quarantine: no pipeline makes them", m.Version, rel.Actor)
	}
	if m.Judged != 0 && len(m.Quarantine) > 0 {
		r.unknown("version %d was only judged again, and rows of version %d put aside then", m.Version, m.Judged)
	}
	basis, _ := describeUnit(r.of, s)
	was := basisOf(m)
	for _, name := range differing(was.Code, basis.Code) {
		r.unknown("stage %s does something else than when it made the version (commit %s)", name, firstText(m.Commit, "not known"))
	}
	for _, name := range differing(was.Params, basis.Params) {
		r.unknown("parameter %s is %q, and was %q", name, basis.Params[name], was.Params[name])
	}
}

// compute runs the stage, and what it is made of, into a directory of its own.
func (r *rerun) compute(ctx context.Context, s *pipeline.Stage) (err error) {
	r.at = r.then
	r.gates = func(s *pipeline.Stage) pipeline.Judge { return gates.Sifting(s.Gates) }
	if err := r.stage(*s); err != nil || len(r.Unknown) > 0 {
		return r.gone(err)
	}
	env := r.p.Env(r.of, r.part)
	var done func() error
	if env.Temp, done, err = r.p.private(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	env.Pin = r.pin
	plan, err := pipeline.Bind(ctx, r.made, env)
	if err != nil || len(r.Unknown) > 0 {
		return r.gone(err)
	}
	out, err := plan.Run(ctx, scratch{env.Temp}, r.p.opts.Listener)
	if err != nil {
		return r.gone(err)
	}
	r.inputsAreSame(out)
	for _, o := range out.Stages {
		if o.Stage.Name == s.Name && len(r.Unknown) == 0 {
			r.compare(o)
			return nil
		}
	}
	if len(r.Unknown) == 0 {
		r.differ("a gate stopped it: %s", namesOfBlocking(out))
	}
	return nil
}

// gone takes what can't be read as an input that is not there any more.
func (r *rerun) gone(err error) error {
	if err != nil && (pipeline.KindOf(err) == pipeline.BadInput || errors.Is(err, fs.ErrNotExist)) {
		r.unknown("%s", firstLine(err))
		return nil
	}
	if len(r.Unknown) > 0 {
		return nil
	}
	return err
}

// then is what the version was made of: the version of another dataset of the same pipeline that
// was read. It is noted as not known where that is not kept any more.
func (r *rerun) then(s *pipeline.Stage) (*versionAt, error) {
	dataset := datasetOf(s)
	for _, in := range r.v.manifest.Inputs {
		if in.Dataset == dataset && in.Partition == r.part.String() {
			return r.keptVersion(in, r.part.Dir())
		}
	}
	r.unknown("version %d was not made of %s", r.v.manifest.Version, dataset)
	return nil, fs.ErrNotExist
}

// pin gives, of a published partition, the version that was read then.
func (r *rerun) pin(dataset, partitionDir string) (*pipeline.Manifest, string, string, error) {
	for _, in := range r.v.manifest.Inputs {
		if in.Dataset != dataset || partitionDir != "" && !strings.HasSuffix(partitionDir, "="+in.Partition) {
			continue
		}
		if in.Missing {
			return nil, "", "", fs.ErrNotExist // as it was then
		}
		m, digest, err := r.p.publish.Version(dataset, partitionDir, in.Version)
		if err == nil && digest == in.Manifest {
			v := versionAt{published{m, digest}, path.Join(dataset, partitionDir)}
			return m, digest, filepath.Join(r.p.dir, filepath.FromSlash(v.dir())), nil
		}
	}
	m, _, err := r.p.publish.Current(dataset, partitionDir)
	if err == nil {
		r.unknown("%s@%s was read in a version that is not kept any more; version %d is current", dataset, m.Partition, m.Version)
	}
	return nil, "", "", fs.ErrNotExist
}

func (r *rerun) keptVersion(in pipeline.InputRecord, partitionDir string) (*versionAt, error) {
	m, digest, err := r.p.publish.Version(in.Dataset, partitionDir, in.Version)
	if errors.Is(err, fs.ErrNotExist) || err == nil && digest != in.Manifest {
		r.unknown("%s@%s was read in version %d, which is not kept any more", in.Dataset, in.Partition, in.Version)
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return &versionAt{published{m, digest}, path.Join(in.Dataset, partitionDir)}, nil
}

// inputsAreSame notes the files that are not any more what the version was made of.
func (r *rerun) inputsAreSame(out *pipeline.Outcome) {
	was := map[string]string{}
	for _, in := range r.v.manifest.Inputs {
		for _, f := range in.Files {
			was[f.Path] = f.SHA256
		}
	}
	for _, in := range out.Inputs {
		if _, ok := r.inputs[in.Name]; ok || in.Dataset != "" {
			continue // of the version that was read then
		}
		for _, f := range in.Files {
			if sum, ok := was[f.Path]; !ok {
				r.unknown("%s is new", f.Path)
			} else if sum != f.SHA256 {
				r.unknown("%s was changed since", f.Path)
			}
			delete(was, f.Path)
		}
		for _, w := range r.v.manifest.Inputs {
			if w.Name != in.Name {
				continue
			}
			for _, f := range w.Files {
				if _, left := was[f.Path]; left {
					r.unknown("%s is gone", f.Path)
				}
			}
		}
	}
}

func (r *rerun) differ(format string, args ...any) {
	r.Differ = append(r.Differ, fmt.Sprintf(format, args...))
}

// compare compares what was computed with what is published.
func (r *rerun) compare(now *pipeline.StageOutcome) {
	m := r.v.manifest
	if now.Record.RowsOut != m.Rows {
		r.differ("%s came out, the version has %d", countRows(now.Record.RowsOut), m.Rows)
	}
	r.compareAll(m.Files, now.Files)
	r.compareAll(m.Quarantine, now.Quarantine)
	r.Same = len(r.Differ) == 0
}

func (r *rerun) compareAll(was, now []pipeline.File) {
	byPath := map[string]pipeline.File{}
	for _, f := range now {
		byPath[f.Path] = f
	}
	for _, f := range was {
		again, ok := byPath[f.Path]
		delete(byPath, f.Path)
		switch {
		case !ok:
			r.differ("%s did not come out", f.Path)
		case again.SHA256 != f.SHA256:
			r.differ("%s: sha256 is %.12s (%d bytes, %s), the version has %.12s (%d bytes, %s)", f.Path,
				again.SHA256, again.Bytes, countRows(again.Rows), f.SHA256, f.Bytes, countRows(f.Rows))
		}
	}
	for _, f := range now {
		if _, more := byPath[f.Path]; more {
			r.differ("%s came out, and is not in the version", f.Path)
		}
	}
}

// namesOfBlocking names the gates that block, "clean/volume, clean/ids".
func namesOfBlocking(out *pipeline.Outcome) (names string) {
	for _, s := range out.Stages {
		for _, f := range s.Findings {
			if f.Blocks() {
				if names != "" {
					names += ", "
				}
				names += f.Stage + "/" + f.Name
			}
		}
	}
	return names
}
