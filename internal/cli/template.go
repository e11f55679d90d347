package cli

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/testdata"
)

//go:embed templates
var templates embed.FS

// laid are the files of a template by their path in the project.
func laid(template string) (map[string][]byte, error) {
	files := map[string][]byte{
		"penstock.schema.json": config.Schema(),
		"penstock.yaml":        []byte("# The root of a Penstock project: paths in pipeline files start here.\n"),
		".gitignore":           []byte(".penstock/\n"),
	}
	root := "templates/" + template
	err := fs.WalkDir(templates, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[strings.TrimPrefix(path, root+"/")], err = templates.ReadFile(path)
		return err
	})
	if err != nil || template != "flights" {
		return files, err
	}
	return files, fs.WalkDir(testdata.Flights, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files["data/"+path], err = testdata.Flights.ReadFile(path)
		return err
	})
}

// lay writes the files that are not there yet below dir. Nothing is overwritten:
// what people have edited stays.
func lay(dir string, files map[string][]byte) (written []string, err error) {
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		written = append(written, name)
	}
	slices.Sort(written)
	return written, nil
}

// templateNames lists what init can lay out.
func templateNames() []string {
	entries, err := templates.ReadDir("templates")
	if err != nil {
		panic(err) // embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (a *app) initCommand() *cobra.Command {
	var named string
	cmd := &cobra.Command{
		Use:   "init [TEMPLATE]",
		Short: "Lay out a new project here: " + strings.Join(templateNames(), ", "),
		Long: `Writes a pipeline file with its data into the current directory, or the one that
--project names. Every template runs as it is, offline, and has one gate that
blocks on purpose. Files that are there already are left alone.`,
		Example: "  penstock init minimal\n  penstock init --template reconcile",
		Args:    arguments(0, 1, "the name of a template"),
		RunE: func(_ *cobra.Command, args []string) error {
			template := cmp.Or(named, "minimal")
			if len(args) > 0 {
				if named != "" && named != args[0] {
					return usage("two templates, %q and %q; name one", args[0], named)
				}
				template = args[0]
			}
			names := templateNames()
			if !slices.Contains(names, template) {
				if near := pipeline.Nearest(template, names); near != "" {
					return usage("unknown template %q; did you mean %q?", template, near)
				}
				return usage("unknown template %q; known are %s", template, strings.Join(names, ", "))
			}
			dir := a.dir
			if dir == "" {
				dir = "."
			}
			files, err := laid(template)
			if err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Join(dir, "pipeline.yaml")); err == nil {
				return usage("%s is there already; a new project wants a directory of its own", filepath.Join(dir, "pipeline.yaml"))
			}
			written, err := lay(dir, files)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(map[string]any{"template": template, "files": written})
			}
			for _, name := range written {
				a.print("wrote %s\n", filepath.Join(dir, name))
			}
			next := "penstock run pipeline.yaml"
			if template != "minimal" {
				next = "penstock backfill pipeline.yaml"
			}
			a.say("next: %s", next)
			return nil
		},
	}
	cmd.Flags().StringVar(&named, "template", "", "the template, by name")
	return cmd
}
