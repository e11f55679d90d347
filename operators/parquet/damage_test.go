package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// region is a stretch of a file; of a small one every byte is damaged.
type region struct {
	name     string
	from, to int
}

// regionsOf names what a good file is made of.
func regionsOf(t *testing.T, e *pipeline.Env, text []byte) (all []region) {
	t.Helper()
	f := footerOfText(t, e, text)
	all = append(all, region{"magic", 0, 4})
	if err := f.open(); err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for i := range f.Metadata().RowGroups {
		for j := range f.Metadata().RowGroups[i].Columns {
			c := &f.Metadata().RowGroups[i].Columns[j]
			r, err := chunkPages(f, f.Size(), &c.MetaData)
			if err != nil {
				t.Fatal(err)
			}
			for r.at < r.end {
				at := r.at
				p, err := r.next(func(*pageHeader) bool { return false })
				if err != nil {
					t.Fatal(err)
				}
				body := int(r.at) - int(p.header.packed)
				all = append(all, region{"page header", int(at), body}, region{"page body", body, int(r.at)})
			}
			r.free()
			add := func(name string, from int64, n int32) {
				if n > 0 {
					all = append(all, region{name, int(from), int(from) + int(n)})
				}
			}
			add("offset index", c.OffsetIndexOffset, c.OffsetIndexLength)
			add("column index", c.ColumnIndexOffset, c.ColumnIndexLength)
			add("bloom filter", c.MetaData.BloomFilterOffset, c.MetaData.BloomFilterLength)
		}
	}
	return append(all, region{"footer", int(f.footerAt), len(text) - 8}, region{"footer length", len(text) - 8, len(text) - 4}, region{"tail", len(text) - 4, len(text)})
}

func footerOfText(t *testing.T, e *pipeline.Env, text []byte) *footer {
	t.Helper()
	save(t, e, "good.parquet", text)
	return footerOf(t, e, "good.parquet")
}

// published are the digests that a file would have been published with.
func published(t *testing.T, e *pipeline.Env, text []byte) pipeline.File {
	t.Helper()
	f := footerOfText(t, e, text)
	p := pipeline.File{Path: filepath.Join(e.Dir, "x.parquet"), Footer: fmt.Sprintf("%016x", xxh3.Hash(text[f.footerAt:len(text)-8]))}
	for i := range f.Metadata().RowGroups {
		var chunks []string
		for j := range f.Metadata().RowGroups[i].Columns {
			m := &f.Metadata().RowGroups[i].Columns[j].MetaData
			chunks = append(chunks, fmt.Sprintf("%016x", xxh3.Hash(text[chunkStart(m):chunkStart(m)+m.TotalCompressedSize])))
		}
		p.Chunks = append(p.Chunks, chunks)
	}
	return p
}

// everyWay reads a file in each way there is, and gives the rows, and what was proved
// wrong of them. Every error must say where it is.
func everyWay(t *testing.T, s pipeline.Source, e *pipeline.Env) (rows []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	in, err := s.Resolve(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, split := range in.Splits {
		keep := make([]bool, split.Rows)
		if split.Rows > 1<<20 {
			keep = keep[:0]
		}
		for i := range keep {
			keep[i] = i%50 == 7
		}
		some := []string{"some"}
		collect := func(to *[]string) func(arrow.RecordBatch) error {
			return func(b arrow.RecordBatch) error { *to = append(*to, text(b)...); return nil }
		}
		for _, f := range in.Schema.Fields() {
			split.Facts(f.Name)
			if _, _, err := split.Dictionary(ctx, e, f.Name); err != nil {
				return nil, err
			}
		}
		if len(keep) > 0 {
			r, err := split.OpenSome(ctx, e, nil, keep)
			if err == nil {
				err = pipeline.Each(ctx, r, collect(&some))
			}
			if err != nil {
				return nil, err
			}
		}
		if _, _, err := split.Pages(namesOf(in.Schema)); err != nil {
			return nil, err
		}
		from := len(rows)
		r, err := split.Open(ctx, e, nil)
		if err == nil {
			err = pipeline.Each(ctx, r, collect(&rows))
		}
		if err != nil {
			return nil, err
		}
		if len(rows)-from != int(split.Rows) {
			t.Errorf("%s: %d rows of %d, and no error", split.Name, len(rows)-from, split.Rows)
		}
		for i, k := range keep {
			if k && from+i < len(rows) {
				if some = some[1:]; len(some) == 0 || some[0] != rows[from+i] {
					t.Errorf("%s: row %d is another in OpenSome", split.Name, i)
					break
				}
			}
		}
	}
	return rows, nil
}

func namesOf(schema *arrow.Schema) (names []string) {
	for _, f := range schema.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// checkError makes sure that an error is one of the input, and says where.
func checkError(t *testing.T, what string, err error) {
	t.Helper()
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Kind != pipeline.BadInput || !strings.HasPrefix(e.Where, "x.parquet") && !filepath.IsAbs(e.Where) {
		t.Errorf("%s: %#v is not an error of the file", what, err)
	}
}

// damages calls try with copies of a file that are damaged in a region: every byte of it
// or, if it is large, some of them.
func damages(r *rand.Rand, text []byte, in region, most int, try func(what string, damaged []byte)) {
	var places []int
	for i := in.from; i < in.to; i++ {
		places = append(places, i)
	}
	if len(places) > most {
		r.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		places = places[:most]
		slices.Sort(places)
	}
	damaged := slices.Clone(text)
	for _, at := range places {
		damaged[at] ^= 1 << r.IntN(8)
		try(fmt.Sprintf("%s: byte %d flipped", in.name, at), damaged)
		if damaged[at] = 0; text[at] != 0 {
			try(fmt.Sprintf("%s: byte %d zeroed", in.name, at), damaged)
		}
		damaged[at] = text[at]
	}
	try(in.name+": cut off before", text[:in.from])
	try(in.name+": cut out", slices.Delete(slices.Clone(text), in.from, in.to))
	for i := in.from; i < in.to; i++ {
		damaged[i] = 0
	}
	try(in.name+": zeroed", damaged)
}

// Damage anywhere is an error that names the file, or the file still has all its rows, and
// every way to read it gives the same. With the digests of a file that was published, it is
// an error or changes nothing.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 1))
	most, long := 1, seed.Long() // long takes minutes
	if long {
		most = 8
	}
	e := env(t)
	for _, f := range corpus(t, 40) {
		want, err := func() ([]string, error) {
			save(t, e, "x.parquet", f.text)
			return everyWay(t, Files("x.parquet"), e)
		}()
		if err != nil || len(want) != f.rows {
			t.Fatalf("%s: %d rows, %v", f.name, len(want), err)
		}
		digests := published(t, e, f.text)
		regions := regionsOf(t, e, f.text)
		r.Shuffle(len(regions), func(i, j int) { regions[i], regions[j] = regions[j], regions[i] })
		seen := map[string]int{}
		for _, in := range regions {
			if seen[in.name]++; seen[in.name] > most && !long {
				continue
			}
			limit := most
			if in.name == "footer" {
				limit = 20 * most
			}
			damages(r, f.text, in, limit, func(what string, damaged []byte) {
				what = f.name + ": " + what
				save(t, e, "x.parquet", damaged)
				if _, err := everyWay(t, Files("x.parquet"), e); err != nil {
					checkError(t, what, err)
				}
				if len(damaged) == 0 {
					return
				}
				rows, err := everyWay(t, Source{files.Set{Written: []pipeline.File{digests}}}, e)
				if err != nil {
					checkError(t, what+", with digests", err)
				} else if !slices.Equal(rows, want) {
					t.Errorf("%s, with digests: other rows, and no error", what)
				}
				if t.Failed() {
					t.Fatal(what)
				}
			})
		}
	}
}

// A page that says it unpacks to very much more than it has is refused before memory is
// taken for it.
func TestBombsTakeNoMemory(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	b := fill(memory.DefaultAllocator, schema, 500, 1)
	for _, codec := range []string{"zstd", "snappy", "gzip"} {
		file := write(t, Format{Compression: codec}, schema, []arrow.RecordBatch{b})
		for _, in := range regionsOf(t, e, file) {
			if in.name != "page header" {
				continue
			}
			h, _, err := parseHeader(file[in.from:])
			if err != nil {
				t.Fatal(err)
			}
			// The size unpacked is the second field: 0x15, kind, 0x15, size.
			size := binary.AppendVarint(nil, int64(h.plain))
			bomb := slices.Replace(slices.Clone(file), in.from+3, in.from+3+len(size), binary.AppendVarint(nil, 1<<30)[:]...)
			save(t, e, "x.parquet", bomb)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = read(t.Context(), e, Files("x.parquet"), nil)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("a bomb was read")
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
				t.Errorf("%s: %d bytes were taken: %v", codec, took, err)
			}
		}
	}
}

// Little that stands for very much is refused before memory is taken for it.
func TestRunsTakeNoMemory(t *testing.T) {
	long := binary.AppendUvarint(nil, 1<<30<<1)
	runs := append(append(append(append([]byte{}, long...), 0), long...), 1)
	l := &leaf{maxDef: 1, typ: arrow.PrimitiveTypes.Int64, physical: format.Int64, size: 8, width: 8}
	allocs := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, test := range []struct {
		name string
		f    func() error
	}{
		{"levels", func() error { _, _, err := levels(nil, runs, 1, 1<<31); return err }},
		{"indexes", func() error {
			d := &dataPages{pageReader: &pageReader{scratch: &scratch{}}, leaf: l, dict: &values{}, page: page{entries: 1 << 30, vals: &values{}}}
			return d.decode(nil, append(append([]byte{}, long...), 1), format.RLEDictionary, append(append([]byte{0}, long...), 0))
		}},
		{"nulls of many bytes", func() error { return (&output{width: 200 << 20}).nulls(batchRows) }},
		{"values of many bytes", func() error {
			d := &values{n: 1, bytes: make([]byte, 1<<20), offsets: []uint32{0, 1 << 20}}
			return (&output{width: 16 << 20}).fixed(&values{dict: d, n: batchRows, indexes: make([]int32, batchRows)}, 0, batchRows, batchRows)
		}},
	} {
		var err error
		if took := allocs(func() { err = test.f() }); err == nil || took > 8<<20 {
			t.Errorf("%s: %d bytes were taken: %v", test.name, took, err)
		}
	}
}
