package config

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// openLineageFile reads a config file with the text.
func openLineageFile(t *testing.T, text string) (names []string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ol.yml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := OpenLineage([]string{"OPENLINEAGE_CONFIG=" + path}, io.Discard, time.Time{}.UTC)
	if c != nil {
		for _, tr := range c.Transports {
			names = append(names, tr.Name())
		}
	}
	if err != nil {
		return nil, errorWithout{err, path}
	}
	return names, nil
}

// errorWithout is an error without the directory of the test.
type errorWithout struct {
	error
	path string
}

func (e errorWithout) Error() string {
	return strings.ReplaceAll(e.error.Error(), e.path, "ol.yml")
}

func TestOpenLineageFiles(t *testing.T) {
	for text, want := range map[string]string{
		"transport: {type: file, log_file_path: a, append: true}\nfacets: {disabled: [x]}\n":                                   "file",
		"transport:\n  type: composite\n  transports:\n    - {type: console}\n    - {type: http, url: http://h, timeout: 3}\n": "1 2",
		"# nothing\n": "",
		"[1]\n":       "ol.yml:1:1: expected a mapping, found a list",
		"a: [\n":      "ol.yml:",
	} {
		names, err := openLineageFile(t, text)
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// What the guide shows can be read.
func TestOpenLineageOfTheGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/openlineage.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatal("the guide shows no file")
	}
	for _, b := range blocks {
		if names, err := openLineageFile(t, string(b[1])); err != nil || strings.Join(names, " ") != "log marquez" {
			t.Errorf("%v %v\n%s", names, err, b[1])
		}
	}
}
