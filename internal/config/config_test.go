package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	_ "time/tzdata" // the same zones on every machine

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

var rewrite = flag.Bool("rewrite", false, "write the messages into testdata, and the generated pages into docs")

// TestBadFiles reads pipeline files with a mistake each; the message stands beside them.
func TestBadFiles(t *testing.T) {
	const name = "testdata/bad.txtar"
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		file, want := archive.Files[i], &archive.Files[i+1]
		_, err := Parse(file.Name, file.Data, Options{})
		got := "accepted"
		if err != nil {
			got = err.Error()
		}
		if *rewrite {
			want.Data = []byte(got + "\n")
			continue
		}
		if diff := cmp.Diff(strings.TrimSpace(string(want.Data)), got); diff != "" {
			t.Errorf("%s: %s", file.Name, diff)
		}
	}
	if *rewrite {
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'i'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+p+", ", 10), ", ") + "]\n"
	}
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"binary.yaml": {"name: \xff\xfe", "binary.yaml: is not UTF-8 text"},
		"huge.yaml":   {strings.Repeat("# x\n", 300_000), "huge.yaml: is larger than 1 MiB: no pipeline file is"},
		"deep.yaml":   {"name: " + deep, "deep.yaml:1:71: nested deeper than 64 levels"},
		"bomb.yaml":   {bomb, "more than 100000 values, counting those that aliases stand for"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, Options{})
		if err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	for path, want := range map[string]string{"none.yaml": "none.yaml: no such file", dir: dir + ": is a directory; name the pipeline file in it"} {
		if _, err := Load(path, Options{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// documented are the pipeline files that stand in the documentation and in templates.
func documented(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range block.FindAllSubmatch(text, -1) {
				if bytes.Contains(m[1], []byte("name:")) && bytes.Contains(m[1], []byte("stages:")) {
					all[page+"#"+string(rune('0'+i))] = m[1]
				}
			}
		}
	}
	templates, err := filepath.Glob("../cli/templates/*/pipeline.yaml")
	if err != nil || len(templates) == 0 {
		t.Fatal(templates, err)
	}
	for _, path := range append(templates, "testdata/all.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = text
	}
	return all
}

func TestDocumentedFilesParse(t *testing.T) {
	for name, text := range documented(t) {
		if _, err := Parse(name, text, Options{Env: func(string) (string, bool) { return "x", true }}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParametersAreReplaced(t *testing.T) {
	text := []byte("name: p\nparams: {in: a.csv}\nsources:\n  s: {csv: '${in}', null: ['${env:NULL}']}\nstages:\n  a: {from: s, operators: [filter: 'x == \"${in}\"']}\n")
	env := func(name string) (string, bool) { return "NA", name == "NULL" }
	p, err := Parse("p.yaml", text, Options{Params: map[string]string{"in": "b.csv"}, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Sources[0].Source.String(), `csv b.csv null ["NA"]`; got != want {
		t.Errorf("source: got %s, want %s", got, want)
	}
	if got, want := p.Stages[0].Operators[0].String(), `filter x == "b.csv"`; got != want {
		t.Errorf("operator: got %s, want %s", got, want)
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("penstock.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("penstock.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain is a node as JSON has it.
func plain(n *node) any {
	switch n.kind {
	case mapping:
		m := map[string]any{}
		for i, k := range n.keys {
			m[k.text] = plain(n.values[i])
		}
		return m
	case sequence:
		all := []any{}
		for _, v := range n.values {
			all = append(all, plain(v))
		}
		return all
	case number:
		return json.Number(n.text)
	case boolean:
		return n.text == "true"
	case nothing:
		return nil
	}
	return n.text
}

// The schema for editors accepts what the decoder does, and refuses what has a key or a
// choice that it does not know.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	s := compiledSchema(t)
	for name, text := range documented(t) {
		n, err := parseYAML(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(plain(n)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := 0; i+1 < len(archive.Files); i += 2 {
		want := string(archive.Files[i+1].Data)
		n, err := parseYAML("x", archive.Files[i].Data)
		if err != nil || !strings.Contains(want, "unknown field") && !strings.Contains(want, "unknown operator") && !strings.Contains(want, "unknown choice") {
			continue
		}
		refused++
		if s.Validate(plain(n)) == nil {
			t.Errorf("%s is accepted by the schema; the decoder says %s", archive.Files[i].Name, want)
		}
	}
	if refused < 4 {
		t.Errorf("only %d bad files were tried", refused)
	}
}

// The reference page in docs is what the code says.
func TestReferencePage(t *testing.T) {
	const page = "../../docs/reference/pipeline-file.md"
	if *rewrite {
		if err := os.WriteFile(page, Reference(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(text, Reference()) {
		t.Errorf("%s is out of date (%v); run go generate ./...", page, err)
	}
}

func FuzzParse(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	all, err := os.ReadFile("testdata/all.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("fuzz.yaml", text, Options{})
		if (p == nil) == (err == nil) {
			t.Errorf("neither a pipeline nor an error, or both: %v, %v", p, err)
		}
	})
}
