package penstock

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is a package of this module as the go command lists it.
type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func local(path string) string {
	if path == modulePath {
		return "."
	}
	return strings.TrimPrefix(path, modulePath+"/")
}

// layers are the packages from the top down: imports go to a lower layer only, so that
// siblings don't import each other.
var layers = []string{
	"cmd/", "benchmarks|internal/crashtest/child", "internal/cli|internal/crashtest", "internal/suggest", "internal/config|internal/report", ".",
	"internal/store|operators/published|internal/twosides", "reconcile|reconcile/breaks|reconcile/night", "profile|operators/parquet|operators/csv|operators/jsonl|operators/ipc|operators/sql|operators|gates|lineage/verify|lineage/audit|lineage/openlineage|lineage|internal/publish|internal/host",
	"operators/files|internal/datasets|internal/keys|internal/compare|internal/selection|internal/sqltree", "internal/expr|reconcile/totals", "pipeline", "internal/faults|internal/schedule|internal/trace|reconcile/words|internal/expr/vector|internal/expr/formats|internal/rows|internal/sketch|internal/seed|internal/figures|lineage/draw|lineage/openlineage/schematest|testdata",
}

func layer(t *testing.T, path string) int {
	t.Helper()
	for i, names := range layers {
		for name := range strings.SplitSeq(names, "|") {
			if path == name || strings.HasSuffix(name, "/") && strings.HasPrefix(path, name) {
				return i
			}
		}
	}
	t.Fatalf("package %s has no layer; give it one in deps_test.go", path)
	return 0
}

func TestImportsPointDown(t *testing.T) {
	depth := map[string]int{}
	all := packages(t)
	slices.SortFunc(all, func(a, b pkg) int { return layer(t, local(b.ImportPath)) - layer(t, local(a.ImportPath)) })
	for _, p := range all {
		name := local(p.ImportPath)
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, modulePath) {
				continue
			}
			if layer(t, local(imp)) <= layer(t, name) {
				t.Errorf("%s imports %s, which is not below it", name, local(imp))
			}
			depth[name] = max(depth[name], depth[local(imp)]+1)
		}
	}
	for name, d := range depth {
		if d > 7 {
			t.Errorf("%s imports %d levels deep", name, d)
		}
	}
}

// Each heavy dependency has one importer.
func TestOneImporter(t *testing.T) {
	only := map[string][]string{
		"cel.dev/cel-go":                        {"internal/expr"},
		"github.com/duckdb/":                    {"operators/sql", "benchmarks"},
		"github.com/parquet-go/parquet-go":      {"operators/parquet"},
		"github.com/goccy/go-yaml":              {"internal/config"},
		"github.com/schollz/progressbar":        {"internal/cli"},
		"github.com/shopspring/decimal":         {"internal/expr"},
		"gonum.org/":                            {"internal/sketch"},
		"github.com/spf13/cobra":                {"internal/cli"},
		"github.com/santhosh-tekuri/jsonschema": {"internal/expr/formats", "lineage/openlineage/schematest"},
		"modernc.org/sqlite":                    {"internal/store"},
		"github.com/xuri/excelize":              {"reconcile/night"},
		"github.com/pressly/goose":              {"internal/store"},
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			for dep, importers := range only {
				if strings.HasPrefix(imp, dep) && !slices.Contains(importers, local(p.ImportPath)) {
					t.Errorf("%s imports %s, which is for %s", local(p.ImportPath), imp, strings.Join(importers, ", "))
				}
			}
		}
	}
}

func TestNoReplace(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "replace ") {
		t.Error("go.mod replaces a module: `go install` of this one would not work")
	}
}

// The clock is asked in one package, goroutines start in the exchange, the backfill, the
// beat of a claim, the sender of OpenLineage and the watch over signals, printing is the
// command line's, and durable files are written through internal/faults.
func TestSeams(t *testing.T) {
	allowed := map[string][]string{
		"time.Now":    {"internal/faults/clock.go", "internal/seed/seed.go", "benchmarks/"},
		"time.Since":  {"benchmarks/"},
		"go":          {"pipeline/exchange.go", "internal/cli/signals.go", "backfill_run.go", "internal/publish/beat.go", "lineage/openlineage/sender.go"},
		"fmt.Print":   {"benchmarks/"},
		"fmt.Println": {"benchmarks/"},
		"fmt.Printf":  {"benchmarks/"},
	}
	ok := func(what, file string) bool {
		return slices.ContainsFunc(allowed[what], func(p string) bool { return strings.HasPrefix(file, p) })
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		file := filepath.ToSlash(path)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				if !ok("go", file) {
					t.Errorf("%s: a goroutine is started here", set.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				if x, isIdent := n.X.(*ast.Ident); isIdent {
					what := x.Name + "." + n.Sel.Name
					if _, watched := allowed[what]; watched && !ok(what, file) {
						t.Errorf("%s: %s is not for this package", set.Position(n.Pos()), what)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
