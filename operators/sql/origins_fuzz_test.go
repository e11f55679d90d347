package sql

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/sqltree"
)

// knownQueries are those of testdata/columns.txt.
func knownQueries(t testing.TB) (all []string) {
	text, err := os.ReadFile("testdata/columns.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range strings.Split(string(text), "\n\n") {
		query, _, _ := strings.Cut(c, "\n----")
		lines := slices.DeleteFunc(strings.Split(query, "\n"), func(l string) bool { return strings.HasPrefix(l, "#") })
		all = append(all, strings.Join(lines, "\n"))
	}
	return all
}

// Whatever people write, the walker gives an answer.
func FuzzOriginsOfQueries(f *testing.F) {
	for _, query := range knownQueries(f) {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		known, err := catalog.get("", askFunctions)
		if err != nil {
			t.Fatal(err)
		}
		x, err := parse(query)
		if err != nil {
			return
		}
		for _, names := range [][]string{nil, {"a"}, {"a", "b"}} {
			if o := x.tree.Origins(oracleTables(), known.kinds, names); len(o.Columns) != len(names) {
				t.Errorf("%s: %d columns, want %d", query, len(o.Columns), len(names))
			}
		}
	})
}

// mangled changes something in a tree.
func mangled(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			switch r.IntN(12) {
			case 0:
				delete(v, key)
			case 1:
				v[key] = []any{"text", nil, 7.5, true, map[string]any{"class": "STAR"}, []any{v["left"]}}[r.IntN(6)]
			default:
				v[key] = mangled(r, x)
			}
		}
	case []any:
		for i := range v {
			v[i] = mangled(r, v[i])
		}
		if len(v) > 1 && r.IntN(8) == 0 {
			return v[1:]
		}
	}
	return v
}

// Trees of a DuckDB that writes them otherwise don't make the walker panic either.
func TestMangledTrees(t *testing.T) {
	const seed = 3
	r := rand.New(rand.NewPCG(seed, seed))
	known, err := catalog.get("", askFunctions)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSession(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, query := range knownQueries(t) {
		var tree string
		err := s.each(t.Context(), "SELECT json_serialize_sql('"+strings.ReplaceAll(query, "'", "''")+"')::VARCHAR", func(text string) { tree = text })
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Statements []json.RawMessage }
		if err := json.Unmarshal([]byte(tree), &answer); err != nil {
			t.Fatal(err)
		}
		for _, statement := range answer.Statements {
			for range 30 {
				var v any
				if err := json.Unmarshal(statement, &v); err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(mangled(r, v))
				if err != nil {
					t.Fatal(err)
				}
				q, err := sqltree.Parse(text)
				if err != nil {
					continue
				}
				q.Origins(oracleTables(), known.kinds, []string{"a", "b"})
			}
		}
	}
}
