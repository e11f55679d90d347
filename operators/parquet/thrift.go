package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// checkThrift walks through a structure in the compact protocol of Thrift and makes sure
// that what decodes it allocates no more than a footer of its size deserves: each list is
// as long as it says, and structures are not so short that they are far larger in memory.
func checkThrift(text []byte) error {
	w := &thriftWalker{rest: text}
	if err := w.value(thriftStruct, 0); err != nil {
		return err
	}
	// A structure takes up to some 400 bytes in memory.
	if int64(w.structs)*400 > 32*int64(len(text))+1<<20 {
		return fmt.Errorf("%d structures in %d bytes", w.structs, len(text))
	}
	return nil
}

const (
	thriftTrue, thriftFalse, thriftByte = 1, 2, 3
	thriftI16, thriftI32, thriftI64     = 4, 5, 6
	thriftDouble, thriftBinary          = 7, 8
	thriftList, thriftSet, thriftMap    = 9, 10, 11
	thriftStruct, thriftUUID            = 12, 13

	maxThriftDepth = 64
)

type thriftWalker struct {
	rest    []byte
	structs int
}

var errThrift = errors.New("it ends before its structures do")

func (w *thriftWalker) take(n uint64) ([]byte, error) {
	if n > uint64(len(w.rest)) {
		return nil, errThrift
	}
	b := w.rest[:n]
	w.rest = w.rest[n:]
	return b, nil
}

func (w *thriftWalker) varint() (uint64, error) {
	v, k := binary.Uvarint(w.rest)
	if k <= 0 {
		return 0, errThrift
	}
	w.rest = w.rest[k:]
	return v, nil
}

func (w *thriftWalker) value(kind byte, depth int) (err error) {
	if depth > maxThriftDepth {
		return errors.New("its structures are nested too deeply")
	}
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		_, err = w.take(1)
	case thriftI16, thriftI32, thriftI64:
		_, err = w.varint()
	case thriftDouble:
		_, err = w.take(8)
	case thriftUUID:
		_, err = w.take(16)
	case thriftBinary:
		var n uint64
		if n, err = w.varint(); err == nil {
			_, err = w.take(n)
		}
	case thriftList, thriftSet:
		err = w.list(depth)
	case thriftMap:
		err = w.pairs(depth)
	case thriftStruct:
		err = w.fields(depth)
	default:
		return fmt.Errorf("it has a value of the unknown type %d", kind)
	}
	return err
}

// listHead reads how many elements a list has, and of which type.
func (w *thriftWalker) listHead() (n uint64, kind byte, err error) {
	head, err := w.take(1)
	if err != nil {
		return 0, 0, err
	}
	n, kind = uint64(head[0]>>4), head[0]&15
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return 0, 0, err
		}
	}
	if n > uint64(len(w.rest)) {
		return 0, 0, fmt.Errorf("a list says it has %d elements, and %d bytes are left", n, len(w.rest))
	}
	return n, kind, nil
}

func (w *thriftWalker) list(depth int) error {
	n, kind, err := w.listHead()
	if err != nil {
		return err
	}
	for range n {
		if err := w.value(kind, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *thriftWalker) pairs(depth int) error {
	n, err := w.varint()
	if err != nil || n == 0 {
		return err
	}
	if n > uint64(len(w.rest)) {
		return fmt.Errorf("a map says it has %d pairs, and %d bytes are left", n, len(w.rest))
	}
	kinds, err := w.take(1)
	if err != nil {
		return err
	}
	for range n {
		if err := w.value(kinds[0]>>4, depth+1); err != nil {
			return err
		}
		if err := w.value(kinds[0]&15, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *thriftWalker) fields(depth int) error {
	w.structs++
	for {
		head, err := w.take(1)
		if err != nil {
			return err
		}
		kind := head[0] & 15
		if kind == 0 {
			return nil
		}
		if head[0]>>4 == 0 {
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if kind == thriftTrue || kind == thriftFalse {
			continue // the value is in the kind
		}
		if err := w.value(kind, depth+1); err != nil {
			return err
		}
	}
}
