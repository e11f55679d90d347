package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// SettingsFile marks the root of a project, and may say what holds for all of it.
const SettingsFile = "penstock.yaml"

// Settings are what penstock.yaml says. Fields that are not known are left to others.
type Settings struct {
	// AuditSigned has whatever is put on record signed, AuditKeys are files with the public keys
	// that it is verified with.
	AuditSigned bool
	AuditKeys   []string
}

var auditObject = &object{name: "audit", doc: "How the record is kept.", fields: []field{
	{name: "signed", typ: "bool", doc: "Whatever is put on record must be signed: without a signing key nothing is run."},
	{name: "keys", typ: "texts", doc: "PEM files with the public keys that the record is verified with; their paths begin at the root of the project."},
}}

// LoadSettings reads penstock.yaml of a directory; without it nothing is set.
func LoadSettings(dir string) (*Settings, error) {
	s, name := &Settings{}, filepath.Join(dir, SettingsFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, &pipeline.Error{Kind: pipeline.IO, At: pipeline.Pos{File: name}, Msg: err.Error(), Err: err}
	}
	if len(text) > maxBytes {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: pipeline.Pos{File: name}, Msg: "is larger than 1 MiB: no settings are"}
	}
	if bare(string(text)) {
		return s, nil
	}
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: name}
	if n := root.get("audit"); n != nil && d.object(n, auditObject) {
		s.AuditSigned = d.bool(n.get("signed"), "signed", false)
		s.AuditKeys = d.texts(n.get("keys"), "keys")
	}
	return s, d.errs.Err()
}

// bare reports whether a file has nothing but comments.
func bare(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}
