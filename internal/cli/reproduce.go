package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) reproduceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reproduce RUN",
		Short: "Run a past run again, and compare what comes out with what is on record",
		Long: `Runs a past run once more: from the inputs it read, found by their digests, with its parameters,
by the code it was run by, which is kept with it. It compares every file and every verdict with
what is on record. Nothing is published. A run that a gate blocked is reproduced like any other.

Where an input was changed, a version removed, or the code is another, it names each such thing
with the digest that was expected and the one that was found, and runs nothing.

Exit status: 0 everything came out the same, 1 something did not, 2 it can't be run again.`,
		Example: "  penstock reproduce 20261129T113816-ddf190",
		Args:    arguments(1, 1, "the id of a run, or its beginning"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.reproduce(cmd, args[0]) },
	}
}

func (a *app) reproduce(cmd *cobra.Command, run string) error {
	project, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	defer project.Close()
	load := func(name string, text []byte, params map[string]string, read func(string) ([]byte, error)) (*pipeline.Pipeline, error) {
		return config.Parse(name, text, config.Options{Params: params, Dir: project.Dir(), Env: os.LookupEnv, Read: read})
	}
	r, err := project.Reproduce(cmd.Context(), run, load)
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(r)
	} else {
		a.showReproduction(r)
	}
	switch {
	case err != nil:
		return err
	case len(r.Missing) > 0:
		return errReported
	case !r.Same:
		return errBlocked
	}
	return nil
}

func (a *app) showReproduction(r *penstock.Reproduction) {
	name := r.Pipeline + " " + r.Partition + ", run " + r.Run + " (" + string(r.Status) + ")"
	switch {
	case len(r.Missing) > 0:
		a.print("%s: can't be run again\n", name)
	case r.Same:
		a.print("%s: run again, and everything came out the same\n", name)
	default:
		a.print("%s: run again, and not everything came out the same\n", name)
	}
	for _, m := range r.Missing {
		a.print("\t%s\n", oneLine(m.String()))
	}
	for _, o := range r.Outputs {
		a.showReproduced(o)
	}
	if r.Verdicts > 0 {
		a.print("  %s the same\n", plural(int64(r.Verdicts), "verdict is", "verdicts are"))
	}
	for _, d := range r.Differ {
		a.print("  %s\n", oneLine(d))
	}
	if r.Code != "" {
		a.print("  code: %s\n", oneLine(r.Code))
	}
	for _, n := range r.Notes {
		a.print("  note: %s\n", oneLine(n))
	}
}

func (a *app) showReproduced(o penstock.Reproduced) {
	what := o.Dataset
	if o.Version > 0 {
		what += " version " + count(o.Version)
	} else {
		what += ", held"
	}
	if o.Same {
		a.print("  %s: equal, %s, %s\n", what, plural(o.Rows, "row", "rows"), plural(int64(o.Files), "file", "files"))
		return
	}
	a.print("  %s: different\n", what)
	for _, d := range o.Differ {
		a.print("\t%s\n", oneLine(d))
	}
}
