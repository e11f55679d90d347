package published

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/operators/files"
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

// publish writes a partition of a dataset as readers see it.
func publish(t *testing.T, dir, dataset string, p pipeline.Partition, text string, columns ...string) *pipeline.Manifest {
	t.Helper()
	visible := filepath.Join(dir, dataset, p.Dir())
	if err := os.MkdirAll(visible, 0o755); err != nil {
		t.Fatal(err)
	}
	m := &pipeline.Manifest{
		Format: pipeline.ManifestFormat, Dataset: dataset, Partition: p.String(), Version: 3,
		Files: []pipeline.File{{Path: "data/part-0.csv", Bytes: int64(len(text))}},
	}
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		m.Schema = append(m.Schema, pipeline.SchemaField{Name: name, Type: typ, Nullable: true})
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"part-0.csv": []byte(text), "_manifest.json": manifest} {
		if err := os.WriteFile(filepath.Join(visible, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func parse(t *testing.T, s pipeline.Scheme, value string) pipeline.Partition {
	t.Helper()
	p, err := s.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// read gives all rows, "1|2; 3|4", or the error.
func read(t *testing.T, env *pipeline.Env, s Source) string {
	t.Helper()
	in, err := s.Resolve(t.Context(), env)
	if err != nil {
		return err.Error()
	}
	var rows []string
	for i, split := range in.Splits {
		if got := in.Files[split.File].Path; !strings.HasPrefix(split.Name, got) {
			t.Errorf("split %d is of %s, its file is %s", i, split.Name, got)
		}
		r, err := split.Open(t.Context(), env, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				var cells []string
				for _, c := range b.Columns() {
					cells = append(cells, c.ValueStr(i))
				}
				rows = append(rows, strings.Join(cells, "|"))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(rows, "; ")
}

var days = pipeline.Scheme{By: pipeline.Day}

func TestRowsComeInTheOrderOfPartitions(t *testing.T) {
	env := testEnv(t)
	for i, day := range []string{"2026-01-30", "2026-01-31", "2026-02-01", "2026-02-03"} {
		publish(t, env.Dir, "w/x", parse(t, days, day), fmt.Sprintf("v\n%d\n%d\n", i, 10*i), "v int64")
	}
	publish(t, env.Dir, "w/all", pipeline.Partition{}, "v\n7\n", "v int64")
	publish(t, env.Dir, "w/month", parse(t, pipeline.Scheme{By: pipeline.Month}, "2026-02"), "v\n2\n", "v int64")
	day, month := parse(t, days, "2026-02-01"), parse(t, pipeline.Scheme{By: pipeline.Month}, "2026-02")
	weekend := pipeline.Scheme{By: pipeline.Day, Calendar: pipeline.Weekdays([]time.Weekday{time.Saturday, time.Sunday})}
	for _, test := range []struct {
		of   pipeline.Partition
		s    Source
		want string
	}{
		{day, Dataset("w/x"), "2; 20"},
		{day, Source{Dataset: "w/x", Last: 3}, "0; 0; 1; 10; 2; 20"},
		{day, Source{Dataset: "w/x", Offset: -1}, "1; 10"},
		{day, Source{Dataset: "w/x", Last: 2, Offset: -1}, "0; 0; 1; 10"},
		{month, Source{Dataset: "w/x", Partitions: &days, Map: Within, Skip: true}, "2; 20; 3; 30"},
		{month, Source{Dataset: "w/x", Partitions: &days, Map: Within, Skip: true, Last: 2}, "0; 0; 1; 10; 2; 20; 3; 30"},
		{month, Source{Dataset: "w/x", Partitions: &weekend, Map: Within, Skip: true}, "2; 20"},
		{day, Source{Dataset: "w/month", Partitions: &pipeline.Scheme{By: pipeline.Month}, Map: Whole}, "2"},
		{day, Source{Dataset: "w/all", Partitions: &pipeline.Scheme{}, Map: Whole}, "7"},
		{pipeline.Partition{}, Dataset("w/all"), "7"},
		{pipeline.Partition{By: pipeline.Key, Value: "eu"}, Source{Dataset: "w/all", Partitions: &pipeline.Scheme{}, Map: Whole}, "7"},
		{day, Source{Dataset: "w/none", Skip: true}, ""},
		{parse(t, days, "2026-02-03"), Source{Dataset: "w/x", Partitions: &weekend, Skip: true}, ""},
		{day, Source{Dataset: "w/x", Last: 4}, "w/x@2026-01-29 is not published\n\trun what publishes them first, or set `missing: skip` to do without"},
		{
			day,
			Source{Dataset: "w/x", Partitions: &days, Schema: arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.String}}, nil)},
			"w/x has other columns than its schema here says\n\tpublished: v int64\n\tschema: v string",
		},
	} {
		env.Partition = test.of
		if got := read(t, env, test.s); got != test.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", test.s, test.of, got, test.want)
		}
	}
}

func TestColumnsOfPartitions(t *testing.T) {
	env := testEnv(t)
	publish(t, env.Dir, "w/x", parse(t, days, "2026-01-01"), "v\n1\n", "v int64")
	publish(t, env.Dir, "w/x", parse(t, days, "2026-01-02"), "v,w\n2,b\n", "v int64", "w string")
	env.Partition = parse(t, days, "2026-01-02")
	want := "w/x@2026-01-01 and w/x@2026-01-02 have different schemas: w is only in the second\n\tset `drift: evolve` to take the columns of both, or read them as two sources"
	if got := read(t, env, Source{Dataset: "w/x", Last: 2}); got != want {
		t.Errorf("got %s", got)
	}
	if got := read(t, env, Source{Dataset: "w/x", Last: 2, Drift: files.Evolve}); got != "1|(null); 2|b" {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsNotAsItWasPublished(t *testing.T) {
	env := testEnv(t)
	env.Partition = parse(t, days, "2026-01-01")
	visible := filepath.Join(env.Dir, "w/x", env.Partition.Dir())
	for _, test := range []struct {
		harm func() error
		want string
	}{
		{
			func() error { return os.WriteFile(filepath.Join(visible, "part-0.csv"), []byte("v\n12\n"), 0o644) },
			"w/x@2026-01-01: part-0.csv has 5 bytes, and was published with 4\n\t`penstock verify` tells what else is not as it was published",
		},
		{
			func() error { return os.Remove(filepath.Join(visible, "part-0.csv")) },
			"w/x@2026-01-01: part-0.csv is gone\n\t`penstock verify` tells what else is not as it was published",
		},
		{func() error {
			return os.WriteFile(filepath.Join(visible, "_manifest.json"), []byte(`{"format": 1, "partition": "2026-01-02"}`), 0o644)
		}, "the manifest of w/x@2026-01-01 is of partition 2026-01-02, in format 1; 2026-01-01 in format 1 is expected\n\t`penstock verify` tells what else is not as it was published"},
	} {
		publish(t, env.Dir, "w/x", env.Partition, "v\n1\n", "v int64")
		if err := test.harm(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, env, Dataset("w/x")); got != test.want {
			t.Errorf("got %s\nwant %s", got, test.want)
		}
	}
}

// A pinned version is read where it lies, whatever is visible.
func TestPinnedVersionsAreRead(t *testing.T) {
	env := testEnv(t)
	env.Partition = parse(t, days, "2026-01-01")
	publish(t, env.Dir, "w/x", env.Partition, "v\n1\n", "v int64")
	kept := filepath.Join(env.Dir, "kept")
	if err := os.MkdirAll(filepath.Join(kept, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kept, "data", "part-0.csv"), []byte("v\n9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m := publish(t, t.TempDir(), "w/x", env.Partition, "v\n9\n", "v int64")
	env.Pin = func(dataset, partitionDir string) (*pipeline.Manifest, string, string, error) {
		if dataset != "w/x" || partitionDir != "day=2026-01-01" {
			return nil, "", "", fs.ErrNotExist
		}
		return m, "digest", kept, nil
	}
	if got := read(t, env, Dataset("w/x")); got != "9" {
		t.Errorf("got %s", got)
	}
	in, err := Source{Dataset: "w/x", Last: 2, Skip: true}.Resolve(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	want := []pipeline.InputRecord{
		{Dataset: "w/x", Partition: "2025-12-31", Missing: true},
		{Dataset: "w/x", Partition: "2026-01-01", Version: 3, Manifest: "digest", Data: m.DataDigest()},
	}
	if fmt.Sprint(in.Published) != fmt.Sprint(want) || in.Files[0].Path != "kept/data/part-0.csv" {
		t.Errorf("got %+v of %v", in.Published, in.Files)
	}
}

// Where a calendar begins there is nothing before it.
func TestWindowsAtTheBeginningOfACalendar(t *testing.T) {
	listed := pipeline.Scheme{By: pipeline.Day, Calendar: pipeline.Listed("2026-01-05", "2026-01-09", "2026-02-01")}
	p := parse(t, listed, "2026-01-09")
	for _, test := range []struct {
		s    Source
		want string
	}{
		{Source{Dataset: "w/x", Last: 2}, "[w/x@2026-01-05 w/x@2026-01-09]"},
		{Source{Dataset: "w/x", Last: 3, Skip: true}, "[w/x@2026-01-05 w/x@2026-01-09]"},
		{Source{Dataset: "w/x", Offset: -2, Skip: true}, "[]"},
		{Source{Dataset: "w/x", Last: 3}, "[] w/x: the calendar has 2 partitions up to 2026-01-09, and the window wants 3\n\tset `missing: skip` to do with fewer, or begin later than 2026-01-09"},
		{Source{Dataset: "w/x", Offset: -2}, "[] the calendar (a list of 3) has no partition before 2026-01-05"},
	} {
		refs, err := test.s.Needs(listed, p)
		got := fmt.Sprint(refs)
		if err != nil {
			got += " " + err.Error()
		}
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.s, got, test.want)
		}
	}
}
