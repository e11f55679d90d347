package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/pipeline"
)

// OpenLineage reads where runs are told of, as the official clients do: from variables of the
// environment, as os.Environ gives them, and the file openlineage.yml. It is nil where nothing is
// said. Events for people go to console.
func OpenLineage(environ []string, console io.Writer, now func() time.Time) (*openlineage.Config, error) {
	return openlineage.FromEnv(environ, console, now, mappingIn)
}

// mappingIn reads a YAML file that is a mapping; nil where there is none.
func mappingIn(path string) (map[string]any, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	bad := func(what string) error {
		return &pipeline.Error{Kind: pipeline.Invalid, At: pipeline.Pos{File: path}, Msg: what}
	}
	if err == nil && info.Size() > maxBytes {
		return nil, bad("is larger than 1 MiB")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, bad(err.Error())
	}
	if saysNothing(string(text)) {
		return map[string]any{}, nil
	}
	n, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	all, ok := goValue(n).(map[string]any)
	if !ok {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: n.pos, Msg: fmt.Sprintf("expected a mapping, found %s", n.kind)}
	}
	return all, nil
}

// saysNothing reports whether a YAML text has only comments.
func saysNothing(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line != "---" && line[0] != '#' {
			return false
		}
	}
	return true
}

// goValue is a value as JSON has it, with texts for numbers and truths.
func goValue(n *node) any {
	switch n.kind {
	case mapping:
		all := make(map[string]any, len(n.keys))
		for i, key := range n.keys {
			all[key.text] = goValue(n.values[i])
		}
		return all
	case sequence:
		all := make([]any, 0, len(n.values))
		for _, v := range n.values {
			all = append(all, goValue(v))
		}
		return all
	case nothing:
		return nil
	}
	return n.text
}
