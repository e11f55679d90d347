package files_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

func testEnv(t *testing.T) *pipeline.Env {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	return &pipeline.Env{Alloc: alloc, Dir: t.TempDir(), Workers: 1, Memory: pipeline.NewBudget(1 << 30)}
}

func write(t *testing.T, env *pipeline.Env, name, text string) {
	t.Helper()
	path := filepath.Join(env.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read gives the schema and all rows of a source as text.
func read(t *testing.T, env *pipeline.Env, s pipeline.Source, columns ...string) (string, error) {
	t.Helper()
	in, err := s.Resolve(t.Context(), env)
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range in.Schema.Fields() {
		names = append(names, f.Name+":"+pipeline.TypeName(f.Type))
	}
	lines := []string{strings.Join(names, " ")}
	for _, split := range in.Splits {
		r, err := split.Open(t.Context(), env, columns)
		if err != nil {
			return "", err
		}
		err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				var cells []string
				for _, c := range b.Columns() {
					cells = append(cells, strings.ReplaceAll(c.ValueStr(i), array.NullValueStr, "null"))
				}
				lines = append(lines, strings.Join(cells, "|"))
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return strings.Join(lines, "\n"), nil
}

func TestSources(t *testing.T) {
	env := testEnv(t)
	env.Partition = pipeline.Partition{By: pipeline.Key, Value: "eu"}
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	fmt.Fprint(z, "a,b\n1,x\n")
	z.Close()
	zst, _ := zstd.NewWriter(nil)
	write(t, env, "gz/a.csv.gz", gz.String())
	write(t, env, "gz/b.csv.zst", string(zst.EncodeAll([]byte("a,b\n2,y\n"), nil)))
	write(t, env, "types.csv", "\xef\xbb\xbfi,f,b,d,t,s,zip,empty\n1,1.5,true,2001-07-31,2001-07-31 01:02:03,x,01234,\n-2,3,false,2001-08-01,2001-08-01T00:00:00Z,\"a,\"\"b\"\"\",99999,\n,,,,,,,\n")
	write(t, env, "semi.csv", "a;b\n1;NA\n2;\"x;y\"\n")
	write(t, env, "bare.csv", "1,x\n2,y\n")
	write(t, env, "one/a.csv", "a,b\n1,x\n")
	write(t, env, "one/b.csv", "a,b\n2,y\n")
	write(t, env, "drift/a.csv", "a,b\n1,x\n")
	write(t, env, "drift/b.csv", "b,a,c\nz,2,true\n")
	write(t, env, "keys.csv", "k,v\neu,1\nus,2\neu,3\n")
	write(t, env, "nullkey.csv", "k,v\neu,1\n,2\n")
	write(t, env, "eu/part.csv", "a\n7\n")
	write(t, env, "rows.jsonl", `{"i": 1, "f": 1, "s": "x", "l": [1, 2]}`+"\n\n"+`{"f": 2.5, "b": true, "i": null}`+"\n")
	write(t, env, "bad.jsonl", "{\"i\": 1}\n{\"i\": \n")
	write(t, env, "list.jsonl", "[1]\n")
	write(t, env, "mixed.jsonl", "{\"i\": 1}\n{\"i\": \"x\"}\n")
	write(t, env, "more.jsonl", "{\"i\": 1}\n{\"i\": 2, \"j\": 3}\n")
	write(t, env, "header.csv", "a,b\n")
	write(t, env, "nothing.csv", "\n")
	write(t, env, "x.arrow", "this is no arrow file")
	if err := os.Mkdir(filepath.Join(env.Dir, "dir.csv"), 0o755); err != nil {
		t.Fatal(err)
	}
	set := func(by string, drift files.Drift, paths ...string) files.Set {
		return files.Set{Paths: paths, PartitionBy: by, Drift: drift}
	}
	i64 := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	for _, test := range []struct {
		name   string
		source pipeline.Source
		want   string
	}{
		{"inferred types", csv.Files("types.csv"), "i:int64 f:float64 b:bool d:date t:timestamp[us, UTC] s:string zip:string empty:string\n1|1.5|true|2001-07-31|2001-07-31T01:02:03Z|x|01234|null\n-2|3|false|2001-08-01|2001-08-01T00:00:00Z|a,\"b\"|99999|null\nnull|null|null|null|null|null|null|null"},
		{"compressed, by glob", csv.Files("gz/*"), "a:int64 b:string\n1|x\n2|y"},
		{"delimiter and null", csv.Source{Set: set("", "", "semi.csv"), Delimiter: ';', Null: []string{"NA"}}, "a:int64 b:string\n1|null\n2|x;y"},
		{"no header", csv.Source{Set: set("", "", "bare.csv"), NoHeader: true, Schema: arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int32}, {Name: "s", Type: arrow.BinaryTypes.String}}, nil)}, "n:int32 s:string\n1|x\n2|y"},
		{"no header, no schema", csv.Source{Set: set("", "", "bare.csv"), NoHeader: true}, "error: bare.csv: has no header, and no schema is declared\n\tdeclare the columns with `schema`"},
		{"sorted, each once", csv.Files("one/b.csv", "one/*.csv"), "a:int64 b:string\n1|x\n2|y"},
		{"drift fails", csv.Files("drift/*.csv"), "error: drift/a.csv and drift/b.csv have different schemas: column 1 is a in the first, b in the second\n\tset `drift: evolve` to take the columns of both, or read them as two sources"},
		{"drift evolves", csv.Source{Set: set("", files.Evolve, "drift/*.csv")}, "a:int64 b:string c:bool\n1|x|null\n2|z|true"},
		{"only the key", csv.Source{Set: set("k", "", "keys.csv")}, "k:string v:int64\neu|1\neu|3"},
		{"a null key", csv.Source{Set: set("k", "", "nullkey.csv")}, "error: nullkey.csv: 1 rows have no k: they belong to no partition and would be lost\n\tleave out partition_by, or fill the column in before"},
		{"a key that is none", csv.Source{Set: set("v", "", "keys.csv")}, "error: partition_by: v is a int64 column; a date, timestamp or string column is needed"},
		{"no such key", csv.Source{Set: set("x", "", "keys.csv")}, "error: partition_by: there is no column \"x\"\n\tcolumns are k, v"},
		{"a template", csv.Files("{partition}/part.csv"), "a:int64\n7"},
		{"a template of time", csv.Files("{year}/part.csv"), "error: path \"{year}/part.csv\": {year} needs partitions by time, these are by key"},
		{"an unknown placeholder", csv.Files("{part}.csv"), "error: path \"{part}.csv\": {part} needs partitions by time, these are by key"},
		{"header alone", csv.Files("header.csv"), "a:string b:string"},
		{"empty lines alone", csv.Files("nothing.csv"), "error: nothing.csv: has no header"},
		{"a directory", csv.Files("dir.csv"), "error: dir.csv: is a directory; name its files, like dir.csv/*"},
		{"no match", csv.Files("on/*.csv"), "error: no file matches on/*.csv\n\tthere is no directory on in " + env.Dir},
		{"json lines", jsonl.Files("rows.jsonl"), "i:int64 f:float64 s:string l:list<int64> b:bool\n1|1|x|[1,2]|null\nnull|2.5|null|null|true"},
		{"torn json", jsonl.Source{Set: set("", "", "bad.jsonl"), Schema: i64}, "error: bad.jsonl: line 2: not a JSON object: unexpected end of JSON input at byte 5"},
		{"no object", jsonl.Files("list.jsonl"), "error: list.jsonl: line 1: not a JSON object: found array"},
		{"mixed types", jsonl.Files("mixed.jsonl"), "error: mixed.jsonl: line 2: column \"i\": values of different types, or objects\n\tdeclare the columns with `schema`"},
		{"a field too many", jsonl.Source{Set: set("", "", "more.jsonl"), Schema: i64}, "error: more.jsonl: line 2: unknown field \"j\"; did you mean \"i\"?\n\tdeclare it in the source's schema"},
		{"another type", jsonl.Source{Set: set("", "", "mixed.jsonl"), Schema: i64}, "error: mixed.jsonl: line 2: column \"i\": the value is no int64"},
	} {
		got, err := read(t, env, test.source)
		if err != nil {
			got = "error: " + err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	if _, err := read(t, env, ipc.Files("x.arrow")); err == nil || !strings.HasPrefix(err.Error(), "x.arrow: is not Arrow IPC: ") {
		t.Errorf("arrow: %v", err)
	}
	got, err := read(t, env, csv.Files("types.csv"), "b", "i")
	if err != nil || !strings.HasSuffix(got, "\n1|true\n-2|false\nnull|null") {
		t.Errorf("two columns: %s, %v", got, err)
	}
}

// Row groups outside of the partition are not opened, and only those that straddle its
// bounds are filtered.
func TestPartitionByProvesWithStatistics(t *testing.T) {
	env := testEnv(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "day", Type: &arrow.TimestampType{Unit: arrow.Microsecond}}, {Name: "v", Type: arrow.PrimitiveTypes.Int64}}, nil)
	var buf bytes.Buffer
	enc, err := parquet.Format{}.Create(&buf, schema)
	if err != nil {
		t.Fatal(err)
	}
	for group := range 6 { // twenty days each, from 2001-01-01
		b := array.NewRecordBuilder(env.Alloc, schema)
		for i := range 20 {
			day := int64(978307200) + int64(group*20+i)*86400
			b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(day * 1e6))
			b.Field(1).(*array.Int64Builder).Append(int64(group*20 + i))
		}
		rows := b.NewRecordBatch()
		c, err := enc.Encode(t.Context(), []arrow.RecordBatch{rows})
		if err != nil {
			t.Fatal(err)
		}
		if err := enc.Append(c); err != nil {
			t.Fatal(err)
		}
		rows.Release()
		b.Release()
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, env, "days.parquet", buf.String())
	total := 0
	for month, splits := range map[string]int{"2001-01": 2, "2001-02": 2, "2001-03": 3, "2001-04": 2, "2001-05": 0} {
		if env.Partition, err = (pipeline.Scheme{By: pipeline.Month}).Parse(month); err != nil {
			t.Fatal(err)
		}
		source := parquet.Source{Set: files.Set{Paths: []string{"days.parquet"}, PartitionBy: "day"}}
		in, err := source.Resolve(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		if len(in.Splits) != splits {
			t.Errorf("%s: %d splits, want %d", month, len(in.Splits), splits)
		}
		text, err := read(t, env, source, "v")
		if err != nil {
			t.Fatal(err)
		}
		total += strings.Count(text, "\n")
	}
	if total != 120 {
		t.Errorf("the months have %d rows together, want 120", total)
	}
}

// What a format writes it reads back, whatever the batches.
func TestFormatsReadWhatTheyWrite(t *testing.T) {
	types := map[string][]string{
		"bool": {"true"}, "int8": {"-5"}, "int64": {"9223372036854775807"}, "uint64": {"18446744073709551615"}, "float64": {"0.1", "-1e300"},
		"string": {"x", "a,\"b\"\nc", "é"}, "date": {"1969-12-31"}, "timestamp[us]": {"2001-07-31 01:02:03.000004"},
		"timestamp[ns, UTC]": {"2001-07-31 01:02:03.000004005Z"}, "decimal(10, 2)": {"-12.25"},
	}
	for _, format := range []pipeline.Format{csv.Format{}, jsonl.Format{}, ipc.Format{}, parquet.Format{}, parquet.Format{Compression: "none"}} {
		env := testEnv(t)
		var fields []arrow.Field
		for name := range types {
			typ, err := pipeline.ParseType(name)
			if err != nil {
				t.Fatal(err)
			}
			fields = append(fields, arrow.Field{Name: name, Type: typ, Nullable: true})
		}
		fields = append(fields, arrow.Field{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true})
		schema := arrow.NewSchema(fields, nil)
		var buf bytes.Buffer
		enc, err := format.Create(&buf, schema)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for chunk := range 3 {
			b := array.NewRecordBuilder(env.Alloc, schema)
			for row := range 50 {
				for i, f := range fields {
					samples := types[f.Name]
					if f.Name == "dict" {
						samples = []string{"ORD", "JFK"}
					}
					if (row+i+chunk)%4 == 0 {
						b.Field(i).AppendNull()
					} else if err := b.Field(i).AppendValueFromString(samples[row%len(samples)]); err != nil {
						t.Fatal(err)
					}
				}
			}
			rows := b.NewRecordBatch()
			for i := range int(rows.NumRows()) {
				var cells []string
				for _, c := range rows.Columns() {
					cells = append(cells, strings.ReplaceAll(c.ValueStr(i), array.NullValueStr, "null"))
				}
				want = append(want, strings.Join(cells, "|"))
			}
			half := rows.NewSlice(0, 20)
			rest := rows.NewSlice(20, 50)
			c, err := enc.Encode(t.Context(), []arrow.RecordBatch{half, rest})
			if err != nil {
				t.Fatalf("%v: %v", format, err)
			}
			if err := enc.Append(c); err != nil {
				t.Fatal(err)
			}
			for _, r := range []arrow.RecordBatch{half, rest, rows} {
				r.Release()
			}
			b.Release()
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		name := "out" + format.Ext()
		write(t, env, name, buf.String())
		got, err := read(t, env, format.Source(schema, pipeline.File{Path: filepath.Join(env.Dir, name)}))
		if err != nil {
			t.Errorf("%v: %v", format, err)
			continue
		}
		_, rows, _ := strings.Cut(got, "\n")
		if diff := cmp.Diff(strings.Join(want, "\n"), rows); diff != "" {
			t.Errorf("%v: %s", format, diff[:min(len(diff), 1500)])
		}
	}
}

// A file that unpacks to more than anyone would send is not read to its end.
func TestBombsAreRefused(t *testing.T) {
	env := testEnv(t)
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	write(t, env, "bomb.csv.gz", strings.Repeat(gz.String(), 18)) // gzip reads on in what follows
	r, err := files.Reader(filepath.Join(env.Dir, "bomb.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := int64(0)
	for {
		n, err := r.Read(zeros)
		read += int64(n)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "unpacks to more than") {
				t.Errorf("got %v", err)
			}
			break
		}
	}
	if read > 1<<30 {
		t.Errorf("read %d bytes", read)
	}
}

// What a split knows of a column stays where the files differ in another, or only in
// whether strings are a dictionary; of a column that is converted nothing is said.
func TestAdaptedSplitsKeepWhatTheyKnow(t *testing.T) {
	env := testEnv(t)
	save := func(name string, schema *arrow.Schema, json string) {
		b, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(json))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		var buf bytes.Buffer
		enc, err := parquet.Format{}.Create(&buf, schema)
		if err != nil {
			t.Fatal(err)
		}
		c, err := enc.Encode(t.Context(), []arrow.RecordBatch{b})
		if err == nil {
			err = enc.Append(c)
		}
		if err == nil {
			err = enc.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, env, name, buf.String())
	}
	text := arrow.Field{Name: "s", Type: arrow.BinaryTypes.String}
	save("a.parquet", arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int32}, text}, nil), `[{"n":1,"s":"a"},{"n":2,"s":"b"},{"n":3,"s":"a"}]`)
	save("b.parquet", arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, text, {Name: "more", Type: arrow.PrimitiveTypes.Int64}}, nil), `[{"n":4,"s":"c","more":1}]`)
	in, err := parquet.Source{Set: files.Set{Paths: []string{"*.parquet"}, Drift: files.Evolve}}.Resolve(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	first := in.Splits[0]
	for column, want := range map[string]bool{"s": true, "n": false, "more": false} {
		f, _, err := first.Dictionary(t.Context(), env, column)
		if err != nil || (f.Values != nil) != want {
			t.Errorf("the dictionary of %s: %v, %v", column, f.Values, err)
		}
	}
	if _, _, err := first.Pages([]string{"n", "s", "more"}); err != nil {
		t.Error(err)
	}
	if first.ColumnBytes("s") <= 0 || first.ColumnBytes("more") != 0 {
		t.Errorf("%d bytes of s, %d of more", first.ColumnBytes("s"), first.ColumnBytes("more"))
	}
	r, err := first.OpenSome(t.Context(), env, []string{"n", "more"}, []bool{true, false, true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if got := fmt.Sprint(b.Column(0), b.Column(1), b.Schema().Field(0).Type); got != "[1 3] [(null) (null)] int64" {
		t.Errorf("got %s", got)
	}
}
