package penstock_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

var copySchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "qty", Type: arrow.PrimitiveTypes.Int64},
	{Name: "code", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

const copyGroups = 5

// rowGroups writes a Parquet file of five row groups. id counts from 0, qty is id % 100 + 1,
// but for twelve rows of the third group, where it is -1.
func rowGroups(t *testing.T, path string, rows int) {
	t.Helper()
	f, err := os.Create(path)
	check(t, err)
	defer f.Close()
	enc, err := parquet.Format{}.Create(f, copySchema)
	check(t, err)
	for g := range copyGroups {
		b := array.NewRecordBuilder(memory.DefaultAllocator, copySchema)
		for i := range rows {
			id := int64(g*rows + i)
			qty := id%100 + 1
			if g == 2 && i%(rows/12) == 3 && i < rows/12*12 {
				qty = -1
			}
			b.Field(0).(*array.Int64Builder).Append(id)
			b.Field(1).(*array.Int64Builder).Append(qty)
			b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("code-%d", id*7919%13))
			if id%10 == 0 {
				b.Field(3).AppendNull()
			} else {
				b.Field(3).(*array.Float64Builder).Append(float64(id*31%977) / 8)
			}
		}
		batch := b.NewRecordBatch()
		chunk, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
		check(t, err)
		check(t, enc.Append(chunk))
		batch.Release()
		b.Release()
	}
	check(t, enc.Close())
}

// copying is a pipeline of one stage from Parquet to Parquet.
func copying(name, from string, rules []gates.Rule, ops ...pipeline.Operator) *pipeline.Pipeline {
	s := pipeline.Stage{
		Name: name, From: []string{"in"}, Operators: ops,
		Output: &pipeline.Output{Path: "out/" + name, Format: parquet.Format{}},
	}
	if len(rules) > 0 {
		s.Gates = gates.Of(rules...)
	}
	return &pipeline.Pipeline{
		Name: name, Stages: []pipeline.Stage{s},
		Sources: []pipeline.NamedSource{{Name: "in", Source: parquet.Files(from)}},
	}
}

// mustRun runs a pipeline that publishes.
func mustRun(t *testing.T, p *penstock.Project, pl *pipeline.Pipeline) *pipeline.RunRecord {
	t.Helper()
	rec, err := p.Run(t.Context(), pl, "all")
	if err != nil || rec.Status != pipeline.Published && rec.Status != pipeline.Unchanged {
		t.Fatalf("%s: %+v, %v", pl.Name, rec, err)
	}
	return rec
}

func manifestOf(t *testing.T, dir, dataset string) *pipeline.Manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, dataset, "_manifest.json"))
	check(t, err)
	m := &pipeline.Manifest{}
	check(t, json.Unmarshal(text, m))
	return m
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// chunksOf gives the bytes of the column chunks of a file, by row group and column, where
// another reader finds them.
func chunksOf(t *testing.T, path string) (all []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	f, err := pq.OpenFile(strings.NewReader(string(text)), int64(len(text)))
	check(t, err)
	for _, g := range f.Metadata().RowGroups {
		chunks := map[string]string{}
		for _, c := range g.Columns {
			m := c.MetaData
			at := m.DataPageOffset
			if m.DictionaryPageOffset > 0 {
				at = min(at, m.DictionaryPageOffset)
			}
			chunks[strings.Join(m.PathInSchema, ".")] = string(text[at : at+m.TotalCompressedSize])
		}
		all = append(all, chunks)
	}
	return all
}

var copyRules = []gates.Rule{
	{Name: "ids", Check: gates.NotNull("id")},
	{Name: "low", Check: gates.Rows("qty >= -1")},
}

// A stage that only judges publishes the file that it read: of a dataset of the project
// under a second name, of others a copy that nobody else can write to.
func TestOnlyJudgedFilesAreTakenOver(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	in := filepath.Join(dir, "in.parquet")
	rowGroups(t, in, 600)
	sum := sumOf(t, in)
	mustRun(t, p, copying("first", "in.parquet", copyRules))
	mustRun(t, p, copying("second", "out/first/*.parquet", copyRules))
	kept := filepath.Join(dir, "out/.penstock/datasets/first/versions/all/000001/data/part-0.parquet")
	for _, path := range []string{kept, filepath.Join(dir, "out/first/part-0.parquet"), filepath.Join(dir, "out/second/part-0.parquet")} {
		if got := sumOf(t, path); got != sum {
			t.Errorf("%s is not the file that was read", path)
		}
		checkSame(t, path, kept, true)
		checkSame(t, path, in, false)
	}
	f, err := os.OpenFile(in, os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteAt([]byte("changed"), 100)
	check(t, err)
	check(t, f.Close())
	if sumOf(t, kept) != sum {
		t.Error("a write to the input changed what was published")
	}
	if report, err := p.Verify(t.Context()); err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, dataset := range []string{"out/first", "out/second"} {
		if m := manifestOf(t, dir, dataset); m.Files[0].SHA256 != sum || m.Rows != 5*600 {
			t.Errorf("%s: %+v", dataset, m.Files)
		}
	}
}

func checkSame(t *testing.T, a, b string, want bool) {
	t.Helper()
	x, err := os.Stat(a)
	check(t, err)
	y, err := os.Stat(b)
	check(t, err)
	if os.SameFile(x, y) != want {
		t.Errorf("%s and %s are the same file: %t", a, b, !want)
	}
}

// copyShapes are stages that change some of a file.
var copyShapes = []struct {
	name  string
	rules []gates.Rule
	ops   []pipeline.Operator
	// as names the column whose chunk an output column has, where it has; groups are the row
	// groups that come out as they are.
	as     map[string]string
	groups []int
	rows   int64 // put aside
}{
	{name: "gate", rules: copyRules, as: map[string]string{"id": "id", "qty": "qty", "code": "code", "price": "price"}, groups: []int{0, 1, 2, 3, 4}},
	{
		name: "filter", ops: []pipeline.Operator{operators.Filter("qty > 0")},
		as: map[string]string{"id": "id", "qty": "qty", "code": "code", "price": "price"}, groups: []int{0, 1, 3, 4},
	},
	{
		name: "quarantine", rules: []gates.Rule{{Name: "positive", Check: gates.Rows("qty > 0"), Else: gates.Quarantine, AtMost: gates.Count(20)}},
		as: map[string]string{"id": "id", "qty": "qty", "code": "code", "price": "price"}, groups: []int{0, 1, 3, 4}, rows: 12,
	},
	{
		name: "columns", rules: copyRules[:1], as: map[string]string{"id": "id", "amount": "qty", "price": "price"}, groups: []int{0, 1, 2, 3, 4},
		ops: []pipeline.Operator{
			operators.Derive(operators.Column{Name: "total", Expr: "price * double(qty)"}),
			operators.Drop("code"), operators.Rename(map[string]string{"qty": "amount"}),
		},
	},
	{
		name: "both", as: map[string]string{"id": "id", "code": "code"}, groups: []int{0, 1, 3, 4},
		ops: []pipeline.Operator{
			operators.Filter("qty > 0"), operators.Derive(operators.Column{Name: "qty", Expr: "qty + 1"}), operators.Drop("price"),
		},
	},
}

// What a stage leaves alone is published as the bytes that were read, whatever the number of
// workers; what is beside it is encoded, and the manifest tells of every chunk.
func TestUnchangedChunksAreCopied(t *testing.T) {
	for _, shape := range copyShapes {
		t.Run(shape.name, func(t *testing.T) {
			dir := t.TempDir()
			in := filepath.Join(dir, "in.parquet")
			rowGroups(t, in, 600)
			was := chunksOf(t, in)
			var first []string
			for _, workers := range []int{1, 2, 8} {
				p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: workers})
				check(t, err)
				pl := copying(fmt.Sprintf("w%d", workers), "in.parquet", shape.rules, shape.ops...)
				rec := mustRun(t, p, pl)
				check(t, p.Close())
				if rec.RowsQuarantined != shape.rows {
					t.Errorf("%d rows were put aside", rec.RowsQuarantined)
				}
				now := chunksOf(t, filepath.Join(dir, rec.Outputs[0].Files[0]))
				if len(now) != copyGroups {
					t.Fatalf("%d row groups", len(now))
				}
				for g := range now {
					for column, from := range shape.as {
						if same := now[g][column] == was[g][from]; same != slices.Contains(shape.groups, g) {
							t.Errorf("row group %d, column %s: the same: %t", g, column, same)
						}
					}
				}
				checkManifest(t, dir, "out/"+pl.Name, shape.name == "gate")
				names := filesOf(t, dir, rec)
				if first == nil {
					first = names
				}
				if !slices.Equal(names, first) {
					t.Errorf("%d workers write\n%v, one\n%v", workers, names, first)
				}
			}
		})
	}
}

// filesOf are the names and digests of all that a run published.
func filesOf(t *testing.T, dir string, rec *pipeline.RunRecord) (all []string) {
	t.Helper()
	for _, f := range slices.Concat(rec.Outputs[0].Files, rec.Outputs[0].Quarantine) {
		all = append(all, filepath.Base(f)+" "+sumOf(t, filepath.Join(dir, f)))
	}
	return all
}

// checkManifest holds the digests of a manifest against the files.
func checkManifest(t *testing.T, dir, dataset string, adopted bool) {
	t.Helper()
	m := manifestOf(t, dir, dataset)
	for _, f := range m.Files {
		path := filepath.Join(dir, dataset, filepath.Base(f.Path))
		if sumOf(t, path) != f.SHA256 {
			t.Errorf("%s: the manifest has another SHA-256", path)
		}
		if adopted { // a file of others: nothing was encoded, and what was read had no digests
			continue
		}
		for g, chunks := range chunksOf(t, path) {
			if len(f.Chunks[g]) != len(chunks) {
				t.Errorf("row group %d has %d chunks, the manifest %d", g, len(chunks), len(f.Chunks[g]))
			}
			for i, c := range m.Schema {
				if got := fmt.Sprintf("%016x", xxh3.HashString(chunks[c.Name])); got != f.Chunks[g][i] {
					t.Errorf("row group %d, column %s: the digest is %s, the manifest says %s", g, c.Name, got, f.Chunks[g][i])
				}
			}
		}
		if len(f.Footer) != 16 {
			t.Errorf("the footer's digest is %q", f.Footer)
		}
	}
}
