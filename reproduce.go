package penstock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Reproduction is what came of running a past run once more.
type Reproduction struct {
	Run       string          `json:"run"`
	Pipeline  string          `json:"pipeline"`
	Partition string          `json:"partition"`
	Status    pipeline.Status `json:"status"`
	// Same says that every file came out byte for byte, and every verdict, as it is on record;
	// false where anything is Missing. What could not be compared stands in Notes.
	Same bool `json:"same"`
	// Missing is what kept it from being run: nothing was run then.
	Missing []Missing `json:"missing,omitempty"`
	// Code says where the pipeline's text was found: kept with the run, or a file, or a commit.
	Code string `json:"code,omitempty"`
	// Outputs are compared file by file.
	Outputs []Reproduced `json:"outputs,omitempty"`
	// Verdicts counts those that are the same; Differ says which are not, or what else is not.
	Verdicts int      `json:"verdicts"`
	Differ   []string `json:"differ,omitempty"`
	// Notes say what may explain a difference, or could not be compared.
	Notes []string `json:"notes,omitempty"`
}

// Missing is something that a run rested on, and is gone or was changed.
type Missing struct {
	// What is "input", "code" or "run"; Name is the file, the version, the stage.
	What string `json:"what"`
	Name string `json:"name"`
	// Why says it in words; Expected and Found are digests, where it is about them.
	Why      string `json:"why"`
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
}

// String says it in a line.
func (m Missing) String() string {
	text := m.What + " " + m.Name + ": " + m.Why
	if m.Expected != "" {
		text += ", expected sha256 " + m.Expected
	}
	if m.Found != "" {
		text += ", found " + m.Found
	}
	return text
}

// Reproduced is an output that was made again.
type Reproduced struct {
	Dataset string `json:"dataset"`
	// Version is what it is compared with; 0 is what the run held.
	Version int64 `json:"version,omitempty"`
	Same    bool  `json:"same"`
	// Differ says what came out otherwise.
	Differ []string `json:"differ,omitempty"`
	Files  int      `json:"files"`
	Bytes  int64    `json:"bytes"`
	Rows   int64    `json:"rows"`
}

// Load makes a pipeline of its text, with these parameters; read gives the files that it names.
type Load func(name string, text []byte, params map[string]string, read func(name string) ([]byte, error)) (*pipeline.Pipeline, error)

// Reproduce runs a past run again, from the inputs that it read, with its parameters, by the code
// it was run by, and compares what comes out with what is on record. Nothing is published, and
// nothing is claimed. Where something is gone it says exactly what, and runs nothing.
func (p *Project) Reproduce(ctx context.Context, run string, load Load) (*Reproduction, error) {
	rec, err := p.RunByID(ctx, run)
	if err != nil {
		return nil, err
	}
	r := &reproduction{
		Reproduction: &Reproduction{Run: rec.Run, Pipeline: rec.Pipeline, Partition: rec.Partition, Status: rec.Status},
		p:            p, rec: rec,
	}
	if rec.Penstock != Version() {
		r.note("penstock %s made it, this is %s", rec.Penstock, Version())
	}
	if !r.canBe() {
		return r.Reproduction, nil
	}
	if rec.Rollback != nil {
		return r.Reproduction, r.rollback()
	}
	if err := r.inputs(ctx); err != nil {
		return nil, err
	}
	pl, err := r.code(ctx, load)
	if err != nil || len(r.Missing) > 0 {
		return r.Reproduction, err
	}
	return r.Reproduction, r.again(ctx, pl)
}

// reproduction is one on its way.
type reproduction struct {
	*Reproduction
	p    *Project
	rec  *pipeline.RunRecord
	part pipeline.Partition
}

func (r *reproduction) missing(what, name, why string, args ...any) {
	r.Missing = append(r.Missing, Missing{What: what, Name: name, Why: fmt.Sprintf(why, args...)})
}

func (r *reproduction) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *reproduction) differ(format string, args ...any) {
	r.Differ = append(r.Differ, fmt.Sprintf(format, args...))
}

// canBe notes what speaks against running a run again, whatever there is.
func (r *reproduction) canBe() bool {
	rec := r.rec
	switch {
	case rec.Status == pipeline.Running:
		r.missing("run", rec.Run, "it has not ended")
	case rec.Release != nil:
		r.missing("run", rec.Run, "%s released rows from quarantine by hand: no pipeline makes them (%s)", rec.Release.Actor, rec.Release.Reason)
	case rec.Rollback == nil && len(rec.Stages) == 0:
		r.missing("run", rec.Run, "it ended before it had read anything that is on record: %s, %s", rec.Status, strings.SplitN(rec.Error, "\n", 2)[0])
	}
	by, value, _ := strings.Cut(rec.Dir, "=")
	r.part = pipeline.Partition{By: pipeline.By(by), Value: value}
	return len(r.Missing) == 0
}

// rollback compares the files of the version that was made current again with those it had.
func (r *reproduction) rollback() error {
	back := r.rec.Rollback
	for _, out := range r.rec.Outputs {
		now, err := r.kept(out.Dataset, partitionDir(out), out.Version, "")
		if err != nil {
			return err
		}
		was, err := r.kept(out.Dataset, partitionDir(out), back.To, "")
		if err != nil {
			return err
		}
		if now == nil || was == nil {
			continue
		}
		o := Reproduced{Dataset: out.Dataset, Version: out.Version, Rows: now.Rows}
		for _, f := range slices.Concat(now.Files, now.Quarantine) {
			o.Files, o.Bytes = o.Files+1, o.Bytes+f.Bytes
		}
		o.compare(was.Files, now.Files)
		o.compare(was.Quarantine, now.Quarantine)
		o.Same = len(o.Differ) == 0
		r.Outputs = append(r.Outputs, o)
	}
	r.note("it computed nothing: version %d was made current again, whose files are compared", back.To)
	r.conclude()
	return nil
}

func (r *reproduction) conclude() {
	r.Same = len(r.Missing) == 0 && len(r.Differ) == 0 &&
		!slices.ContainsFunc(r.Outputs, func(o Reproduced) bool { return !o.Same })
}

// kept gives the manifest of a version, and notes what is gone; digest is what it should have, or
// empty.
func (r *reproduction) kept(dataset, partitionDir string, version int64, digest string) (*pipeline.Manifest, error) {
	m, found, err := r.p.publish.Version(dataset, partitionDir, version)
	name := fmt.Sprintf("%s version %d", strings.TrimSuffix(dataset+"/"+partitionDir, "/"), version)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		gone := Missing{What: "input", Name: name, Expected: digest, Why: "it is not there, and no entry of the chain says that it was removed"}
		e, err := r.p.audit.Removed(dataset, partitionDir, version)
		if e != nil {
			gone.Why = fmt.Sprintf("it was removed on %s, past its keep (entry %d of the chain of %s)", e.Time.Format("2006-01-02"), e.Seq, dataset)
		}
		r.Missing = append(r.Missing, gone)
		return nil, err
	case err != nil:
		return nil, err
	case digest != "" && digest != found:
		r.Missing = append(r.Missing, Missing{What: "input", Name: name, Why: "its manifest was changed", Expected: digest, Found: found})
		return nil, nil
	}
	return m, nil
}

// compare notes the files that are not as they were.
func (o *Reproduced) compare(was, now []pipeline.File) {
	left := map[string]pipeline.File{}
	for _, f := range now {
		left[f.Path] = f
	}
	for _, f := range was {
		again, ok := left[f.Path]
		delete(left, f.Path)
		switch {
		case !ok:
			o.Differ = append(o.Differ, f.Path+" did not come out")
		case again.SHA256 != f.SHA256:
			o.Differ = append(o.Differ, fmt.Sprintf("%s: sha256 %s (%d bytes) came out, %s (%d bytes) is on record", f.Path,
				again.SHA256, again.Bytes, f.SHA256, f.Bytes))
		}
	}
	for _, f := range now {
		if _, more := left[f.Path]; more {
			o.Differ = append(o.Differ, f.Path+" came out, and is not on record")
		}
	}
}
