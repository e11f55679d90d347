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
}

func newLeafReader(l *leaf, src io.ReaderAt, size int64, chunk *format.ColumnMetaData, nested, dictionary bool) (*leafReader, error) {
	pages, err := chunkPages(src, size, chunk)
	if err != nil {
		return nil, err
	}
	r := &leafReader{leaf: l, nested: nested, pages: dataPages{pageReader: pages, leaf: l, rest: chunk.NumValues}}
	r.out.width = l.width
	if dictionary {
		r.out.texts = &texts{}
		r.out.width = 4
	}
	return r, nil
}

var errFewer = errors.New("it has fewer rows than the footer says")

// read appends the next n rows to the output. A row of a list ends where the next begins,
// so that it may go on in the next page.
func (r *leafReader) read(n int) error {
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
		if err := r.append(k, n); err != nil {
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
		r.levels(k)
	}
	defer func() { r.entry += k }()
	if p.def == nil {
		switch {
		case p.level == r.maxDef:
			return r.values(k, hint)
		case p.level >= r.slot:
			r.out.nulls(k)
		}
		return nil
	}
	def := p.def[r.entry : r.entry+k]
	for i := 0; i < len(def); {
		j := i + 1
		switch kind := r.kind(def[i]); kind {
		case isValue:
			for j < len(def) && def[j] == r.maxDef {
				j++
			}
			if err := r.values(j-i, hint); err != nil {
				return err
			}
		default:
			for j < len(def) && r.kind(def[j]) == kind {
				j++
			}
			if kind == isNull {
				r.out.nulls(j - i)
			}
		}
		i = j
	}
	return nil
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

func (r *leafReader) levels(k int) {
	p := r.page
	if r.maxRep > 0 {
		r.rep = append(r.rep, p.rep[r.entry:r.entry+k]...)
	}
	if p.def != nil {
		r.def = append(r.def, p.def[r.entry:r.entry+k]...)
	} else {
		r.def = repeat(r.def, p.level, k)
	}
}

func (r *leafReader) values(k, hint int) error {
	if r.value+k > r.page.vals.n {
		return errors.New("its levels say there are more values than it has")
	}
	err := r.out.values(r.page.vals, r.value, r.value+k, hint)
	r.value += k
	if err != nil {
		return fmt.Errorf("page %d: %w", r.page.number, err)
	}
	return nil
}

// skip passes over n rows without taking their values. Whole pages of a column that is
// not repeated are not even unpacked.
func (r *leafReader) skip(n int) error {
	for n > 0 {
		if r.page != nil && r.entry < r.page.entries {
			k := min(n, r.page.entries-r.entry)
			r.pass(k)
			n -= k
			continue
		}
		k, err := r.pages.skip(n)
		if err != nil {
			return err
		}
		if n -= k; k > 0 {
			r.page = nil
			continue
		}
		more, err := r.nextPage()
		if err != nil {
			return err
		}
		if !more {
			return errFewer
		}
	}
	return nil
}

// pass moves over k entries of the page of a flat column.
func (r *leafReader) pass(k int) {
	p := r.page
	switch {
	case p.def != nil:
		for _, l := range p.def[r.entry : r.entry+k] {
			if l == r.maxDef {
				r.value++
			}
		}
	case p.level == r.maxDef:
		r.value += k
	}
	r.entry += k
}
