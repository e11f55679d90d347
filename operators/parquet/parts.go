package parquet

import (
	"slices"
	"sort"

	"github.com/penstock-data/penstock/pipeline"
)

// maxParts bounds into how many parts a split is cut.
const maxParts = 4096

// indexed are the pages of a column of which something is known.
type indexed struct {
	pages []place
	facts []pipeline.Facts
}

// parts cuts rows of a row group where the pages of the columns end, as far as they have
// indexes. Columns that are nested, or without an index, have no part in this.
func (f *footer) parts(of rowRange, columns []string) (parts []pipeline.Part, read int64, err error) {
	if err := f.open(); err != nil {
		return nil, 0, err
	}
	defer f.close()
	known := map[string]indexed{}
	cuts := []int64{of.from, of.to}
	for _, name := range columns {
		c := f.flat(name)
		if c == nil {
			continue
		}
		pages, n, err := f.places(of.group, c.flat().index)
		if read += n; err != nil {
			return nil, read, err
		}
		if pages == nil {
			continue
		}
		facts, n, err := f.pageFacts(of.group, c, pages)
		if read += n; err != nil {
			return nil, read, err
		}
		if facts == nil {
			continue
		}
		known[name] = indexed{pages, facts}
		for _, p := range pages {
			if p.from > of.from && p.from < of.to {
				cuts = append(cuts, p.from)
			}
		}
	}
	slices.Sort(cuts)
	cuts = thin(slices.Compact(cuts))
	if len(cuts) <= 2 {
		return nil, read, nil
	}
	for i, from := range cuts[:len(cuts)-1] {
		part := rowRange{group: of.group, from: from, to: cuts[i+1]}
		parts = append(parts, pipeline.Part{Rows: part.to - part.from, Facts: func(column string) pipeline.Facts {
			return known[column].within(part, f.facts(part, column))
		}})
	}
	return parts, read, nil
}

// thin leaves out so many cuts that there are at most maxParts parts.
func thin(cuts []int64) []int64 {
	step := (len(cuts) - 2 + maxParts) / maxParts
	if step <= 1 {
		return cuts
	}
	var out []int64
	for i := 0; i < len(cuts)-1; i += step {
		out = append(out, cuts[i])
	}
	return append(out, cuts[len(cuts)-1])
}

// within is what is known of the rows of a part: all that the pages say that have them,
// and where they say nothing, what is known of the whole.
func (x indexed) within(part rowRange, whole pipeline.Facts) pipeline.Facts {
	first := sort.Search(len(x.pages), func(i int) bool { return x.pages[i].from+int64(x.pages[i].rows) > part.from })
	var low, high any
	noLow, noHigh, none := false, false, true
	nulls, rows, counted := int64(0), int64(0), true
	for i := first; i < len(x.pages) && x.pages[i].from < part.to; i++ {
		p, n := x.facts[i], int64(x.pages[i].rows)
		counted = counted && p.HasNulls
		nulls, rows = nulls+p.Nulls, rows+n
		if p.HasNulls && p.Nulls == n {
			continue // it has no values
		}
		none = false
		if noLow = noLow || p.Min == nil; !noLow && (low == nil || order(p.Min, low) < 0) {
			low = p.Min
		}
		if noHigh = noHigh || p.Max == nil; !noHigh && (high == nil || order(p.Max, high) > 0) {
			high = p.Max
		}
	}
	switch {
	case rows == 0:
		return whole
	case counted && rows == part.to-part.from:
		whole.Nulls, whole.HasNulls = nulls, true
	case counted && nulls == 0:
		whole.Nulls, whole.HasNulls = 0, true
	case counted && nulls == rows:
		whole.Nulls, whole.HasNulls = part.to-part.from, true
	}
	if none {
		return whole
	}
	if !noLow {
		whole.Min = low
	}
	if !noHigh {
		whole.Max = high
	}
	return whole
}
