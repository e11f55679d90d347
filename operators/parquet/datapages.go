package parquet

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// dataPages reads the pages of a chunk as values of a column.
type dataPages struct {
	*pageReader
	leaf *leaf
	dict *values
	page page
	// rest is how many values of the chunk are not read yet.
	rest int64
	// places, if known, are where the pages with values are, and data is the next of them.
	places []place
	data   int
}

// wanted is every page with values.
func wanted(h *pageHeader) bool { return h.hasValues() || h.isDictionary() }

// next reads the next page of values; nil is the end of the chunk.
func (r *dataPages) next() (*page, error) {
	for {
		at := r.at
		raw, err := r.pageReader.next(wanted)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			if r.rest != 0 {
				return nil, errors.New("it has fewer values than the footer says")
			}
			return nil, nil
		}
		isPage, err := r.take(raw)
		if err == nil && isPage {
			err = r.placed(at)
		}
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", raw.number, err)
		}
		if isPage {
			return &r.page, nil
		}
	}
}

// placed makes sure that the page just read, which began at a byte, is where the offset
// index has it, and with as many values.
func (r *dataPages) placed(at int64) error {
	if r.places == nil {
		return nil
	}
	if r.data == len(r.places) {
		return errPlace
	}
	p := r.places[r.data]
	if r.data++; p.offset != at || p.offset+p.size != r.at || p.rows != r.page.entries {
		return errPlace
	}
	return nil
}

var errPlace = errors.New("it is not as the offset index says")

// skip passes over whole pages of at most n values in all, and says of how many.
func (r *dataPages) skip(n int) (skipped int, err error) {
	if r.places != nil && (r.dict != nil || r.at >= r.places[0].offset) {
		return r.jump(n)
	}
	for {
		at, number := r.at, r.number
		raw, err := r.pageReader.next((*pageHeader).isDictionary)
		if err != nil || raw == nil {
			return skipped, err
		}
		k := raw.header.values()
		switch {
		case raw.header.isDictionary():
			if _, err := r.take(raw); err != nil {
				return skipped, fmt.Errorf("page %d: %w", raw.number, err)
			}
			if r.places != nil {
				return r.jump(n)
			}
		case k > n-skipped:
			r.at, r.number = at, number
			return skipped, nil
		default:
			skipped += k
			if r.rest -= int64(k); r.rest < 0 {
				return skipped, errMore
			}
		}
	}
}

// jump is skip by the offset index: what is passed over is not read.
func (r *dataPages) jump(n int) (skipped int, err error) {
	for r.data < len(r.places) && r.places[r.data].rows <= n-skipped {
		skipped += r.places[r.data].rows
		r.data++
		r.number++
	}
	if skipped == 0 {
		return 0, nil
	}
	if r.rest -= int64(skipped); r.rest < 0 {
		return skipped, errMore
	}
	if r.at = r.end; r.data < len(r.places) {
		r.at = r.places[r.data].offset
	}
	return skipped, nil
}

var errMore = errors.New("it has more values than the footer says")

// take reads a page, and reports whether it has values of rows.
func (r *dataPages) take(raw *rawPage) (bool, error) {
	h := &raw.header
	switch {
	case h.isDictionary():
		return false, r.dictionary(raw)
	case h.hasValues():
		if r.rest -= int64(h.n); r.rest < 0 {
			return false, errMore
		}
		r.page.number, r.page.entries, r.page.vals = raw.number, int(h.n), &r.vals
		if h.kind == format.DataPage {
			return true, r.version1(h, raw.body)
		}
		return true, r.version2(h, raw.body)
	}
	return false, nil
}

// dictionary reads the page that the indexes of the others point into.
func (r *dataPages) dictionary(raw *rawPage) error {
	h := &raw.header
	if r.dict != nil {
		return errors.New("it is a second dictionary")
	}
	if h.encoding != format.Plain && h.encoding != format.PlainDictionary {
		return errEncoding(h.encoding)
	}
	body, err := r.unpack(raw.body, int(h.plain))
	if err != nil {
		return err
	}
	dict := &values{}
	if err := r.leaf.decode(dict, format.Plain, body, int(h.n)); err != nil {
		return err
	}
	dict.own(body)
	r.dict = dict
	return nil
}
