package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		text   string
		signed bool
		keys   []string
		err    string
	}{
		{"# only a mark\n\n", false, nil, ""},
		{"name: mine\nenvironments: {dev: {}}\n", false, nil, ""},
		{"audit: {signed: true, keys: [a.pub, b.pub]}\n", true, []string{"a.pub", "b.pub"}, ""},
		{"audit: {signd: true}\n", false, nil, `unknown field "signd"; did you mean "signed"?`},
		{"audit: {signed: perhaps}\n", false, nil, "signed: expected true or false"},
		{"audit: [\n", false, nil, "not valid YAML"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, SettingsFile), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := LoadSettings(dir)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || s.AuditSigned != c.signed || !slices.Equal(s.AuditKeys, c.keys) {
			t.Errorf("%q: %+v, %v", c.text, s, err)
		}
	}
	if s, err := LoadSettings(t.TempDir()); err != nil || s.AuditSigned {
		t.Errorf("%+v, %v", s, err)
	}
}

// What the guide says of penstock.yaml is read as it says.
func TestDocumentedSettings(t *testing.T) {
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	block, _, ok := strings.Cut(after, "```")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, SettingsFile), []byte(block), 0o644); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if s, err := LoadSettings(dir); err != nil || !s.AuditSigned || !slices.Equal(s.AuditKeys, []string{"keys/audit.pub"}) {
		t.Errorf("%+v, %v", s, err)
	}
}
