package parquet

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// The errors of a file that is not as it was published name the file, the row group and
// the column.
func TestDigests(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := fill(memory.DefaultAllocator, schema, 100, 1)
	file := write(t, Format{}, schema, []arrow.RecordBatch{b}, []arrow.RecordBatch{b})
	digests := published(t, e, file)
	m := &footerOfText(t, e, file).Metadata().RowGroups[1].Columns[1].MetaData
	for _, test := range []struct {
		name string
		at   int64
		want string
	}{
		{"nothing", -1, ""},
		{"chunk", chunkStart(m) + m.TotalCompressedSize - 1, `row group 1: column "s" is not as it was published: its digest is`},
		{"footer", int64(len(file) - 20), "its footer is not as it was published: its digest is"},
	} {
		damaged := append([]byte{}, file...)
		if test.at >= 0 {
			damaged[test.at] ^= 4
		}
		save(t, e, "x.parquet", damaged)
		rows, err := everyWay(t, Source{files.Set{Written: []pipeline.File{digests}}}, e)
		switch {
		case test.want == "" && (err != nil || len(rows) != 200):
			t.Errorf("%s: %d rows, %v", test.name, len(rows), err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	digests.Chunks = digests.Chunks[:1]
	save(t, e, "x.parquet", file)
	if _, err := everyWay(t, Source{files.Set{Written: []pipeline.File{digests}}}, e); err == nil || !strings.Contains(err.Error(), "it was not there") {
		t.Errorf("a row group without digests: %v", err)
	}
}

// The indexes of a published file are believed only if its footer has their digest.
func TestIndexesAreCovered(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := fill(memory.DefaultAllocator, schema, 500, 1)
	plain := byArrow(t, []arrow.RecordBatch{b}, arrowOptions["indexed"]...)
	from, to := footerOfText(t, e, plain).indexRange()
	covered := edit(t, plain, func(m *format.FileMetaData) {
		m.KeyValueMetadata = append(m.KeyValueMetadata, format.KeyValue{Key: indexKey, Value: fmt.Sprintf("%016x", xxh3.Hash(plain[from:to]))})
	})
	flipped := append([]byte{}, covered...)
	flipped[from+20] ^= 1
	for _, test := range []struct {
		name  string
		file  []byte
		parts bool
		err   bool
	}{{"without", plain, false, false}, {"with", covered, true, false}, {"damaged", flipped, false, true}} {
		digests := published(t, e, test.file)
		save(t, e, "x.parquet", test.file)
		in, err := Source{files.Set{Written: []pipeline.File{digests}}}.Resolve(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		parts, _, err := in.Splits[0].Pages([]string{"i"})
		if (err != nil) != test.err || len(parts) > 0 != test.parts {
			t.Errorf("%s: %d parts, %v", test.name, len(parts), err)
		}
	}
}

// A checksum that is there counts, also if it is 0.
func TestChecksumOfZero(t *testing.T) {
	h := format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{})}
	text, err := thrift.Marshal(new(thrift.CompactProtocol), h)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := parseHeader(text); err != nil || got.hasCRC {
		t.Errorf("an absent checksum: %+v, %v", got, err)
	}
	// The fourth field, an int32, after the third: 0x15 and the number.
	with := append(append(append([]byte{}, text[:6]...), 0x15, 0), text[6:]...)
	with[8] = 0x1c // the fifth field, a structure
	got, _, err := parseHeader(with)
	if err != nil || !got.hasCRC || got.crc != 0 || crc32.ChecksumIEEE(nil) != 0 {
		t.Errorf("a checksum of 0: %+v, %v", got, err)
	}
}

// Errors name the page.
func TestErrorsNameThePage(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64}}, nil)
	file := write(t, Format{Compression: "none"}, schema, []arrow.RecordBatch{fill(memory.DefaultAllocator, schema, 100, 1)})
	regions := regionsOf(t, e, file)
	file[regions[len(regions)-1].from-1]++ // no footer that long
	save(t, e, "x.parquet", file)
	if _, err := read(t.Context(), e, Files("x.parquet"), nil); err == nil || !strings.HasPrefix(err.Error(), "x.parquet: its footer") {
		t.Errorf("got %v", err)
	}
	file[regions[len(regions)-1].from-1]--
	for _, r := range regions {
		if r.name == "page body" {
			file[r.to-1] ^= 1
			break
		}
	}
	save(t, e, "x.parquet", file)
	_, err := read(t.Context(), e, Files("x.parquet"), nil)
	if want := `x.parquet: row group 0: column "i" is damaged: page 0: its checksum is `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
