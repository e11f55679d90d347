package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// rerun computes what is published of a partition once more, and says whether it is the same.
func (a *app) rerun(cmd *cobra.Command, name, file string) error {
	r, err := parseRef(name)
	if err != nil {
		return err
	}
	project, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	defer project.Close()
	pl, err := a.madeBy(cmd, project, r, file)
	if err != nil {
		return err
	}
	again, err := project.Rerun(cmd.Context(), pl, r.dataset, firstOf(r.partition, "all"))
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(again)
	} else {
		a.showRerun(again)
	}
	switch {
	case err != nil:
		return err
	case len(again.Unknown) > 0:
		return errReported
	case !again.Same:
		return errBlocked
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// madeBy reads the pipeline that made what is published, with the parameters it had then. Where
// no file is given it is that of the run.
func (a *app) madeBy(cmd *cobra.Command, project *penstock.Project, r ref, file string) (*pipeline.Pipeline, error) {
	all, err := project.Versions(cmd.Context(), r.dataset, firstOf(r.partition, "all"))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, usage("nothing is published of %s@%s", r.dataset, firstOf(r.partition, "all")).
			With("`penstock runs` lists what was run")
	}
	m := all[len(all)-1]
	if file == "" {
		rec, err := project.RunByID(cmd.Context(), m.Run)
		if err != nil {
			return nil, err
		}
		if file = findFile(project.Dir(), rec.File); file == "" {
			return nil, usage("the pipeline file %q of run %s is not there", rec.File, m.Run).
				With("name the file behind: penstock verify --rerun " + quoted(r.dataset+"@"+m.Partition) + " FILE")
		}
	}
	return config.Load(file, config.Options{Params: m.Params, Dir: project.Dir(), Env: os.LookupEnv})
}

// findFile finds the pipeline file of a run, whose name is as it was given then, from whichever
// directory that was: at its place from here, or below the project.
func findFile(root, name string) string {
	if name == "" {
		return ""
	}
	for path, rest := name, filepath.ToSlash(name); ; {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
		if rest == "" || filepath.IsAbs(name) {
			return ""
		}
		path = filepath.Join(root, filepath.FromSlash(rest))
		_, rest, _ = strings.Cut(rest, "/")
	}
}

func (a *app) showRerun(r *penstock.Rerun) {
	name := r.Dataset + "@" + r.Partition
	files := plural(int64(r.Files), "file", "files")
	switch {
	case len(r.Unknown) > 0:
		a.print("%s version %d can't be made again\n", name, r.Version)
	case r.Same:
		a.print("%s version %d: made again, %s and %s bytes, the same in every byte\n", name, r.Version, files, count(r.Bytes))
	default:
		a.print("%s version %d: made again, and not the same\n", name, r.Version)
	}
	for _, why := range append(r.Unknown, r.Differ...) {
		a.print("\t%s\n", oneLine(why))
	}
	for _, why := range r.Unsure {
		a.print("\tnot promised: %s\n", oneLine(why))
	}
}
