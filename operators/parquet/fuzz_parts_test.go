package parquet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// asks calls a library that may panic, and reports whether it gave an answer.
func asks(f func() error) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return f() == nil
}

// FuzzPageHeader holds our decoder of page headers against parquet-go's.
func FuzzPageHeader(f *testing.F) {
	for _, h := range []format.PageHeader{
		{Type: format.DataPage, UncompressedPageSize: 7, CompressedPageSize: 9, CRC: 5, DataPageHeader: thrift.New(format.DataPageHeader{NumValues: 3, Encoding: format.RLEDictionary, Statistics: format.Statistics{MinValue: []byte("a")}})},
		{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: 3, IsSorted: true})},
		{Type: format.DataPageV2, CRC: -1, DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{NumValues: 3, DefinitionLevelsByteLength: 9, IsCompressed: thrift.New(false)})},
	} {
		text, err := thrift.Marshal(new(thrift.CompactProtocol), h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, size, err := parseHeader(text)
		if err != nil {
			return
		}
		if size <= 0 || size > len(text) {
			t.Fatalf("a header of %d bytes in %d", size, len(text))
		}
		var want format.PageHeader
		if !asks(func() error { return thrift.Unmarshal(new(thrift.CompactProtocol), text[:size], &want) }) {
			return
		}
		if got.kind != want.Type || got.plain != want.UncompressedPageSize || got.packed != want.CompressedPageSize || got.hasCRC && got.crc != uint32(want.CRC) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if !got.hasValues() && !got.isDictionary() {
			return
		}
		switch v := want.DataPageHeader.V; {
		case got.kind == format.DataPage && (got.n != v.NumValues || got.encoding != v.Encoding || got.rep != v.RepetitionLevelEncoding || got.def != v.DefinitionLevelEncoding):
			t.Errorf("got %+v, want %+v", got, v)
		}
		switch v := want.DataPageHeaderV2.V; {
		case got.kind == format.DataPageV2 && (got.n != v.NumValues || got.encoding != v.Encoding || got.repLen != v.RepetitionLevelsByteLength || got.defLen != v.DefinitionLevelsByteLength || got.stored != (v.IsCompressed.Valid && !v.IsCompressed.V)):
			t.Errorf("got %+v, want %+v", got, v)
		}
	})
}

// FuzzFooter opens a footer alone.
func FuzzFooter(f *testing.F) {
	schema := everything()
	batch := fill(memory.DefaultAllocator, schema, 5, 1)
	for _, file := range [][]byte{
		write(f, Format{}, schema, []arrow.RecordBatch{batch}),
		byArrow(f, []arrow.RecordBatch{fillNested(memory.DefaultAllocator, 5, 1)}, arrowOptions["bloom"]...),
	} {
		n := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
		f.Add(file[len(file)-8-n : len(file)-8])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if checkThrift(text) != nil {
			return
		}
		end := append(binary.LittleEndian.AppendUint32(bytes.Clone(text), uint32(len(text))), magic...)
		file := &footer{name: "x", footerAt: 1 << 20}
		size := file.footerAt + int64(len(end))
		if !asks(func() (err error) {
			file.File, err = parquet.OpenFile(tail{end, size}, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
			return err
		}) || !asks(file.check) || !asks(func() error { file.columns, file.refused = columnsOf(file.File); return nil }) {
			return
		}
		file.nulls = nullCountsOf(text)
		for i := range file.Metadata().RowGroups {
			for _, c := range file.columns {
				for _, of := range []rowRange{{group: i, all: true, to: file.Metadata().RowGroups[i].NumRows}, {group: i, from: 1, to: 2}} {
					if k := file.facts(of, c.field.Name); k.HasNulls && (k.Nulls < 0 || k.Nulls > max(1, file.Metadata().RowGroups[i].NumRows)) {
						t.Errorf("%d nulls of %d rows", k.Nulls, file.Metadata().RowGroups[i].NumRows)
					}
				}
				if file.columnBytes(i, c.field.Name) < 0 {
					t.Log("a sum of sizes overflows") // it is no more than a figure
				}
			}
		}
	})
}

// FuzzIndexes reads page indexes that may be none: what they give is consistent.
func FuzzIndexes(f *testing.F) {
	offsets, err := thrift.Marshal(new(thrift.CompactProtocol), format.OffsetIndex{PageLocations: thrift.Slice[format.PageLocation]{
		{Offset: 4, CompressedPageSize: 10}, {Offset: 14, CompressedPageSize: 10, FirstRowIndex: 5}, {Offset: 24, CompressedPageSize: 76, FirstRowIndex: 9},
	}})
	if err != nil {
		f.Fatal(err)
	}
	values, err := thrift.Marshal(new(thrift.CompactProtocol), format.ColumnIndex{
		NullPages: thrift.Slice[bool]{false, true, false}, MinValues: thrift.Slice[[]byte]{make([]byte, 8), nil, make([]byte, 8)}, MaxValues: thrift.Slice[[]byte]{make([]byte, 8), nil, bytes.Repeat([]byte{1}, 8)},
		NullCounts: thrift.Slice[int64]{1, 4, 0},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(offsets, values, byte(0))
	f.Add(offsets, values, byte(1))
	schema := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "f", Type: arrow.PrimitiveTypes.Float64}}, nil)
	file := write(f, Format{}, schema, []arrow.RecordBatch{fill(memory.DefaultAllocator, schema, 20, 1)})
	pf, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		f.Fatal(err)
	}
	base := &footer{File: pf}
	base.columns, base.refused = columnsOf(pf)
	f.Fuzz(func(t *testing.T, offsets, values []byte, column byte) {
		c := base.columns[int(column)%len(base.columns)]
		var index format.OffsetIndex
		var known format.ColumnIndex
		if checkThrift(offsets) != nil || checkThrift(values) != nil || decodeIndex(offsets, &index) != nil || decodeIndex(values, &known) != nil {
			return
		}
		pages := placesOf(index.PageLocations, &format.ColumnMetaData{DataPageOffset: 4, TotalCompressedSize: 96}, 20)
		rows, at := int64(0), int64(4)
		for i, p := range pages {
			if p.rows <= 0 || p.from != rows || p.size <= 0 || i > 0 && p.offset != at || p.offset < 4 {
				t.Fatalf("page %d: %+v", i, p)
			}
			rows, at = rows+int64(p.rows), p.offset+p.size
		}
		if pages == nil {
			return
		}
		if rows != 20 || at != 100 {
			t.Fatalf("%d rows, %d bytes", rows, at)
		}
		facts := base.factsOf(c, &known, pages)
		if facts == nil {
			return
		}
		for from := range int64(13) {
			part := rowRange{from: from, to: 20 - from/2}
			if k := (indexed{pages, facts}).within(part, base.facts(part, c.field.Name)); k.HasNulls && (k.Nulls < 0 || k.Nulls > part.to-part.from) {
				t.Errorf("%d nulls of %d rows", k.Nulls, part.to-part.from)
			}
		}
	})
}

// bitByBit decodes n indexes, slowly.
func bitByBit(text []byte, n int) (all []int32) {
	for rest := text; len(all) < n; {
		if len(all) == 0 {
			rest = text[1:]
		}
		r, after, err := nextRun(rest, uint(text[0]))
		if err != nil {
			return nil
		}
		for i := 0; i < r.n && len(all) < n; i++ {
			v := int32(r.value)
			if r.packed != nil {
				v = int32(bitsAt(r.packed, i*int(text[0]), uint(text[0])))
			}
			all = append(all, v)
		}
		rest = after
	}
	return all
}

// FuzzHybrid decodes runs of levels, and indexes as bitByBit does.
func FuzzHybrid(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, top := range []int32{1, 3, 200, 70000} {
		var all []int32
		for len(all) < 300 {
			v := r.Int32N(top)
			for range 1 + r.IntN(20) {
				all = append(all, v)
			}
		}
		text, err := parquet.RLEDictionary.EncodeInt32(nil, all)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, uint16(len(all)))
		f.Add(text, uint16(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint16) {
		got, err := indexes(nil, text, int(n))
		if err == nil && len(got) != int(n) {
			t.Fatalf("%d indexes, want %d", len(got), n)
		}
		if err == nil {
			if want := bitByBit(text, int(n)); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		for _, top := range []byte{1, 2, 3, 7} {
			all, constant, err := levels(nil, text, top, int(n))
			if err != nil || n == 0 {
				continue
			}
			if !constant && len(all) != int(n) || constant && len(all) != 1 || slices.Max(all) > top {
				t.Fatalf("levels to %d: %v", top, all)
			}
		}
	})
}

// FuzzDelta decodes lengths and byte arrays in the delta encodings as parquet-go does.
func FuzzDelta(f *testing.F) {
	texts, offsets := []byte("apple apples applet banana"), []uint32{0, 6, 13, 20, 26, 26}
	numbers, err := parquet.DeltaBinaryPacked.EncodeInt32(nil, []int32{5, 3, 900, 0, 1 << 30})
	if err != nil {
		f.Fatal(err)
	}
	sized, err := parquet.DeltaLengthByteArray.EncodeByteArray(nil, texts, offsets)
	if err != nil {
		f.Fatal(err)
	}
	shared, err := parquet.DeltaByteArray.EncodeByteArray(nil, texts, offsets)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range [][]byte{numbers, sized, shared} {
		f.Add(text, uint16(5))
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint16) {
		sane := checkDelta(text, int(n)) == nil // parquet-go takes memory for what it is told
		got, _, err := lengths(text, int(n))
		var want []int32
		if err == nil && sane && asks(func() (err error) { want, err = parquet.DeltaBinaryPacked.DecodeInt32(nil, text); return err }) && !slices.Equal(got, want) {
			t.Errorf("lengths: got %v, want %v", got, want)
		}
		for _, d := range []struct {
			decode func(*values, []byte, int) error
			oracle interface {
				DecodeByteArray(dst, src []byte, offsets []uint32) ([]byte, []uint32, error)
			}
		}{{deltaLengths, &parquet.DeltaLengthByteArray}, {deltaBytes, &parquet.DeltaByteArray}} {
			v := values{n: int(n)}
			if d.decode(&v, text, int(n)) != nil {
				continue
			}
			if len(v.offsets) != int(n)+1 || int(v.offsets[n]) > len(v.bytes) {
				t.Fatalf("%d offsets to %d of %d bytes", len(v.offsets), v.offsets[n], len(v.bytes))
			}
			var bytes0 []byte
			var ends []uint32
			if !sane || !asks(func() (err error) { bytes0, ends, err = d.oracle.DecodeByteArray(nil, text, nil); return err }) || len(ends) != int(n)+1 {
				continue
			}
			for i := range int(n) {
				if !bytes.Equal(v.byteArray(i), bytes0[ends[i]:ends[i+1]]) {
					t.Errorf("value %d is %q, want %q", i, v.byteArray(i), bytes0[ends[i]:ends[i+1]])
				}
			}
		}
	})
}

// FuzzValues decodes a page of every type in every encoding: values, as many as asked for,
// that can be gathered, or an error.
func FuzzValues(f *testing.F) {
	schema := everything()
	file := byArrow(f, []arrow.RecordBatch{fill(memory.DefaultAllocator, schema, 5, 1)})
	pf, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		f.Fatal(err)
	}
	columns, _ := columnsOf(pf)
	encodings := []format.Encoding{format.Plain, format.RLE, format.DeltaBinaryPacked, format.DeltaLengthByteArray, format.DeltaByteArray, format.ByteStreamSplit}
	for i := range columns {
		for j := range encodings {
			f.Add(byte(i), byte(j), bytes.Repeat([]byte{2, 0, 0, 0, 'a', 'b', 7}, 20), uint16(5))
		}
	}
	f.Fuzz(func(t *testing.T, column, encoding byte, body []byte, n uint16) {
		l := columns[int(column)%len(columns)].flat()
		var v values
		if l.decode(&v, encodings[int(encoding)%len(encodings)], body, int(n)) != nil {
			return
		}
		out := output{width: l.width}
		if err := out.values(&v, 0, int(n), int(n)); err != nil {
			return
		}
		a := out.take(l.typ)
		defer a.Release()
		if a.Len() != int(n) {
			t.Fatalf("%d values, want %d", a.Len(), n)
		}
		for i := range a.Len() {
			_ = a.ValueStr(i)
		}
	})
}

// FuzzBloom asks Bloom filters that may be none.
func FuzzBloom(f *testing.F) {
	file := byArrow(f, []arrow.RecordBatch{fill(memory.DefaultAllocator, one(arrow.PrimitiveTypes.Int64), 20, 1)}, arrowOptions["bloom"]...)
	pf, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		f.Fatal(err)
	}
	m := pf.Metadata().RowGroups[0].Columns[0].MetaData
	f.Add(file[m.BloomFilterOffset:], uint16(0), []byte("12345678"))
	f.Add(file, uint16(m.BloomFilterOffset), []byte{})
	f.Fuzz(func(t *testing.T, text []byte, at uint16, value []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, append([]byte(magic), text...), 0o644); err != nil {
			t.Fatal(err)
		}
		open, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		of := &footer{file: open, footerAt: int64(len(text) + 4)}
		if has, err := of.mayHave(&format.ColumnMetaData{BloomFilterOffset: int64(at) + 4}, value); err != nil && !has {
			t.Errorf("an error, and still a value that is not there: %v", err)
		}
	})
}
