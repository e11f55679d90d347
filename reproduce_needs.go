package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/internal/host"
	"github.com/penstock-data/penstock/pipeline"
)

// inputs notes what the run read and is not there any more as it was.
func (r *reproduction) inputs(ctx context.Context) error {
	for _, in := range r.rec.Inputs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if in.Dataset != "" {
			if in.Missing || in.Version == 0 {
				continue
			}
			dir, err := r.dirOf(in)
			if err != nil {
				return err
			}
			if _, err := r.kept(in.Dataset, dir, in.Version, in.Manifest); err != nil {
				return err
			}
			continue
		}
		for _, f := range in.Files {
			if err := r.input(ctx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// dirOf is the directory of a partition that was read; of one of which nothing is kept its name
// has to do.
func (r *reproduction) dirOf(in pipeline.InputRecord) (string, error) {
	dirs, err := r.p.publish.Partitions(in.Dataset)
	for _, dir := range dirs {
		if _, value, _ := strings.Cut(dir, "="); value == in.Partition {
			return dir, err
		}
	}
	if in.Partition == (pipeline.Partition{}).String() {
		return "", err
	}
	if in.Partition == r.part.String() {
		return r.part.Dir(), err
	}
	return in.Partition, err
}

// input compares a file with what the run read.
func (r *reproduction) input(ctx context.Context, f pipeline.File) error {
	name := filepath.FromSlash(f.Path)
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.p.dir, name)
	}
	sum, err := sumOf(ctx, name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		r.Missing = append(r.Missing, Missing{What: "input", Name: f.Path, Why: fmt.Sprintf("it is gone (%d bytes)", f.Bytes), Expected: f.SHA256})
	case err != nil:
		r.missing("input", f.Path, "it can't be read: %v", err)
	case f.SHA256 == "":
		r.note("%s: what was read of it is not on record", f.Path)
	case sum != f.SHA256:
		r.Missing = append(r.Missing, Missing{What: "input", Name: f.Path, Why: "it was changed since", Expected: f.SHA256, Found: sum})
	}
	return nil
}

// sumOf is the hex SHA-256 of a file.
func sumOf(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum, buf := sha256.New(), make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		sum.Write(buf[:n])
		if err == io.EOF {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// source is where the text of a pipeline may be found.
type source struct {
	what string // as a message calls it
	name string // what messages of the text call it
	text func() ([]byte, error)
	read func(name string) ([]byte, error) // nil: what lies there now
}

// code finds the code that the run was run by: what was kept with it, or what is there today, or
// what git has, whatever gives the same fingerprints. Where none does it notes how each differs.
func (r *reproduction) code(ctx context.Context, load Load) (*pipeline.Pipeline, error) {
	var tried []Missing
	for _, s := range r.sources(ctx) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := s.text()
		if err != nil {
			tried = append(tried, Missing{What: "code", Name: s.what, Why: firstLine(err)})
			continue
		}
		pl, err := load(s.name, text, r.rec.Params, s.read)
		if err != nil {
			tried = append(tried, Missing{What: "code", Name: s.what, Why: firstLine(err)})
			continue
		}
		why := r.otherCode(pl)
		if len(why) == 0 {
			r.Code = s.what
			return pl, nil
		}
		for _, w := range why {
			w.Name = s.what + ", " + w.Name
			tried = append(tried, w)
		}
	}
	if len(tried) == 0 {
		tried = []Missing{{What: "code", Name: "pipeline " + r.rec.Pipeline, Why: "the run was given no file, and no text is kept of it"}}
	}
	r.Missing = append(r.Missing, tried...)
	return nil, nil
}

// sources are where the text of the run's pipeline may be, the surest first.
func (r *reproduction) sources(ctx context.Context) (all []source) {
	if texts := r.rec.Definition; len(texts) > 0 {
		all = append(all, source{
			what: "text kept with the run", name: texts[0].Path,
			text: func() ([]byte, error) { return r.keptText(texts[0]) },
			read: func(name string) ([]byte, error) {
				for _, t := range texts[1:] {
					if t.Path == name {
						return r.keptText(t)
					}
				}
				return nil, fs.ErrNotExist
			},
		})
	}
	name, file := r.file()
	if file != "" {
		all = append(all, source{what: name + " of today", name: file, text: func() ([]byte, error) { return os.ReadFile(file) }})
	}
	commit := strings.TrimSuffix(r.rec.Commit, "+dirty")
	if commit == "" || name == "" {
		return all
	}
	return append(all, source{what: name + " of commit " + commit, name: name, text: func() ([]byte, error) {
		if !host.HasCommit(ctx, r.p.dir, commit) {
			return nil, errors.New("the commit is not there")
		}
		text, err := host.Show(ctx, r.p.dir, commit, name)
		if err != nil {
			return nil, errors.New("the commit does not have the file")
		}
		return text, nil
	}})
}

func (r *reproduction) keptText(t pipeline.TextRecord) ([]byte, error) {
	text, err := r.p.keptText(t)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is gone, sha256 %s", t.Path, t.SHA256)
	}
	return text, err
}

// file finds the pipeline file of the run: its name below the project, and where it is now; empty
// where it is not.
func (r *reproduction) file() (name, file string) {
	if len(r.rec.Definition) > 0 {
		name = r.rec.Definition[0].Path
	} else if name = filepath.ToSlash(r.rec.File); name == "" {
		return "", ""
	}
	for rest := name; rest != ""; { // its name was as seen from where the command was given
		file = rest
		if !filepath.IsAbs(file) {
			file = filepath.Join(r.p.dir, filepath.FromSlash(rest))
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return rest, file
		}
		_, rest, _ = strings.Cut(rest, "/")
	}
	return name, ""
}

// otherCode says in what a pipeline is another than the one that was run.
func (r *reproduction) otherCode(pl *pipeline.Pipeline) (why []Missing) {
	if pl.Name != r.rec.Pipeline {
		return []Missing{{What: "code", Name: "pipeline " + pl.Name, Why: "the run was of pipeline " + r.rec.Pipeline}}
	}
	for _, was := range r.rec.Bases {
		s := stageOf(pl, was.Stage)
		if s == nil {
			why = append(why, Missing{What: "code", Name: "stage " + was.Stage, Why: "there is no such stage"})
			continue
		}
		now, _ := describeUnit(pl, s)
		why = append(why, otherPrints("does something else than then", was.Code, now.Code)...)
		why = append(why, otherPrints("has other rules than then", was.Gates, now.Gates)...)
	}
	return why
}

// otherPrints compares fingerprints; where none are on record nothing is compared.
func otherPrints(what string, was, now map[string]string) (why []Missing) {
	if was == nil {
		return nil
	}
	for _, name := range differing(was, now) {
		why = append(why, Missing{What: "code", Name: "stage " + name, Why: what + fmt.Sprintf(": its fingerprint is %s, and was %s", firstText(now[name], "none"), firstText(was[name], "none"))})
	}
	return why
}
