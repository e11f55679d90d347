package csv

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// read gives the rows of a text, each with the line it begins at.
func read(t *testing.T, s Source, text string) ([]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := s.open(path, "a.csv")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var rows []string
	for {
		fields, err := l.next()
		if err == io.EOF { //nolint:errorlint // identity: next gives it bare
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		line, _ := l.csv.FieldPos(0)
		rows = append(rows, fmt.Sprintf("%d %q", line, fields))
	}
}

func TestLines(t *testing.T) {
	trailer := files.Lines{Except: "^TRL"}
	only := files.Lines{Only: "^TRL"}
	two := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}, {Name: "b", Type: arrow.BinaryTypes.String}}, nil)
	for name, test := range map[string]struct {
		source Source
		text   string
		want   string
	}{
		"except":                  {Source{Lines: trailer}, "a,b\n1,x\nTRL,1\n", `2 ["1" "x"]`},
		"of other width":          {Source{Lines: trailer}, "a,b\n1,x\nTRL,1,2,3", `2 ["1" "x"]`},
		"lines are numbered":      {Source{Lines: trailer}, "a,b\nTRL,1\n1,x\n\nTRL,2\r\n2,y", `3 ["1" "x"]; 6 ["2" "y"]`},
		"the header stays":        {Source{Lines: trailer}, "\nTRL,b\n1,x\nTRL,1\n", `3 ["1" "x"]`},
		"only":                    {Source{Lines: only, NoHeader: true, Schema: two}, "1,x,y\nTRL,1\n", `2 ["TRL" "1"]`},
		"only, with a header":     {Source{Lines: only}, "a,b\n1,x\nTRL,1\n", `3 ["TRL" "1"]`},
		"only, and there is none": {Source{Lines: only}, "a,b\n1,x\n", ``},
		"both":                    {Source{Lines: files.Lines{Only: "^T", Except: "2$"}}, "a,b\nT,1\nT,2\nU,1\n", `2 ["T" "1"]`},
		"a row of two lines":      {Source{Lines: trailer}, "a,b\n1,\"x\nTRL,1\"\nTRL,\"1\n2\"\n2,y\n", "2 [\"1\" \"x\\nTRL,1\"]; 6 [\"2\" \"y\"]"},
		"only its first line":     {Source{Lines: only}, "a,b\n1,\"x\nTRL,1\"\nTRL,\"1\n2\"\n2,y\n", "4 [\"TRL\" \"1\\n2\"]"},
		"doubled quotes":          {Source{Lines: trailer}, "a,b\n\"1\"\"\nTRL\",x\nTRL,\"\"\n", "2 [\"1\\\"\\nTRL\" \"x\"]"},
		"another delimiter":       {Source{Lines: trailer, Delimiter: '→'}, "a→b\n1→\"x\nTRL→1\"\nTRL→1\n", "2 [\"1\" \"x\\nTRL→1\"]"},
		"without its end":         {Source{Lines: files.Lines{Only: "^1,x$"}}, "a,b\r\n1,x\r\n2,x\r\n", `2 ["1" "x"]`},
		"after a mark":            {Source{Lines: trailer, NoHeader: true, Schema: two}, "\xef\xbb\xbfTRL,1\n1,x\n", `2 ["1" "x"]`},
		"bad rows left out":       {Source{Lines: trailer}, "a,b\n1,x\nTRL,a\"b\n", `2 ["1" "x"]`},
	} {
		got, err := read(t, test.source, test.text)
		if err != nil || strings.Join(got, "; ") != test.want {
			t.Errorf("%s: got %s, %v; want %s", name, strings.Join(got, "; "), err, test.want)
		}
	}
}

func TestLinesThatAreWrong(t *testing.T) {
	trailer := files.Lines{Except: "^TRL"}
	for name, test := range map[string]struct {
		source Source
		text   string
		want   string
	}{
		"a row after one left out": {Source{Lines: trailer}, "a,b\nTRL,1,2\n1\n", "a.csv: line 3: 1 fields, 2 expected"},
		"a long line":              {Source{Lines: trailer}, "a,b\n1," + strings.Repeat("x", maxLine), "a.csv: line 2: longer than 16 MiB"},
		"no expression":            {Source{Lines: files.Lines{Except: "("}}, "a,b\n", "lines: except: error parsing regexp: missing closing ): `(`"},
	} {
		_, err := read(t, test.source, test.text)
		if err == nil || strings.SplitN(err.Error(), "\n", 2)[0] != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// What is left are the rows that encoding/csv gives of the whole file, but for those whose
// first line is not taken, at the same lines.
func TestLinesAreThoseOfTheFile(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 1))
	except := regexp.MustCompile("^TRL|z$")
	for range 300 {
		text, end := "h,i\n", []string{"\n", "\r\n"}[r.IntN(2)]
		for range r.IntN(12) {
			var fields []string
			for range 2 {
				f := strings.Repeat([]string{"a", "TRL", "z", "\"", "\n", ",", "\r\n", "", "é"}[r.IntN(9)], 1+r.IntN(2))
				if strings.ContainsAny(f, "\",\r\n") || r.IntN(4) == 0 {
					f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
				}
				fields = append(fields, f)
			}
			text += strings.Repeat(end, r.IntN(5)/4) + strings.Join(fields, ",") + end
		}
		got, err := read(t, Source{Lines: files.Lines{Except: except.String()}}, text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(wanted(t, text, except), got); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	}
}

func wanted(t *testing.T, text string, except *regexp.Regexp) (rows []string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	all := csv.NewReader(strings.NewReader(text))
	for i := 0; ; i++ {
		fields, err := all.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		line, _ := all.FieldPos(0)
		if i > 0 && !except.MatchString(strings.TrimSuffix(lines[line-1], "\r")) {
			rows = append(rows, fmt.Sprintf("%d %q", line, fields))
		}
	}
}

// A row of nothing but an empty field is written so that it is read again.
func TestRowsOfOneEmptyField(t *testing.T) {
	var text strings.Builder
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	enc, err := Format{}.Create(&text, schema)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(path, []byte("a\n\"\"\nx\n\"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := &pipeline.Env{Dir: "/", Alloc: memory.DefaultAllocator}
	in, err := Files(path).Resolve(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	rd, err := in.Splits[0].Open(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = pipeline.Each(context.Background(), rd, func(b arrow.RecordBatch) error {
		chunk, err := enc.Encode(t.Context(), []arrow.RecordBatch{b})
		if err != nil {
			return err
		}
		return enc.Append(chunk)
	})
	if want := "a\n\"\"\nx\n\"\"\n"; err != nil || text.String() != want {
		t.Errorf("got %q, %v, want %q", text.String(), err, want)
	}
}
