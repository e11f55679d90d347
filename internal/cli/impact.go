package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) impactCommand() *cobra.Command {
	var (
		f              pipelineFlags
		change, column string
	)
	cmd := &cobra.Command{
		Use:   "impact FILE --change STAGE",
		Short: "What depends on a stage, before it is changed",
		Long: `Says what depends on a stage or source of a pipeline file, at any distance: stages and their
gates, datasets and what is published of them, other pipelines, columns and tags. Other pipelines
are those of the project's root, of pipelines/ and beside FILE; what only manifests know of is
taken from them. No data is read, and nothing changes.

With --column it is what depends on one column, as far as manifests have where columns come from;
what may depend on it, for all that is known, is counted as well.

What was made of a file of data is another question: ` + "`penstock lineage DATA_FILE --down`" + `, which
` + "`penstock impact DATA_FILE`" + ` is short for.`,
		Example: "  penstock impact pipeline.yaml --change clean\n" +
			"  penstock impact pipeline.yaml --change clean --column delay",
		Args: arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if change == "" {
				return a.impactOfData(cmd, args[0], column)
			}
			project, pl, err := a.load(cmd, args[0], &f, nil)
			if err != nil {
				return err
			}
			defer project.Close()
			found, err := project.Impact(cmd.Context(), pl, a.otherPipelines(project.Dir(), args[0], pl.Name), change, column)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(found)
			}
			a.showImpact(found)
			return nil
		},
	}
	cmd.Flags().StringVar(&change, "change", "", "the `stage` or source that is to be changed")
	cmd.Flags().StringVar(&column, "column", "", "only what depends on this column of it")
	cmd.Flags().StringArrayVar(&f.params, "param", nil, "sets a parameter of the pipeline, `name=value`; may be repeated")
	return cmd
}

// impactOfData shows what was made of a file.
func (a *app) impactOfData(cmd *cobra.Command, name, column string) error {
	if isYAML(name) {
		return usage("%s is a pipeline file: say with --change which stage or source of it", name).
			With("for example: penstock impact " + quoted(name) + " --change STAGE")
	}
	if column != "" {
		return usage("--column belongs to --change")
	}
	r, err := parseRef(name)
	if err != nil {
		return err
	}
	project, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	defer project.Close()
	return a.lineage(cmd, project, r.below(project.Dir()), &lineageFlags{down: true, depth: -1})
}

func isYAML(name string) bool { return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name)) }

// otherPipelines reads the pipeline files of a project but one. What can't be read is said, and
// left out.
func (a *app) otherPipelines(root, file, name string) (all []*pipeline.Pipeline) {
	var files []string
	for _, dir := range []string{root, filepath.Join(root, "pipelines"), filepath.Dir(file)} {
		for _, ext := range []string{"*.yaml", "*.yml"} {
			found, _ := filepath.Glob(filepath.Join(dir, ext))
			files = append(files, found...)
		}
	}
	read := map[string]bool{absolute(file): true}
	for _, f := range files {
		if read[absolute(f)] || !describesStages(f) {
			continue
		}
		read[absolute(f)] = true
		pl, err := config.Load(f, config.Options{Dir: root, Env: os.LookupEnv})
		switch {
		case err != nil:
			first, _, _ := strings.Cut(err.Error(), "\n")
			a.say("note: left out, for it can't be read: %s", first)
		case pl.Name != name:
			all = append(all, pl)
		}
	}
	return all
}

func absolute(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	return abs
}

// describesStages tells a pipeline file from other YAML.
func describesStages(file string) bool {
	text, err := os.ReadFile(file)
	return err == nil && (bytes.HasPrefix(text, []byte("stages:")) || bytes.Contains(text, []byte("\nstages:")))
}
