package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/format"
)

// leafReader reads one leaf of a row group, page by page.
type leafReader struct {
	*leaf
	pages dataPages
	page  *page // nil before the first and after the last
	entry int   // the next one of the page
	value int   // the next value of the page: the nulls have none
	out   output
	// rep and def are the levels of what was read since take, where the leaf is nested.
	rep, def []byte
	nested   bool
	picked   picked
}

func newLeafReader(l *leaf, src io.ReaderAt, size int64, chunk *format.ColumnMetaData, nested, dictionary bool) (*leafReader, error) {
	pages, err := chunkPages(src, size, chunk)
	if err != nil {
		return nil, err
	}
	r := &leafReader{leaf: l, nested: nested, pages: dataPages{pageReader: pages, leaf: l, rest: chunk.NumValues}}
	r.out.width = l.width
	if dictionary {
		r.out.coding, r.out.width = newCoding(l.width), 4
	}
	return r, nil
}

var errFewer = errors.New("it has fewer rows than the footer says")

// read appends the next n rows to the output, which will have hint. A row of a list ends where the next begins,
// so that it may go on in the next page.
func (r *leafReader) read(n, hint int) error {
	begun := 0
	for {
		if r.page == nil || r.entry == r.page.entries {
			if begun == n && r.page != nil && r.maxRep == 0 {
				return nil
			}
			more, err := r.nextPage()
			if err != nil {
				return err
			}
			if !more {
				if begun == n {
					return nil
				}
				return errFewer
			}
			continue
		}
		k, rows := r.span(n - begun)
		if k == 0 {
			return nil
		}
		if err := r.append(k, hint); err != nil {
			return err
		}
		begun += rows
		if r.maxRep == 0 && begun == n {
			return nil
		}
	}
}

// nextPage reads a page; false is the end.
func (r *leafReader) nextPage() (bool, error) {
	if r.page != nil && r.page.entries > 0 && r.pages.rest == 0 {
		return false, nil
	}
	p, err := r.pages.next()
	if err != nil || p == nil {
		return false, err
	}
	r.page, r.entry, r.value = p, 0, 0
	return true, nil
}

// span is how many entries of the page belong to at most n further rows, and how many of
// these begin among them.
func (r *leafReader) span(n int) (entries, rows int) {
	if r.page.rep == nil {
		k := min(n, r.page.entries-r.entry)
		return k, k
	}
	for i, level := range r.page.rep[r.entry:] {
		if level == 0 {
			if rows == n {
				return i, rows
			}
			rows++
		}
	}
	return r.page.entries - r.entry, rows
}

// append takes the next k entries of the page; hint is how many rows there will be.
func (r *leafReader) append(k, hint int) error {
	p := r.page
	if r.nested {
		if err := r.levels(k); err != nil {
			return err
		}
	}
	var def []byte
	if p.def != nil {
		def = p.def[r.entry : r.entry+k]
	}
	used, err := r.entries(def, k, p.vals, r.value, hint)
	r.entry, r.value = r.entry+k, r.value+used
	return err
}

// entries appends k entries of the page with the levels def, or its level where that is
// nil, and the values from one on; it says how many values they have.
func (r *leafReader) entries(def []byte, k int, vals *values, from, hint int) (used int, err error) {
	if def == nil {
		switch level := r.page.level; {
		case level == r.maxDef:
			return k, r.values(vals, from, k, hint)
		case level >= r.slot:
			return 0, r.out.nulls(k)
		}
		return 0, nil
	}
	for i := 0; i < len(def); {
		j := i + 1
		switch kind := r.kind(def[i]); kind {
		case isValue:
			for j < len(def) && def[j] == r.maxDef {
				j++
			}
			if err := r.values(vals, from+used, j-i, hint); err != nil {
				return used, err
			}
			used += j - i
		default:
			for j < len(def) && r.kind(def[j]) == kind {
				j++
			}
			if kind == isNull {
				if err := r.out.nulls(j - i); err != nil {
					return used, err
				}
			}
		}
		i = j
	}
	return used, nil
}

type entryKind int

const (
	isValue entryKind = iota
	isNull
	isNothing // an empty list, or one that is null, further up
)

func (r *leafReader) kind(def byte) entryKind {
	switch {
	case def == r.maxDef:
		return isValue
	case def >= r.slot:
		return isNull
	}
	return isNothing
}

// maxEntries bounds how many entries the rows of a batch have in a nested column.
const maxEntries = 1 << 27

func (r *leafReader) levels(k int) error {
	p := r.page
	if k > maxEntries-len(r.def) {
		return fmt.Errorf("a batch of its rows has more than %d values", maxEntries)
	}
	if r.maxRep > 0 {
		r.rep = append(r.rep, p.rep[r.entry:r.entry+k]...)
	}
	if p.def != nil {
		r.def = append(r.def, p.def[r.entry:r.entry+k]...)
	} else {
		r.def = repeat(r.def, p.level, k)
	}
	return nil
}

func (r *leafReader) values(vals *values, from, k, hint int) error {
	if from+k > vals.n {
		return fmt.Errorf("page %d: its levels say there are more values than it has", r.page.number)
	}
	if err := r.out.values(vals, from, from+k, hint); err != nil {
		return fmt.Errorf("page %d: %w", r.page.number, err)
	}
	return nil
}

// skip passes over n rows without taking their values. Whole pages of a column that is
// not repeated are not even unpacked.
func (r *leafReader) skip(n int) error {
	for begun := 0; ; {
		if r.page != nil && r.entry < r.page.entries {
			k, rows := r.span(n - begun)
			if k == 0 {
				return nil
			}
			r.pass(k)
			begun += rows
			continue
		}
		if begun == n && (r.maxRep == 0 || r.pages.rest == 0) {
			return nil
		}
		if r.maxRep == 0 {
			k, err := r.pages.skip(n - begun)
			if err != nil {
				return err
			}
			if k > 0 {
				r.page = nil
				begun += k
				continue
			}
		}
		more, err := r.nextPage()
		if err != nil {
			return err
		}
		if !more {
			return errFewer
		}
	}
}

// pass moves over k entries of the page.
func (r *leafReader) pass(k int) {
	p := r.page
	switch {
	case p.def != nil:
		r.value += count(p.def[r.entry:r.entry+k], r.maxDef)
	case p.level == r.maxDef:
		r.value += k
	}
	r.entry += k
}

func count(levels []byte, level byte) (n int) {
	for _, l := range levels {
		if l == level {
			n++
		}
	}
	return n
}
