package jsonl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Lines are chosen by their text, whatever is in them, and counted as the file has them.
func TestLines(t *testing.T) {
	const text = "{\"id\":1}\r\n\nTRL not JSON\n{\"id\":2}\nTRL {\"n\":2}\n{\"id\":true}\n"
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := &pipeline.Env{Dir: filepath.Dir(path), Alloc: memory.DefaultAllocator}
	ids := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for _, test := range []struct {
		lines files.Lines
		rows  int64
		want  string
	}{
		{files.Lines{}, 0, "a.jsonl: line 3: not a JSON object"},
		{files.Lines{Except: "^TRL"}, 0, `a.jsonl: line 6: column "id": the value is no int64`},
		{files.Lines{Except: "^TRL|true"}, 2, ""},
		{files.Lines{Only: "1}$"}, 1, ""},
		{files.Lines{Only: "id", Except: "true|1"}, 1, ""},
		{files.Lines{Only: "none"}, 0, ""},
		{files.Lines{Only: "["}, 0, "lines: only: error parsing regexp: missing closing ]: `[`"},
	} {
		s := Source{Set: files.Set{Paths: []string{"a.jsonl"}}, Schema: ids, Lines: test.lines}
		rows, err := count(t, s, env)
		if err == nil && (test.want != "" || rows != test.rows) || err != nil && (test.want == "" || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s: %d rows, %v; want %d, %s", s, rows, err, test.rows, test.want)
		}
	}
}

func count(t *testing.T, s Source, env *pipeline.Env) (rows int64, err error) {
	t.Helper()
	in, err := s.Resolve(t.Context(), env)
	if err != nil {
		return 0, err
	}
	r, err := in.Splits[0].Open(t.Context(), env, nil)
	if err != nil {
		return 0, err
	}
	err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
		rows += b.NumRows()
		return nil
	})
	return rows, err
}
