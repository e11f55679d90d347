package config

import (
	"errors"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/penstock-data/penstock/pipeline"
)

// Options of reading a pipeline file.
type Options struct {
	// Params override the values of the file's parameters.
	Params map[string]string
	// Dir is where relative paths of files that are read with the pipeline begin: the root of
	// the project. Empty: the directory of the pipeline file.
	Dir string
	// Env looks up ${env:NAME}; nil: nothing is set.
	Env func(string) (string, bool)
	// Read reads a file that a pipeline file names, by the name it has there; nil: the one that
	// lies there.
	Read func(name string) ([]byte, error)
}

// Load reads a pipeline file.
func Load(path string, o Options) (*pipeline.Pipeline, error) {
	info, err := os.Stat(path)
	bad := func(what string) error {
		return &pipeline.Error{Kind: pipeline.Invalid, At: pipeline.Pos{File: path}, Msg: what, Err: err}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, bad("no such file")
	case err != nil:
		return nil, bad(err.Error())
	case info.IsDir():
		return nil, bad("is a directory; name the pipeline file in it")
	case info.Size() > maxBytes:
		return nil, bad("is larger than 1 MiB: no pipeline file is")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, bad(err.Error())
	}
	return Parse(path, text, o)
}

// Parse reads the text of a pipeline file; name is what messages call it.
func Parse(name string, text []byte, o Options) (*pipeline.Pipeline, error) {
	at := pipeline.Pos{File: name}
	if len(text) > maxBytes {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: at, Msg: "is larger than 1 MiB: no pipeline file is"}
	}
	if !utf8.Valid(text) {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: at, Msg: "is not UTF-8 text"}
	}
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: name, options: o}
	p := d.pipeline(root)
	p.Texts = append([]pipeline.Text{{Path: name, Text: text}}, d.named...)
	if err := d.errs.Err(); err != nil {
		return nil, err
	}
	return p, nil
}
