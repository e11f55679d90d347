package penstock_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	_ "github.com/duckdb/duckdb-go/v2" // a writer that is not ours
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

var hostileSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "small", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
	{Name: "u", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32},
	{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_ms, Nullable: true},
	{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "code", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "none", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

// hostileGroups are the rows of three row groups: one where all is well; one with nulls,
// NaN, an empty text and negative numbers; one of a few rows, most of them null. The
// dictionary of code has an entry that no row uses.
func hostileGroups() (all []arrow.RecordBatch) {
	id := 0
	for group, n := range []int{150, 200, 5} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, hostileSchema)
		put := func(column, every int, value any) {
			f := b.Field(column)
			if group > 0 && every > 0 && id%every == 0 || group == 2 && every > 0 {
				f.AppendNull()
			} else if err := f.AppendValueFromString(fmt.Sprint(value)); err != nil {
				panic(err)
			}
		}
		for range n {
			id++
			put(0, 0, id)
			put(1, 7, id%40-10*group)
			put(2, 9, id%100-group*50)
			put(3, 11, id*12_000_000)
			put(4, 0, fmt.Sprintf("2001-%02d-%02d", 1+id/30%12, 1+id%28))
			put(5, 13, fmt.Sprintf("%d-03-04 05:06:07.089Z", 1960+id%90))
			price := float64(id%90) / 8
			if group == 1 && id%30 == 1 {
				price = math.NaN()
			}
			put(6, 17, price)
			put(7, 19, string(rune('A'+id%(3+group))))
			name := fmt.Sprintf("é%03d%s", id%170, strings.Repeat("ü\U0010ffff", id%30))
			if id == 200 {
				name = ""
			}
			put(8, 21, name)
			put(9, 23, group == 0 || id%2 == 0)
			b.Field(10).AppendNull()
		}
		batch := b.NewRecordBatch()
		unused := batch.Column(7).(*array.Dictionary)
		more := codes("Z", "A", "B", "C", "D", "E")
		indexes := array.NewInt32Builder(memory.DefaultAllocator)
		for i := range unused.Len() {
			if unused.IsNull(i) {
				indexes.AppendNull()
			} else {
				indexes.Append(int32(unused.ValueStr(i)[0]-'A') + 1)
			}
		}
		cols := batch.Columns()
		cols[7] = array.NewDictionaryArray(unused.DataType(), indexes.NewArray(), more)
		all = append(all, array.NewRecordBatch(hostileSchema, cols, batch.NumRows()))
	}
	return all
}

// hostileFiles are the rows as several writers have them.
func hostileFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	groups := hostileGroups()
	files := map[string][]byte{"ours": ours(t, parquet.Format{}, groups), "ours, bloom": ours(t, parquet.Format{Bloom: []string{"code", "name", "id", "u"}}, groups)}
	for name, options := range map[string][]pq.WriterProperty{
		"arrow, indexed":    {pq.WithPageIndexEnabled(true), pq.WithDataPageSize(100), pq.WithBatchSize(8)},
		"arrow, plain":      {pq.WithDictionaryDefault(false), pq.WithPageIndexEnabled(true), pq.WithDataPageSize(100), pq.WithBatchSize(8), pq.WithDataPageVersion(pq.DataPageV2)},
		"arrow, falls back": {pq.WithDictionaryPageSizeLimit(20), pq.WithDataPageSize(100), pq.WithBatchSize(16)},
		"arrow, bloom":      {pq.WithBloomFilterEnabled(true), pq.WithBloomFilterNDV(500)},
	} {
		var file bytes.Buffer
		w, err := pqarrow.NewFileWriter(hostileSchema, &file, pq.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range groups {
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		files[name] = file.Bytes()
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	from, to := filepath.Join(dir, "from.parquet"), filepath.Join(dir, "to.parquet")
	if err := os.WriteFile(from, files["ours"], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"V1", "V2"} {
		if _, err := db.Exec(fmt.Sprintf("COPY (FROM read_parquet('%s')) TO '%s' (FORMAT parquet, PARQUET_VERSION %s)", from, to, version)); err != nil {
			t.Fatal(err)
		}
		if files["duckdb "+version], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// ours has each batch in a row group.
func ours(t *testing.T, f parquet.Format, groups []arrow.RecordBatch) []byte {
	t.Helper()
	var file bytes.Buffer
	enc, err := f.Create(&file, groups[0].Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range groups {
		c, err := enc.Encode(t.Context(), []arrow.RecordBatch{b})
		if err == nil {
			err = enc.Append(c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// shown are the rows of a Parquet file, column by column.
func shown(t *testing.T, env *pipeline.Env, path string) string {
	t.Helper()
	in, err := parquet.Files(path).Resolve(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	cols := make([][]string, in.Schema.NumFields())
	for _, split := range in.Splits {
		r, err := split.Open(t.Context(), env, nil)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := r.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, col := range b.Columns() {
				for row := range col.Len() {
					cols[i] = append(cols[i], col.ValueStr(row))
				}
			}
			b.Release()
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text := ""
	for i, f := range in.Schema.Fields() { // whether as a dictionary is the file's affair
		text += fmt.Sprintf("%s %v %q\n", f.Name, pipeline.ValueType(f.Type), cols[i])
	}
	return text
}

// stagesOf are two stages that judge, each by half of the rules, and one that puts rows
// aside and writes.
func stagesOf(judged, aside []gates.Rule) (stages []pipeline.Stage) {
	var half [2][]gates.Rule
	for i, r := range judged {
		half[i%2] = append(half[i%2], r)
	}
	for i, rules := range half {
		stages = append(stages, pipeline.Stage{Name: string(rune('a' + i)), From: []string{"file"}, Gates: gates.Of(rules...)})
	}
	return append(stages, pipeline.Stage{
		Name: "c", From: []string{"file"}, Gates: gates.Of(append(aside, judged[:20]...)...),
		Output: &pipeline.Output{Path: "out", Format: parquet.Format{}},
	})
}

func judgedRules() (rules []gates.Rule) {
	add := func(r gates.Rule) {
		r.Name = fmt.Sprintf("r%d", len(rules))
		rules = append(rules, r)
	}
	for i, text := range []string{
		"id > 0", "id <= 355", "id < 160", "n >= 0", "n >= -10 && n < 40", "small < 100", "small >= 0", "u >= 12000000u", "u > 2147483648u", "u <= 4260000000u",
		`day >= "2001-01-01"`, `day < "2001-06-01"`, `at < timestamp("2050-01-01T00:00:00Z")`, `at > timestamp("1970-01-01T00:00:00Z")`,
		"price >= 0.0", "price < 11.2", "!(price > 11.2)", `code >= "A"`, `code < "Z"`, `code != "Z"`, `code == "Z"`, `name != "none"`, `name >= "a"`, `name < "é1700"`, `name == ""`,
		`size(name) > 0`, "flag", "flag || id > 150", "none > 0", "none == null", "n == null || n < 40", `code in ["A", "B", "C", "D"]`, "100 / n < 200", "id in [1000, 2000]",
	} {
		add(gates.Rule{Check: gates.Rows(text)})
		if i%3 > 0 {
			continue
		}
		add(gates.Rule{Check: gates.Rows(text), Nulls: gates.NullsFail, AtMost: gates.Share(0.2), Where: "id > 150"})
	}
	for i, c := range []gates.Check{
		gates.NotNull("id"), gates.NotNull("n", "code"), gates.NotNull("none"), gates.Between("id", 1, 355), gates.Between("price", 0, 20), gates.Between("n", -5, 100),
		gates.Matches("code", "^[A-E]$"), gates.Matches("name", "^é"), gates.Accepted("code", "A", "B", "C", "D", "E"), gates.Accepted("code", "A", "Z"), gates.Accepted("n", 1, 2, 3),
		gates.Unique("id"), gates.Unique("code", "n"), gates.References("code", "codes", "code"), gates.References("name", "codes", "code"), gates.References("n", "codes", "n"),
	} {
		add(gates.Rule{Check: c})
		add(gates.Rule{Check: c, Where: []string{"id <= 150", `code == "B"`}[i%2], AtMost: gates.Count(3)})
	}
	for _, text := range []string{"rows() == 355", "count_if(n < 0) == 0", `count_if(code == "Z") == 0`, "count_if(price > 100.0) == 0"} {
		add(gates.Rule{Check: gates.Expect(text)})
	}
	for _, column := range []string{"id", "n", "small", "u", "day", "at", "price", "code", "name", "flag", "none"} {
		for _, text := range []string{"count(%s) > 300", "nulls(%s) == 0", "null_share(%s) < 0.1", "min(%s) != null", "max(%s) != null", "distinct(%s) > 5", "sum(%s) > 0"} {
			r := gates.Rule{Check: gates.Expect(fmt.Sprintf(text, column))}
			if _, err := gates.Of(r).Bind(hostileSchema, pipeline.Surroundings{}); err == nil {
				add(r)
			}
		}
	}
	return rules
}

var asideRules = []gates.Rule{
	{Name: "q1", Check: gates.Rows("price < 11.2"), Else: gates.Quarantine},
	{Name: "q2", Check: gates.Rows(`code != "D"`), Else: gates.Quarantine},
	{Name: "q3", Check: gates.NotNull("small"), Else: gates.Quarantine, Where: "id < 200"},
	{Name: "q4", Check: gates.Rows("id < 1000 && n >= -20"), Else: gates.Quarantine, Nulls: gates.NullsFail, AtMost: gates.Share(0.1)},
}

// Gates say and write the same of Parquet files by what these say of their rows and by the
// rows, whoever wrote the file, and however poor, absurd or contradictory its statistics,
// indexes and filters are made here. Statistics that simply lie (a greatest below some
// value, fewer nulls than there are) are out of scope: nothing in the file tells.
func TestParquetEvidenceAndScanAgree(t *testing.T) {
	dir := t.TempDir()
	stages := stagesOf(judgedRules(), asideRules)
	rungs := map[string]int{}
	see := func(stage pipeline.Stage, file []byte, scan bool) saw {
		if err := os.WriteFile(filepath.Join(dir, "file.parquet"), file, 0o644); err != nil {
			t.Fatal(err)
		}
		env := &pipeline.Env{Dir: dir, Temp: t.TempDir(), Workers: 1, Alloc: memory.DefaultAllocator, ForceScan: scan}
		return lookAt(t, env, []pipeline.Stage{stage}, pipeline.NamedSource{Name: "file", Source: parquet.Files("file.parquet")}, pipeline.NamedSource{Name: "codes", Source: parquet.Files("codes.parquet")})
	}
	if err := os.WriteFile(filepath.Join(dir, "codes.parquet"), ours(t, parquet.Format{}, hostileGroups()[:1]), 0o644); err != nil {
		t.Fatal(err)
	}
	files := hostileFiles(t, dir)
	for turn, writer := range slices.Sorted(maps.Keys(files)) {
		file := files[writer]
		for s, stage := range stages {
			want := see(stage, file, true)
			if want.Err != "" {
				t.Fatal(want.Err)
			}
			seen := map[string]bool{}
			for i, h := range hostilities {
				if i > 0 && (i+turn)%3 == s {
					continue // another writer's files get this one
				}
				if penstock.RaceEnabled && i%4 > 0 {
					continue // it takes ten times as long
				}
				patched := h.make(t, file)
				if seen[string(patched)] {
					continue // what it changes the file doesn't have
				}
				seen[string(patched)] = true
				got := see(stage, patched, false)
				if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(saw{}), asEver); diff != "" {
					t.Errorf("%s, %s, stage %s, scan and evidence differ:\n%s", writer, h.name, stage.Name, diff)
				}
				if h.change == nil {
					for rung, n := range got.rungs {
						rungs[rung] += n
					}
				}
			}
		}
	}
	t.Logf("honest files: %v", rungs)
	for _, rung := range []string{"footer", "dictionary", "scan"} {
		if rungs[rung] == 0 {
			t.Errorf("%d findings were decided by %s; all: %v", rungs[rung], rung, rungs)
		}
	}
}
