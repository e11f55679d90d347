package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// pipelineFlags are the flags of commands that read a pipeline file.
type pipelineFlags struct {
	params  []string
	workers int
	memory  byteSize
	keep    int
	// evidence is auto or scan.
	evidence string
	hold     span
	fourEyes bool
	// values shows values of rows that failed; warnError lets no warning pass.
	values, warnError bool
	// tells is no flag: the command runs something, of which OpenLineage is told.
	tells bool
}

func (f *pipelineFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.params, "param", nil, "sets a parameter of the pipeline, `name=value`; may be repeated")
	flags.IntVar(&f.workers, "workers", 0, "units of work carried at once (default: one a processor)")
	flags.Var(&f.memory, "memory", "memory budget, like 2GiB (default: half of what the machine or control group has)")
	flags.StringVar(&f.evidence, "evidence", "auto", "what gates may go by: `auto` is the cheapest that proves it, scan is every row")
	f.hold = span(7 * 24 * time.Hour)
	flags.Var(&f.hold, "hold-for", "how long what a gate blocked is held for `penstock approve`; 0 holds nothing")
	addFourEyes(flags, &f.fourEyes)
	flags.BoolVar(&f.values, "show-values", false, "show values of rows that fail, beside their keys: in messages, reports and records")
	flags.BoolVar(&f.warnError, "warn-error", false, "what would only warn blocks")
	flags.IntVar(&f.keep, "keep", 2, "earlier versions kept of each partition")
}

// load reads the pipeline file and opens its project.
func (a *app) load(cmd *cobra.Command, file string, f *pipelineFlags, l *pipeline.Listener) (*penstock.Project, *pipeline.Pipeline, error) {
	if f.evidence != "" && f.evidence != "auto" && f.evidence != "scan" {
		return nil, nil, usage("--evidence %q: known are auto and scan", f.evidence)
	}
	pl, err := a.read(file, f)
	if err != nil {
		return nil, nil, err
	}
	keep := f.keep
	if keep == 0 {
		keep = -1
	}
	hold := time.Duration(f.hold)
	if hold == 0 {
		hold = -1
	}
	o := penstock.Options{
		HoldFor: hold, FourEyes: f.fourEyes, ShowValues: f.values, WarnError: f.warnError,
		Workers: f.workers, Memory: int64(f.memory), Keep: keep, Listener: l, ForceScan: f.evidence == "scan",
		Command: append([]string{"penstock"}, a.args...),
	}
	if f.tells {
		o.OpenLineage, o.NightTold = a.openLineage(), a.nights.told(a)
	}
	project, err := a.openAt(cmd.Context(), a.rootOf(file), o)
	return project, pl, err
}

// paramValues are the parameters that flags set.
func (f *pipelineFlags) paramValues() (map[string]string, error) {
	params := map[string]string{}
	for _, p := range f.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, usage("--param %q: expected name=value", p)
		}
		params[name] = value
	}
	return params, nil
}

func (a *app) read(file string, f *pipelineFlags) (*pipeline.Pipeline, error) {
	params, err := f.paramValues()
	if err != nil {
		return nil, err
	}
	return config.Load(file, config.Options{Params: params, Dir: a.rootOf(file), Env: os.LookupEnv})
}

// rootOf is the project's root for a pipeline file: what --project says, the nearest
// directory above the file that has a penstock.yaml, or the file's own directory.
func (a *app) rootOf(file string) string {
	if a.dir != "" {
		return a.dir
	}
	dir := filepath.Dir(file)
	if root, ok := above(dir, config.SettingsFile); ok {
		return root
	}
	return dir
}

// open opens the project of commands that take no pipeline file: what --project
// says, or the nearest directory from here upward that is one.
func (a *app) open(ctx context.Context) (*penstock.Project, error) {
	return a.openWith(ctx, penstock.Options{})
}

func (a *app) openWith(ctx context.Context, o penstock.Options) (*penstock.Project, error) {
	dir, err := a.projectDir()
	if err != nil {
		return nil, err
	}
	return a.openAt(ctx, dir, o)
}

// projectDir finds the project of commands that take no pipeline file.
func (a *app) projectDir() (string, error) {
	dir := a.dir
	if dir == "" {
		dir = "."
		for _, mark := range []string{config.SettingsFile, penstock.StateDir} {
			if root, ok := above(".", mark); ok {
				dir = root
				break
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, penstock.StateDir)); err != nil {
		abs, _ := filepath.Abs(dir)
		return "", usage("nothing has been run in %s yet: there is no %s", abs, penstock.StateDir).
			With("run a pipeline, go to the directory of a project, or name it with --project")
	}
	return dir, nil
}

// openTelling opens it for a command that publishes something, of which OpenLineage is told.
func (a *app) openTelling(ctx context.Context, o penstock.Options) (*penstock.Project, error) {
	o.Command, o.OpenLineage = append([]string{"penstock"}, a.args...), a.openLineage()
	return a.openWith(ctx, o)
}

// openAt opens the project of a directory, as its settings say.
func (a *app) openAt(ctx context.Context, dir string, o penstock.Options) (*penstock.Project, error) {
	s, err := config.LoadSettings(dir)
	if err != nil {
		return nil, err
	}
	o.SigningKey, o.AuditSigned, o.AuditKeys = a.signing, s.AuditSigned, s.AuditKeys
	return penstock.Open(ctx, dir, o)
}

func above(dir, mark string) (string, bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, mark)); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
