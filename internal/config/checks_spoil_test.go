package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// sample is the rows of all sources on a day.
type sample struct {
	day     int
	columns map[string][]string
	rows    map[string][]map[string]any
	// late is how much later than usual the files of countries were written, more how many
	// further files of it there are.
	late time.Duration
	more int
	// torn is whether a row of the file with a trailer is lost.
	torn bool
}

func sampleOf(day int) *sample {
	s := &sample{day: day, columns: map[string][]string{}, rows: map[string][]map[string]any{}}
	for _, name := range []string{"orders", "ledger"} {
		s.columns[name], s.rows[name] = orderColumns(), ordersOf(day)
	}
	for name, in := range sampleInputs {
		s.columns[name], s.rows[name] = in.columns, in.rows(day)
	}
	return s
}

// spoil changes the sample as a line says: see testdata/checks/README.md.
func (s *sample) spoil(bad *node) error { return s.spoilSource("orders", bad) }

func (s *sample) spoilSource(name string, bad *node) error {
	rows := s.rows[name]
	switch bad.text {
	case "":
	case "empty":
		s.rows[name] = rows[:0]
	case "few":
		s.rows[name] = rows[:5]
	case "twice":
		s.rows[name] = append(slices.Clone(rows), rows...)
	case "reversed":
		slices.Reverse(rows)
	default:
		return fmt.Errorf("how is %q bad?", bad.text)
	}
	for i, key := range bad.keys {
		if err := s.change(name, key.text, bad.values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *sample) change(source, what string, v *node) error {
	rows := s.rows[source]
	switch what {
	case "in":
		for i, key := range v.keys {
			if err := s.spoilSource(key.text, v.values[i]); err != nil {
				return err
			}
		}
	case "all":
		for i, key := range v.keys {
			for _, r := range rows {
				r[key.text] = s.valued(source, key.text, v.values[i])
			}
		}
	case "drop", "retype", "add", "first":
		return s.reshape(source, what, v)
	case "late":
		late, err := time.ParseDuration(v.text)
		s.late = late
		return err
	case "more":
		s.more = 1
	case "torn":
		s.torn = true
	case "day":
	case "stale":
		s.rows[source] = ordersOf(s.day - 1)
	default:
		if _, known := rows[0][what]; !known {
			return fmt.Errorf("no column %q", what)
		}
		if v.kind != sequence {
			rows[min(3, len(rows)-1)][what] = s.valued(source, what, v)
			return nil
		}
		for i, one := range v.values {
			rows[i][what] = s.valued(source, what, one)
		}
	}
	return nil
}

// valued is a value as JSON has it for a column.
func (s *sample) valued(source, column string, v *node) any {
	if v.kind != nothing && !slices.Contains([]string{"int64", "int64 not null", "float64", "bool"}, s.typeOf(source, column)) {
		return v.text
	}
	return plain(v)
}

func (s *sample) typeOf(source, column string) string {
	for _, c := range s.columns[source] {
		if name, typ, _ := strings.Cut(c, " "); name == column {
			return typ
		}
	}
	return ""
}

// reshape changes the columns.
func (s *sample) reshape(source, what string, v *node) error {
	columns := slices.Clone(s.columns[source])
	named := func(name string) int {
		return slices.IndexFunc(columns, func(c string) bool { return strings.HasPrefix(c, name+" ") })
	}
	switch what {
	case "drop":
		columns = slices.Delete(columns, named(v.text), named(v.text)+1)
	case "first":
		i := named(v.text)
		first := columns[i]
		columns = append([]string{first}, slices.Delete(columns, i, i+1)...)
	case "add":
		columns = append(columns, v.text+" string")
	case "retype":
		for i, key := range v.keys {
			columns[named(key.text)] = key.text + " " + v.values[i].text
			for _, r := range s.rows[source] {
				if text, ok := r[key.text].(string); ok && v.values[i].text == "binary" {
					r[key.text] = []byte(text)
				}
			}
		}
	}
	for _, r := range s.rows[source] {
		if what == "drop" {
			delete(r, v.text)
		}
	}
	s.columns[source] = columns
	return nil
}

// write writes the files of all sources.
func (s *sample) write(b *bench, day int) {
	b.Helper()
	in := filepath.Join(b.dir, "in", sampleDay(day).Format(time.DateOnly))
	second := filepath.Join(in, "countries-2.parquet")
	if s.more == 0 && b.written[second] != "" {
		delete(b.written, second)
		if err := os.Remove(second); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.MkdirAll(in, 0o755); err != nil {
		b.Fatal(err)
	}
	b.writeFeed(filepath.Join(in, "feed.csv"), s.torn)
	written := sampleDay(day + 1).Add(2 * time.Hour)
	for name, rows := range s.rows {
		at := written
		if name == "countries" {
			at = at.Add(s.late)
		}
		b.writeParquet(filepath.Join(in, name+".parquet"), s.columns[name], rows, at)
		if name == "countries" && s.more > 0 {
			b.writeParquet(second, s.columns[name], rows, at)
		}
	}
}

// writeFeed writes a file whose last line tells how many rows it has.
func (b *bench) writeFeed(path string, torn bool) {
	b.Helper()
	text := "id,amount\n"
	for row := range sampleRows {
		if !torn || row != 3 {
			text += fmt.Sprintf("%d,%g\n", row, amountOf(row, 0))
		}
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%sTRL,%d\n", text, sampleRows), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) writeParquet(path string, columns []string, rows []map[string]any, at time.Time) {
	b.Helper()
	var fields []arrow.Field
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		typ, required := strings.CutSuffix(typ, " not null")
		parsed, err := pipeline.ParseType(typ)
		if err != nil {
			b.Fatal(err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: parsed, Nullable: !required})
	}
	if rows == nil {
		rows = []map[string]any{}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		b.Fatal(err)
	}
	same := fmt.Sprint(columns, at, string(text))
	if b.written[path] == same {
		return
	}
	b.written[path] = same
	schema := arrow.NewSchema(fields, nil)
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader(text))
	if err != nil {
		b.Fatalf("%s: %v", path, err)
	}
	defer batch.Release()
	var out bytes.Buffer
	e, err := parquet.Format{}.Create(&out, schema)
	if err != nil {
		b.Fatal(err)
	}
	if batch.NumRows() > 0 {
		chunk, err := e.Encode(b.Context(), []arrow.RecordBatch{batch})
		if err == nil {
			err = e.Append(chunk)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		b.Fatal(err)
	}
}
