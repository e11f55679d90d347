package parquet

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

const (
	// maxDictionary and maxDictionaryBytes bound the dictionaries that are facts.
	maxDictionary, maxDictionaryBytes = 1 << 16, 4 << 20
	// walkAhead is how much is read at once to look at headers of pages only, in bytes.
	walkAhead = 4 << 10
)

// dictionary gives facts with the values of the column's dictionary, if every page of the
// chunk has indexes into it. It may have values that no row has: those that do are among
// them. What the facts of the footer say of nulls is said too.
func (f *footer) dictionary(ctx context.Context, of rowRange, name string) (facts pipeline.Facts, read int64, err error) {
	c := f.flat(name)
	if c == nil || !mayBeDictionary(&f.Metadata().RowGroups[of.group].Columns[c.flat().index].MetaData) {
		return facts, 0, nil
	}
	if err := ctx.Err(); err != nil {
		return facts, 0, err
	}
	if err := f.open(); err != nil {
		return facts, 0, err
	}
	defer f.close()
	where := fmt.Sprintf("%s: %v", f.name, of)
	defer func() {
		if p := recover(); p != nil {
			facts, err = pipeline.Facts{}, bad(where, "column %q is damaged: %v", name, p)
		}
	}()
	d := &dictionaryReader{footer: f, of: of, column: c}
	vals, read, err := d.values()
	if err != nil {
		return facts, read, columnError(where, name, err)
	}
	if vals == nil {
		return facts, read, nil
	}
	facts = f.facts(of, name)
	facts.Values, facts.NoNaN = vals, !hasNaN(vals)
	return facts, read, nil
}

type dictionaryReader struct {
	*footer
	of     rowRange
	column *column
}

// values reads the dictionary, or gives nil if it is not that of every page, or too large.
func (r *dictionaryReader) values() (_ arrow.Array, read int64, err error) {
	leaf := r.column.flat()
	chunk := &r.Metadata().RowGroups[r.of.group].Columns[leaf.index].MetaData
	l, err := newLeafReader(leaf, r.footer, r.Size(), chunk, false, false)
	if err != nil {
		return nil, 0, err
	}
	defer l.pages.free()
	pages := l.pages.pageReader
	if pages.ahead = walkAhead; r.digests.chunks != nil {
		pages.ahead = readBuffer // it is read whole
	}
	if err := r.verifyChunk(pages, r.of, leaf.index); err != nil {
		return nil, pages.read, err
	}
	raw, err := pages.next(func(h *pageHeader) bool {
		return h.isDictionary() && h.n <= maxDictionary && h.plain <= maxDictionaryBytes
	})
	if err != nil || raw == nil || raw.body == nil || !raw.header.isDictionary() {
		return nil, pages.read, err
	}
	if err := l.pages.dictionary(raw); err != nil {
		return nil, pages.read, fmt.Errorf("page %d: %w", raw.number, err)
	}
	if !provenDictionary(chunk) {
		all, err := onlyIndexes(pages)
		if err != nil || !all {
			return nil, pages.read, err
		}
	}
	dict := l.pages.dict
	if err := l.out.values(dict, 0, dict.n, dict.n); err != nil {
		return nil, pages.read, err
	}
	return l.out.take(pipeline.ValueType(r.column.field.Type)), pages.read, nil
}

// onlyIndexes walks over the headers of the pages that follow.
func onlyIndexes(pages *pageReader) (bool, error) {
	for {
		raw, err := pages.next(func(*pageHeader) bool { return false })
		if err != nil || raw == nil {
			return err == nil, err
		}
		if raw.header.hasValues() && !ofDictionary(raw.header.encoding) {
			return false, nil
		}
	}
}

func ofDictionary(e format.Encoding) bool {
	return e == format.RLEDictionary || e == format.PlainDictionary
}

// mayBeDictionary rules out what the footer says is not so.
func mayBeDictionary(m *format.ColumnMetaData) bool {
	some := false
	for _, e := range m.Encoding {
		some = some || ofDictionary(e)
	}
	for _, s := range m.EncodingStats {
		if isData(s.PageType) && s.Count > 0 && !ofDictionary(s.Encoding) {
			return false
		}
	}
	return some
}

// provenDictionary reports whether the footer says that every page has indexes: by the
// pages of each encoding, where these are told and there are any, or by encodings of which
// none but that of indexes is one of values. PLAIN may be that of the dictionary itself.
func provenDictionary(m *format.ColumnMetaData) bool {
	pages := int32(0)
	for _, s := range m.EncodingStats {
		if isData(s.PageType) && s.Count > 0 {
			pages++
		}
	}
	if pages > 0 {
		return true // mayBeDictionary has looked at which
	}
	for _, e := range m.Encoding {
		if !ofDictionary(e) && e != format.RLE && e != format.BitPacked {
			return false
		}
	}
	return m.Type != format.Boolean // whose values may be RLE
}

func isData(t format.PageType) bool { return t == format.DataPage || t == format.DataPageV2 }

func hasNaN(a arrow.Array) bool {
	switch a := a.(type) {
	case *array.Float32:
		for _, v := range a.Float32Values() {
			if v != v { // only NaN is not itself
				return true
			}
		}
	case *array.Float64:
		for _, v := range a.Float64Values() {
			if math.IsNaN(v) {
				return true
			}
		}
	case *array.Float16:
		return true
	}
	return false
}
