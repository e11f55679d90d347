package cli

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/pipeline"
)

// maxSummary is how many bytes GitHub takes as the summary of a step.
const maxSummary = 1 << 20

// reports are what a command was asked to write of its runs, beside its results.
type reports struct {
	app   *app
	texts []string // as they were asked for
	files []reportFile
	// github asks for annotations and the summary of the step.
	github bool
}

// reportFile is a report and where it goes; "-" is stdout.
type reportFile struct {
	write report.Writer
	path  string
}

func (r *reports) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&r.texts, "report", nil,
		"writes a report, `KIND=PATH`: junit=out.xml, html=run.html, markdown=- (- is stdout), github; may be repeated")
}

// settle reads what was asked for. Under GitHub Actions a command that runs something
// has annotations without being asked.
func (r *reports) settle(runs bool) error {
	var errs pipeline.Errors
	kinds := report.Kinds()
	for _, text := range r.texts {
		kind, path, hasPath := strings.Cut(text, "=")
		write := kinds[kind]
		switch {
		case kind == "github" && hasPath:
			errs = append(errs, usage("--report %s: github takes no path; it writes annotations", text))
		case kind == "github":
			r.github = true
		case write == nil:
			errs = append(errs, usage("--report %s: %s", text,
				pipeline.Unknown("kind of report", kind, append(slices.Sorted(maps.Keys(kinds)), "github"))))
		case path == "":
			errs = append(errs, usage("--report %s: where to? write %s=PATH, or %s=- for stdout", text, kind, kind))
		default:
			r.files = append(r.files, reportFile{write, path})
		}
	}
	errs = append(errs, r.clashes()...)
	r.github = r.github || runs && os.Getenv("GITHUB_ACTIONS") == "true"
	return errs.Err()
}

// clashes are the places that two are to be written to.
func (r *reports) clashes() (errs pipeline.Errors) {
	seen := map[string]bool{}
	for _, f := range r.files {
		path := filepath.Clean(f.path)
		switch {
		case seen[path]:
			errs = append(errs, usage("--report: two reports go to %s", f.path))
		case f.path == "-" && r.app.output != "text":
			errs = append(errs, usage("--report: a report and -o %s both go to stdout", r.app.output).With("give the report a path"))
		}
		seen[path] = true
	}
	return errs
}

// takeStdout reports whether a report stands in for the text of the results.
func (r *reports) takeStdout() bool {
	return slices.ContainsFunc(r.files, func(f reportFile) bool { return f.path == "-" })
}

// wanted reports whether records are asked for.
func (r *reports) wanted() bool { return r.github || len(r.files) > 0 }

// ended writes the reports of runs and gives the error that stands for all: that of the
// runs, or, if a report can't be written, that of the reports once both are told.
func (r *reports) ended(records []*pipeline.RunRecord, err error) error {
	problems := r.write(records)
	if len(problems) == 0 {
		return err
	}
	if err != nil && !errors.Is(err, errBlocked) && !errors.Is(err, errReported) {
		r.app.complain(err)
	}
	for _, p := range problems {
		r.app.complain(p)
	}
	return errReported
}

// unread writes the reports of a pipeline that could not be read, as of a run that failed.
func (r *reports) unread(file, partition string, err error) error {
	return r.ended([]*pipeline.RunRecord{{
		Pipeline: file, Partition: partition, Status: pipeline.Failed, Error: err.Error(), File: file, Seconds: 0,
	}}, err)
}

func (r *reports) write(records []*pipeline.RunRecord) (problems []error) {
	for _, f := range r.files {
		var b bytes.Buffer
		err := f.write(&b, records)
		if err == nil {
			err = r.put(f.path, b.Bytes())
		}
		if err != nil {
			problems = append(problems, pipeline.Errorf(pipeline.IO, "report %s can't be written: %w", f.path, err))
		}
	}
	if r.github {
		if err := r.annotate(records); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// put writes a report so that no half of it is ever read. What is no file, like a
// terminal, is written to as it is.
func (r *reports) put(path string, text []byte) error {
	if path == "-" {
		_, err := r.app.stdout.Write(text)
		return err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular() && !info.IsDir():
		return os.WriteFile(path, text, 0o644)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	fsys := faults.OS()
	if err := fsys.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return faults.WriteFile(fsys, path, text)
}

// annotate writes annotations where GitHub sees them and no reader of results does, and
// adds to the summary of the step.
func (r *reports) annotate(records []*pipeline.RunRecord) error {
	w := r.app.stdout
	if r.app.output != "text" || r.takeStdout() {
		w = r.app.stderr
	}
	if err := report.GitHub(w, records, inRepository()); err != nil {
		return err
	}
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	if err := report.Markdown(&b, records); err != nil {
		return err
	}
	if err := addTo(path, b.Bytes()); err != nil {
		return pipeline.Errorf(pipeline.IO, "the summary of the step can't be written: %w", err)
	}
	return nil
}

// addTo adds to a summary, unless that would make it more than GitHub takes.
func addTo(path string, text []byte) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || info.Size()+int64(len(text)) > maxSummary {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(text))
	return err
}

// inRepository is the working directory below the checked out repository, or nothing.
func inRepository() string {
	root := os.Getenv("GITHUB_WORKSPACE")
	dir, err := os.Getwd()
	if root == "" || err != nil {
		return ""
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}
