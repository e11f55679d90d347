package cli

import (
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
)

func (a *app) verifyCommand() *cobra.Command {
	var rerun string
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check every published byte and record against the manifests",
		Long: `Reads every file of every version and compares it with its manifest, the manifests
with each other, and the index with them. It shares no code with what wrote them.

With --rerun it computes a published partition again, from the inputs and with the parameters
that its manifest names, and compares the digests. Nothing is published. FILE is the pipeline;
by default the one that the run was given.

Exit status: 0 all is well, 1 something is not; with --rerun 2 where it can't be told, because an
input or the code is not what it was.`,
		Example: "  penstock verify\n  penstock verify --rerun warehouse/clean@2001-01",
		Args:    arguments(0, 1, "no arguments, or a pipeline file with --rerun"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rerun != "" {
				return a.rerun(cmd, rerun, strings.Join(args, ""))
			}
			if len(args) > 0 {
				return usage("%s: a pipeline file is for --rerun", args[0])
			}
			return a.verify(cmd)
		},
	}
	cmd.Flags().StringVar(&rerun, "rerun", "", "compute this partition again, `DATASET@PARTITION`, and compare")
	return cmd
}

func (a *app) verify(cmd *cobra.Command) error {
	project, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	defer project.Close()
	r, err := project.Verify(cmd.Context())
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(r)
	} else {
		for _, p := range r.Problems {
			a.print("%s: %s\n", p.Path, p.What)
		}
		a.print("%s in %s of %s, %s, %s bytes: %s\n",
			plural(int64(r.Versions), "version", "versions"), plural(int64(r.Partitions), "partition", "partitions"),
			plural(int64(r.Datasets), "dataset", "datasets"), plural(int64(r.Files), "file", "files"), count(r.Bytes),
			plural(int64(len(r.Problems)), "problem", "problems"))
	}
	if err == nil && len(r.Problems) > 0 {
		err = errBlocked
	}
	return err
}

func (a *app) rebuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rebuild",
		Short:   "Make the index of runs and versions anew from the manifests",
		Example: "  penstock rebuild",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.openWith(cmd.Context(), penstock.Options{Anew: true})
			if err != nil {
				return err
			}
			defer project.Close()
			runs, versions, err := project.Rebuild(cmd.Context())
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(map[string]int{"runs": runs, "versions": versions})
			}
			a.print("the index holds %s and %s\n", plural(int64(runs), "run", "runs"), plural(int64(versions), "version", "versions"))
			return nil
		},
	}
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of pipeline files, for editors",
		Example: "  penstock schema > penstock.schema.json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(config.Schema())
			return err
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  penstock version",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if a.output == "json" {
				return a.printJSON(map[string]string{"penstock": penstock.Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			a.print("penstock %s, %s, %s/%s\n", penstock.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
