package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/format"
)

// pageHeader is the header of a page, as far as it is of use. It is decoded by ourselves:
// parquet-go does not tell an absent checksum from one that is 0, and its decoder takes
// memory for statistics that nobody reads.
type pageHeader struct {
	kind           format.PageType
	plain, packed  int32  // the size of the body unpacked, and in the file
	crc            uint32 // valid where hasCRC
	hasCRC         bool
	described      bool // the structure that goes with the kind is there
	n              int32
	encoding       format.Encoding
	rep, def       format.Encoding // of the levels, in version 1
	repLen, defLen int32           // of the levels in bytes, in version 2
	rows           int32           // in version 2
	stored         bool            // version 2: the values are not compressed
}

// hasValues reports whether it is a page with values of rows.
func (h *pageHeader) hasValues() bool {
	return h.described && (h.kind == format.DataPage || h.kind == format.DataPageV2)
}

func (h *pageHeader) isDictionary() bool { return h.described && h.kind == format.DictionaryPage }

// values is how many values a page has, those that are null among them.
func (h *pageHeader) values() int {
	if h.hasValues() || h.isDictionary() {
		return int(h.n)
	}
	return 0
}

var errHeader = errors.New("it lacks a field that it must have")

// parseHeader decodes the header of a page at the beginning of text, and gives its size.
// errThrift says that the text may be too short.
func parseHeader(text []byte) (h pageHeader, size int, err error) {
	w := &thriftWalker{rest: text}
	var have uint
	var described uint // the structures that are there, by their ids
	err = w.each(func(id int16, kind byte) (bool, error) {
		switch {
		case id == 1 && kind == thriftI32:
			have |= 1
			v, err := w.i32()
			h.kind = format.PageType(v)
			return true, err
		case id == 2 && kind == thriftI32:
			have |= 2
			h.plain, err = w.i32()
			return true, err
		case id == 3 && kind == thriftI32:
			have |= 4
			h.packed, err = w.i32()
			return true, err
		case id == 4 && kind == thriftI32:
			v, err := w.i32()
			h.crc, h.hasCRC = uint32(v), true
			return true, err
		case kind == thriftStruct && (id == 5 || id == 7 || id == 8):
			described |= 1 << id
			return true, h.describe(w, id)
		}
		return false, nil
	})
	switch {
	case err != nil:
		return h, 0, err
	case have != 7:
		return h, 0, errHeader
	}
	switch h.kind {
	case format.DataPage:
		h.described = described == 1<<5
	case format.DictionaryPage:
		h.described = described == 1<<7
	case format.DataPageV2:
		h.described = described == 1<<8
	default:
		return h, len(text) - len(w.rest), nil // of a kind that is passed over
	}
	if !h.described {
		return h, 0, errHeader
	}
	return h, len(text) - len(w.rest), nil
}

// describe reads the structure of one kind of page: 5 a page of version 1, 7 a
// dictionary, 8 a page of version 2.
func (h *pageHeader) describe(w *thriftWalker, kind int16) error {
	var unused int32
	var fields []any
	switch kind {
	case 5:
		fields = []any{&h.n, &h.encoding, &h.def, &h.rep}
	case 7:
		fields = []any{&h.n, &h.encoding}
	case 8:
		fields = []any{&h.n, &unused, &h.rows, &h.encoding, &h.defLen, &h.repLen}
	}
	have := 0
	err := w.each(func(id int16, t byte) (bool, error) {
		if kind == 8 && id == 7 && (t == thriftTrue || t == thriftFalse) {
			h.stored = t == thriftFalse
			return true, nil
		}
		if id < 1 || int(id) > len(fields) || t != thriftI32 {
			return false, nil
		}
		have |= 1 << (id - 1)
		v, err := w.i32()
		switch field := fields[id-1].(type) {
		case *int32:
			*field = v
		case *format.Encoding:
			*field = format.Encoding(v)
		}
		return true, err
	})
	if err == nil && have != 1<<len(fields)-1 {
		err = errHeader
	}
	return err
}

// check holds the sizes that a header names against each other and against bounds.
func (h *pageHeader) check() error {
	packed, plain := int64(h.packed), int64(h.plain)
	switch {
	case packed < 0 || plain < 0:
		return fmt.Errorf("a page of %d bytes, %d unpacked", packed, plain)
	case plain > maxPage:
		return fmt.Errorf("a page of %d bytes unpacked; at most %d are read", plain, maxPage)
	case plain > freePage && plain > maxRatio*packed:
		return fmt.Errorf("a page of %d bytes that unpacks to %d", packed, plain)
	case h.n < 0:
		return errors.New("it has a negative number of values")
	}
	return nil
}

// each calls visit for the fields of a structure; what visit does not take is passed over.
func (w *thriftWalker) each(visit func(id int16, kind byte) (taken bool, err error)) error {
	id := int16(0)
	for {
		head, err := w.take(1)
		if err != nil {
			return err
		}
		kind := head[0] & 15
		if kind == 0 {
			return nil
		}
		if delta := head[0] >> 4; delta > 0 {
			id += int16(delta)
		} else {
			v, k := binary.Varint(w.rest)
			if k <= 0 {
				return errThrift
			}
			w.rest, id = w.rest[k:], int16(v)
		}
		taken, err := visit(id, kind)
		if err == nil && !taken && kind != thriftTrue && kind != thriftFalse {
			err = w.value(kind, 1)
		}
		if err != nil {
			return err
		}
	}
}

// i64 reads a whole number.
func (w *thriftWalker) i64() (int64, error) {
	v, k := binary.Varint(w.rest)
	if k <= 0 {
		return 0, errThrift
	}
	w.rest = w.rest[k:]
	return v, nil
}

func (w *thriftWalker) i32() (int32, error) {
	v, err := w.i64()
	if err == nil && (v < math.MinInt32 || v > math.MaxInt32) {
		err = errors.New("a number does not fit in 32 bits")
	}
	return int32(v), err
}
