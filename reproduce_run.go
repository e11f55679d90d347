package penstock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// again runs what the run ran, into a directory of its own, and compares.
func (r *reproduction) again(ctx context.Context, pl *pipeline.Pipeline) (err error) {
	if r.part, err = pl.Partitions.Anyway(r.rec.Partition); err != nil {
		return err
	}
	x := r.p.newExcerpt(ctx, pl, r.part)
	x.computes = func(stage string) bool {
		return slices.ContainsFunc(r.rec.Stages, func(s pipeline.StageRecord) bool { return s.Name == stage })
	}
	x.at = func(s *pipeline.Stage) (*versionAt, error) { return r.then(s) }
	for i := range pl.Stages {
		s := &pl.Stages[i]
		if !x.computes(s.Name) || stageOf(x.made, s.Name) != nil {
			continue
		}
		if err := r.include(x, *s); err != nil || len(r.Missing) > 0 {
			return err
		}
	}
	slices.SortFunc(x.made.Stages, func(a, b pipeline.Stage) int { return cmp.Compare(placeOf(pl, a.Name), placeOf(pl, b.Name)) })
	env, done, err := r.env(pl)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	plan, err := pipeline.Bind(ctx, x.made, env)
	if err != nil {
		return err
	}
	out, err := plan.Run(ctx, scratch{env.Temp}, r.p.opts.Listener)
	if err != nil {
		return err
	}
	return r.compareAll(x, out)
}

// include puts in a stage that the run ran: its gates alone, where it judged what was published.
func (r *reproduction) include(x *excerpt, s pipeline.Stage) error {
	i := slices.IndexFunc(r.rec.Bases, func(b pipeline.Basis) bool { return b.Stage == s.Name })
	if i < 0 || s.Output == nil || r.rec.Bases[i].Code != nil {
		return x.stage(s)
	}
	some := &someStages{x, map[string]*versionAt{}}
	_, err := some.judge(s)
	return err
}

// then is the version of a stage's dataset that the run read.
func (r *reproduction) then(s *pipeline.Stage) (*versionAt, error) {
	dataset := datasetOf(s)
	for _, in := range r.rec.Inputs {
		if in.Dataset != dataset || in.Partition != r.part.String() {
			continue
		}
		m, err := r.kept(dataset, r.part.Dir(), in.Version, in.Manifest)
		if m == nil || err != nil {
			return nil, errors.Join(err, fs.ErrNotExist)
		}
		return &versionAt{published{m, in.Manifest}, path.Join(dataset, r.part.Dir())}, nil
	}
	r.missing("input", dataset, "which version of it the run read is not on record")
	return nil, fs.ErrNotExist
}

// env is what the run was bound with, as far as it decides anything.
func (r *reproduction) env(pl *pipeline.Pipeline) (_ *pipeline.Env, done func() error, err error) {
	env := r.p.Env(pl, r.part)
	if env.Temp, done, err = r.p.private(); err != nil {
		return nil, nil, err
	}
	env.Now = func() time.Time { return r.rec.Started }
	env.WarnError = slices.Contains(r.rec.Command, "--warn-error")
	env.Pin, env.Recorded = r.pin, r.recorded
	env.History = func(s *pipeline.Stage) iter.Seq2[*pipeline.Manifest, error] { return r.history(datasetOf(s)) }
	env.Accepted = func(s *pipeline.Stage) (*pipeline.Manifest, error) {
		for m, err := range r.history(datasetOf(s)) {
			return m, err
		}
		return r.asOf(datasetOf(s), r.part.Dir())
	}
	env.Approves = func(s *pipeline.Stage, f pipeline.Finding, _ []pipeline.File) *pipeline.Approval {
		for _, was := range r.rec.Gates {
			if a := was.Approved; a != nil && a.Run != r.rec.Run && was.Stage == s.Name && was.Name == f.Name {
				return a
			}
		}
		return nil
	}
	return env, done, nil
}

// recorded gives the decisions about a ledger that the run read; what was decided since it does
// without.
func (r *reproduction) recorded(dataset string) (map[string]pipeline.RecordedFile, error) {
	known, err := r.p.recorded(dataset)
	read := map[string]bool{}
	for _, in := range r.rec.Inputs {
		for _, f := range in.Files {
			read[f.Path] = true
		}
	}
	for place, f := range known {
		f.Later = !read[path.Join(breaks.DecisionsDir(dataset), place)]
		known[place] = f
	}
	return known, err
}

// pin gives, of a published partition, the version that the run read.
func (r *reproduction) pin(dataset, partitionDir string) (*pipeline.Manifest, string, string, error) {
	for _, in := range r.rec.Inputs {
		if in.Dataset != dataset || partitionDir != "" && !strings.HasSuffix(partitionDir, "="+in.Partition) {
			continue
		}
		if in.Missing || in.Version == 0 {
			return nil, "", "", fs.ErrNotExist // as it was then
		}
		m, err := r.kept(dataset, partitionDir, in.Version, in.Manifest)
		if m == nil || err != nil {
			return nil, "", "", errors.Join(err, fs.ErrNotExist)
		}
		v := versionAt{published{m, in.Manifest}, path.Join(dataset, partitionDir)}
		return m, in.Manifest, filepath.Join(r.p.dir, filepath.FromSlash(v.dir())), nil
	}
	return nil, "", "", fs.ErrNotExist
}

// history is what was published of the partitions before this one when the run began, the latest
// first.
func (r *reproduction) history(dataset string) iter.Seq2[*pipeline.Manifest, error] {
	return func(yield func(*pipeline.Manifest, error) bool) {
		if r.part.Start.IsZero() {
			kept, err := r.before(dataset, r.part.Dir())
			for _, m := range slices.Backward(kept) {
				if !yield(m, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
			return
		}
		all, err := r.p.published(dataset, r.part.Scheme())
		if err != nil {
			yield(nil, err)
			return
		}
		for _, part := range slices.Backward(all) {
			if !part.Start.Before(r.part.Start) {
				continue
			}
			m, err := r.asOf(dataset, part.Dir())
			if m == nil && err == nil {
				continue
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// before are the versions of a partition that are kept and were there when the run began.
func (r *reproduction) before(dataset, partitionDir string) (all []*pipeline.Manifest, err error) {
	kept, err := r.p.publish.Versions(dataset, partitionDir)
	for _, v := range kept {
		if v.Manifest.Published.Before(r.rec.Started) {
			all = append(all, v.Manifest)
		}
	}
	if len(all) == 0 && len(kept) > 0 && kept[0].Manifest.Version > 1 {
		r.noteOnce("what was published of " + path.Join(dataset, partitionDir) + " when the run began is not kept any more: rules about the past may say something else")
	}
	return all, err
}

func (r *reproduction) noteOnce(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// asOf is the version of a partition that was current when the run began; nil where none is kept.
func (r *reproduction) asOf(dataset, partitionDir string) (*pipeline.Manifest, error) {
	all, err := r.before(dataset, partitionDir)
	if len(all) == 0 {
		return nil, err
	}
	return all[len(all)-1], err
}

// compareAll compares what came out with what is on record.
func (r *reproduction) compareAll(x *excerpt, out *pipeline.Outcome) error {
	r.compareInputs(x, out)
	if len(r.Missing) > 0 {
		return nil
	}
	for _, o := range out.Stages {
		for _, why := range x.of.Unsure(o.Stage.Name) {
			r.noteOnce("stage " + o.Stage.Name + " does not promise the same bytes: " + why)
		}
		if o.Stage.Output == nil {
			continue
		}
		if err := r.compareOutput(o); err != nil {
			return err
		}
	}
	for _, was := range r.rec.Stages {
		if !slices.ContainsFunc(out.Stages, func(o *pipeline.StageOutcome) bool { return o.Stage.Name == was.Name }) {
			r.differ("stage %s was not reached: a gate before it blocked", was.Name)
		}
	}
	r.compareVerdicts(out)
	r.conclude()
	return nil
}

// compareInputs notes files that the run did not read.
func (r *reproduction) compareInputs(x *excerpt, out *pipeline.Outcome) {
	was := map[string]string{}
	for _, in := range r.rec.Inputs {
		for _, f := range in.Files {
			was[f.Path] = f.SHA256
		}
	}
	for _, in := range x.records(out.Inputs) {
		if in.Dataset != "" {
			continue
		}
		for _, f := range in.Files {
			if _, known := was[f.Path]; !known {
				r.Missing = append(r.Missing, Missing{What: "input", Name: f.Path, Why: "it is new: the run did not read it", Found: f.SHA256})
			}
		}
	}
}

// compareOutput compares what came out of a stage with the version that the run made, or found
// unchanged, or held.
func (r *reproduction) compareOutput(o *pipeline.StageOutcome) error {
	dataset := datasetOf(o.Stage)
	now := &pipeline.Manifest{Files: o.Files, Quarantine: o.Quarantine}
	done := Reproduced{Dataset: dataset, Rows: o.Record.RowsOut}
	for _, f := range slices.Concat(now.Files, now.Quarantine) {
		done.Files, done.Bytes = done.Files+1, done.Bytes+f.Bytes
	}
	for _, out := range r.rec.Outputs {
		if out.Dataset != dataset {
			continue
		}
		done.Version = out.Version
		m, digest, err := r.p.publish.Version(dataset, partitionDir(out), out.Version)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.compareGone(&done, len(out.Quarantine), now)
		case err != nil:
			return err
		default:
			if e, err := r.p.audit.Made(dataset, partitionDir(out), out.Version); err != nil {
				return err
			} else if e != nil && e.Digest != digest {
				done.Differ = append(done.Differ, "the manifest of the version was changed: its sha256 is "+digest+", and was "+e.Digest)
			}
			done.compare(m.Files, now.Files)
			done.compare(m.Quarantine, now.Quarantine)
		}
		return r.add(done)
	}
	for _, h := range r.rec.Held {
		if h.Dataset == dataset {
			if bytes := now.BytesDigest(); bytes != h.Bytes {
				done.Differ = append(done.Differ, "the digest of what came out is "+bytes+", of what the run held "+h.Bytes)
			}
			return r.add(done)
		}
	}
	r.note("%s: no file of it is on record, so only its verdicts are compared", dataset)
	return nil
}

// compareGone compares the digest of the data with that of a version that is not kept, and had so many
// files in quarantine.
func (r *reproduction) compareGone(done *Reproduced, quarantine int, now *pipeline.Manifest) {
	for _, b := range r.rec.Bases {
		if b.Dataset != done.Dataset || b.Data == "" {
			continue
		}
		r.note("version %d of %s is not kept any more: its data is compared by the digest that the run has of it", done.Version, done.Dataset)
		if n := len(now.Quarantine); n != quarantine {
			done.Differ = append(done.Differ, fmt.Sprintf("%d files of quarantine came out, %d are on record", n, quarantine))
		} else if n > 0 {
			r.note("what version %d of %s had in quarantine is not compared", done.Version, done.Dataset)
		}
		if data := now.DataDigest(); data != b.Data {
			done.Differ = append(done.Differ, "the digest of the data is "+data+", and was "+b.Data)
		}
		return
	}
	done.Differ = append(done.Differ, "the version is not kept, and the run has no digest of its data")
}

func (r *reproduction) add(done Reproduced) error {
	done.Same = len(done.Differ) == 0
	r.Outputs = append(r.Outputs, done)
	return nil
}

// compareVerdicts compares what the gates said.
func (r *reproduction) compareVerdicts(out *pipeline.Outcome) {
	now := map[string]pipeline.Finding{}
	for _, s := range out.Stages {
		for _, f := range s.Findings {
			now[f.Stage+"/"+f.Name] = f
		}
	}
	for _, was := range r.rec.Gates {
		name := was.Stage + "/" + was.Name
		f, ok := now[name]
		delete(now, name)
		switch {
		case !ok:
			r.differ("gate %s said %s, and was not asked now", name, was.Verdict)
		case f.Verdict != was.Verdict:
			r.differ("gate %s says %s (%s), and said %s (%s)", name, f.Verdict, f.Observed, was.Verdict, was.Observed)
		default:
			r.Verdicts++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		r.differ("gate %s says %s, and was not asked then", name, now[name].Verdict)
	}
}
